"""Apps, builds and beta groups as Purser's nouns. Pure; the read functions raise only Confused.

https://developer.apple.com/documentation/appstoreconnectapi (shapes as in Apple's OpenAPI document 4.4.1)
"""

from dataclasses import dataclass, field
from typing import Annotated

from bot.domain.model import App, Build, BuildState, Handover
from providers.addresses import web_address
from providers.app_store_connect.documents import (
    Flag,
    Included,
    Incomplete,
    Moment,
    OrAbsent,
    Page,
    Resource,
    Text,
    Wire,
    attributes_of,
    platform_of,
    read_one,
    read_page,
    readable,
)
from providers.app_store_connect.store_versions import UNKNOWN_VERSION, BuildFacts, notes_of, store_version

TRACK = "TestFlight"
LONGEST_REASON = 600  # characters of an upload's errors

UNANSWERED = "MISSING_EXPORT_COMPLIANCE"
_EXTERNAL_STATES = {
    "PROCESSING": BuildState.PROCESSING,
    "PROCESSING_EXCEPTION": BuildState.FAILED,
    "EXPIRED": BuildState.EXPIRED,
    "IN_EXPORT_COMPLIANCE_REVIEW": BuildState.IN_REVIEW,
    "WAITING_FOR_BETA_REVIEW": BuildState.IN_REVIEW,
    "IN_BETA_REVIEW": BuildState.IN_REVIEW,
    "BETA_REJECTED": BuildState.REJECTED,
    "BETA_APPROVED": BuildState.APPROVED,
    "READY_FOR_BETA_TESTING": BuildState.APPROVED,
    "IN_BETA_TESTING": BuildState.APPROVED,
    "READY_FOR_BETA_SUBMISSION": BuildState.READY,
    # Nobody can install it before a person has answered Apple's question, so it is not ready.
    UNANSWERED: BuildState.OTHER,
}
_INTERNAL_STATES = _EXTERNAL_STATES | {
    "READY_FOR_BETA_TESTING": BuildState.READY,
    "IN_BETA_TESTING": BuildState.READY,
}
_BEFORE_EXTERNAL_TESTING = frozenset({"READY_FOR_BETA_SUBMISSION", "WAITING_FOR_BETA_REVIEW", "IN_BETA_REVIEW", "BETA_REJECTED"})
INTERNAL_TESTING = "in internal testing"


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An app, and the App Store versions that came with it."""

    app: App
    versions: tuple[Build, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedBuild:
    """A TestFlight build, and the App Store version that it became."""

    build: Build
    version: Build | None = None


@dataclass(frozen=True, slots=True)
class PublicLink:
    """The TestFlight page of one external beta group."""

    url: str = field(repr=False)
    serves_all_builds: bool


def read_apps(body: object, account: str, operation: str) -> Page[ListedApp]:
    """A page of /v1/apps, with appStoreVersions included or not."""
    return read_page(body, account, operation, lambda resource, included: _listed_app(resource, included, account))


def read_builds(body: object, account: str, operation: str) -> Page[ListedBuild]:
    """A page of /v1/builds with app, preReleaseVersion, buildBetaDetail, betaBuildLocalizations, buildUpload and
    appStoreVersion included."""
    return read_page(body, account, operation, lambda resource, included: _listed_build(resource, included, account))


def read_build(body: object, account: str, operation: str) -> Build:
    """A document of /v1/builds/{id}, with the same includes."""
    return read_one(body, account, operation, lambda resource, included: _build(resource, included, account))


def read_public_links(body: object, account: str, operation: str) -> Page[PublicLink]:
    """The groups of a page of /v1/betaGroups that offer a public link (internal groups have none)."""
    page = read_page(body, account, operation, lambda resource, _: _public_link(resource))
    return Page(tuple(link for link in page.items if link is not None), page.next, page.total)


def read_ids(body: object, account: str, operation: str) -> Page[str]:
    """The ids of a page of anything."""
    return read_page(body, account, operation, lambda resource, _: resource.id)


class _AppAttributes(Wire):
    name: Text = None
    bundle_id: Text = None


class _BuildAttributes(Wire):
    # The build number: builds call CFBundleVersion "version". What people call the version is on preReleaseVersions.
    version: Text = None
    uploaded_date: Moment = None
    expiration_date: Moment = None
    expired: Flag = None
    min_os_version: Text = None
    processing_state: Text = None


class _VersionAttributes(Wire):
    version: Text = None
    platform: Text = None


class _BetaDetailAttributes(Wire):
    internal_build_state: Text = None
    external_build_state: Text = None


class _GroupAttributes(Wire):
    public_link: Text = None
    public_link_enabled: Flag = None
    is_internal_group: Flag = None
    has_access_to_all_builds: Flag = None


class Problem(Wire):
    description: Text = None


class UploadState(Wire):
    state: Text = None
    errors: Annotated[tuple[Problem, ...] | None, OrAbsent()] = None


class UploadAttributes(Wire):
    state: Annotated[UploadState | None, OrAbsent()] = None


def _app(resource: Resource, account: str) -> App:
    about = attributes_of(resource, _AppAttributes)
    return App(account, resource.id, about.name or about.bundle_id or resource.id, about.bundle_id)


def _listed_app(resource: Resource, included: Included, account: str) -> ListedApp:
    app = _app(resource, account)
    return ListedApp(app, tuple(store_version(each, app) for each in included.resources(resource, "appStoreVersions")))


def _listed_build(resource: Resource, included: Included, account: str) -> ListedBuild:
    build = _build(resource, included, account)
    app = App(account, build.app_id, build.app_id, build.bundle_id)
    became = (
        store_version(each, app, BuildFacts(build.number, build.min_os))
        for each in included.resources(resource, "appStoreVersion")
    )
    return ListedBuild(build, next(became, None))


def _build(resource: Resource, included: Included, account: str) -> Build:
    about = attributes_of(resource, _BuildAttributes)
    release = included.one(resource, "preReleaseVersion", _VersionAttributes)
    state, detail = _state(about, included.one(resource, "buildBetaDetail", _BetaDetailAttributes))
    if state is BuildState.FAILED:
        detail = reason_of(included.one(resource, "buildUpload", UploadAttributes).state) or detail
    return Build(
        account=account,
        app_id=_app_id(resource),
        id=resource.id,
        version=release.version or UNKNOWN_VERSION,
        platform=platform_of(release.platform),
        track=TRACK,
        state=state,
        handover=Handover.PAGE,
        number=about.version,
        uploaded_at=about.uploaded_date,
        expires_at=about.expiration_date,
        notes=notes_of(resource, included, "betaBuildLocalizations"),
        detail=detail,
        bundle_id=included.one(resource, "app", _AppAttributes).bundle_id,
        min_os=about.min_os_version,
    )


def _app_id(resource: Resource) -> str:
    for reference in resource.references("app"):
        return reference.id
    raise Incomplete("a build without its app")


def _state(about: _BuildAttributes, beta: _BetaDetailAttributes) -> tuple[BuildState, str | None]:
    """The state, and Apple's own word for it where that says more."""
    if about.processing_state in ("FAILED", "INVALID"):
        return _with_detail(BuildState.FAILED, about.processing_state)
    if about.expired:
        return BuildState.EXPIRED, None
    if about.processing_state == "PROCESSING":
        return BuildState.PROCESSING, None
    if about.processing_state != "VALID":
        return _with_detail(BuildState.OTHER, about.processing_state)
    return _beta_state(beta)


