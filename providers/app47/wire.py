"""App47's JSON as Purser's nouns. Pure; raises only Confused.

https://support.app47.com ("API v2 Overview", "Apps API v2", "Builds API v2"). What a build looks like is published in part
only: a fact may have one of several names, and where it has none of them it is absent.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.domain.errors import Confused, NotFound, Refused
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.addresses import web_address
from providers.failures import Verdict
from providers.fields import Fields, Origin, read_object

PROVIDER = "app47"
TRACK = "App catalog"
UNKNOWN_VERSION = "unknown"
STORE_VERSION = "store"
"""The version of a public app: whatever the store has. App47 holds a link to it and no build."""

T = TypeVar("T")

_PLATFORMS = {"ios": Platform.IOS, "android": Platform.ANDROID, "windows": Platform.WINDOWS}
_ENVIRONMENTS = {"production": "Production", "test": "Test"}
_STATUSES = {
    "valid": BuildState.READY,
    "processing": BuildState.PROCESSING,
    "pending": BuildState.PROCESSING,
    "invalid": BuildState.FAILED,
    "failed": BuildState.FAILED,
    "error": BuildState.FAILED,
}
_IDS = ("id", "_id")  # the API before this one had the second
_BUILD_LISTS = ("list", "builds", "items")
_WITHOUT_BUILDS = frozenset({"public", "web"})
_APPLE_ID = re.compile(r"[0-9]{1,20}")
_PACKAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}(\.[A-Za-z][A-Za-z0-9_]{0,99}){1,9}")

# Which statuses failures come with is not published, only that they are not 200; what the message says is all there is.
_TELLING_STATUSES = frozenset({401, 403, 404, 410, 429})
# "Valid token" has an opposite. A parser that met an unexpected token speaks of another kind.
_BAD_TOKEN = re.compile(
    r"\b(invalid|expired|missing|revoked|unknown|bad|no)\s+((access|member|api)[ -])?token\b(?!\s*(at|in)\b|\s*['\"<:{])"
    r"|\btoken\s+((is|was|has)\s+)?(not\s+valid|invalid|expired|missing|revoked|required)\b"
    r"|\baccess[ -]token\b",
    re.IGNORECASE,
)
_MESSAGES: tuple[tuple[re.Pattern[str], Verdict], ...] = (
    (_BAD_TOKEN, (Refused, "unauthorized")),
    (re.compile(r"permission|authori[sz]ed", re.IGNORECASE), (Refused, "forbidden")),
    (re.compile(r"not found", re.IGNORECASE), (NotFound, "not_found")),
)
_RAILS_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `size` is how many records it stands for, by which the next `skip` grows."""

    items: tuple[T, ...]
    size: int


@dataclass(frozen=True, slots=True)
class AppPage:
    """What an app without builds has instead: a page, told as a build. `url` None: the vendor has no usable address."""

    build: Build
    url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CatalogApp(App):
    """An app with what its listing says beyond the name. Public and web apps have pages, all others builds."""

    has_builds: bool = True
    pages: tuple[AppPage, ...] = ()


def classify(status: int, body: Any) -> Verdict | None:
    """The envelope and the status decide together: either of them can say that a call failed."""
    results = body.get("results") if isinstance(body, dict) else None
    results = results if isinstance(results, dict) else {}
    if status < 400 and results.get("success", True) is True:
        return None
    if status in (405, 501):
        return NotFound, "not_offered"
    if status in _TELLING_STATUSES:
        return None
    message = results.get("message")
    told = (verdict for pattern, verdict in _MESSAGES if isinstance(message, str) and pattern.search(message))
    return next(told, None if status >= 400 else (Confused, "success_false"))


def is_intact(body: Any) -> bool:
    """Whether `md5` fits `results`: it is taken over their compact text. True where that cannot be told.

    How that text escapes characters is not published: the plain, the ASCII and the Rails way are accepted.
    """
    envelope = body if isinstance(body, dict) else {}
    given, results = envelope.get("md5"), envelope.get("results")
    if not isinstance(given, str) or results is None:
        return True
    try:
        return any(_md5(text) == given.strip().lower() for text in _compact_texts(results))
    except (ValueError, RecursionError):
        return True


def _compact_texts(results: Any) -> Iterator[str]:
    plain = json.dumps(results, separators=(",", ":"), ensure_ascii=False)
    yield plain
    yield plain.translate(_RAILS_ESCAPES)
    yield json.dumps(results, separators=(",", ":"))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def read_ping(body: Any, account: str, operation: str) -> None:
    """The answer of /api/v2. That it is one is all it tells."""
    _results(body, account, operation)


def read_apps(body: Any, account: str, operation: str) -> Page[CatalogApp]:
    """A page of /api/v2/apps: apps of all four types, in no order that is promised."""
    results = _results(body, account, operation)
    return _page(results, tuple(_app(item, account) for item in results.objects("list")))


def read_app(body: Any, account: str, operation: str) -> CatalogApp:
    """The answer of /api/v2/apps/{app}."""
    return _app(_results(body, account, operation).child("app"), account)


def read_builds(body: Any, account: str, operation: str, app_id: str) -> Page[Build]:
    """A page of /api/v2/apps/{app}/builds, in the vendor's order. No page of the vendor's shows this answer.

    So it may also be a list under another name, or a bare one, as in the API before this.
    """
    inner = body.get("results") if isinstance(body, dict) else body
    results = _results({"results": {"list": inner}} if isinstance(inner, list) else body, account, operation)
    return _page(results, tuple(_build(item, account, app_id) for item in results.objects(*_BUILD_LISTS)))


