"""The nouns of Purser, used with the same meaning in Slack text, code and tables."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from bot.domain.digest import Digest


class Platform(StrEnum):
    """Where a build runs. A vendor's unknown platform is OTHER, never an error."""

    IOS = "ios"
    ANDROID = "android"
    MACOS = "macos"
    TVOS = "tvos"
    VISIONOS = "visionos"
    WINDOWS = "windows"
    WEB = "web"
    API = "api"
    OTHER = "other"


class BuildState(StrEnum):
    """How far a build has come. A vendor's unknown state is OTHER, never an error."""

    PROCESSING = "processing"
    READY = "ready"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    LIVE = "live"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    OTHER = "other"

    @property
    def is_announceable(self) -> bool:
        """Whether people should hear of a build in this state: it exists and did not fail."""
        return self not in (BuildState.PROCESSING, BuildState.FAILED, BuildState.EXPIRED)

    @property
    def ends(self) -> bool:
        """Whether such a build is EXPIRED as soon as its own end has passed, whatever its vendor said of it before."""
        return self.is_announceable and self is not BuildState.REJECTED


class Handover(StrEnum):
    """What a person gets when they press Download."""

    FILE = "file"  # the artefact itself (apk, ipa, pkg, ...)
    PAGE = "page"  # a page of the vendor: TestFlight public link, store page, install page
    NONE = "none"  # nothing: the provider only lists


@dataclass(frozen=True, slots=True)
class App:
    """An app as one account lists it. `bundle_id` is the bundle id or package name."""

    account: str
    id: str
    name: str
    bundle_id: str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """What people call it: the apps of several accounts that are the same thing."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    apps: tuple[App, ...] = ()


def build_key(account: str, app_id: str, build_id: str) -> str:
    """The id that buttons, tables and log lines use for a build: 16 hex characters computed from facts."""
    text = "\x1f".join((account, app_id, build_id))
    return blake2b(text.encode(), digest_size=8).hexdigest()


PENDING_CONTRACT = "pending contract"
"""The detail of a build that is approved and held back until somebody accepts an agreement."""


@dataclass(frozen=True, slots=True)
class Build:
    """One artefact of an app.

    `id` is the provider's, unique within its app. `version` is the label people see and `number` the
    build number; both are text and never compared as numbers or strings. `size` is in bytes, `sha256` lower-case hex.
    `detail` is the vendor's own word for the state when it says more than `state` does.
    """

    account: str
    app_id: str
    id: str
    version: str
    platform: Platform
    track: str
    state: BuildState
    handover: Handover
    number: str | None = None
    uploaded_at: datetime | None = None
    expires_at: datetime | None = None
    size: int | None = None
    sha256: str | None = None
    notes: str | None = None
    detail: str | None = None
    file_name: str | None = None
    bundle_id: str | None = None
    min_os: str | None = None
    branch: str | None = None
    commit: str | None = None
    uploader: str | None = None

    @property
    def key(self) -> str:
        """See `build_key`."""
        return build_key(self.account, self.app_id, self.id)

    def is_expired(self, now: datetime) -> bool:
        """Whether the vendor no longer hands this build out."""
        return self.state is BuildState.EXPIRED or (self.expires_at is not None and self.expires_at <= now)


class LinkKind(StrEnum):
    """What a browser finds behind a link."""

    FILE = "file"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Link:
    """What a person opens. The address is a capability: it never appears in a repr, a log or an error."""

    url: str = field(repr=False)
    kind: LinkKind
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """What we know of our contact with one account.

    `checked_at` is the last attempt, `ok_at` the last that succeeded, `failing_since` the first failure of the
    present run of failures and `reason` its stable code. `baseline_at` is the first success: before it nothing is announced.
    `refused_since` is the first time in that run that the key was refused; until `next_at` polls leave the account alone.
    `full_at` is when everything was read last, not only what can have changed.
    """

    name: str
    provider: str
    checked_at: datetime | None = None
    ok_at: datetime | None = None
    baseline_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    failures: int = 0
    refused_since: datetime | None = None
    next_at: datetime | None = None
    full_at: datetime | None = None
    apps: int = 0
    builds: int = 0


NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class AppTrouble:
    """An app whose builds may be other than we know. `reason` is NOT_LISTED (its account shows it no longer) or the stable code
    of why it could not be read, and `since` when that was found first."""

    account: str
    app_id: str
    name: str
    reason: str
    since: datetime


class ExpiryKind(StrEnum):
    """What comes to an end."""

    CERTIFICATE = "certificate"
    PROFILE = "profile"
    KEY = "key"
    BUILD = "build"
    DATE = "date"  # from the configuration; no API tells it


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something that ends. `id` is unique within account and kind: the vendor's, a build's key, or a date's own; a date of the
    configuration has no account (""). `platform` and `track` are a build's."""

    account: str
    kind: ExpiryKind
    id: str
    name: str
    expires_at: datetime
    platform: Platform | None = None
    track: str | None = None


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """What people were told last of one thing's end: that it was `days` or less away, and when it was to be."""

    account: str
    kind: ExpiryKind
    id: str
    expires_at: datetime
    days: int
    told_at: datetime


