"""App Store versions as builds of the track "App Store". Pure; the read functions raise only Confused.

https://developer.apple.com/documentation/appstoreconnectapi/appversionstate
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.model import App, Build, BuildState, Handover
from providers.app_store_connect.documents import (
    Included,
    Moment,
    Number,
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

TRACK = "App Store"
UNKNOWN_VERSION = "unknown"
PREFERRED_LOCALE = "en-US"
# https://developer.apple.com/help/app-store-connect/update-your-app/release-a-version-update-in-phases/
PHASES = 7
# Seven days and at most thirty of pauses; before it, a version may have waited for weeks to be submitted and released.
PHASED_AT_MOST = timedelta(days=90)

_STATES = {
    # Nobody but its makers has it yet: Apple's own word says what it waits for.
    "PREPARE_FOR_SUBMISSION": BuildState.OTHER,
    "READY_FOR_REVIEW": BuildState.OTHER,
    # Approved, and held back by a legal paper: there is no page to open.
    "PENDING_CONTRACT": BuildState.OTHER,
    "WAITING_FOR_EXPORT_COMPLIANCE": BuildState.IN_REVIEW,
    "WAITING_FOR_REVIEW": BuildState.IN_REVIEW,
    "IN_REVIEW": BuildState.IN_REVIEW,
    "ACCEPTED": BuildState.APPROVED,
    "PENDING_APPLE_RELEASE": BuildState.APPROVED,
    "PENDING_DEVELOPER_RELEASE": BuildState.APPROVED,
    "PROCESSING_FOR_DISTRIBUTION": BuildState.APPROVED,
    "PROCESSING_FOR_APP_STORE": BuildState.APPROVED,
    "READY_FOR_DISTRIBUTION": BuildState.LIVE,
    "READY_FOR_SALE": BuildState.LIVE,
    "PREORDER_READY_FOR_SALE": BuildState.LIVE,
    "REJECTED": BuildState.REJECTED,
    "METADATA_REJECTED": BuildState.REJECTED,
    "DEVELOPER_REJECTED": BuildState.REJECTED,
    "INVALID_BINARY": BuildState.FAILED,
    # The store hands it out no longer, as TestFlight no longer hands out what has expired.
    "REPLACED_WITH_NEW_VERSION": BuildState.EXPIRED,
    "REMOVED_FROM_SALE": BuildState.EXPIRED,
    "DEVELOPER_REMOVED_FROM_SALE": BuildState.EXPIRED,
}
# What appVersionState has no word for: it then says READY_FOR_DISTRIBUTION or PENDING_..., which is not the whole truth.
_ONLY_IN_OLD_STATE = frozenset(
    {"PENDING_CONTRACT", "PREORDER_READY_FOR_SALE", "REMOVED_FROM_SALE", "DEVELOPER_REMOVED_FROM_SALE"}
)
_SAYS_NO_MORE = frozenset({"IN_REVIEW", "REJECTED", "READY_FOR_DISTRIBUTION", "READY_FOR_SALE"})


class _VersionAttributes(Wire):
    version_string: Text = None
    platform: Text = None
    app_version_state: Text = None
    app_store_state: Text = None
    created_date: Moment = None


class _PhasedAttributes(Wire):
    phased_release_state: Text = None
    current_day_number: Number = None


class _BuildAttributes(Wire):
    version: Text = None
    min_os_version: Text = None


class _NotesAttributes(Wire):
    locale: Text = None
    whats_new: Text = None


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What only the build of a version tells; with nothing known, or no build attached, facts that are all absent."""

    number: str | None = None
    min_os: str | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """How far a phased release has come. `words` are for people (None: nothing to say), `is_final`: it will not change."""

    words: str | None = None
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A version read by itself: with its build's number and its release notes, its phase in the detail."""

    version: Build
    phase: Phase


def store_version(resource: Resource, app: App, of: BuildFacts | None = None) -> Build:
    """The version `resource` of `app`, with what is known of its build. Raises pydantic's ValidationError."""
    about = attributes_of(resource, _VersionAttributes)
    state, detail = _state(about)
    version = Build(
        account=app.account,
        app_id=app.id,
        id=resource.id,
        version=about.version_string or UNKNOWN_VERSION,
        platform=platform_of(about.platform),
        track=TRACK,
        state=state,
        handover=Handover.PAGE if state is BuildState.LIVE else Handover.NONE,
        uploaded_at=about.created_date,
        detail=detail,
        bundle_id=app.bundle_id,
    )
    return with_build(version, of) if of else version


def read_store_version(body: object, app: App, operation: str) -> Reading:
    """A document of /v1/appStoreVersions/{id} with build, appStoreVersionPhasedRelease and appStoreVersionLocalizations
    included."""
    return read_one(body, app.account, operation, lambda resource, included: _reading(resource, included, app))


def read_build_facts(body: object, account: str, operation: str) -> Page[tuple[str, BuildFacts]]:
    """A page of /v1/builds with appStoreVersion included: (id of the version, facts of its build)."""
    page = read_page(body, account, operation, _with_version_ids)
    return Page(tuple(pair for pairs in page.items for pair in pairs), page.next, page.total)


def with_build(version: Build, facts: BuildFacts) -> Build:
    return replace(version, number=facts.number, min_os=facts.min_os)


def notes_of(owner: Resource, included: Included, name: str) -> str | None:
    """What is new, or what to test, from the localizations that `owner` calls `name`: in English where there is English."""
    localizations = included.many(owner, name, _NotesAttributes)
    written = {notes.locale: notes.whats_new for notes in localizations if notes.whats_new}
    return written.get(PREFERRED_LOCALE) or next(iter(written.values()), None)


def with_phase(version: Build, phase: Phase) -> Build:
    """A phased release says more of a live version than its state."""
    return replace(version, detail=phase.words) if phase.words and version.state is BuildState.LIVE else version


def _reading(resource: Resource, included: Included, app: App) -> Reading:
    facts = _facts(included.one(resource, "build", _BuildAttributes))
    phase = _phase(included.one(resource, "appStoreVersionPhasedRelease", _PhasedAttributes))
    version = replace(store_version(resource, app, facts), notes=notes_of(resource, included, "appStoreVersionLocalizations"))
    return Reading(with_phase(version, phase), phase)


def _with_version_ids(resource: Resource, _included: Included) -> tuple[tuple[str, BuildFacts], ...]:
    facts = _facts(attributes_of(resource, _BuildAttributes))
    return tuple((reference.id, facts) for reference in resource.references("appStoreVersion"))


def _facts(about: _BuildAttributes) -> BuildFacts:
    return BuildFacts(about.version, about.min_os_version)


def _state(about: _VersionAttributes) -> tuple[BuildState, str | None]:
    """The state, and Apple's own word for it where that says more. The old state is deprecated, and still knows more words."""
    new, old = about.app_version_state, about.app_store_state
    word = old if old in _ONLY_IN_OLD_STATE else new or old
    if not word:
        return BuildState.OTHER, None
    return _STATES.get(word, BuildState.OTHER), None if word in _SAYS_NO_MORE else readable(word)


def _phase(phased: _PhasedAttributes) -> Phase:
    day = phased.current_day_number
    match phased.phased_release_state:
        case "ACTIVE":
            return Phase(f"phased release day {day} of {PHASES}" if day else "phased release", is_final=False)
        case "PAUSED":
            return Phase(f"phased release paused on day {day} of {PHASES}" if day else "phased release paused", is_final=False)
        case None | "COMPLETE":
            return Phase()
        case _:
            return Phase(is_final=False)
