"""A vendor's file as it comes: parts that nobody asked for, and bodies whose end cannot be told from a break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.domain.errors import Confused, ProviderError, Unreachable
from bot.domain.ports import ByteRequest
from providers.files import open_file
from providers.http import VendorHttp
from providers.spec import Surroundings


@asynccontextmanager
async def raw_vendor(answer: bytes) -> AsyncIterator[str]:
    """Says the same bytes to everybody, whatever they ask, and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/file"


async def body_of(surroundings: Surroundings, answer: bytes, wanted: str | None = None) -> bytes:
    http = VendorHttp("acme", "acme-1", surroundings, timeout=httpx.Timeout(2.0), tries=1)
    try:
        async with raw_vendor(answer) as url, open_file(http, "open file", url, ByteRequest(wanted)) as stream:
            return b"".join([chunk async for chunk in stream.chunks])
    finally:
        await http.aclose()


def part(content_range: str, body: bytes = b"0123456789", length: bool = True) -> bytes:
    known = f"Content-Length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 206 Partial Content\r\n{known}Content-Range: {content_range}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("wanted", "content_range"),
    [
        ("bytes=10-19", "bytes 10-19/100"),
        ("bytes=10-19", "bytes 10-19/*"),
        ("bytes=90-200", "bytes 90-99/100"),
        ("bytes=90-", "bytes 90-99/100"),
        ("bytes=90-", "bytes 90-99/*"),
        ("bytes=-10", "bytes 90-99/100"),
        ("bytes=-500", "bytes 0-9/10"),
    ],
)
async def test_the_part_that_was_wanted(surroundings: Surroundings, wanted: str, content_range: str) -> None:
    assert await body_of(surroundings, part(content_range), wanted) == b"0123456789"


@pytest.mark.parametrize(
    ("wanted", "content_range"),
    [
        (None, "bytes 0-9/100"),
        ("bytes=10-19", "bytes 0-9/100"),
        ("bytes=10-30", "bytes 10-19/100"),
        ("bytes=90-", "bytes 90-98/100"),
        ("bytes=-10", "bytes 80-89/100"),
        ("bytes=10-19", "bytes 19-10/100"),
        ("bytes=10-19", "items 10-19/100"),
        ("bytes=10-19", ""),
    ],
)
async def test_another_part_than_was_wanted(surroundings: Surroundings, wanted: str | None, content_range: str) -> None:
    with pytest.raises(Confused, match="bad_range"):
        await body_of(surroundings, part(content_range), wanted)


@pytest.mark.parametrize(
    ("answer", "wanted", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n0123456789", None, "no_length"),
        (b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n0123456789", None, "no_length"),
        (part("bytes 10-29/100", length=False), "bytes=10-29", "broken_off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n", None, "dropped"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789", None, "dropped"),
    ],
)
async def test_a_short_file_never_looks_whole(surroundings: Surroundings, answer: bytes, wanted: str | None, error: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await body_of(surroundings, answer, wanted)
    assert caught.value.reason == error
    assert isinstance(caught.value, Confused if error == "no_length" else Unreachable)


async def test_a_part_of_known_length_may_end_with_its_connection(surroundings: Surroundings) -> None:
    assert await body_of(surroundings, part("bytes 10-19/100", length=False), "bytes=10-19") == b"0123456789"