class AgreementState(StrEnum):
    """What can be said of an account's legal papers. IN_FORCE means: Apple enforced nothing when we asked."""

    IN_FORCE = "in_force"
    BLOCKED = "blocked"
    REFUSED = "refused"  # the key or its role is the problem, which says nothing about agreements
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The answer of one agreement check. `blocked` names what is refused ("apps", "signing"), `code` is the vendor's."""

    account: str
    state: AgreementState
    checked_at: datetime
    code: str | None = None
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One row of an account's agreement history. The current row has no `until`.

    `strikes` counts blocked checks in a row that have not been announced yet (an alarm takes two). A blocked row is an
    incident: `taken_by` said that they are on it, `snoozed_by` that nobody wants reminders before `snoozed_until`.
    """

    account: str
    state: AgreementState
    since: datetime
    checked_at: datetime
    until: datetime | None = None
    code: str | None = None
    blocked: tuple[str, ...] = ()
    strikes: int = 0
    taken_by: str | None = None
    taken_at: datetime | None = None
    snoozed_by: str | None = None
    snoozed_until: datetime | None = None
    reminded_at: datetime | None = None


class Snooze(StrEnum):
    """For how long reminders of an incident may be held back."""

    FOUR_HOURS = "4h"
    ONE_DAY = "1d"
    MONDAY = "monday"


class EventKind(StrEnum):
    """What a channel can subscribe to."""

    NEW_BUILDS = "new-builds"
    AGREEMENTS = "agreements"
    EXPIRIES = "expiries"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a channel or person hears: of a product or all (`product_id` None), these kinds, through these filters (None: any)."""

    id: str
    channel: str
    kinds: frozenset[EventKind]
    created_by: str
    created_at: datetime
    product_id: str | None = None
    platform: Platform | None = None
    track: str | None = None
    provider: str | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Mute:
    """A channel that does not want to hear about a product, whatever it is subscribed to. `by` is who said so."""

    channel: str
    product_id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuietChannel:
    """A channel into which Slack does not let us write, or (`is_ext_shared`) in which others would read it. `reason` is Slack's
    code; the next attempt is due at `probe_at`."""

    channel: str
    reason: str
    since: datetime
    probe_at: datetime


class AlertKind(StrEnum):
    """What an alert is about."""

    NEW_BUILD = "new_build"
    BUILD_CHANGED = "build_changed"
    AGREEMENT_BLOCKED = "agreement_blocked"
    AGREEMENT_CLEARED = "agreement_cleared"
    AGREEMENT_REMINDER = "agreement_reminder"
    ACCOUNT_DOWN = "account_down"
    ACCOUNT_BACK = "account_back"
    APPS_LOST = "apps_lost"
    APPS_UNREAD = "apps_unread"
    EXPIRIES = "expiries"
    READY = "ready"
    CHANNEL_QUIET = "channel_quiet"

    @property
    def event(self) -> EventKind | None:
        """The subscription kind that hears of it; None: it is for the owners alone."""
        return _EVENTS.get(self)


