"""Apple's JSON:API documents as Purser's nouns. Pure; the read functions raise only Confused.

https://developer.apple.com/documentation/appstoreconnectapi (shapes as in Apple's OpenAPI document 4.4.1)
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bot.domain.errors import Confused
from bot.domain.model import App, Build, BuildState, Handover, Platform

PROVIDER = "app_store_connect"
TRACK = "TestFlight"
UNKNOWN_VERSION = "unknown"
PREFERRED_LOCALE = "en-US"

T = TypeVar("T")

_PLATFORMS = {
    "IOS": Platform.IOS,
    "MAC_OS": Platform.MACOS,
    "TV_OS": Platform.TVOS,
    "VISION_OS": Platform.VISIONOS,
}
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
    "MISSING_EXPORT_COMPLIANCE": BuildState.OTHER,
}
_INTERNAL_STATES = _EXTERNAL_STATES | {
    "READY_FOR_BETA_TESTING": BuildState.READY,
    "IN_BETA_TESTING": BuildState.READY,
}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a collection. `next` is Apple's address of the following page, to be used as it is."""

    items: tuple[T, ...]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class PublicLink:
    """The TestFlight page of one external beta group."""

    url: str = field(repr=False)
    serves_all_builds: bool


def read_apps(body: object, account: str, operation: str) -> Page[App]:
    """A page of /v1/apps."""
    return _read_page(body, account, operation, lambda resource, _: _app(resource, account))


def read_builds(body: object, account: str, operation: str) -> Page[Build]:
    """A page of /v1/builds with app, preReleaseVersion, buildBetaDetail and betaBuildLocalizations included."""
    return _read_page(body, account, operation, lambda resource, included: _build(resource, included, account))


