"""The most memory that a process holds while something goes on."""

import asyncio
from types import TracebackType

from tests.bench.servers import Server

LOOK_EVERY = 0.05  # seconds


class Peak:
    """`async with Peak(server) as peak:` watches; `before` is what it held at first, `most` the most since. In MiB."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.before = self.most = server.resident

    async def __aenter__(self) -> "Peak":
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watching.cancel()
        self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_EVERY)

    def _look(self) -> None:
        self.most = max(self.most, self._server.resident)
