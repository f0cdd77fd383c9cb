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
