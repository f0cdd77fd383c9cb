"""The protocols at which rooms meet. One ability, one method; a service asks for an ability, never for a vendor."""

from collections.abc import AsyncIterator, Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from bot.domain.errors import ProviderError
from bot.domain.message import Message
from bot.domain.model import (
    AccountHealth,
    AccountStatus,
    Agreement,
    Alert,
    App,
    AppTrouble,
    Build,
    Card,
    Delivery,
    Expiry,
    ExpiryNotice,
    Grant,
    Link,
    Mute,
    Notice,
    Person,
    Platform,
    Product,
    QuietChannel,
    Subscription,
    Wait,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# --- What a provider can do -------------------------------------------------------------------


@runtime_checkable
class ListsApps(Protocol):
    async def list_apps(self) -> Sequence[App]:
        """Every app the account shows; a `Listing` with gaps where some may be missing. Raises ProviderError."""
        ...


@runtime_checkable
class ListsBuilds(Protocol):
    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """Builds of `apps`, newest first, in as few requests as the vendor allows.

        Paging stops after the first page of which every build id is in `known`; with nothing known, everything is read. Apps that
        could not be read wholly are the gaps of a `Listing`; raises ProviderError when nothing could be read.
        """
        ...


@runtime_checkable
class ListsFailedUploads(Protocol):
    async def list_failed_uploads(self, apps: Sequence[App]) -> Sequence[Build]:
        """Uploads of `apps` that failed before they became builds, as builds in state FAILED; where the vendor lists them apart,
        app by app, so not for every poll. Apps that could not be read are the gaps of a `Listing`; raises ProviderError."""
        ...


@runtime_checkable
class RereadsBuilds(Protocol):
    async def reread_build(self, build: Build) -> Build:
        """The same build as the vendor describes it now; mints nothing. Raises ProviderError (NotFound: gone)."""
        ...


@runtime_checkable
class RereadsTogether(Protocol):
    async def reread_builds(self, builds: Sequence[Build]) -> Sequence[Build]:
        """The same builds as the vendor describes them now, in one request or none: a poll has few to spend. Any may be missing,
        which says nothing. Raises ProviderError."""
        ...


@runtime_checkable
class MintsLinks(Protocol):
    async def mint_link(self, build: Build) -> Link:
        """A fresh link that a plain browser can open. May be single use: mint when it is opened. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class ByteRequest:
    """The parts of a browser's request that decide which bytes it wants. `head`: none, and no vendor is asked."""

    range: str | None = None
    if_range: str | None = None
    head: bool = False


@dataclass(frozen=True, slots=True)
class FileStream:
    """An open file at a vendor. `status` is 200, 206 or 416; `length` counts the bytes in `chunks` (None: unknown)."""

    status: int
    chunks: AsyncIterator[bytes] = field(repr=False)
    length: int | None = None
    content_type: str | None = None
    content_range: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@runtime_checkable
class OpensFiles(Protocol):
    def open_file(self, build: Build, wanted: ByteRequest) -> AbstractAsyncContextManager[FileStream]:
        """The file's bytes, for vendors that want a header which a browser cannot send.

        Entering raises ProviderError; a transfer that breaks off raises Unreachable from `chunks`, so that a short file never
        looks whole. Leaving closes the upstream connection.
        """
        ...


@runtime_checkable
class ChecksAgreements(Protocol):
    async def check_account(self) -> AccountStatus:
        """Whether the account's legal papers are in force. Never raises ProviderError: not knowing is an answer."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A vendor's call to us: header names in lower case, the raw body, the query string's fields, and what the path has after the
    account."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """What a webhook tells: something of this account changed, or (`has_failed_upload`) an upload failed. Facts are read again
    from the vendor's API."""

    delivery_id: str
    event: str
    has_failed_upload: bool = False


@runtime_checkable
class ReceivesWebhooks(Protocol):
    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        """Checks the signature first. None: authentic, but nothing to do (a ping). Raises Refused (bad signature), Confused."""
        ...


@runtime_checkable
class ListsExpiries(Protocol):
    async def list_expiries(self) -> Sequence[Expiry]:
        """Certificates, provisioning profiles and the like with their ends; a `Listing` with gaps where some may be missing.
        Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookRegistration:
    """What became of one app's webhook: "created", "updated", "unchanged", or "failed" with its failure."""

    app: App
    outcome: str
    failure: ProviderError | None = None


@runtime_checkable
class RegistersWebhooks(Protocol):
    async def register_webhooks(self, url: str) -> Sequence[WebhookRegistration]:
        """Makes the vendor call `url` for every app and sign with our present secret, without making a second webhook where ours
        stands. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What `purser doctor` prints. `server_time` is the vendor's Date header, for the clock check. `missing` are ids of apps
    that are configured and not there."""

    summary: str
    server_time: datetime | None = None
    missing: Sequence[str] = ()


@runtime_checkable
class Probes(Protocol):
    async def probe(self) -> ProbeResult:
        """One cheap authenticated call. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One step in reading an account, for whoever watches: a request that was answered, or a part of what `operation` lists
    ("list apps", "list builds"). `left` is how many requests the vendor still allows, where it says so."""

    account: str
    operation: str
    requests: int = 0
    items: int = 0
    left: int | None = None


class Provider(Protocol):
    """One connected account. Its abilities are the protocols above that its class also satisfies."""

    account: str
    provider: str

    async def aclose(self) -> None:
        """Closes its connections."""
        ...


# --- The store --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildFilter:
    """Which builds of a product are meant; None means any. `version` also matches as a prefix ("3.2" finds 3.2.0), unless it
    `is_exact`. `not_version` and `not_number` leave out what has exactly those. `accounts`: only builds of these; what an account
    that was taken out of the configuration had stays in the store."""

    platform: Platform | None = None
    track: str | None = None
    provider: str | None = None
    version: str | None = None
    number: str | None = None
    is_exact: bool = False
    not_version: str | None = None
    not_number: str | None = None
    accounts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class BuildPage:
    builds: tuple[Build, ...]
    total: int


class Stamp(NamedTuple):
    """What was read of the catalogue can be used again while `revision` is the same, what was read of the accounts' health
    while `checks` is: each grows with every change."""

    revision: int
    checks: int


class Catalogue(Protocol):
    """Accounts, apps, products and builds."""

    def revision(self) -> int:
        """Grows whenever apps, products or builds change; equal numbers mean that answers can be reused."""
        ...

    def stamp(self) -> Stamp:
        """Both in one look."""
        ...

    def register_account(self, name: str, provider: str) -> None: ...

    def accounts(self) -> Sequence[AccountHealth]:
        """Every account ever registered, in the order of their names."""
        ...

    def health(self) -> Sequence[AccountHealth]:
        """Like `accounts`, without the counts of apps and builds: cheap enough for every answer."""
        ...

    def account(self, name: str) -> AccountHealth | None: ...

    def record_success(self, account: str, at: datetime, *, full: bool = False) -> None:
        """Sets checked_at and ok_at (baseline_at the first time, full_at when everything was read), forgets the failure."""
        ...

    def record_failure(
        self, account: str, at: datetime, reason: str, *, refused: bool = False, next_at: datetime | None = None
    ) -> None:
        """`refused`: it was the key; `next_at`: polls leave the account alone until then."""
        ...

    def stop_waiting(self, account: str) -> None:
        """Polls leave the account alone no longer."""
        ...

    def products(self) -> Sequence[Product]:
        """All products that have an app, with their apps, by name."""
        ...

    def products_of(self, account: str) -> Mapping[str, Product]:
        """App id -> its product, of all the account's apps: what a check needs in which no app has changed."""
        ...

    def product(self, product_id: str) -> Product | None: ...

    def add_product(self, name: str, aliases: Sequence[str] = ()) -> Product: ...

    def update_product(self, product_id: str, name: str, aliases: Sequence[str]) -> None: ...

    def apps(self, account: str) -> Sequence[App]: ...

    def save_app(self, app: App, product_id: str, at: datetime) -> None:
        """Inserts, or updates name, bundle id, product and last sight."""
        ...

    def troubles(self, account: str | None = None) -> Sequence[AppTrouble]:
        """What ails apps, of all accounts or one; by account and name."""
        ...

    def note_troubles(self, account: str, reasons: Mapping[str, str], at: datetime) -> None:
        """App id -> reason, of everything that ails the account's apps now. What lasts keeps its beginning."""
        ...

    def product_of(self, account: str, app_id: str) -> Product | None: ...

    def known_build_ids(self, account: str) -> frozenset[str]:
        """Ids of the account's builds that are not gone."""
        ...

    def unsettled(self, account: str) -> Sequence[Build]:
        """Builds that are not gone and whose state will change by itself (processing, in review), the newest first."""
        ...

    def ended(self, account: str, now: datetime) -> Sequence[Build]:
        """Builds that are not gone, are not known as expired, and whose own end has passed."""
        ...

    def tracks(self) -> Sequence[str]:
        """Every track of which there is a build."""
        ...

    def being_changed(self, keys: Iterable[str]) -> frozenset[str]:
        """Those that another transaction is changing now. In a write, the others stay as they are until it ends."""
        ...

    def builds_by_key(self, keys: Iterable[str]) -> Mapping[str, Build]: ...

    def save_builds(self, builds: Iterable[Build], at: datetime) -> None:
        """Inserts or updates; bumps the revision when anything differs."""
        ...

    def awaits_contract(self, account: str) -> bool:
        """Whether a build of the account that is not gone is held back by a contract (PENDING_CONTRACT)."""
        ...

    def keys_of(self, account: str) -> Mapping[str, str]:
        """Key -> app id of every build of the account that is not gone."""
        ...

    def mark_gone(self, keys: Iterable[str], at: datetime) -> None:
        """The vendor has these builds no longer: from now on only `builds_by_key` finds them, until they are saved again."""
        ...

    def heads(self, product_id: str) -> Sequence[Build]:
        """The newest build per account, platform and track, newest first."""
        ...

    def find_builds(self, product_id: str, wanted: BuildFilter, offset: int = 0, limit: int = 10) -> BuildPage:
        """Newest first: by upload time, then by parsed version, then by number."""
        ...

    def newest(self, product_id: str, wanted: BuildFilter, limit: int) -> Sequence[Build]:
        """The first of `find_builds`, without counting all of them."""
        ...

    def near_versions(self, product_id: str, wanted: BuildFilter, label: str, limit: int) -> Sequence[str]:
        """The versions next to `label`, below and above it in turn and without itself, of builds with `wanted`'s platform, track,
        provider and accounts."""
        ...

    def oldest_first(self, keys: Iterable[str]) -> Sequence[str]:
        """The keys of builds in the order of `find_builds`, backwards."""
        ...


class Subscriptions(Protocol):
    def add(self, subscription: Subscription) -> bool:
        """False when the same channel already has the same product and filters; its kinds are then united, and its digest is
        the new one's."""
        ...

    def remove(self, subscription_id: str) -> bool: ...

    def of_channel(self, channel: str) -> Sequence[Subscription]: ...

    def all(self) -> Sequence[Subscription]: ...


class Outbox(Protocol):
    """Alerts and their deliveries, written in the transaction of the facts that caused them."""

    def add(self, alert: Alert, channels: Iterable[str], digests: Mapping[str, datetime] | None = None) -> bool:
        """False, and nothing written, when an alert with this fingerprint exists. `digests`: channel -> when its digest is due,
        for channels that do not hear of it at once."""
        ...

    def add_all(self, notices: Collection[Notice]) -> int:
        """Like `add`, many at once: what one channel hears stands together. How many are new."""
        ...

    def has(self, fingerprint: str) -> bool:
        """Whether this was told, or is about to be."""
        ...

    def first_messages(self, fingerprints: Iterable[str]) -> Mapping[str, str]:
        """Channel -> ts of the first message there that tells one of these alerts."""
        ...

    def stale_cards(self, fingerprints: Iterable[str], drawn: str) -> Mapping[str, str]:
        """Those of `first_messages` that show something else than `drawn`."""
        ...

    def note_drawn(self, channel: str, ts: str, drawn: str) -> None:
        """What the message shows from now on."""
        ...

    def channels_due(self, now: datetime) -> Sequence[str]:
        """Channels with a PENDING delivery whose time has come, but no quiet one before its next probe."""
        ...

    def open_in(self, channel: str) -> Sequence[Delivery]:
        """What is PENDING or SENDING in this channel, due or not, in the order in which it was written."""
        ...

    def batch(self, batch: str) -> Sequence[Delivery]:
        """All deliveries of one message, in the order in which they were written."""
        ...

    def claim(
        self, channel: str, delivery_ids: Iterable[str], at: datetime, claim: str, batch: str | None = None
    ) -> frozenset[str]:
        """PENDING -> SENDING, as one message where `batch` is given; the ids of those that nobody else was faster to take.
        `claim` names whoever takes them, this once."""
        ...

    def begin(self, channel: str, claim: str, at: datetime) -> int:
        """The last word before Slack is asked: from now on the message of what is held under this claim may stand there. How
        many deliveries are."""
        ...

    def held(self, channel: str, claim: str) -> Sequence[Delivery]:
        """Those that are SENDING under this claim, in the order in which they were written."""
        ...

    def not_taken(self, channel: str, claim: str, before: datetime | None) -> None:
        """Slack said that it did not take their message. `before`: the attempt before, whose outcome is still unknown."""
        ...

    def interrupted(self, before: datetime) -> Sequence[Delivery]:
        """Deliveries that are SENDING since before this moment: a process died between Slack taking them and our noting it."""
        ...

    def mark_all_sent(
        self, channel: str, message: str, ts: str, thread: str | None, at: datetime, drawn: str | None = None
    ) -> None:
        """What is PENDING or SENDING of `message`, a batch or a delivery's id. It stands in the thread of `thread`. `drawn`: what
        it shows, as `stale_cards` compares it."""
        ...

    def hand_back(self, delivery_id: str, due_at: datetime) -> None:
        """Back to PENDING because its process died: no attempt, for Slack refused nothing."""
        ...

    def postpone(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        """Back to PENDING with one attempt more."""
        ...

    def hold(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        """Back to PENDING, without counting an attempt: what hinders is not the message."""
        ...

    def put_off(self, delivery_id: str, due_at: datetime) -> None:
        """Nothing was tried: it only waits for something else."""
        ...

    def drop(self, delivery_id: str, reason: str) -> None:
        """It is not to be told any more."""
        ...

    def mark_failed(self, delivery_id: str, reason: str) -> None: ...

    def forget_message(self, channel: str, ts: str) -> None:
        """Somebody deleted this message: it is nobody's card any more."""
        ...

    def failures(self, limit: int) -> Sequence[Delivery]:
        """The latest FAILED deliveries, newest first."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Deliveries by state."""
        ...

    def oldest_open(self, now: datetime) -> datetime | None:
        """Since when the oldest alert waits that has not reached all its channels: since it was made, or since its digest was
        due. None: none waits."""
        ...


class Told(Protocol):
    """What was told where."""

    def begun(self, build_keys: Iterable[str]) -> Mapping[str, Collection[str]]:
        """Build key -> the channels that have a message about this build, or may have one in a moment."""
        ...

    def cards(self, channel: str, build_keys: Iterable[str]) -> Mapping[str, Card]:
        """Build key -> the message about it in this channel."""
        ...

    def version_cards(self, channel: str, build_keys: Iterable[str], since: datetime) -> Mapping[str, Card]:
        """Build key -> the first message there, sent since then, about the same version of the product on another platform or
        in another account."""
        ...

    def gone(self, build_keys: Iterable[str]) -> frozenset[str]:
        """Those that their vendor no longer lists."""
        ...

    def messages_since(self, channel: str, moment: datetime) -> Sequence[datetime]:
        """When messages about builds were posted there since then, replies in threads apart; the oldest first."""
        ...

    def last(self, channel: str, limit: int, product_id: str | None = None) -> Sequence[Delivery]:
        """The latest deliveries of this channel, newest first."""
        ...

    def about(self, channel: str, build_keys: Iterable[str]) -> Mapping[str, Delivery]:
        """Build key -> the first delivery about it in this channel."""
        ...

    def announced(self, build_keys: Iterable[str]) -> Mapping[str, datetime]:
        """Build key -> when it was first worth an alert."""
        ...

    def first_seen(self, build_keys: Iterable[str]) -> Mapping[str, datetime]: ...


class Mutes(Protocol):
    def add(self, mute: Mute) -> bool:
        """False when it stood already."""
        ...

    def remove(self, channel: str, product_id: str | None) -> int:
        """How many there were; without a product, all of the channel's."""
        ...

    def of_channel(self, channel: str) -> Sequence[Mute]: ...

    def channels(self, product_id: str) -> frozenset[str]:
        """Those in which the product is muted."""
        ...


class QuietChannels(Protocol):
    """Channels into which Slack does not let us write."""

    def get(self, channel: str) -> QuietChannel | None: ...

    def all(self) -> Sequence[QuietChannel]:
        """The longest quiet first."""
        ...

    def note(self, channel: str, reason: str, at: datetime, probe_at: datetime) -> None:
        """Quiet since `at`, unless it was quiet before."""
        ...

    def forget(self, channel: str) -> bool:
        """It can be written to again."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """A place in the log of grants: next to the grant of this moment and id, on its older or its newer side. It stands while
    grants come and go."""

    at: datetime
    id: str
    newer: bool = False


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which grants are meant; None means any. `product` is a product's id; `until` is exclusive; `live_at`: links that were
    given, not revoked, lead to a page of ours, and can still be opened or have a file on its way at this moment; `given`: a link
    was given, or none was. `beside`: from which place on the log is read."""

    user: str | None = None
    product: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    live_at: datetime | None = None
    given: bool | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One grant with what it was for, as far as the store still has it."""

    grant: Grant
    build: Build | None = None
    product: str | None = None

    def beside(self, *, newer: bool = False) -> Beside:
        return Beside(self.grant.created_at, self.grant.id, newer)


class Grants(Protocol):
    def hold(self, user: str) -> None:
        """Until this transaction ends, every other that holds the same person waits here: clicks at once come one by one."""
        ...

    def add(self, grant: Grant) -> None: ...

    def get(self, grant_id: str) -> Grant | None: ...

    def waiting(self, user: str, build_key: str, outcomes: Collection[str], since: datetime) -> Grant | None:
        """The person's latest click on this build since then that has not been served yet and ended in one of `outcomes`."""
        ...

    def settle(self, grant: Grant) -> bool:
        """Writes what became of a waiting grant; False when it waits no longer."""
        ...

    def nth_newest(self, user: str, since: datetime, n: int) -> datetime | None:
        """When the person was given the link before the last `n - 1`; None: fewer than `n` since then."""
        ...

    def asked(self, user: str, since: datetime) -> tuple[int, datetime | None]:
        """How often vendors were asked for this person since then, and when the first of these clicks was."""
        ...

    def open_once(self, grant_id: str, outcome: str, most: int, now: datetime) -> bool:
        """Counts one opening; False, and nothing written, when the grant has ended, was revoked or was opened `most` times."""
        ...

    def close_again(self, grant_id: str, outcome: str | None) -> None:
        """Takes one opening back; `outcome` is the one before it."""
        ...

    def note(self, grant_id: str, outcome: str) -> None:
        """Keeps how the last opening ended."""
        ...

    def mark_sent(self, grant_id: str, at: datetime | None) -> bool:
        """False when the link went to the phone before. None takes the mark back."""
        ...

    def revoke(self, grant_ids: Iterable[str], by: str, at: datetime) -> int:
        """How many were revoked by this; a revoked grant stays as it was revoked first."""
        ...

    def find(self, wanted: GrantFilter, offset: int = 0, limit: int = 100) -> Sequence[AuditLine]:
        """Newest first; with `beside`, those nearest to that place."""
        ...

    def count(self, wanted: GrantFilter) -> int: ...

    def purge(self, before: datetime) -> int:
        """Forgets grants made before this moment; how many."""
        ...


class Waits(Protocol):
    """Who wants to hear when a build is ready."""

    def add(self, wait: Wait) -> bool:
        """False when the person waits for this build already."""
        ...

    def take(self, build_keys: Iterable[str]) -> Sequence[Wait]:
        """Those who wait for one of these builds; from now on they wait no longer."""
        ...

    def purge(self, before: datetime) -> int: ...


class Agreements(Protocol):
    def current(self, account: str) -> Agreement | None: ...

    def incident(self, account: str, since: datetime | None = None) -> Agreement | None:
        """The blocked row that began at this moment, over or not; without `since`, the latest."""
        ...

    def save(self, agreement: Agreement) -> None:
        """Updates the current row when state and `since` are the same; else closes it at `since` and starts a new one."""
        ...

    def all_current(self) -> Sequence[Agreement]: ...


class Expiries(Protocol):
    """What ends, and what people were told of it. Notices are by account, kind and id of the thing."""

    def replace_all(self, account: str, found: Iterable[Expiry], at: datetime) -> None:
        """The account has these and no others."""
        ...

    def all(self) -> Sequence[Expiry]:
        """What vendors told, of accounts that may no longer be configured; soonest first."""
        ...

    def builds(self, now: datetime, ended_after: datetime) -> Sequence[Build]:
        """Of each product's account, platform and track, the newest build with an end that can still be used; where there is
        none, the newest that ended by itself after `ended_after`."""
        ...

    def notices(self) -> Mapping[tuple[str, str, str], ExpiryNotice]:
        """In a write, nobody else reads them for writing until it ends: two digests at once would tell the same."""
        ...

    def note(self, notices: Iterable[ExpiryNotice]) -> None:
        """Each takes the place of the one before about the same thing."""
        ...

    def forget(self, before: datetime) -> int:
        """Drops notices of what ended before this moment; how many."""
        ...


class Repositories(Protocol):
    """All repositories of one transaction."""

    catalogue: Catalogue
    subscriptions: Subscriptions
    mutes: Mutes
    outbox: Outbox
    told: Told
    quiet: QuietChannels
    grants: Grants
    waits: Waits
    agreements: Agreements
    expiries: Expiries


class Store(Protocol):
    """Runs plain functions in transactions. The function must not keep the repositories."""

    async def read(self, work: Callable[[Repositories], T]) -> T: ...

    async def write(self, work: Callable[[Repositories], T]) -> T:
        """Commits when `work` returns, rolls back when it raises."""
        ...


# --- Slack and the rest -----------------------------------------------------------------------


class Messenger(Protocol):
    async def post(self, channel: str, message: Message, delivery_id: str) -> str:
        """Posts with the delivery's id in the message metadata; returns its ts. Raises MessageRefused."""
        ...

    async def reply(self, channel: str, thread: str, message: Message, delivery_id: str) -> str:
        """Like `post`, into the thread of the message whose ts is `thread`. Raises MessageRefused."""
        ...

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replaces a message. Raises MessageRefused."""
        ...

    async def find(
        self, channel: str, delivery_id: str, since: datetime, until: datetime, thread: str | None = None
    ) -> str | None:
        """The ts of the message that carries this delivery's id and was posted between these moments, if Slack has it. Raises
        MessageRefused."""
        ...


class People(Protocol):
    async def person(self, user: str, team: str | None) -> Person:
        """Raises MessageRefused when Slack cannot be asked."""
        ...


class Groups(Protocol):
    async def members(self, group: str) -> frozenset[str]:
        """The people of a user group. Raises MessageRefused when Slack cannot be asked."""
        ...


class Rooms(Protocol):
    async def members(self, channel: str) -> frozenset[str]:
        """The people in a channel. Raises MessageRefused when Slack cannot be asked or does not show the channel."""
        ...


class SharedChannels(Protocol):
    async def is_shared(self, channel: str) -> bool:
        """Whether people of other organisations are in a channel. Raises MessageRefused when Slack cannot be asked or does not
        show the channel."""
        ...


class Jobs(Protocol):
    """The seam to background work."""

    async def defer(self, task: str, key: str = "") -> None:
        """Runs the task soon, unless the same task with the same key already waits."""
        ...


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The present moment, aware UTC."""
        ...
