"""Appcircle's JSON and manifests as Purser's nouns. Pure; raises only Confused.

No schema is published. The names are those of the vendor's own clients:
https://github.com/appcircleio/appcircle-cli, https://github.com/appcircleio/fastlane-plugin-appcircle_enterprise_app_store

Of a version in Testing Distribution only `id` and `createdAt` are known; the rest is read by the names of the store's model,
and absent where those are wrong.
"""

import plistlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.parsers.expat import ExpatError

from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.addresses import web_address
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
_TESTING_TRACK = "Testing distribution"
_STORES = {Platform.IOS: "Publish (App Store)", Platform.ANDROID: "Publish (Google Play)"}
_SUFFIXES = {".ipa": Platform.IOS, ".apk": Platform.ANDROID, ".aab": Platform.ANDROID}

# appcircle-cli, src/constant.ts. The status is that of the way to a store, and the file can be had at every point of it: hence
# neither PROCESSING nor FAILED, which say that there is none (yet). That a flow succeeded says that it ran to its end, which
# may be TestFlight: neither APPROVED nor LIVE.
_NOT_STARTED = 200
_FLOWS = {
    0: (BuildState.READY, "publish succeeded"),
    1: (BuildState.OTHER, "publish failed"),
    2: (BuildState.OTHER, "publish canceled"),
    3: (BuildState.OTHER, "publish timed out"),
    90: (BuildState.IN_REVIEW, "publish waiting"),
    91: (BuildState.IN_REVIEW, "publish running"),
    92: (BuildState.IN_REVIEW, "publish completing"),
    99: (BuildState.OTHER, "publish status unknown"),
    100: (BuildState.READY, "publish skipped"),
    _NOT_STARTED: (BuildState.READY, "publish not started"),
    201: (BuildState.OTHER, "publish stopped"),
    202: (BuildState.IN_REVIEW, "publish in progress"),
    203: (BuildState.IN_REVIEW, "publish awaiting response"),
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GrantedToken:
    """`lifetime` is None when the vendor does not say, or says something odd."""

    token: str = field(repr=False)
    lifetime: timedelta | None


def read_token(body: Any, account: str, operation: str) -> GrantedToken:
    """The answer of every exchange on the auth host."""
    answer = read_object(body, Origin(PROVIDER, account, operation))
    seconds = answer.integer("expires_in")
    try:
        return GrantedToken(answer.required("access_token"), timedelta(seconds=seconds) if seconds else None)
    except OverflowError:
        return GrantedToken(answer.required("access_token"), None)


def read_apps(body: Any, account: str, operation: str, prefix: str = "") -> list[App]:
    """The profiles of one module, `prefix` before their ids. Only those of Publish have a bundle id; elsewhere the builds do."""
    profiles = read_objects(body, Origin(PROVIDER, account, operation))
    return [_app(profile, account, prefix) for profile in profiles]


def read_builds(body: Any, account: str, operation: str, app_id: str) -> list[Build]:
    """The versions of one profile of the store, newest first.

    The vendor documents no order and may repeat what sub-organizations share.
    """
    versions = read_objects(body, Origin(PROVIDER, account, operation))
    return _each_once(_build(version, account, app_id) for version in versions)


def read_distributed(body: Any, account: str, operation: str, app_id: str) -> list[Build]:
    """The answer of /distribution/v2/profiles/{id}: a profile with its versions in it, newest first.

    The vendor's own client takes a profile without `appVersions` for one without versions. What has no id either is no profile,
    and says nothing about versions.
    """
    profile = read_object(body, Origin(PROVIDER, account, operation))
    if profile.raw.get("appVersions") is None:
        profile.required("id")
        return []
    return _each_once(_distributed(version, account, app_id) for version in profile.objects("appVersions"))


def read_submissions(body: Any, account: str, operation: str, app_id: str, platform: Platform) -> list[Build]:
    """The versions of one profile of /publish/v2/profiles/{platform}, newest first."""
    versions = read_objects(body, Origin(PROVIDER, account, operation))
    return _each_once(_submission(version, account, app_id, platform) for version in versions)


def read_link(body: Any, account: str, operation: str) -> str:
    """The answer to `?action=download`: a JSON text that holds an address. Raises Confused (bad_link)."""
    url = web_address(body) if isinstance(body, str) else None
    if url is None:
        raise Origin(PROVIDER, account, operation).confused("bad_link")
    return url


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """By upload time; builds without one come last, in the vendor's order."""
    return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)


def _each_once(builds: Iterable[Build]) -> list[Build]:
    return newest_first({build.id: build for build in builds}.values())


def _app(profile: Fields, account: str, prefix: str) -> App:
    profile_id = profile.required("id")
    return App(account, f"{prefix}{profile_id}", profile.text("name") or profile_id, profile.text("appUniqueId"))


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


def _distributed(version: Fields, account: str, app_id: str) -> Build:
    """No call that hands out its file is documented: testers get it from the Testing Portal."""
    return Build(
        account=account,
        app_id=app_id,
        id=version.required("id"),
        version=version.text("version") or UNKNOWN_VERSION,
        number=version.text("versionCode"),
        platform=_PLATFORMS.get(version.integer("platformType") or 0) or _platform_of_file(version.text("fileName") or ""),
        track=_TESTING_TRACK,
        state=BuildState.READY,
        handover=Handover.NONE,
        uploaded_at=version.moment("createdAt") or version.moment("createDate"),
        size=version.integer("fileSize"),
        notes=version.text("message", "releaseNotes", "summary"),
        file_name=version.text("fileName"),
        bundle_id=version.text("uniqueName"),
    )


def _platform_of_file(name: str) -> Platform:
    return next((platform for suffix, platform in _SUFFIXES.items() if name.lower().endswith(suffix)), Platform.OTHER)


def _submission(version: Fields, account: str, app_id: str, platform: Platform) -> Build:
    state, detail = _flow(version)
    return Build(
        account=account,
        app_id=app_id,
        id=version.required("id"),
        version=version.text("version") or UNKNOWN_VERSION,
        number=version.text("versionCode"),
        platform=platform,
        track=_STORES[platform],
        state=state,
        handover=Handover.FILE,
        uploaded_at=version.moment("createDate"),
        size=version.integer("fileSize"),
        notes=version.text("summary", "releaseNotes"),
        detail=detail,
        file_name=version.text("fileName"),
        bundle_id=version.text("uniqueName"),
    )


def _flow(version: Fields) -> tuple[BuildState, str]:
    """The vendor's own client takes a version without a status for one that was not started."""
    given = version.raw.get("latestFlowStatus")
    status = _NOT_STARTED if given is None else version.integer("latestFlowStatus")
    if status is None:
        return _FLOWS[99]
    return _FLOWS.get(status, (BuildState.OTHER, f"publish status {status}"))


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
