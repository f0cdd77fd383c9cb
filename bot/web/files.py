"""The bytes of a build: passed on as they come, or the vendor's own address for a browser that can go there itself."""

import asyncio
import re
from collections.abc import Mapping

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from bot.domain.errors import ProviderError
from bot.domain.model import Link, Platform
from bot.domain.ports import ByteRequest, FileStream
from bot.services.links import Handed, Links, Opened
from bot.services.tokens import LinkRevoked
from bot.web.filename import attachment, file_name
from bot.web.leaving import ClientLeft, as_long_as_wanted

log = structlog.get_logger(__name__)

# More than one range would come back as multipart/byteranges; RFC 9110 section 14.2 lets us ignore the header instead.
_ONE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")
_PLAIN = re.compile(r"[\x20-\x7e]+")


class FileTransfer:
    """An ASGI endpoint, because the vendor's connection must stay open until the last byte or the client has gone."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            async with as_long_as_wanted(receive, send) as send_on:
                await self._hand_over(request, scope, send_on)
        except ClientLeft:
            log.info("file.left")

    async def _hand_over(self, request: Request, scope: Scope, send: Send) -> None:
        if is_ahead_of_time(request):
            raise HTTPException(503, "A file is handed out when somebody asks for it, not ahead of time")
        opened = await self._links.look(request.path_params["token"])
        structlog.contextvars.bind_contextvars(grant=opened.grant.id)
        has_begun = False
        try:
            async with self._links.open(opened, byte_request(request)) as handed:
                has_begun = True
                await _response(handed)(scope, _nothing_more, send)
        except ProviderError as error:
            if not has_begun:
                raise
            # Returning with the response unfinished makes the server cut the connection: the client sees a broken transfer.
            log.warning("file.broken", account=error.account, reason=error.reason)
        except LinkRevoked:
            log.info("file.taken_back")  # the same way; only what has begun can be taken back like this


async def _nothing_more() -> Message:
    """What the response may listen to: that the client leaves is heard elsewhere."""
    await asyncio.Event().wait()
    raise AssertionError


def is_ahead_of_time(request: Request) -> bool:
    """Whether a browser asks before a person does: https://html.spec.whatwg.org/#the-sec-purpose-header, and its older names."""
    purposes = (request.headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"))
    return any("prefetch" in purpose.lower() or "preview" in purpose.lower() for purpose in purposes)


def byte_request(request: Request) -> ByteRequest:
    """A range means something for a GET alone: RFC 9110, section 14.2."""
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    is_one = _ONE_RANGE.fullmatch(wanted) is not None
    return ByteRequest(
        range=wanted if is_one else None,
        if_range=request.headers.get("if-range") if is_one else None,
        head=request.method == "HEAD",
    )


def _response(handed: Handed) -> Response:
    if isinstance(handed.content, Link):
        return RedirectResponse(handed.content.url, 302)
    stream = handed.content
    return StreamingResponse(stream.chunks, stream.status, _headers(handed.opened, stream))


def _headers(opened: Opened, stream: FileStream) -> Mapping[str, str]:
    """The vendor's own type is not repeated: a page that calls itself a build must not open in a browser at our address."""
    is_apk = opened.build.platform is Platform.ANDROID
    headers = {
        "Content-Type": "application/vnd.android.package-archive" if is_apk else "application/octet-stream",
        "Content-Disposition": attachment(file_name(opened.build, opened.product)),
        "Accept-Ranges": "bytes",
        "Content-Length": None if stream.length is None else str(stream.length),
        "Content-Range": stream.content_range,
        "ETag": stream.etag,
        "Last-Modified": stream.last_modified,
    }
    return {name: value for name, value in headers.items() if value is not None and _PLAIN.fullmatch(value)}
