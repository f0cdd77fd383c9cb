"""The property list from which iOS installs a build."""

import plistlib
from typing import Any
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.model import Handover, Platform
from bot.services.links import Links, Opened
from bot.web.filename import clean


class InstallManifest:
    def __init__(self, links: Links) -> None:
        self._links = links

    async def show(self, request: Request) -> Response:
        opened = await self._links.look(request.path_params["token"])
        structlog.contextvars.bind_contextvars(grant=opened.grant.id)
        if not installs_over_the_air(opened):
            raise HTTPException(404)
        return Response(plistlib.dumps(manifest(opened)), media_type="text/xml")


def installs_over_the_air(opened: Opened) -> bool:
    build = opened.build
    return build.platform is Platform.IOS and build.handover is Handover.FILE and opened.bundle_id is not None


def install_address(opened: Opened) -> str:
    """What the Install button opens: https://support.apple.com/guide/deployment/depce7cefc4d"""
    return f"itms-services://?action=download-manifest&url={quote(f'{opened.url}/manifest.plist', safe='')}"


def manifest(opened: Opened) -> dict[str, Any]:
    """Made by us from what the store knows; a vendor's manifest is never passed on."""
    metadata = {
        "kind": "software",
        "bundle-identifier": clean(opened.bundle_id or ""),
        "bundle-version": clean(opened.build.version),
        "title": clean(opened.product),
    }
    package = {"kind": "software-package", "url": f"{opened.url}/file"}
    return {"items": [{"assets": [package], "metadata": metadata}]}
