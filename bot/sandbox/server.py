"""An ASGI app on a loopback port, in the running event loop: fast to start, fast to stop, quiet."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CLOSE_CONNECTION = "purser.close_connection"
"""ASGI extension: `scope["extensions"][CLOSE_CONNECTION]()` closes the connection once what was written is flushed."""

_GRACE = 0.1  # seconds that running requests get to finish when the server stops


class _ClosableProtocol(HttpToolsProtocol):
    """Offers the CLOSE_CONNECTION extension, so that a pretend server can hang up in the middle of an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CLOSE_CONNECTION: self.transport.close}  # type: ignore[dict-item]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the program around us."""
        yield


class LoopbackServer:
    """`async with LoopbackServer(app) as server:` serves `app` at `server.url`, on 127.0.0.1 and a free port unless one is given.

    The port is known (and connections queue) from construction on. `most_connections` is how many were open at once. Raises
    OSError when the port is taken.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._app = app
        self._stopping = False
        self.most_connections = 0
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self._serve_quietly,
            interface="asgi3",
            http=_ClosableProtocol,
            log_config=None,
            log_level="warning",
            timeout_keep_alive=60,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._server = _Server(config)
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "LoopbackServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns when requests are answered. Raises RuntimeError when the app's own start-up fails."""
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        try:
            await self._server.startup(sockets=[self._socket])
        except SystemExit as error:
            self._socket.close()
            raise RuntimeError("the app's start-up failed") from error
        self._ticking = asyncio.create_task(self._server.main_loop())

    async def stop(self) -> None:
        """Lets running requests finish for a moment, then drops every connection."""
        if self._ticking is None:
            self._socket.close()
            return
        self._ticking.cancel()
        self._ticking = None
        for listener in self._server.servers:
            listener.close()
        await self._drop_connections()
        await self._server.lifespan.shutdown()
        self._socket.close()

    async def _drop_connections(self) -> None:
        state = self._server.server_state
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(list(state.tasks), timeout=_GRACE)
        self._stopping = True
        for connection in list(state.connections):
            connection.transport.close()
        await asyncio.sleep(0)
        stubborn = list(state.tasks)
        for task in stubborn:
            task.cancel()
        await asyncio.gather(*stubborn, return_exceptions=True)

    async def _serve_quietly(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.most_connections = max(self.most_connections, len(self._server.server_state.connections))
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it, every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
