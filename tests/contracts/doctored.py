"""True answers with something done to them: an ASGI app around a pretend vendor's."""

import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Doctor = Callable[[bytes], bytes]


class Doctored:
    """Hands on what `app` answers. Bodies of requests whose path matches go through `doctor` first; the length is put right."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answers: list[bytes] = []
        self.leave_alone()

    def leave_alone(self) -> None:
        self.doctor("$^", bytes)
        self.answers.clear()

    def doctor(self, path: str, doctor: Doctor) -> None:
        self._path, self._doctor = re.compile(path), doctor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._path.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        changed = self._doctor(bytes(body))
        self.answers.append(changed)
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await send({**start, "headers": [*kept, (b"content-length", str(len(changed)).encode())]})
        await send({"type": "http.response.body", "body": changed})
