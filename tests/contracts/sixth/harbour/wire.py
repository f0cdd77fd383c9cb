"""Harbour's JSON as Purser's nouns. Pure; raises only Confused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.domain.errors import Confused, NotReady
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.addresses import web_address
from providers.failures import Verdict
from providers.fields import Fields, Origin, read_object

PROVIDER = "harbour"
UNKNOWN_VERSION = "unknown"

T = TypeVar("T")

_PLATFORMS = {"ios": Platform.IOS, "android": Platform.ANDROID}
_STATES = {"loading": BuildState.PROCESSING, "moored": BuildState.READY, "sunk": BuildState.FAILED}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` asks for the following one."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class MintedLink:
    """An address that opens one download, once."""

    url: str = field(repr=False)
    expires_at: datetime | None


def classify(status: int, body: Any) -> Verdict | None:
    """A 409 is a build that is not there yet; a 200 may carry an error."""
    if status == 409:
        return NotReady, "not_processed"
    if status < 400 and isinstance(body, dict) and "error" in body:
        return Confused, "error"
    return None


def read_apps(body: Any, account: str, operation: str) -> Page[App]:
    """A page of /v1/apps."""
    page = read_object(body, Origin(PROVIDER, account, operation))
    apps = (App(account, item.required("id"), item.required("name"), item.text("package")) for item in page.objects("apps"))
    return Page(tuple(apps), page.text("next"))


def read_builds(body: Any, account: str, operation: str, app_id: str) -> Page[Build]:
    """A page of /v1/apps/{app}/builds, newest first."""
    page = read_object(body, Origin(PROVIDER, account, operation))
    return Page(tuple(_build(item, account, app_id) for item in page.objects("builds")), page.text("next"))


def read_build(body: Any, account: str, operation: str, app_id: str) -> Build:
    """The answer of /v1/apps/{app}/builds/{build}."""
    return _build(read_object(body, Origin(PROVIDER, account, operation)), account, app_id)


def read_link(body: Any, account: str, operation: str) -> MintedLink:
    """The answer of .../builds/{build}/links. Raises Confused (bad_link)."""
    answer = read_object(body, Origin(PROVIDER, account, operation))
    url = web_address(answer.required("url"))
    if url is None:
        raise answer.origin.confused("bad_link")
    return MintedLink(url, answer.moment("expires_at"))


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By upload time; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def _build(item: Fields, account: str, app_id: str) -> Build:
    return Build(
        account=account,
        app_id=app_id,
        id=item.required("id"),
        version=item.text("version") or UNKNOWN_VERSION,
        number=item.text("number"),
        platform=_PLATFORMS.get(item.text("platform") or "", Platform.OTHER),
        track=f"Berth {item.text('berth') or 'one'}",
        state=_STATES.get(item.text("state") or "", BuildState.OTHER),
        handover=Handover.FILE,
        uploaded_at=item.moment("created_at"),
        size=item.integer("size"),
        notes=item.text("notes"),
    )
