"""Runs what was wired until somebody tells it to end: a process that was told to ends with exit code 0."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Timer
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = 3  # seconds for open requests; whoever stops a container kills it 10 seconds later, and other work has to end, too
LONGEST = 8.0  # seconds for everything: a thread that waits for a database that stands still would be waited for without an end

log = structlog.get_logger()


async def serve(web: ASGIApp, listener: socket.socket) -> bool:
    """Answers HTTP; the app's lifespan holds everything else. False when it could not start."""
    config = uvicorn.Config(
        web,
        http="httptools",
        ws="none",  # nobody is offered a WebSocket: looking for a library that could speak it takes a part of the start
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing that we do depends on who asks
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    await server.serve(sockets=[listener])
    log.info("stopped")
    return server.started


async def work(running: AbstractAsyncContextManager[None]) -> None:
    """Background work alone."""
    stop = asyncio.Event()
    with _on_stop(lambda number, frame: stop.set()):
        async with running:
            log.info("working")
            await stop.wait()
    log.info("stopped")


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own raises the signal again when all is closed, which would look like a crash."""
        with _on_stop(self.handle_exit):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port, *_ = listener.getsockname()
            log.info("answering", host=host, port=port)


@contextmanager
def _on_stop(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `handle` in the event loop, instead of breaking off whatever runs; LONGEST later nothing does."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        leaving = Timer(LONGEST, _leave)
        leaving.daemon = True
        leaving.start()
        handle(number, None)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, told, number)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _leave() -> None:
    """What is half-way is taken up as after a crash."""
    log.warning("left before everything had ended")
    os._exit(0)
