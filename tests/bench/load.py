"""The load generator, a process of its own: `python -m tests.bench.load`, with an Order as JSON on standard input.

It sends one prepared request over and over on connections that stay open, so that it costs the machine far less than any server.
"""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import median, quantiles

LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Order:
    """`users` connections to `port` send `request` one after another, for `seconds` after `warm_up` answers each.

    Every answer must be a 200 whose body holds `wanted`.
    """

    port: int
    request: str
    wanted: str
    users: int
    seconds: float
    warm_up: int = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """`latency`: median seconds from request to whole answer, `slowest`: what one in a hundred takes longer than; `rate`: answers
    a second, of all users together."""

    latency: float
    rate: float
    slowest: float


class WrongAnswer(Exception):
    """The server did not say what was wanted; the message is its answer."""


async def ask_once(order: Order) -> None:
    """Raises what `measure` raises."""
    async with _User(order) as user:
        await user.ask()


async def measure(order: Order) -> Finding:
    """Raises WrongAnswer, and OSError or asyncio.IncompleteReadError when the server hangs up."""
    async with AsyncExitStack() as stack:
        users = [await stack.enter_async_context(_User(order)) for _ in range(order.users)]
        await asyncio.gather(*(user.warm_up() for user in users))
        started = time.perf_counter()
        await asyncio.gather(*(user.ask_until(started + order.seconds) for user in users))
        elapsed = time.perf_counter() - started
    latencies = [latency for user in users for latency in user.latencies]
    return Finding(median(latencies), len(latencies) / elapsed, quantiles(latencies, n=100)[-1])


class _User:
    """One connection."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._request = order.request.encode()
        self._wanted = order.wanted.encode()
        self.latencies: list[float] = []

    async def __aenter__(self) -> "_User":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._order.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def warm_up(self) -> None:
        for _ in range(self._order.warm_up):
            await self.ask()

    async def ask_until(self, deadline: float) -> None:
        while (started := time.perf_counter()) < deadline:
            await self.ask()
            self.latencies.append(time.perf_counter() - started)

    async def ask(self) -> None:
        self._writer.write(self._request)
        head = await self._reader.readuntil(LINE_END * 2)
        body = await self._reader.readexactly(_length(head))
        if not head.startswith(b"HTTP/1.1 200 ") or self._wanted not in body:
            raise WrongAnswer((head + body).decode(errors="replace"))


def _length(head: bytes) -> int:
    """Raises WrongAnswer when the answer is not of a length told beforehand."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise WrongAnswer(head.decode(errors="replace"))
    return int(rest.partition(LINE_END)[0])


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(measure(Order(**json.load(sys.stdin))))), sys.stdout)
