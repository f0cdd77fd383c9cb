"""The page of one grant: what the build is, and the one button that matters."""

from dataclasses import dataclass, field

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.model import Handover, Platform
from bot.domain.ports import Clock
from bot.services.links import Links, Opened
from bot.web import words
from bot.web.manifest import install_address, installs_over_the_air
from bot.web.pages import render

_ON_PHONES = frozenset({Platform.IOS, Platform.ANDROID})


@dataclass(frozen=True, slots=True)
class Action:
    """A button."""

    label: str
    href: str = field(repr=False)


class DownloadPage:
    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._clock = clock

    async def show(self, request: Request) -> Response:
        token = request.path_params["token"]
        opened = await self._links.look(token)
        structlog.contextvars.bind_contextvars(grant=opened.grant.id)
        installs = installs_over_the_air(opened)
        return render(
            "download.html",
            opened=opened,
            build=opened.build,
            main=_main_action(opened, f"{token}/file", installs),
            aside=Action("Download IPA", f"{token}/file") if installs else None,
            installs=installs,
            needs_https=installs and not opened.url.startswith("https://"),
            leads_away=opened.build.handover is Handover.PAGE,
            qr=f"{token}/qr.svg" if opened.build.platform in _ON_PHONES and not _is_phone(request) else None,
            lifetime=words.lifetime(opened.grant.expires_at - self._clock()),
        )


def _is_phone(request: Request) -> bool:
    """What MDN's "Browser detection using the user agent" advises. Tablets are left to the style sheet."""
    return "Mobi" in request.headers.get("user-agent", "")


def _main_action(opened: Opened, file: str, installs: bool) -> Action:
    build = opened.build
    if installs:
        return Action("Install", install_address(opened))
    if build.handover is Handover.PAGE:
        return Action(f"Open in {build.track or opened.title}", file)
    if build.platform is Platform.ANDROID:
        return Action("Download APK", file)
    return Action("Download IPA" if build.platform is Platform.IOS else "Download", file)
