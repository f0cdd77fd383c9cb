"""Appcircle's JSON and manifests as Purser's nouns. Pure; raises only Confused.

No schema is published. The names are those of the vendor's own clients:
https://github.com/appcircleio/appcircle-cli, https://github.com/appcircleio/fastlane-plugin-appcircle_enterprise_app_store
"""

import plistlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.parsers.expat import ExpatError

from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.fields import Fields, Origin, read_object, read_objects

PROVIDER = "appcircle"
UNKNOWN_VERSION = "unknown"

_PLATFORMS = {1: Platform.IOS, 2: Platform.ANDROID}
_TRACK = "Enterprise store"
_PUBLISH_TYPES = {
    0: (_TRACK, BuildState.READY),
    1: (f"{_TRACK} (Beta)", BuildState.READY),
    2: (f"{_TRACK} (Live)", BuildState.LIVE),
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GrantedToken:
    """`lifetime` is None when the vendor does not say, or says something odd."""

    token: str = field(repr=False)
    lifetime: timedelta | None


def read_token(body: Any, account: str, operation: str) -> GrantedToken:
    """The answer of /auth/v1/token."""
    answer = read_object(body, Origin(PROVIDER, account, operation))
    seconds = answer.integer("expires_in")
    try:
        return GrantedToken(answer.required("access_token"), timedelta(seconds=seconds) if seconds else None)
    except OverflowError:
        return GrantedToken(answer.required("access_token"), None)


def read_apps(body: Any, account: str, operation: str) -> list[App]:
    """The profiles of /store/v2/profiles. A profile has no bundle id; its builds do."""
    profiles = read_objects(body, Origin(PROVIDER, account, operation))
    return [App(account, profile.required("id"), profile.text("name") or profile.required("id")) for profile in profiles]


def read_builds(body: Any, account: str, operation: str, app_id: str) -> list[Build]:
    """The versions of one profile, newest first. The vendor documents no order and may repeat what sub-organizations share."""
    versions = read_objects(body, Origin(PROVIDER, account, operation))
    builds = {build.id: build for version in versions if (build := _build(version, account, app_id))}
    return newest_first(builds.values())


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By upload time; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def _build(version: Fields, account: str, app_id: str) -> Build:
    publish_type = version.integer("publishType")
    track, state = _PUBLISH_TYPES.get(publish_type or 0, (_TRACK, BuildState.OTHER))
    return Build(
        account=account,
        app_id=app_id,
        id=version.required("id"),
        version=version.text("version") or UNKNOWN_VERSION,
        number=version.text("versionCode"),
        platform=_PLATFORMS.get(version.integer("platformType") or 0, Platform.OTHER),
        track=track,
        state=state,
        handover=Handover.FILE,
        uploaded_at=version.moment("createDate"),
        size=version.integer("fileSize"),
        notes=version.text("releaseNotes", "summary"),
        detail=_detail(version, publish_type),
        file_name=version.text("fileName"),
        bundle_id=version.text("uniqueName"),
    )


def _detail(version: Fields, publish_type: int | None) -> str | None:
    if version.flag("isDownloadLimitExceeded"):
        return "download limit reached"
    return None if (publish_type or 0) in _PUBLISH_TYPES else f"publish type {publish_type}"


def looks_like_manifest(start: bytes) -> bool:
    """Whether a file that begins like this is an XML property list (an .ipa or .apk is a zip archive)."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<!DOCTYPE plist", b"<plist"))


def read_package_url(manifest: bytes, account: str, operation: str) -> str:
    """The address of the .ipa in an iOS install manifest. Raises Confused (bad_manifest).

    https://support.apple.com/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web
    """
    try:
        # Only XML is read; plistlib refuses entity declarations, so nothing in it can grow.
        document = plistlib.loads(manifest, fmt=plistlib.FMT_XML)
    except (ExpatError, ValueError, LookupError, AttributeError, TypeError, OverflowError):
        document = None
    url = next(_package_urls(document), None)
    if url is None:
        raise Origin(PROVIDER, account, operation).confused("bad_manifest")
    return url


def _package_urls(document: Any) -> Iterator[str]:
    for item in _dicts(document, "items"):
        for asset in _dicts(item, "assets"):
            url = asset.get("url")
            if asset.get("kind") == "software-package" and isinstance(url, str):
                yield url


def _dicts(parent: Any, name: str) -> Iterator[dict[str, Any]]:
    children = parent.get(name) if isinstance(parent, dict) else None
    return (child for child in (children if isinstance(children, list) else ()) if isinstance(child, dict))
