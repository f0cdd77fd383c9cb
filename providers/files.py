"""A vendor's file as a FileStream: ranges, validators and lengths are passed on, errors have our names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from bot.domain.errors import Confused, NotFound, Refused
from bot.domain.ports import ByteRequest, FileStream
from providers.http import Credential, VendorHttp


@asynccontextmanager
async def open_file(
    http: VendorHttp, operation: str, url: str, wanted: ByteRequest, credential: Credential | None = None
) -> AsyncIterator[FileStream]:
    """Opens `url`, after redirects that never see the credential. Entering raises ProviderError; see FileStream for the rest."""
    if wanted.head:
        yield await _describe(http, operation, url, wanted, credential)
        return
    async with http.stream(operation, "GET", url, credential=credential, headers=_range_headers(wanted)) as response:
        chunks = _nothing() if response.status_code == 416 else http.chunks(operation, response)
        yield _file_stream(response, chunks)


async def _describe(http: VendorHttp, operation: str, url: str, wanted: ByteRequest, credential: Credential | None) -> FileStream:
    try:
        return await _describe_by("HEAD", http, operation, url, wanted, credential)
    except (Refused, NotFound, Confused):
        # An address that was signed for GET refuses HEAD: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        return await _describe_by("GET", http, operation, url, wanted, credential)


async def _describe_by(
    method: str, http: VendorHttp, operation: str, url: str, wanted: ByteRequest, credential: Credential | None
) -> FileStream:
    """What the headers tell; the connection is closed before a body is read."""
    async with http.stream(operation, method, url, credential=credential, headers=_range_headers(wanted)) as response:
        return _file_stream(response, _nothing())


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
    return int(length) if length.isascii() and length.isdigit() else None
