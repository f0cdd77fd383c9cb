"""What can go wrong with a server, on demand: ASGI middleware that records requests and misbehaves when told to."""

import asyncio
import re
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, reduce

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.server import CLOSE_CONNECTION

_MEBIBYTE = 1024 * 1024
HUGE_BODY_SIZE = 64 * _MEBIBYTE
GZIP_BOMB_SIZE = 128 * _MEBIBYTE
_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_HTML = "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>Correlation Key: 7Q2K</p></body></html>"


class Misbehaviour(StrEnum):
    """The vocabulary. TRUNCATED_JSON, SLOW_DRIP and DROP_MID_BODY spoil the true answer; the others replace it."""

    STATUS = "status"  # any status and body: status=, body=, content_type=
    SERVER_ERROR = "500"
    HTML_502 = "502 html"
    UNAVAILABLE = "503"
    RATE_LIMITED = "429"  # with Retry-After when retry_after= is given
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    HTML_200 = "200 html"
    WRONG_JSON = "wrong json"
    TRUNCATED_JSON = "truncated json"
    SLOW_DRIP = "slow drip"  # pause= seconds between pieces
    HANG = "hang"
    DROP_BEFORE_HEADERS = "drop before headers"
    DROP_MID_BODY = "drop mid-body"
    REDIRECT_LOOP = "redirect loop"
    REDIRECT_ELSEWHERE = "redirect elsewhere"  # url=
    HUGE_BODY = "huge body"
    GZIP_BOMB = "gzip bomb"


_STATUSES = {
    Misbehaviour.SERVER_ERROR: 500,
    Misbehaviour.UNAVAILABLE: 503,
    Misbehaviour.RATE_LIMITED: 429,
    Misbehaviour.UNAUTHORIZED: 401,
    Misbehaviour.FORBIDDEN: 403,
}


@dataclass(slots=True)
class RecordedRequest:
    """One request as it arrived. `credential` names what stood in Authorization, or in the vendor's header of its own ("" when
    nothing did), and `authorization` is that text; `status` is None when no answer was begun."""

    method: str
    path: str
    query: str
    credential: str
    headers: Headers = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)
    status: int | None = None


