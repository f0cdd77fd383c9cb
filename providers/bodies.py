"""Reading a body without letting a vendor fill our memory."""

import zlib

import httpx

from providers.failures import WrongBody

MAX_BODY = 16 * 2**20
ACCEPTED_ENCODINGS = "gzip"


class _Gzip:
    """Inflates at most `room` bytes at a time: a small compressed chunk may hold a thousand times its size."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, chunk: bytes, room: int) -> bytes:
        try:
            return self._inflate.decompress(chunk, room)
        except zlib.error as error:
            raise WrongBody("bad_encoding") from error

    @property
    def whole(self) -> bool:
        return self._inflate.eof


class _Identity:
    whole = True

    def feed(self, chunk: bytes, room: int) -> bytes:
        return chunk[:room]


def _decoder(response: httpx.Response) -> _Gzip | _Identity:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _Identity()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    raise WrongBody("bad_encoding")


async def read_bounded(response: httpx.Response, limit: int = MAX_BODY) -> bytes:
    """The decoded body of a streamed response. Raises WrongBody (too_large, bad_encoding) and what httpx raises."""
    decoder, body = _decoder(response), bytearray()
    async for chunk in response.aiter_raw():
        body += decoder.feed(chunk, limit + 1 - len(body))
        if len(body) > limit:
            raise WrongBody("too_large")
    if body and not decoder.whole:
        raise WrongBody("bad_encoding")
    return bytes(body)


async def settle(response: httpx.Response, limit: int = MAX_BODY) -> httpx.Response:
    """The same response with its body read, decoded and bounded. Closes the stream."""
    try:
        content = await read_bounded(response, limit)
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _BODY_HEADERS]
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


_BODY_HEADERS = ("content-encoding", "content-length", "transfer-encoding")
