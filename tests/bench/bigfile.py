"""The vendor's file host: `python -m tests.bench.bigfile PORT` answers every address with the same large file."""

import asyncio
import sys
from collections.abc import AsyncIterator

from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from bot.sandbox.server import LoopbackServer

SIZE = 512 * 1024 * 1024
CHUNK = bytes(64 * 1024)  # as Starlette sends files
READY = "/ready"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    response = PlainTextResponse("ok") if scope["path"] == READY else StreamingResponse(_chunks(), headers=_HEADERS)
    await response(scope, receive, send)


_HEADERS = {"content-length": str(SIZE), "content-type": "application/vnd.android.package-archive", "etag": '"large"'}


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(SIZE // len(CHUNK)):
        yield CHUNK


async def main(port: int) -> None:
    async with LoopbackServer(answer, port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