def _beta_state(beta: _BetaDetailAttributes) -> tuple[BuildState, str | None]:
    """External testing says how far the build has come; internal testing speaks where there is no external one."""
    external, internal = beta.external_build_state, beta.internal_build_state
    if internal == UNANSWERED:
        return _with_detail(_INTERNAL_STATES[UNANSWERED], UNANSWERED)
    if not external or external == "NOT_APPLICABLE":
        return _with_detail(_INTERNAL_STATES.get(internal, BuildState.OTHER), internal) if internal else (BuildState.READY, None)
    state, detail = _with_detail(_EXTERNAL_STATES.get(external, BuildState.OTHER), external)
    if internal == "IN_BETA_TESTING" and external in _BEFORE_EXTERNAL_TESTING:
        return state, f"{detail}, {INTERNAL_TESTING}"
    return state, detail


def _with_detail(state: BuildState, word: str | None) -> tuple[BuildState, str | None]:
    words = readable(word) if word else None
    return state, None if words == state.value else words


def reason_of(upload: UploadState | None) -> str | None:
    """Everything that Apple found wrong with the upload: builds themselves give no reason."""
    errors = (upload.errors if upload else None) or ()
    said = dict.fromkeys(" ".join(error.description.split()) for error in errors if error.description)
    return " ".join(text for text in said if text)[:LONGEST_REASON] or None


def _public_link(resource: Resource) -> PublicLink | None:
    about = attributes_of(resource, _GroupAttributes)
    url = web_address(about.public_link or "")
    if url is None or not about.public_link_enabled or about.is_internal_group:
        return None
    return PublicLink(url, about.has_access_to_all_builds is True)
