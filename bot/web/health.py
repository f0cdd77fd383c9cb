"""Alive, and ready: the checks themselves are the application's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

Check = Callable[[], Awaitable[str | None]]
"""Answers None when all is well, else a short stable reason. Does not raise."""


async def alive(request: Request) -> Response:
    return PlainTextResponse("ok\n")


class Readiness:
    """503 as soon as one check fails or takes longer than `patience` seconds: load balancers give up soon after."""

    def __init__(self, checks: Mapping[str, Check], patience: float = 3.0) -> None:
        self._checks = checks
        self._patience = patience

    async def show(self, request: Request) -> Response:
        results = await asyncio.gather(*map(self._result, self._checks.values()))
        ready = all(result == "ok" for result in results)
        return JSONResponse(dict(zip(self._checks, results, strict=True)), 200 if ready else 503)

    async def _result(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._patience):
                return await check() or "ok"
        except TimeoutError:
            return "timeout"
