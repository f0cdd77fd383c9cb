"""What services answer and views draw. Facts only: no Slack shapes, no sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.model import (
    AccountHealth,
    AccountStatus,
    Agreement,
    Alert,
    AppTrouble,
    Build,
    Delivery,
    EventKind,
    Expiry,
    Grant,
    Person,
    Product,
    QuietChannel,
    Subscription,
)
from bot.domain.ports import AuditLine, BuildFilter, BuildPage


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old an answer is. `checked_at` is the oldest last good check of the accounts it rests on (None: one was never
    read), `failing` those that cannot be read now, `stale` those older than their freshness target, `refreshing` whether a
    check runs behind the answer. `troubles` are apps of which we may know less than their accounts, since when."""

    checked_at: datetime | None = None
    failing: tuple[AccountHealth, ...] = ()
    refreshing: bool = False
    stale: tuple[str, ...] = ()
    troubles: tuple[AppTrouble, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductLine:
    """One product with its newest build."""

    product: Product
    newest: Build | None


@dataclass(frozen=True, slots=True)
class ProductsAnswer:
    """`/versions` without a product's name. `asked` is the question, for the Share button. `has_accounts` False: nothing is
    configured that could be shown."""

    lines: tuple[ProductLine, ...]
    freshness: Freshness
    asked: str = ""
    has_accounts: bool = True


@dataclass(frozen=True, slots=True)
class HeadsAnswer:
    """`/versions shop`: the newest build per account, platform and track. `titles`: account name -> provider's title.

    `asked` is the question, for the Share button; without it the product's name is asked again.
    """

    product: Product
    builds: tuple[Build, ...]
    titles: Mapping[str, str]
    freshness: Freshness
    asked: str = ""


@dataclass(frozen=True, slots=True)
class BuildsAnswer:
    """`/versions shop ios 3.2`: one page of the matching builds. `asked` is the question, for the paging buttons."""

    product: Product
    wanted: BuildFilter
    asked: str
    page: BuildPage
    offset: int
    limit: int
    titles: Mapping[str, str]
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class ChoiceAnswer:
    """`/download shop` when several builds are meant. `asked` is the question, for the Share button."""

    product: Product
    builds: tuple[Build, ...]
    titles: Mapping[str, str]
    asked: str = ""


@dataclass(frozen=True, slots=True)
class NoSuchProduct:
    """A name that we do not know; `near` are the products it may have meant, `command` the word before it ("versions").

    `rest` is what stood around the name in the question, so that a suggestion's button can ask the whole question again. `unread`
    are the accounts that may have it: they were never read yet.
    """

    asked: str
    near: tuple[Product, ...]
    command: str
    rest: str = ""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NothingMatches:
    """A known product without a build of that description."""

    product: Product
    wanted: BuildFilter
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Pair:
    """Two builds of one platform."""

    older: Build
    newer: Build


@dataclass(frozen=True, slots=True)
class Lone:
    """A build with nothing beside it on its platform. `missing` is what was asked for and is not there; without it, both that
    were named are this build, or there is no other version."""

    build: Build
    missing: BuildFilter | None = None


@dataclass(frozen=True, slots=True)
class DiffAnswer:
    """`/purser diff shop 3.1 3.2`: one pair per platform. `named` are the versions and numbers of the question (what it leaves
    open is the newest), `wanted` its other filters; `asked` is the question, for the Share button."""

    product: Product
    wanted: BuildFilter
    named: tuple[BuildFilter, ...]
    pairs: tuple[Pair, ...]
    lone: tuple[Lone, ...]
    titles: Mapping[str, str]
    freshness: Freshness
    asked: str = ""


@dataclass(frozen=True, slots=True)
class NothingToCompare:
    """No platform has two builds that were meant. `missing` of the `named` has none at all; `near` are versions that may be meant
    instead, `rest` the words of the question that stay when one of them is."""

    product: Product
    wanted: BuildFilter
    named: tuple[BuildFilter, ...]
    missing: tuple[BuildFilter, ...]
    lone: tuple[Lone, ...]
    near: tuple[str, ...]
    rest: str
    freshness: Freshness


class Denial(StrEnum):
    """Why a person may not."""

    GUEST = "guest"
    EXTERNAL = "external"
    DEACTIVATED = "deactivated"
    CHANNEL = "channel"
    GROUP = "group"
    GROUP_UNKNOWN = "group_unknown"
    UNTOLD = "untold"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Denied:
    """`channels` are those in which the product may be asked for."""

    denial: Denial
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A granted download. `url` leads to our own page, or to the vendor where there is no PUBLIC_URL."""

    grant: Grant
    build: Build
    title: str
    url: str = field(repr=False)
    valid_for: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RevocableAnswer:
    """Links that can be taken back, newest first: of everybody for an owner, else the person's own."""

    lines: tuple[AuditLine, ...]
    total: int
    of_everybody: bool


@dataclass(frozen=True, slots=True)
class Revoked:
    """`count` links open nothing any more; `whose` is a person's id, None: of several people."""

    count: int
    whose: str | None = None


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """One page of the audit log. `newer`: how many lines come before it; `asked` is the question, for the paging buttons."""

    lines: tuple[AuditLine, ...]
    total: int
    newer: int
    asked: str
    product: Product | None = None


@dataclass(frozen=True, slots=True)
class Limited:
    """The person had as many links as one may have in an hour, or (`of_clicks`) pressed more often than vendors can be asked;
    `until` is when the next can be had."""

    per_hour: int
    until: datetime
    of_clicks: bool = False


class Obstacle(StrEnum):
    """Why there is no link for a build."""

    GONE = "gone"
    PROCESSING = "processing"
    FAILED = "failed"
    EXPIRED = "expired"
    NO_FILE = "no_file"
    NO_PUBLIC_URL = "no_public_url"
    VENDOR_DOWN = "vendor_down"
    VENDOR_BUSY = "vendor_busy"
    REFUSED = "refused"
    CONFUSED = "confused"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class Blocked:
    """`title` is the provider's; `since` when it began, where known; `well_at` when the account was last read well; `instead` the
    newest build that can be had."""

    obstacle: Obstacle
    build: Build | None = None
    title: str = ""
    account: str = ""
    since: datetime | None = None
    instead: Build | None = None
    reason: str | None = None
    well_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account in `/purser status` and `/purser apps`."""

    health: AccountHealth
    title: str
    products: tuple[Product, ...] = ()
    agreement: Agreement | None = None
    troubles: tuple[AppTrouble, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """`deliveries` counts by state ("pending", "sent", "failed"); into the `quiet` channels Slack does not let us write; `failed`
    are the latest deliveries that were given up, newest first."""

    accounts: tuple[AccountLine, ...]
    deliveries: Mapping[str, int]
    quiet: tuple[QuietChannel, ...] = ()
    failed: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class AppsAnswer:
    accounts: tuple[AccountLine, ...]


@dataclass(frozen=True, slots=True)
class DueDate:
    """Something with an end that no API tells, from the configuration."""

    name: str
    due: datetime


@dataclass(frozen=True, slots=True)
class AgreementsAnswer:
    """Accounts that have agreements to read, and what ends, soonest first."""

    accounts: tuple[AccountLine, ...]
    expiries: tuple[Expiry, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """`status` is what was found just now, `agreement` what is held to be true after it."""

    status: AccountStatus
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody is on an incident; `before` was it until then (the same person: nothing changed)."""

    incident: Agreement
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Snoozed:
    """An incident without reminders until its `snoozed_until`."""

    incident: Agreement


@dataclass(frozen=True, slots=True)
class DeadIncident:
    """A button has nothing to act on. `incident` is what it belongs to, where known, `current` how the account stands.

    `is_watched` False: the account is no longer configured.
    """

    account: str
    is_watched: bool
    incident: Agreement | None = None
    current: Agreement | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionLine:
    """`product` None means all."""

    subscription: Subscription
    product: Product | None


@dataclass(frozen=True, slots=True)
class SubscriptionsAnswer:
    """`muted` are products of which the channel hears nothing, whatever its subscriptions say."""

    channel: str
    lines: tuple[SubscriptionLine, ...]
    muted: tuple[Product, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscribed:
    """`added` is False when it stood already like this; `unmuted`: the product was muted here until now."""

    line: SubscriptionLine
    added: bool
    unmuted: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    lines: tuple[SubscriptionLine, ...]


@dataclass(frozen=True, slots=True)
class Muted:
    """What a channel hears of a product from now on: nothing, or (`is_muted` False) what it is subscribed to."""

    product: Product
    is_muted: bool


@dataclass(frozen=True, slots=True)
class WhoamiAnswer:
    """`denial` None: may see builds and get links."""

    person: Person
    is_owner: bool
    denial: Denial | None
    restricted: tuple[tuple[Product, tuple[str, ...]], ...] = ()


class Untold(StrEnum):
    """Why a channel does not hear of a build."""

    RESTRICTED = "restricted"
    MUTED = "muted"
    NOT_SUBSCRIBED = "not_subscribed"
    PLATFORM = "platform"
    PROVIDER = "provider"
    TRACK = "track"
    SUBSCRIBED_LATER = "subscribed_later"
    FIRST_SIGHT = "first_sight"
    OLD = "old"
    NOT_READY = "not_ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A delivery, what it is about, and how it ended."""

    delivery: Delivery
    product: Product | None = None
    build: Build | None = None


@dataclass(frozen=True, slots=True)
class UntoldLine:
    """A build of which a channel did not hear."""

    build: Build
    reason: Untold


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """`/purser why`. `denied`: nothing of the product may be told there; `untold` are among the product's newest builds."""

    channel: str
    product: Product | None
    subscriptions: tuple[SubscriptionLine, ...] = ()
    muted: tuple[Product, ...] = ()
    denied: Denied | None = None
    quiet: QuietChannel | None = None
    accounts: tuple[AccountHealth, ...] = ()
    told: tuple[ToldLine, ...] = ()
    untold: tuple[UntoldLine, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """An alert with what its card shows. `build` may be gone from the store, or (`is_gone`) from what its vendor lists; `event`
    is what the channel subscribed to."""

    alert: Alert
    event: EventKind | None
    product: Product | None = None
    build: Build | None = None
    title: str = ""
    agreement: Agreement | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class ProductHeads:
    """A product with the newest build of each of its lines."""

    product: Product
    builds: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class EverywhereAnswer:
    """What is live where. `titles`: account name -> provider's title."""

    products: tuple[ProductHeads, ...]
    titles: Mapping[str, str]
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class HomeAnswer:
    """What the Home tab tells one person. `channel` is their conversation with us; `subscriptions` are those of that conversation
    and those that they made elsewhere, `downloads` links that they were given, newest first."""

    person: Person
    channel: str
    everywhere: EverywhereAnswer
    accounts: tuple[AccountLine, ...] = ()
    subscriptions: tuple[SubscriptionLine, ...] = ()
    downloads: tuple[AuditLine, ...] = ()


@dataclass(frozen=True, slots=True)
class MentionedBuilds:
    """Builds that a text means. `missed` is what it says of the product that no build matches; `builds` are then the newest."""

    product: Product
    wanted: BuildFilter
    builds: tuple[Build, ...]
    total: int
    missed: BuildFilter | None = None


@dataclass(frozen=True, slots=True)
class MentionsAnswer:
    """`denied`: something is mentioned that this person may not ask for there. `titles`: account name -> provider's title."""

    found: tuple[MentionedBuilds, ...]
    titles: Mapping[str, str]
    freshness: Freshness
    denied: Denied | None = None
