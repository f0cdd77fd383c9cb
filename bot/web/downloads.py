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

MOST_NOTES = 10_000  # characters
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
        main, aside = _actions(opened, f"{token}/file", is_phone := _is_phone(request))
        over_the_air = installs_over_the_air(opened)
        return render(
            "download.html",
            opened=opened,
            build=opened.build,
            main=main,
            aside=aside,
            installs=over_the_air and _is_secure(opened),
            needs_https=over_the_air and not _is_secure(opened),
            leads_away=opened.build.handover is Handover.PAGE,
            notes=words.shortened(opened.build.notes or "", MOST_NOTES),
            are_notes_long=words.is_long(opened.build.notes or ""),
            qr=f"{token}/qr.svg" if opened.build.platform in _ON_PHONES and not is_phone else None,
            until=opened.grant.expires_at,
            lifetime=words.lifetime(opened.grant.expires_at - self._clock()),
        )


def _is_phone(request: Request) -> bool:
    """What MDN's "Browser detection using the user agent" advises. Tablets are left to the style sheet."""
    return "Mobi" in request.headers.get("user-agent", "")


def _is_secure(opened: Opened) -> bool:
    """iOS installs from nowhere else."""
    return opened.url.startswith("https://")


def _actions(opened: Opened, file: str, is_phone: bool) -> tuple[Action, Action | None]:
    """The main button, and a second one. Install means something on an iPhone alone; at a desk the code leads there. It stays
    within reach everywhere, because an iPad calls itself a Mac."""
    download = _file_action(opened, file)
    if not installs_over_the_air(opened):
        return download, None
    install = Action("Install", install_address(opened))
    return (install, download) if is_phone and _is_secure(opened) else (download, install)


def _file_action(opened: Opened, file: str) -> Action:
    build = opened.build
    if build.handover is Handover.PAGE:
        return Action(f"Open in {build.track or opened.title}", file)
    if build.platform is Platform.ANDROID:
        return Action("Download APK", file)
    return Action("Download IPA" if build.platform is Platform.IOS else "Download", file)