@dataclass(slots=True)
class _Order:
    """One `misbehave` call. `times` counts down; None never ends."""

    path: re.Pattern[str]
    kind: Misbehaviour
    times: int | None
    status: int
    body: str | bytes
    content_type: str
    retry_after: str | None
    url: str
    pause: float

    def takes(self, path: str) -> bool:
        if self.times == 0 or not self.path.search(path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def _name_scheme(authorization: str) -> str:
    return authorization.split(" ", 1)[0].lower()


class Misbehaving:
    """Wraps a pretend server's app. `latency` is in seconds, before every answer.

    `name_credential` turns the header that holds the credential into the name to record; `bodies` holds the vendor's error
    bodies by status.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        name_credential: Callable[[str], str] = _name_scheme,
        bodies: Mapping[int, bytes] | None = None,
        credential_header: str = "authorization",
    ) -> None:
        self.app = app
        self.requests: list[RecordedRequest] = []
        self.latency = 0.0
        self._name_credential = name_credential
        self._bodies = bodies or {}
        self._credential_header = credential_header
        self._orders: list[_Order] = []

    def misbehave(
        self,
        path: str,
        kind: Misbehaviour,
        *,
        times: int | None = None,
        status: int = 500,
        body: str | bytes = "",
        content_type: str = "application/json",
        retry_after: int | str | None = None,
        url: str = "",
        pause: float = 0.05,
    ) -> None:
        """From now on, requests whose path matches the regular expression go wrong, `times` times or until `behave()`."""
        wait = None if retry_after is None else str(retry_after)
        self._orders.append(_Order(re.compile(path), kind, times, status, body, content_type, wait, url, pause))

    def behave(self) -> None:
        """Forgets every misbehaviour."""
        self._orders.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = self._record(scope)
        order = next((order for order in self._orders if order.takes(record.path)), None)
        receive, send = _recording(record, receive, send)
        if self.latency:
            await asyncio.sleep(self.latency)
        if order is None:
            await self.app(scope, receive, send)
        else:
            await self._go_wrong(order, scope, receive, send)

    def _record(self, scope: Scope) -> RecordedRequest:
        headers = Headers(scope=scope)
        authorization = headers.get(self._credential_header)
        record = RecordedRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            credential=self._name_credential(authorization) if authorization else "",
            headers=headers,
            authorization=authorization,
        )
        self.requests.append(record)
        return record

    async def _go_wrong(self, order: _Order, scope: Scope, receive: Receive, send: Send) -> None:
        match order.kind:
            case Misbehaviour.TRUNCATED_JSON:
                await _truncate(self.app, scope, receive, send)
            case Misbehaviour.SLOW_DRIP:
                await self.app(scope, receive, _dripping(send, order.pause))
            case Misbehaviour.DROP_MID_BODY:
                await _drop_mid_body(self.app, scope, receive, send)
            case Misbehaviour.DROP_BEFORE_HEADERS:
                await _hang_up(scope, receive)
            case Misbehaviour.HANG:
                await _wait_for_disconnect(receive)
            case _:
                await self._canned(order, scope)(scope, receive, send)

    def _canned(self, order: _Order, scope: Scope) -> Response:
        match order.kind:
            case Misbehaviour.STATUS:
                return Response(order.body, order.status, media_type=order.content_type)
            case Misbehaviour.HTML_502:
                return Response(_HTML.format(title="502 Bad Gateway"), 502, media_type="text/html")
            case Misbehaviour.HTML_200:
                return Response(_HTML.format(title="Scheduled maintenance"), media_type="text/html")
            case Misbehaviour.WRONG_JSON:
                return Response(order.body or b'{"surprise": [null]}', media_type="application/json")
            case Misbehaviour.REDIRECT_LOOP:
                return RedirectResponse(str(Request(scope).url), 302)
            case Misbehaviour.REDIRECT_ELSEWHERE:
                return RedirectResponse(order.url, 302)
            case Misbehaviour.HUGE_BODY:
                return _huge_body()
            case Misbehaviour.GZIP_BOMB:
                return Response(_gzip_bomb(), headers={"content-encoding": "gzip"}, media_type="application/json")
            case _:
                return self._error(order)

    def _error(self, order: _Order) -> Response:
        status = _STATUSES[order.kind]
        body = order.body or self._bodies.get(status, b"")
        headers = {} if order.retry_after is None else {"retry-after": order.retry_after}
        return Response(body, status, headers, media_type=order.content_type if body else None)


def _recording(record: RecordedRequest, receive: Receive, send: Send) -> tuple[Receive, Send]:
    async def recording_receive() -> Message:
        message = await receive()
        record.body += message.get("body", b"")
        return message

    async def recording_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            record.status = message["status"]
        await send(message)

    return recording_receive, recording_send


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Closes the connection as a crashing server does: what was sent arrives, then nothing."""
    scope["extensions"][CLOSE_CONNECTION]()
    await _wait_for_disconnect(receive)


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """The whole answer of the app: its start message and its body."""
    start: Message = {}
    body = bytearray()

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, collect)
    return start, bytes(body)


async def _truncate(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Half of the true body, with a length that says it is whole."""
    start, body = await _collect(app, scope, receive)
    half = body[: len(body) // 2]
    kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await send({**start, "headers": [*kept, (b"content-length", str(len(half)).encode())]})
    await send({"type": "http.response.body", "body": half})


async def _drop_mid_body(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The true headers, half of the body, and the line goes dead."""
    start, body = await _collect(app, scope, receive)
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await _hang_up(scope, receive)


def _dripping(send: Send, pause: float, pieces: int = 10) -> Send:
    async def drip(message: Message) -> None:
        body = message.get("body", b"")
        step = max(1, -(-len(body) // pieces))
        parts = [body[start : start + step] for start in range(0, len(body), step)]
        for part in parts[:-1]:
            await send({**message, "body": part, "more_body": True})
            await asyncio.sleep(pause)
        await send({**message, "body": parts[-1]} if parts else message)

    return drip


def _huge_body() -> StreamingResponse:
    async def spaces() -> AsyncIterator[bytes]:
        for _ in range(HUGE_BODY_SIZE // _MEBIBYTE):
            yield b" " * _MEBIBYTE

    return StreamingResponse(spaces(), headers={"content-length": str(HUGE_BODY_SIZE)}, media_type="application/json")


@cache
def _gzip_bomb() -> bytes:
    """One piece, packed once, over and over: after a full flush a piece refers to nothing before it.
    https://www.rfc-editor.org/rfc/rfc1952"""
    piece, times = b" " * _MEBIBYTE, GZIP_BOMB_SIZE // _MEBIBYTE
    packer = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = reduce(lambda so_far, _: zlib.crc32(piece, so_far), range(times), 0)
    return _GZIP_HEADER + packed * times + packer.flush() + struct.pack("<II", checksum, GZIP_BOMB_SIZE)
