"""Socket Mode: the WebSocket over which an app without a public address hears Slack.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

_TYPES = {"command": "slash_commands", "interactive": "interactive", "event": "events_api"}


class SocketHub:
    """The app's open sockets. Slack picks one of them for each envelope; this one picks the newest."""

    def __init__(self, app_id: str, next_id: Callable[[str], str]) -> None:
        self._app_id = app_id
        self._next_id = next_id
        self._sockets: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[object]] = {}
        self.connected = asyncio.Event()
        self.violations: list[str] = []

    @property
    def is_open(self) -> bool:
        return bool(self._sockets)

    async def endpoint(self, socket: WebSocket) -> None:
        """`GET /link?ticket=…`, upgraded."""
        await socket.accept()
        self._sockets.append(socket)
        await socket.send_json(self._hello())
        self.connected.set()
        try:
            while True:
                self._acknowledged(await socket.receive_json())
        except WebSocketDisconnect:
            self._forget(socket)

    async def send(self, kind: str, payload: Mapping[str, Any], retry: Mapping[str, Any], within: float) -> object:
        """The payload of the app's acknowledgement (None: bare). Raises TimeoutError after `within` seconds."""
        envelope_id = self._next_id("envelope-")
        acknowledged: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = acknowledged
        envelope = {"envelope_id": envelope_id, "type": _TYPES[kind], "payload": payload}
        await self._sockets[-1].send_json({**envelope, "accepts_response_payload": kind != "event", **retry})
        try:
            async with asyncio.timeout(within):
                answer = await acknowledged
        finally:
            del self._waiting[envelope_id]
        if kind == "event" and answer is not None:
            self.violations.append("an event was acknowledged with a payload, which Socket Mode does not accept")
        return answer

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Asks the app to connect anew, as Slack does every few hours, and closes its sockets."""
        sockets, self._sockets = self._sockets, []
        self.connected.clear()
        for socket in sockets:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
            await socket.close()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }

    def _acknowledged(self, answer: Mapping[str, Any]) -> None:
        waiting = self._waiting.get(str(answer.get("envelope_id")))
        if waiting is None or waiting.done():
            self.violations.append("an envelope was acknowledged twice, too late, or never sent")
            return
        waiting.set_result(answer.get("payload"))

    def _forget(self, socket: WebSocket) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)
        if not self._sockets:
            self.connected.clear()
