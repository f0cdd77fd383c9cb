"""Slack's requests: the signature before anything is read, and nothing goes on that has not the shape of one.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

import structlog
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.domain.ports import Clock

OLDEST = timedelta(minutes=5)  # what Slack recommends against replays

log = structlog.get_logger(__name__)


Thing = dict[str, Any] | str | None


class _Typed(BaseModel):
    type: str


class _Facts(BaseModel):
    type: str | None = None
    team: Thing = None
    user: Thing = None
    channel: Thing = None
    enterprise: Thing = None


class _Payload(_Facts):
    """What Bolt takes for granted of every JSON payload, before it looks whether anybody listens."""

    event: _Facts = _Facts()
    view: _Typed = _Typed(type="")
    actions: Annotated[list[_Typed], Field(min_length=1)] = []
    authorizations: list[dict[str, Any]] | None = None
    response_url: str | None = None


class SlackRequests:
    """An ASGI app that lets signed requests through to `inside`, which may then believe what they say."""

    def __init__(self, signing_secret: str, clock: Clock, inside: Callable[[Request], Awaitable[Response]]) -> None:
        self._secret = signing_secret.encode()
        self._clock = clock
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive, send))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """401 for what Slack did not sign just now, 400 for what cannot be read."""
        body = await request.body()
        if not self._is_signed(request.headers, body):
            return PlainTextResponse("ok\n") if _is_certificate_check(body) else _reject(401, "Bad signature.\n", "bad_signature")
        if not _is_well_formed(request.headers.get("content-type", ""), body):
            return _reject(400, "Not understood.\n", "unexpected_shape")
        return await self._inside(request)

    def _is_signed(self, headers: Headers, body: bytes) -> bool:
        timestamp = headers.get("x-slack-request-timestamp", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
            return False
        if abs(self._clock().timestamp() - int(timestamp)) > OLDEST.total_seconds():
            return False
        expected = "v0=" + hmac.new(self._secret, b"v0:%s:%s" % (timestamp.encode(), body), "sha256").hexdigest()
        return hmac.compare_digest(expected.encode(), headers.get("x-slack-signature", "").encode())


def _is_certificate_check(body: bytes) -> bool:
    """Slack looks at the certificate of a command's address now and then, and wants to hear 200 alone.
    https://docs.slack.dev/interactivity/implementing-slash-commands#ssl-certificate"""
    return len(body) < 1024 and dict(parse_qsl(body.decode("latin-1"))).get("ssl_check") == "1"


def _is_well_formed(content_type: str, body: bytes) -> bool:
    try:
        text = body.decode()
        if content_type.startswith("application/json") or text.startswith("{"):
            _Payload.model_validate_json(text)
        elif "payload" in text:
            _Payload.model_validate_json(dict(parse_qsl(text, keep_blank_values=True)).get("payload", "{}"))
    except (UnicodeDecodeError, ValidationError):
        return False
    return True


def _reject(status: int, text: str, reason: str) -> Response:
    log.warning("slack.rejected", reason=reason)
    return PlainTextResponse(text, status)
