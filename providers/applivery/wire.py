"""Applivery's JSON as Purser's nouns. Pure; raises only Confused.

https://docs.applivery.com (List of Builds, Build Details, Download Token and URL of a Build)

An app's `buildRetentionDays` is no build's end, and told as none: the newest builds of every publication are kept beyond it, and
others for 30 days more (https://docs.applivery.com/en/app-distribution/builds/build-retention). What is deleted in the end is no
longer listed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bot.domain.errors import Confused, NotFound, NotReady, Refused
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.failures import Verdict
from providers.fields import Fields, Origin, integer_of, read_object

PROVIDER = "applivery"
TRACK = "App Distribution"
UNKNOWN_VERSION = "unknown"
LONGEST_REASON = 300  # characters of what the vendor says of a build that failed

T = TypeVar("T")

_PLATFORMS = {
    "ios": Platform.IOS,
    "android": Platform.ANDROID,
    "macos": Platform.MACOS,
    "tvos": Platform.TVOS,
    "visionos": Platform.VISIONOS,
    "windows": Platform.WINDOWS,
}
_STATES = {
    "pending": BuildState.PROCESSING,
    "in_progress": BuildState.PROCESSING,
    "processed": BuildState.READY,
    "error": BuildState.FAILED,
}
_ERRORS: dict[int | None, Verdict] = {
    3001: (NotFound, "not_found"),
    4002: (Refused, "unauthorized"),
    4004: (Refused, "unauthorized"),
    4005: (Refused, "token_expired"),
    5003: (Refused, "plan_limit"),
    5004: (Refused, "plan_limit"),
    5014: (NotReady, "not_processed"),
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `has_next` and `total` are None where the vendor does not say."""

    items: tuple[T, ...]
    has_next: bool | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class DownloadToken:
    """Opens one download, once."""

    token: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Labels:
    """By what publications choose a build: the tags that people gave to it, and the git tag that it was built from."""

    tags: frozenset[str] = frozenset()
    git_tag: str | None = None


def classify(status: int, body: Any) -> Verdict | None:
    """Applivery's own error code decides where it is known; a 200 may carry `"status": false`."""
    if not isinstance(body, dict) or (status < 400 and body.get("status") is not False):
        return None
    error = body.get("error")
    code = integer_of(error.get("code")) if isinstance(error, dict) else None
    if code in _ERRORS:
        return _ERRORS[code]
    return (Confused, "status_false") if status < 400 else None


def read_apps(body: Any, account: str, operation: str) -> Page[App]:
    """A page of /v1/organizations/{org}/apps. An app has no bundle id; its builds do."""
    data, items = read_items(body, account, operation)
    apps = tuple(App(account, item.required("id"), item.text("name", "slug") or item.required("id")) for item in items)
    return Page(apps, data.flag("hasNextPage"), data.integer("totalDocs"))


def read_builds(body: Any, account: str, operation: str, app_id: str) -> Page[Build]:
    """A page of /v1/organizations/{org}/apps/{app}/builds, in the vendor's order."""
    data, items = read_items(body, account, operation)
    builds = tuple(_build(item, account, app_id) for item in items)
    return Page(builds, data.flag("hasNextPage"), data.integer("totalDocs"))


def read_labels(body: Any, account: str, operation: str) -> Mapping[str, Labels]:
    """The labels of the same page's builds, by the builds' ids."""
    _, items = read_items(body, account, operation)
    return {item.required("id"): Labels(frozenset(_given_tags(item)), _git_tag(item)) for item in items}


def read_build(body: Any, account: str, operation: str, app_id: str) -> Build:
    """The answer of /v1/organizations/{org}/apps/{app}/builds/{build}."""
    return _build(read_data(body, account, operation), account, app_id)


