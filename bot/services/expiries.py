"""What ends: certificates, provisioning profiles, builds, dates of the configuration; and a digest of what comes close."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.answers import DueDate
from bot.domain.errors import AgreementBlocked, ProviderError, Refused
from bot.domain.listing import ITSELF, gaps_of
from bot.domain.model import Alert, AlertKind, Build, Expiry, ExpiryKind, ExpiryNotice, Product, Subscription
from bot.domain.ports import Jobs, ListsExpiries, Provider, Repositories, Store
from bot.services.access import Access
from bot.services.subscriptions import channels_for

THRESHOLDS = (0, 1, 3, 7, 14, 30)  # days before the end at which people are told
DECENT_HOUR = 9  # UTC; nobody is told before it
ENDED_LATELY = timedelta(days=30)  # what ended longer ago is no longer shown, dates of the configuration apart
NEWS = timedelta(days=7)  # an end longer ago, of which nobody was warned, is an old story
KEPT = timedelta(days=365)  # for which notices of past ends are kept
NAMED = 20  # things written down in a digest; the rest is counted
NAME = 100  # characters written down of a name
PRODUCT = 50  # characters of a product's name before a version

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends. `product` and `build` are there where it is a build."""

    expiry: Expiry
    product: Product | None = None
    build: Build | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.expiry.account, self.expiry.kind, self.expiry.id


class Almanac:
    """Everything that ends. `accounts` are those that are configured."""

    def __init__(self, accounts: Iterable[str], dates: Iterable[DueDate]) -> None:
        self._accounts = frozenset(accounts)
        self._dates = tuple(Ending(_of_date(date)) for date in dates)

    def endings(self, repositories: Repositories, now: datetime) -> list[Ending]:
        """Soonest first."""
        after = now - ENDED_LATELY
        told = (Ending(expiry) for expiry in repositories.expiries.all() if expiry.expires_at > after)
        found = (*told, *self._builds(repositories, now, after))
        here = [ending for ending in found if ending.expiry.account in self._accounts]
        return sorted((*here, *self._dates), key=lambda ending: (ending.expiry.expires_at, ending.expiry.name))

    def _builds(self, repositories: Repositories, now: datetime, after: datetime) -> Iterator[Ending]:
        builds = repositories.expiries.builds(now, after)
        products = repositories.catalogue.products() if builds else ()
        product_of = {(app.account, app.id): product for product in products for app in product.apps}
        for build in builds:
            product = product_of.get((build.account, build.app_id))
            if product and build.expires_at:
                yield Ending(_of_build(build, product, build.expires_at), product, build)