def read_build(body: Any, account: str, operation: str, app_id: str) -> Build:
    """The answer of /api/v2/apps/{app}/builds/{build}."""
    return _build(_results(body, account, operation).child("build"), account, app_id)


def is_page(build: Build) -> bool:
    """Whether a build is an `AppPage`. The ids of true builds are the vendor's, and never begin with their app's."""
    return build.id.startswith(f"{build.app_id}-")


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By upload time; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def _results(body: Any, account: str, operation: str) -> Fields:
    origin = Origin(PROVIDER, account, operation)
    answer = read_object(body, origin)
    if not isinstance(answer.raw.get("results"), dict):
        raise origin.confused("missing_field:results")
    return answer.child("results")


def _page(results: Fields, items: tuple[T, ...]) -> Page[T]:
    """`count` is what this answer holds; `total` is that of the whole account, whatever was asked, and says nothing."""
    return Page(items, max(len(items), results.integer("count") or 0))


def _app(app: Fields, account: str) -> CatalogApp:
    app_id, kind = app.required(*_IDS), (app.text("type") or "").lower()
    pages = {"public": _store_pages, "web": _web_pages}.get(kind, _no_pages)
    return CatalogApp(
        account,
        app_id,
        app.text("name") or app_id,
        has_builds=kind not in _WITHOUT_BUILDS,
        pages=tuple(pages(app, account, app_id)),
    )


def _no_pages(app: Fields, account: str, app_id: str) -> Iterator[AppPage]:
    return iter(())


def _web_pages(app: Fields, account: str, app_id: str) -> Iterator[AppPage]:
    """A web app is its address. Its versions follow each other there, each from the app's last change on."""
    version = app.text("version") or UNKNOWN_VERSION
    url = web_address(app.text("uri") or "")
    yield AppPage(
        Build(
            account=account,
            app_id=app_id,
            id=f"{app_id}-web-{version}",
            version=version,
            platform=Platform.WEB,
            track=TRACK,
            state=BuildState.LIVE,
            handover=Handover.PAGE if url else Handover.NONE,
            uploaded_at=app.moment("modified") or app.moment("created"),
        ),
        url,
    )


def _store_pages(app: Fields, account: str, app_id: str) -> Iterator[AppPage]:
    """A public app is a link to each store that has it."""
    package = _matching(_PACKAGE_NAME, app.text("google_external_id"))
    stores = (
        ("apple", Platform.IOS, _apple_page(app)),
        ("google", Platform.ANDROID, f"https://play.google.com/store/apps/details?id={package}" if package else None),
        ("windows", Platform.WINDOWS, web_address(app.text("windows_external_url") or "")),
    )
    for store, platform, url in stores:
        if url:
            build = Build(
                account=account,
                app_id=app_id,
                id=f"{app_id}-{store}",
                version=STORE_VERSION,
                platform=platform,
                track=TRACK,
                state=BuildState.LIVE,
                handover=Handover.PAGE,
                uploaded_at=app.moment("created"),
                detail="store page",
                bundle_id=package if platform is Platform.ANDROID else None,
            )
            yield AppPage(build, url)


def _apple_page(app: Fields) -> str | None:
    number = _matching(_APPLE_ID, app.text("apple_external_id"))
    return f"https://apps.apple.com/app/id{number}" if number else None


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text and pattern.fullmatch(text) else None


def _build(build: Fields, account: str, app_id: str) -> Build:
    state = _state(build)
    environment = _environment(build)
    return Build(
        account=account,
        app_id=app_id,
        id=build.required(*_IDS),
        version=build.text("version", "version_name", "short_version") or UNKNOWN_VERSION,
        number=build.text("build_number", "version_code", "bundle_version"),
        platform=_PLATFORMS.get((build.text("platform") or "").lower(), Platform.OTHER),
        track=f"{TRACK} ({environment})" if environment else TRACK,
        state=state,
        # The store page offers the active build of each platform, and to testers that of the Test environment; no other.
        handover=Handover.NONE if state is BuildState.READY and build.flag("active") is False else Handover.PAGE,
        uploaded_at=build.moment("created", "created_at", "uploaded_at"),
        size=build.integer("size", "file_size"),
        notes=build.text("release_notes", "notes"),
        detail=_detail(build, state),
        bundle_id=build.text("bundle_identifier", "bundle_id", "package_name"),
    )


def _environment(build: Fields) -> str | None:
    word = build.text("environment") or ""
    return _ENVIRONMENTS.get(word.lower(), word) or None


def _state(build: Fields) -> BuildState:
    """`active`: the one in use in its environment. `activateable`: valid, and not that one. Neither: not processed yet."""
    if build.flag("active"):
        return BuildState.LIVE if _environment(build) == "Production" else BuildState.APPROVED
    told = _STATUSES.get((build.text("status") or "").lower(), BuildState.OTHER)
    if told is BuildState.FAILED:
        return told
    if build.flag("activateable"):
        return BuildState.READY
    if build.flag("active") is False and build.flag("activateable") is False:
        return BuildState.PROCESSING
    return told


def _detail(build: Fields, state: BuildState) -> str | None:
    """That a good build is not in use, or a status in the vendor's word."""
    if state is BuildState.READY and build.flag("active") is False:
        return "not active"
    status = build.text("status")
    return status if status and status.lower() not in _STATUSES else None
