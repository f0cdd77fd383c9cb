"""Vendors that answer at once, or after `latency`: what a pretend vendor takes to draw its answers is not Purser's time."""

from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.vendors.base import PretendVendor

Answers = Mapping[tuple[str, str, bytes], Sequence[Message]]


def remember_answers(vendor: PretendVendor) -> Answers:
    """From now on every address is answered as it was the first time. Latency and the log of requests stay.

    Returns what has been answered, by method, path and query.
    """
    remembering = _Remembering(vendor.app.app)
    vendor.app.app = remembering
    return remembering.answers


def tell_apart(vendor: PretendVendor, *prefixes: bytes) -> None:
    """From now on `/NAME` before an address asks for an account of its own: what follows one of the `prefixes`
    in the answer begins with NAME."""
    vendor.app.app = _TellingApart(vendor.app.app, prefixes)


class _TellingApart:
    def __init__(self, app: ASGIApp, prefixes: Sequence[bytes]) -> None:
        self._app = app
        self._prefixes = prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, slash, path = scope["path"].removeprefix("/").partition("/")
        start: Message = {}

        async def renamed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body = message["body"]
            for prefix in self._prefixes:
                body = body.replace(prefix, prefix + name.encode())
            headers = [(key, value) for key, value in start["headers"] if key != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self._app({**scope, "path": slash + path}, receive, renamed)


class _Remembering:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answers: dict[tuple[str, str, bytes], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = (scope["method"], scope["path"], scope["query_string"])
        if address not in self.answers:
            self.answers[address] = await self._answered(scope, receive)
        for message in self.answers[address]:
            await send(message)

    async def _answered(self, scope: Scope, receive: Receive) -> list[Message]:
        messages: list[Message] = []

        async def note(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, note)
        return messages
