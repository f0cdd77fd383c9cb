"""The vendor's file host: `python -m tests.bench.bigfile PORT FOLDER` answers with the same large file at every address.

From disk as Starlette serves files; under MEMORY the same number of bytes without any file, as fast as uvicorn sends.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bot.sandbox.server import LoopbackServer

SIZE = 512 * 1024 * 1024
CHUNK = bytes(64 * 1024)  # as in FileResponse
TYPE = "application/vnd.android.package-archive"
READY, MEMORY = "/ready", "/memory"


class FileHost:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "large.apk"
        with self._file.open("wb") as file:
            file.truncate(SIZE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._response(scope["path"])(scope, receive, send)

    def _response(self, path: str) -> Response:
        match path:
            case "/ready":
                return PlainTextResponse("ok")
            case "/memory":
                return StreamingResponse(_chunks(), headers={"content-length": str(SIZE)}, media_type=TYPE)
            case _:
                return FileResponse(self._file, media_type=TYPE)


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(SIZE // len(CHUNK)):
        yield CHUNK


async def main(port: int, folder: Path) -> None:
    async with LoopbackServer(FileHost(folder), port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
