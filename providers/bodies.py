"""Reading a body without letting a vendor fill our memory."""

import zlib
from collections.abc import AsyncGenerator, Iterator

import httpx

from providers.failures import WrongBody

MAX_BODY = 16 * 2**20
ACCEPTED_ENCODINGS = "gzip"
_PIECE = 64 * 1024
_BODY_HEADERS = (b"content-encoding", b"content-length", b"transfer-encoding")


class _Gzip:
    """Inflates in small pieces: a compressed chunk may hold a thousand times its size."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        try:
            while chunk:
                yield self._inflate.decompress(chunk, _PIECE)
                chunk = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise WrongBody("bad_encoding") from error

    @property
    def is_whole(self) -> bool:
        return self._inflate.eof


class _Identity:
    is_whole = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk


def _decoder(response: httpx.Response) -> _Gzip | _Identity:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _Identity()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    raise WrongBody("bad_encoding")


async def decoded(response: httpx.Response) -> AsyncGenerator[bytes]:
    """The decoded body of a streamed response, in small pieces. Raises WrongBody (bad_encoding) and what httpx raises."""
    decoder, is_empty = _decoder(response), True
    async for chunk in response.aiter_raw():
        for piece in decoder.feed(chunk):
            is_empty = False
            yield piece
    if not is_empty and not decoder.is_whole:
        raise WrongBody("bad_encoding")


async def read_bounded(response: httpx.Response, limit: int = MAX_BODY) -> bytes:
    """The whole decoded body. One that says that it is too large is not even read. Raises WrongBody (too_large, bad_encoding) and
    what httpx raises."""
    if response.request.method != "HEAD" and _announced(response) > limit:
        raise WrongBody("too_large")
    pieces, size = list[bytes](), 0
    async for piece in decoded(response):
        size += len(piece)
        if size > limit:
            raise WrongBody("too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _announced(response: httpx.Response) -> int:
    """Bytes on the way, 0 where the vendor does not say: compressed ones become more, not fewer."""
    text = response.headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


async def settle(response: httpx.Response, limit: int = MAX_BODY) -> httpx.Response:
    """The same response with its body read, decoded and bounded. Closes the stream."""
    try:
        content = await read_bounded(response, limit)
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _BODY_HEADERS]
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)
