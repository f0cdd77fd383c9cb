"""Stopping work for a client that has left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Message, Receive, Send


class ClientLeft(Exception):
    """The client closed the connection before the answer was complete."""


@asynccontextmanager
async def as_long_as_wanted(receive: Receive, send: Send) -> AsyncIterator[Send]:
    """Cancels the block, wherever it waits, when the client leaves before the answer is complete. The block answers through what
    it is given. Raises ClientLeft then, and else what the block raises.
    """
    watch = _Watch(receive, send)
    try:
        yield watch.send
    except asyncio.CancelledError:
        if watch.is_to_blame():
            raise ClientLeft from None
        raise
    finally:
        watch.end()


class _Watch:
    """Like `asyncio.timeout`, it takes a cancellation for its own only when nobody else asked for one."""

    def __init__(self, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine always runs in a task
        self._task = task
        self._send = send
        self._asked_before = task.cancelling()
        self._has_cancelled = False
        self._listening = asyncio.create_task(_until_left(receive))
        self._listening.add_done_callback(self._left)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.end()  # from here on, the server says that the client left when all is well
        await self._send(message)

    def end(self) -> None:
        self._listening.remove_done_callback(self._left)
        self._listening.cancel()

    def is_to_blame(self) -> bool:
        return self._has_cancelled and self._task.uncancel() <= self._asked_before

    def _left(self, listening: asyncio.Task[None]) -> None:
        if not listening.cancelled():
            self._has_cancelled = True
            self._task.cancel()


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