ABOUT_BUILDS = (AlertKind.NEW_BUILD, AlertKind.BUILD_CHANGED)

_EVENTS = {
    AlertKind.NEW_BUILD: EventKind.NEW_BUILDS,
    AlertKind.BUILD_CHANGED: EventKind.NEW_BUILDS,
    AlertKind.AGREEMENT_BLOCKED: EventKind.AGREEMENTS,
    AlertKind.AGREEMENT_CLEARED: EventKind.AGREEMENTS,
    AlertKind.EXPIRIES: EventKind.EXPIRIES,
    AlertKind.AGREEMENT_REMINDER: EventKind.AGREEMENTS,
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One fact worth telling. `fingerprint` is computed from facts and makes it unique; `facts` is JSON-able. `origin` is the id
    of the request that brought it, as in the log."""

    fingerprint: str
    kind: AlertKind
    account: str
    created_at: datetime
    product_id: str | None = None
    build_key: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert and who hears of it: `channels` at once, those of `digests` when their digest is due."""

    alert: Alert
    channels: Collection[str]
    digests: Mapping[str, datetime] = field(default_factory=dict)


class DeliveryState(StrEnum):
    """PENDING waits for its time; SENDING was handed to Slack and not yet noted; SENT, FAILED and DROPPED are final: DROPPED was
    not to be told any more when its time came."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert in one channel. `ts` is the Slack message's, so that it can be updated; `reason` a stable code.

    `thread` is the message in whose thread it stands (None: in the channel itself). Deliveries with the same `batch` are one
    message; those of a digest wait for each other. `tried_at`: when it was handed to Slack without an answer that says whether
    Slack took it.
    """

    id: str
    alert: Alert
    channel: str
    state: DeliveryState
    due_at: datetime
    attempts: int = 0
    ts: str | None = None
    reason: str | None = None
    thread: str | None = None
    batch: str | None = None
    is_digest: bool = False
    sent_at: datetime | None = None
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """The message about a build in a channel. `batch`: it is about others, too; `thread`: it stands in another one's thread."""

    ts: str
    thread: str | None = None
    batch: str | None = None

    @property
    def root(self) -> str:
        """The message that a reply belongs to: Slack wants the first of a thread."""
        return self.thread or self.ts


OPENING = "opening"
"""The outcome of a grant whose file is on its way."""

VENDOR_LINK = "vendor_link"
"""The outcome of a grant whose link was the vendor's own: what becomes of that, nobody tells us."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The record of who asked for which link, where and when. `channel` is where they clicked.

    `given` is False while the click waits for a vendor or a build, and for good when it led nowhere; `outcome` is the stable code
    of what came of the click or of the last opening, None while the link was given and not opened. `sent_at`: when the link went
    to the person's phone. `asked`: how often the vendor was asked, because a click that waits is taken up again.
    """

    id: str
    build_key: str
    user: str
    channel: str
    created_at: datetime
    expires_at: datetime
    opened: int = 0
    outcome: str | None = None
    given: bool = True
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    sent_at: datetime | None = None
    asked: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody who wants to hear when a build is ready. `channel` is where they asked."""

    build_key: str
    user: str
    channel: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Someone in Slack, as far as access rules need to know.

    `names` are what colleagues write after an @; `zone` is the time zone that they told Slack, by its IANA name. `groups` are the
    user groups of the rules that the person is in, and `unread_groups` those of which Slack does not tell the members at the
    moment.
    """

    id: str
    is_guest: bool = False
    is_external: bool = False
    is_bot: bool = False
    is_deactivated: bool = False
    names: tuple[str, ...] = ()
    zone: str | None = None
    groups: frozenset[str] = frozenset()
    unread_groups: frozenset[str] = frozenset()
