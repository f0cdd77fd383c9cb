"""A vendor's file as a FileStream: ranges, validators and lengths are passed on, errors have our names."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from bot.domain.errors import Confused, Unreachable
from bot.domain.ports import ByteRequest, FileStream
from providers.http import Credential, VendorHttp

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)


@asynccontextmanager
async def open_file(
    http: VendorHttp, operation: str, url: str, wanted: ByteRequest, credential: Credential | None = None
) -> AsyncIterator[FileStream]:
    """Opens `url`, after redirects that never see the credential. Entering raises ProviderError, also for another part than the
    one asked for (bad_range) and a body whose end nobody could tell from a break (no_length); see FileStream for the rest."""
    async with http.stream(operation, "GET", url, credential=credential, headers=_range_headers(wanted)) as response:
        if not _is_what_was_wanted(response, wanted.range):
            raise http.error(operation, Confused, "bad_range")
        if not _tells_its_end(response):
            raise http.error(operation, Confused, "no_length")
        chunks = _nothing() if response.status_code == 416 else http.chunks(operation, response)
        yield _file_stream(response, _whole(http, operation, chunks, _length(response)))


def whole_size(stream: FileStream) -> int | None:
    """Bytes of the whole file, also where the stream is a part of it; None: the vendor does not say."""
    if stream.status == 200:
        return stream.length
    _, _, size = (stream.content_range or "").rpartition("/")
    return int(size) if size.isascii() and size.isdigit() else None


def _is_what_was_wanted(response: httpx.Response, wanted: str | None) -> bool:
    """A part is used only where it is the one that was asked for: https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7"""
    if response.status_code == 200:
        return True
    if wanted is None:
        return False
    given = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    return response.status_code == 416 or (given is not None and _fits(wanted, *given.groups()))


def _fits(wanted: str, first: str, last: str, size: str) -> bool:
    """Whether "bytes FIRST-LAST/SIZE" answers "bytes=...", which is shorter only where the file ends."""
    asked_from, _, asked_to = wanted.removeprefix("bytes=").partition("-")
    start, end = int(first), int(last)
    is_to_the_end = size == "*" or end == int(size) - 1
    if not asked_from:
        return is_to_the_end and (size == "*" or start == max(0, int(size) - int(asked_to)))
    if start != int(asked_from) or end < start:
        return False
    return is_to_the_end if not asked_to else end == int(asked_to) or (end < int(asked_to) and is_to_the_end)


def _tells_its_end(response: httpx.Response) -> bool:
    """A body that ends when the connection does looks the same when it breaks off; a compressed one has an end of its own."""
    return _length(response) is not None or "transfer-encoding" in response.headers or "content-encoding" in response.headers


async def _whole(http: VendorHttp, operation: str, chunks: AsyncIterator[bytes], length: int | None) -> AsyncIterator[bytes]:
    missing = length
    async for chunk in chunks:
        if missing is not None:
            missing -= len(chunk)
        yield chunk
    if missing:
        raise http.error(operation, Unreachable, "broken_off")


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _range_headers(wanted: ByteRequest) -> dict[str, str]:
    headers = {"Range": wanted.range, "If-Range": wanted.if_range if wanted.range else None}
    return {name: value for name, value in headers.items() if value}


def _file_stream(response: httpx.Response, chunks: AsyncIterator[bytes]) -> FileStream:
    headers = response.headers
    return FileStream(
        status=response.status_code,
        chunks=chunks,
        length=_length(response),
        content_type=headers.get("content-type"),
        content_range=headers.get("content-range"),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )


def _length(response: httpx.Response) -> int | None:
    if response.status_code == 416:
        return 0
    if "content-encoding" in response.headers:  # what is decoded has another length
        return None
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        return int(length)
    part = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "")) if response.status_code == 206 else None
    return int(part[2]) - int(part[1]) + 1 if part else None