def read_build(body: object, account: str, operation: str) -> Build:
    """A document of /v1/builds/{id}, with the same includes."""
    try:
        document = _Single.model_validate(body)
        return _build(document.data, _Included(document.included), account)
    except (ValidationError, _Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error


def read_public_links(body: object, account: str, operation: str) -> Page[PublicLink]:
    """The groups of a page of /v1/betaGroups that offer a public link (internal groups have none)."""
    page = _read_page(body, account, operation, lambda resource, _: _public_link(resource))
    return Page(tuple(link for link in page.items if link is not None), page.next, page.total)


def read_ids(body: object, account: str, operation: str) -> Page[str]:
    """The ids of a page of anything."""
    return _read_page(body, account, operation, lambda resource, _: resource.id)


def read_error_codes(body: object) -> tuple[str, ...]:
    """The codes of an error document; empty when it is none."""
    try:
        return tuple(error.code for error in _Errors.model_validate(body).errors)
    except ValidationError:
        return ()


class _Incomplete(Exception):
    """A resource without something that Purser cannot do without."""


def _moment(value: object) -> datetime | None:
    """ISO 8601 with an offset, as aware UTC."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a date-time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date-time without an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a date-time outside the calendar") from error


_Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class _Wire(BaseModel):
    # Inputs stay out of errors: a document may hold public links.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class _Reference(_Wire):
    type: str
    id: str


class _Relationship(_Wire):
    data: _Reference | tuple[_Reference, ...] | None = None

    @property
    def references(self) -> tuple[_Reference, ...]:
        if self.data is None:
            return ()
        return self.data if isinstance(self.data, tuple) else (self.data,)


class _Resource(_Wire):
    type: str
    id: str
    attributes: Mapping[str, object] | None = None
    relationships: Mapping[str, _Relationship] | None = None

    def references(self, name: str) -> tuple[_Reference, ...]:
        relationship = (self.relationships or {}).get(name)
        return relationship.references if relationship else ()


class _Links(_Wire):
    next: str | None = None


class _Paging(_Wire):
    total: int | None = None


class _Meta(_Wire):
    paging: _Paging = _Paging()


class _Collection(_Wire):
    data: tuple[_Resource, ...]
    included: tuple[_Resource, ...] = ()
    links: _Links = _Links()
    meta: _Meta = _Meta()


class _Single(_Wire):
    data: _Resource
    included: tuple[_Resource, ...] = ()


class _Error(_Wire):
    code: str


class _Errors(_Wire):
    errors: tuple[_Error, ...]


class _AppAttributes(_Wire):
    name: str | None = None
    bundle_id: str | None = None


class _BuildAttributes(_Wire):
    # The build number: builds call CFBundleVersion "version". What people call the version is on preReleaseVersions.
    version: str | None = None
    uploaded_date: _Moment = None
    expiration_date: _Moment = None
    expired: bool | None = None
    min_os_version: str | None = None
    processing_state: str | None = None


class _VersionAttributes(_Wire):
    version: str | None = None
    platform: str | None = None


class _BetaDetailAttributes(_Wire):
    internal_build_state: str | None = None
    external_build_state: str | None = None


class _NotesAttributes(_Wire):
    locale: str | None = None
    whats_new: str | None = None


class _GroupAttributes(_Wire):
    public_link: str | None = Field(default=None, pattern=r"^https?://")
    public_link_enabled: bool | None = None
    is_internal_group: bool | None = None
    has_access_to_all_builds: bool | None = None


Attributes = TypeVar("Attributes", bound=_Wire)


class _Included:
    """Finds the resources that a document includes."""

    def __init__(self, resources: Iterable[_Resource]) -> None:
        self._found = {(resource.type, resource.id): resource for resource in resources}

    def many(self, owner: _Resource, name: str, kind: type[Attributes]) -> list[Attributes]:
        """The attributes of what `owner` refers to under `name`, as far as it is included."""
        references = ((reference.type, reference.id) for reference in owner.references(name))
        return [_attributes(self._found[reference], kind) for reference in references if reference in self._found]

    def one(self, owner: _Resource, name: str, kind: type[Attributes]) -> Attributes:
        """The first of them; with nothing included, attributes that are all absent."""
        return next(iter(self.many(owner, name, kind)), kind())


def _attributes(resource: _Resource, kind: type[Attributes]) -> Attributes:
    return kind.model_validate(resource.attributes or {})


def _read_page(body: object, account: str, operation: str, read: Callable[[_Resource, _Included], T]) -> Page[T]:
    try:
        document = _Collection.model_validate(body)
        included = _Included(document.included)
        items = tuple(read(resource, included) for resource in document.data)
    except (ValidationError, _Incomplete) as error:
        raise Confused(PROVIDER, account, operation, "unexpected_shape") from error
    return Page(items, document.links.next, document.meta.paging.total)


def _app(resource: _Resource, account: str) -> App:
    about = _attributes(resource, _AppAttributes)
    return App(account, resource.id, about.name or about.bundle_id or resource.id, about.bundle_id)


def _build(resource: _Resource, included: _Included, account: str) -> Build:
    about = _attributes(resource, _BuildAttributes)
    release = included.one(resource, "preReleaseVersion", _VersionAttributes)
    state, detail = _state(about, included.one(resource, "buildBetaDetail", _BetaDetailAttributes))
    return Build(
        account=account,
        app_id=_app_id(resource),
        id=resource.id,
        version=release.version or UNKNOWN_VERSION,
        platform=_PLATFORMS.get(release.platform or "", Platform.OTHER),
        track=TRACK,
        state=state,
        handover=Handover.PAGE,
        number=about.version,
        uploaded_at=about.uploaded_date,
        expires_at=about.expiration_date,
        notes=_notes(included.many(resource, "betaBuildLocalizations", _NotesAttributes)),
        detail=detail,
        bundle_id=included.one(resource, "app", _AppAttributes).bundle_id,
        min_os=about.min_os_version,
    )


def _app_id(resource: _Resource) -> str:
    for reference in resource.references("app"):
        return reference.id
    raise _Incomplete("a build without its app")


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
    if external and external != "NOT_APPLICABLE":
        return _with_detail(_EXTERNAL_STATES.get(external, BuildState.OTHER), external)
    if internal:
        return _with_detail(_INTERNAL_STATES.get(internal, BuildState.OTHER), internal)
    return BuildState.READY, None


def _with_detail(state: BuildState, word: str | None) -> tuple[BuildState, str | None]:
    readable = word.replace("_", " ").lower() if word else None
    return state, None if readable == state.value else readable


def _notes(localizations: Iterable[_NotesAttributes]) -> str | None:
    """What to test, in English where there is English."""
    written = {notes.locale: notes.whats_new for notes in localizations if notes.whats_new and notes.whats_new.strip()}
    return written.get(PREFERRED_LOCALE) or next(iter(written.values()), None)


def _public_link(resource: _Resource) -> PublicLink | None:
    about = _attributes(resource, _GroupAttributes)
    if not about.public_link or not about.public_link_enabled or about.is_internal_group:
        return None
    return PublicLink(about.public_link, about.has_access_to_all_builds is True)
