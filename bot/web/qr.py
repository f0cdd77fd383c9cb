"""The way from a desktop's screen to the phone: the same link as a QR code."""

import asyncio
from io import BytesIO

import segno
import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.services.links import Links


class QrCode:
    def __init__(self, links: Links) -> None:
        self._links = links

    async def show(self, request: Request) -> Response:
        opened = await self._links.look(request.path_params["token"])
        structlog.contextvars.bind_contextvars(grant=opened.grant.id)
        # Some 20 ms of arithmetic for an address of this length: not in the event loop.
        return Response(await asyncio.to_thread(_draw, opened.url), media_type="image/svg+xml")


def _draw(text: str) -> bytes:
    """Black on white in dark mode too: many scanners do not read inverted codes."""
    out = BytesIO()
    segno.make_qr(text, error="l").save(out, kind="svg", omitsize=True, dark="#000", light="#fff", border=4)
    return out.getvalue()
