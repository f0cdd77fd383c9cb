"""The bot's processes, started again whenever they end, as an init system does."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from bot.environment import VARIABLES

from ..nursery import Forked

STARTING = 60.0  # seconds for a process to be ready: six at once on a machine that does much else
PATIENCE = 30.0  # seconds for a process to end
BREATH = 0.2  # seconds before a process that ended by itself is started again


class Member:
    """One `purser` command. `ended` holds the exit codes of those that ended without being killed."""

    def __init__(self, command: str, environment: Mapping[str, str], folder: Path, name: str = "") -> None:
        self.command = command
        self.log = folder / f"{name or command}.log"
        self.ended: list[int] = []
        self._environment = environment
        self._folder = folder
        self._ending = False
        self._process: Forked
        self._keeping: asyncio.Task[None]

    async def start(self) -> None:
        self._spawn()
        self._keeping = asyncio.create_task(self._keep())

    def kill(self) -> None:
        """As the kernel does when memory runs out. Nothing when it is just being started again."""
        self._process.kill()

    async def end(self) -> float:
        """Asks it to end, as a rolling restart does, and forces it after a while; returns how many seconds it took."""
        begun = time.monotonic()
        self._ending = True
        self._ask()
        try:
            await asyncio.wait_for(asyncio.shield(self._keeping), PATIENCE)
        except TimeoutError:
            self.kill()
            await self._keeping
        return time.monotonic() - begun

    def _ask(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def _spawn(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
        environment = {**inherited, **self._environment}
        with self.log.open("ab") as said:
            self._process = Forked([self.command], environment, self._folder, said.fileno(), said.fileno())

    async def _keep(self) -> None:
        while True:
            code = await self._process.wait()
            if code != -signal.SIGKILL:
                self.ended.append(code)
                await asyncio.sleep(0 if self._ending else BREATH)
            if self._ending:
                return
            self._spawn()
            if self._ending:
                self._ask()


async def ready(url: str) -> None:
    """Waits for /readyz. Raises TimeoutError."""
    async with asyncio.timeout(STARTING), httpx.AsyncClient(trust_env=False, verify=False) as http:
        while not await is_ready(http, url):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)


async def is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz", timeout=5)).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def working(*members: Member) -> AsyncIterator[None]:
    """All of them run until the block ends; then each has ended."""
    async with AsyncExitStack() as stack:
        for member in members:
            await member.start()
        stack.push_async_callback(_ended, members)
        yield


async def _ended(members: Iterable[Member]) -> None:
    await asyncio.gather(*(member.end() for member in members))