def read_download_token(body: Any, account: str, operation: str) -> DownloadToken:
    """The answer of .../builds/{build}/downloadToken. The vendor's own Android SDK takes `expiresAt` for optional."""
    data = read_data(body, account, operation)
    return DownloadToken(data.required("token"), data.moment("expiresAt"))


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By upload time; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def read_data(body: Any, account: str, operation: str) -> Fields:
    """What is in the envelope."""
    origin = Origin(PROVIDER, account, operation)
    answer = read_object(body, origin)
    if not isinstance(answer.raw.get("data"), dict):
        raise origin.confused("missing_field:data")
    return answer.child("data")


def read_items(body: Any, account: str, operation: str) -> tuple[Fields, list[Fields]]:
    """A page of any list: the facts about the page, and what is on it."""
    data = read_data(body, account, operation)
    return data, data.objects("items")


def _build(build: Fields, account: str, app_id: str) -> Build:
    facts = _package_facts(build)
    deployer = build.child("deployer")
    git = deployer.child("info")
    return Build(
        account=account,
        app_id=app_id,
        id=build.required("id"),
        # `versionName` of the build is whatever was typed at the upload ("RC-1"): it is shown as detail, never as version.
        version=facts.text("CFBundleShortVersionString", "versionName") or UNKNOWN_VERSION,
        number=facts.text("CFBundleVersion", "versionCode"),
        platform=_PLATFORMS.get((build.text("os", "buildPlatform") or "").lower(), Platform.OTHER),
        track=TRACK,
        state=_STATES.get(build.text("status") or "", BuildState.OTHER),
        handover=Handover.FILE,
        uploaded_at=build.moment("createdAt"),
        size=build.integer("size"),
        notes=build.text("changelog"),
        detail=_detail(build, facts),
        bundle_id=facts.text("CFBundleIdentifier", "packageName"),
        min_os=facts.text("MinimumOSVersion", "LSMinimumSystemVersion", "minSDKVersion"),
        branch=git.text("git_branch", "branch", "gitBranch"),
        commit=deployer.text("commit") or git.text("git_commit", "commit", "gitCommit"),
        uploader=build.child("uploadedBy").text("name", "firstName", "email") or deployer.text("name"),
    )


def _package_facts(build: Fields) -> Fields:
    """What was read from the package itself: nothing before it is processed. The platform's own section goes first."""
    info = build.child("info")
    names = sorted(info.raw, key=lambda name: name not in (build.raw.get("os"), build.raw.get("buildPlatform")))
    sections = [info.child(name) for name in names]
    candidates = [section.child("plist") if "plist" in section.raw else section for section in sections]
    return next(
        (facts for facts in candidates if facts.text("CFBundleShortVersionString", "versionName")), Fields(info.origin, {})
    )


def _detail(build: Fields, facts: Fields) -> str | None:
    """An unknown status in the vendor's word, or why the build failed; while the true version is unknown, the label of the
    upload; and the tags.

    Teams tell by tags how far a build has come ("qa", "approved"), which is what a detail is for.
    """
    status = build.text("status")
    label = None if facts.raw else build.text("versionName", "versionCode")
    tags = list(dict.fromkeys(tag for tag in (*_given_tags(build), _git_tag(build)) if tag))
    words = (status if status not in _STATES else None, _failure(build), label, f"tagged {', '.join(tags)}" if tags else None)
    return ", ".join(word for word in words if word) or None


def _failure(build: Fields) -> str | None:
    """What could not be done with the upload: `error` may be a text or an object, `errorCode` a number."""
    said = build.text("error") or build.child("error").text("message", "description")
    code = build.text("errorCode") or build.child("error").text("code")
    words = " ".join((said or "").split())[:LONGEST_REASON]
    if not code:
        return words or None
    return f"{words} (error {code})" if words else f"error {code}"


def _given_tags(build: Fields) -> Iterator[str]:
    given = build.raw.get("tags")
    for tag in given if isinstance(given, list) else [given]:
        if text := Fields(build.origin, {"tag": tag}).text("tag"):
            yield text


def _git_tag(build: Fields) -> str | None:
    deployer = build.child("deployer")
    return deployer.text("tag") or deployer.child("info").text("git_tag", "tag", "gitTag")