class ExpiryWatch:
    """Reads what ends, and tells what comes close: to the channels that subscribed to it, and to the owners.

    A thing is told once at each threshold. One that was missed (nobody was there to tell) is told once with what is left.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        almanac: Almanac,
        access: Access,
        jobs: Jobs,
        clock: Callable[[], datetime],
        owners: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._providers = providers
        self._almanac = almanac
        self._access = access
        self._jobs = jobs
        self._clock = clock
        self._owners = frozenset(owners)

    async def read(self, account: str) -> int | None:
        """How many things of the account end. None: it has no such list, or could not be read; what is stored then stays."""
        provider = self._providers[account]
        if not isinstance(provider, ListsExpiries):
            return None
        try:
            found = await provider.list_expiries()
            if cut_off := gaps_of(found).get(ITSELF):
                raise cut_off
        except ProviderError as error:
            await self._failed(account, error)
            return None
        await self._store.write(lambda r: r.expiries.replace_all(account, found, self._clock()))
        log.info("expiries read", account=account, found=len(found))
        return len(found)

    async def tell(self) -> int:
        """Writes today's digests, once a day and not before DECENT_HOUR. Returns how many."""
        now = self._clock()
        if now.hour < DECENT_HOUR or not await self._store.read(lambda r: self._heard(r, now)):
            return 0
        digests = await self._store.write(lambda r: self._tell(r, now))
        if digests:
            await self._jobs.defer("deliver")
        log.info("expiries told", digests=digests)
        return digests

    async def _failed(self, account: str, error: ProviderError) -> None:
        """A key that may not see certificates is a choice, and not a failure."""
        note = log.info if isinstance(error, Refused) else log.warning
        note("expiries not read", account=account, operation=error.operation, reason=error.reason)
        if isinstance(error, AgreementBlocked):
            await self._jobs.defer("agreements", account)

    def _tell(self, repositories: Repositories, now: datetime) -> int:
        """The digests and the notices of what they tell, in one transaction."""
        heard = self._heard(repositories, now)
        told = {ending.key: ending.expiry for endings in heard.values() for ending in endings}
        for channel, endings in sorted(heard.items()):
            repositories.outbox.add(_digest(channel, [ending.expiry for ending in endings], now), [channel])
        repositories.expiries.note(_notice(expiry, now) for expiry in told.values())
        repositories.expiries.forget(now - KEPT)
        return len(heard)

    def _due(self, repositories: Repositories, now: datetime) -> list[Ending]:
        """What crossed a threshold and was not told, soonest first; nothing when today's digest went out."""
        notices = repositories.expiries.notices()
        if any(notice.told_at.date() == now.date() for notice in notices.values()):
            return []
        endings = self._almanac.endings(repositories, now)
        return [ending for ending in endings if is_due(ending.expiry, notices.get(ending.key), now)]

    def _heard(self, repositories: Repositories, now: datetime) -> Mapping[str, list[Ending]]:
        """Channel -> what it has to be told. What nobody hears is told when somebody listens."""
        heard: dict[str, list[Ending]] = defaultdict(list)
        subscriptions = repositories.subscriptions.all()
        for ending in self._due(repositories, now):
            for channel in self._owners | self._subscribed(subscriptions, ending, now):
                heard[channel].append(ending)
        return heard

    def _subscribed(self, subscriptions: Iterable[Subscription], ending: Ending, now: datetime) -> frozenset[str]:
        """Builds are heard as other news of them is, but not of a product that is kept to other channels; what has no product,
        by those who hear of all products."""
        account, product = ending.expiry.account, ending.product
        provider = self._providers[account].provider if account else None
        if product is None:
            wide = (s for s in subscriptions if s.product_id is None and s.provider in (None, provider))
            return channels_for(wide, Alert("", AlertKind.EXPIRIES, account, now))
        channels = channels_for(subscriptions, Alert("", AlertKind.EXPIRIES, account, now, product.id), ending.build, provider)
        return frozenset(channel for channel in channels if not self._access.news_denial(product, channel))


def days_left(expiry: Expiry, now: datetime) -> int:
    """Whole days of the calendar, in UTC; negative when it ended before today."""
    return (expiry.expires_at.date() - now.date()).days


def threshold(days: int) -> int | None:
    """The last threshold that was crossed; None: the end is far away."""
    return next((each for each in THRESHOLDS if days <= each), None)


def is_due(expiry: Expiry, notice: ExpiryNotice | None, now: datetime) -> bool:
    """Whether to tell it, `notice` being what was told of it last. A later end starts anew."""
    days = days_left(expiry, now)
    crossed = threshold(days)
    if crossed is None:
        return False
    if notice is None or expiry.expires_at.date() > notice.expires_at.date():
        return days >= -NEWS.days
    return crossed < notice.days


def _digest(channel: str, expiries: Sequence[Expiry], now: datetime) -> Alert:
    facts = {"count": str(len(expiries))}
    for place, expiry in enumerate(expiries[:NAMED]):
        facts |= {f"{place}.{key}": value[:NAME] for key, value in _facts(expiry).items()}
    return Alert(f"expiries:{now.date().isoformat()}:{channel}", AlertKind.EXPIRIES, "", now, facts=facts)


def _facts(expiry: Expiry) -> Mapping[str, str]:
    return {
        "account": expiry.account,
        "kind": expiry.kind,
        "name": expiry.name,
        "ends": expiry.expires_at.isoformat(),
        "platform": expiry.platform or "",
        "track": expiry.track or "",
    }


def _notice(expiry: Expiry, now: datetime) -> ExpiryNotice:
    crossed = threshold(days_left(expiry, now))
    return ExpiryNotice(expiry.account, expiry.kind, expiry.id, expiry.expires_at, crossed or 0, now)


def _of_date(date: DueDate) -> Expiry:
    """The day is part of the id: two dates may have one name, and a date that was moved starts anew."""
    return Expiry("", ExpiryKind.DATE, f"{date.name} {date.due.date().isoformat()}", date.name, date.due)


def _of_build(build: Build, product: Product, expires_at: datetime) -> Expiry:
    label = f"{build.version} ({build.number})" if build.number else build.version
    return Expiry(
        build.account, ExpiryKind.BUILD, build.key, f"{product.name[:PRODUCT]} {label}", expires_at, build.platform, build.track
    )
