"""Large bodies, as fast as the network brings them.

httpx hands on a body in pieces that its parser has cut small and copied several times, which keeps a core busy at some 800 MB a
second. A body of known length and without encoding needs no parser: what follows its first piece is read from the connection
itself, which httpx offers for such purposes: https://www.python-httpx.org/advanced/extensions/#network_stream
"""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import httpcore
import httpx

from providers.bodies import decoded

PIECE = 256 * 1024
# What a vendor sends faster than a phone takes it waits on the line, not in our memory: uvloop goes on reading until it has
# emptied what the system received, up to 6 MB when left to itself. This much is one of its reads, and 13 MB a second over 10 ms.
RECEIVED_AHEAD = 128 * 1024


async def transferred(response: httpx.Response) -> AsyncIterator[bytes]:
    """The decoded body of a streamed response. Raises what `decoded` raises. The connection is not used again."""
    missing, line = _length(response), response.extensions.get("network_stream")
    async with aclosing(decoded(response)) as pieces:
        if missing is None or line is None:
            async for piece in pieces:
                yield piece
            return
        _narrow(line)
        # The parser gives away all that it holds, so that nothing is left in it after the first piece.
        piece = await anext(pieces, b"")
        while piece:
            yield piece
            missing -= len(piece)
            piece = await _read(response, line, missing) if missing > 0 else b""


def _narrow(line: Any) -> None:
    raw = line.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AHEAD)


async def _read(response: httpx.Response, line: Any, missing: int) -> bytes:
    """Some bytes. Raises httpx.HTTPError, also when there are none left."""
    seconds = response.request.extensions.get("timeout", {}).get("read")
    with _translated(response.request):
        piece: bytes = await line.read(min(PIECE, missing), seconds)
    if not piece:
        raise httpx.RemoteProtocolError("the connection was closed in the middle of a body", request=response.request)
    return piece


@contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    """As httpx does for what it reads itself."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except httpcore.NetworkError as error:
        raise httpx.ReadError(str(error), request=request) from error


def _length(response: httpx.Response) -> int | None:
    """The bytes of a body that stands on the line as it is."""
    headers = response.headers
    if "transfer-encoding" in headers or headers.get("content-encoding", "identity").strip().lower() != "identity":
        return None
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None
