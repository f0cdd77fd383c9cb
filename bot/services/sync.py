"""One account's facts into the store, with the alerts that they cause, in one transaction."""

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import NOT_OFFERED, SAVING_CALLS, AgreementBlocked, ProviderError, Refused, Unreachable
from bot.domain.listing import gaps_of
from bot.domain.model import AccountHealth, Alert, App, Build, BuildState, Notice, Product
from bot.domain.ports import Jobs, ListsApps, ListsBuilds, ListsFailedUploads, Provider, Repositories, Store
from bot.services.access import Rules
from bot.services.agreements import awaits_contract
from bot.services.health import back_alert, failure_alerts, is_fresh, is_open, next_try, told_of, wants_all
from bot.services.hearing import Hearers
from bot.services.news import News, gone, news_of
from bot.services.products import ConfiguredProduct, Joiner, with_bundle_ids
from bot.services.rereading import reread
from bot.services.troubles import lost_alert, reasons_of, unread_alert
from bot.services.waiting import tell_waiting

AT_A_TIME = 200  # builds
LONGEST = timedelta(minutes=20)  # one reading; a vendor who answers slowly for longer counts as unreachable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one check found. `news` counts the alerts it caused; `failure` is None when the account could be read, and `unread`
    are then the ids of apps that could not, with the reason; `was_left_alone`: nothing was asked, to spare the vendor."""

    account: str
    apps: int = 0
    builds: int = 0
    news: int = 0
    failure: ProviderError | None = None
    was_left_alone: bool = False
    unread: Mapping[str, ProviderError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one reading brought. `is_full`: everything was read, so that what is missing is gone, but for the `gaps`: app id ->
    why it was not read wholly."""

    account: str
    apps: Sequence[App]
    builds: Sequence[Build]
    gaps: Mapping[str, ProviderError]
    is_full: bool
    at: datetime

    @property
    def unread(self) -> Mapping[str, ProviderError]:
        """The gaps that somebody can mend."""
        return {id: error for id, error in self.gaps.items() if error.reason != NOT_OFFERED}


class Sync:
    """Polls and webhooks both end in `account`; fingerprints make the second of them a no-op.

    `owners` are told what the people who configured Purser must mend; `rules` say what may be told where.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        configured: Sequence[ConfiguredProduct],
        jobs: Jobs,
        clock: Callable[[], datetime],
        *,
        owners: Iterable[str] = (),
        poll_every: timedelta = timedelta(minutes=5),
        rules: Rules | None = None,
        longest: timedelta = LONGEST,
    ) -> None:
        self._store = store
        self._providers = providers
        self._configured = configured
        self._jobs = jobs
        self._clock = clock
        self._owners = tuple(owners)
        self._poll_every = poll_every
        self._rules = rules or Rules()
        self._longest = longest
        self._joined: set[str] = set()  # accounts whose apps have found their products by this configuration

    async def poll(self, name: str) -> SyncReport:
        """`account`, wholly once a day; nothing while the account is left alone, or when it was checked just now."""
        health, now = await self._store.read(lambda r: r.catalogue.account(name)), self._clock()
        if health and (is_open(health, now) or is_fresh(health, self._poll_every, now)):
            return SyncReport(name, was_left_alone=True)
        return await self.account(name, full=health is None or wants_all(health, now))

    async def account(self, name: str, full: bool = False, *, uploads: bool = False) -> SyncReport:
        """Reads one account. `full` reads every page; otherwise reading stops at the first page that is wholly known. `uploads`:
        one failed somewhere, so that those of all apps are read, too."""
        try:
            found = await self._read_in_time(name, full, uploads)
        except ProviderError as error:
            return await self._failed(name, error)
        news = await self._store.write(lambda r: self._record(r, found))
        self._joined.add(name)
        if news:
            await self._jobs.defer("deliver")
        if awaits_contract(found.builds):
            await self._jobs.defer("agreements", name)
        unread = found.unread
        log.info("account checked", account=name, apps=len(found.apps), builds=len(found.builds), news=news, unread=len(unread))
        return SyncReport(name, len(found.apps), len(found.builds), news, unread=unread)

    async def _read_in_time(self, name: str, full: bool, uploads: bool) -> _Found:
        try:
            async with asyncio.timeout(self._longest.total_seconds()):
                return await self._read(name, full, uploads)
        except TimeoutError as error:
            raise Unreachable(self._providers[name].provider, name, "read account", "timeout") from error

    async def _read(self, name: str, full: bool, uploads: bool) -> _Found:
        provider, started_at = self._providers[name], self._clock()
        known = frozenset[str]() if full else await self._store.read(lambda r: r.catalogue.known_build_ids(name))
        uploads = uploads or (full and not await self._is_first(name))
        apps = await provider.list_apps() if isinstance(provider, ListsApps) else ()
        builds = await provider.list_builds(apps, known) if isinstance(provider, ListsBuilds) and apps else ()
        failed = await provider.list_failed_uploads(apps) if uploads and isinstance(provider, ListsFailedUploads) else ()
        gaps = {**gaps_of(apps), **gaps_of(failed), **gaps_of(builds)}
        readable = frozenset(app.id for app in apps) - gaps.keys()
        beyond = () if full else await self._beyond(provider, readable, builds)
        found = {build.key: _as_of(started_at, build) for build in (*builds, *failed, *beyond)}
        return _Found(name, apps, [*found.values()], gaps, not known, started_at)

    async def _is_first(self, name: str) -> bool:
        """Whether nothing is known yet, so that nothing can be missed: a first reading costs enough without the uploads."""
        health = await self._store.read(lambda r: r.catalogue.account(name))
        return health is None or health.baseline_at is None

    async def _beyond(self, provider: Provider, readable: Container[str], found: Iterable[Build]) -> list[Build]:
        """Builds that change or end by themselves and stand beyond the pages that were read, as they are now."""
        seen, now = {build.key for build in found}, self._clock()

        def stored(repositories: Repositories) -> tuple[Sequence[Build], Sequence[Build]]:
            catalogue = repositories.catalogue
            return catalogue.unsettled(provider.account), catalogue.ended(provider.account, now)

        unsettled, ended = await self._store.read(stored)
        asked = [build for build in unsettled if build.key not in seen and build.app_id in readable]
        again = await reread(provider, asked)
        seen |= {build.key for build in again}
        return [*again, *(build for build in ended if build.key not in seen and build.app_id in readable)]

    async def _failed(self, name: str, error: ProviderError) -> SyncReport:
        log.warning("account check failed", account=name, operation=error.operation, reason=error.reason)
        if error.reason == SAVING_CALLS:
            return SyncReport(name, was_left_alone=True)  # our own choice says nothing about the account
        if await self._store.write(lambda r: self._record_failure(r, name, error)):
            await self._jobs.defer("deliver")
        if isinstance(error, AgreementBlocked):
            await self._jobs.defer("agreements", name)
        return SyncReport(name, failure=error)

    def _record_failure(self, repositories: Repositories, name: str, error: ProviderError) -> bool:
        """Whether somebody is told."""
        now = self._clock()
        health = repositories.catalogue.account(name)
        if health is None:
            return False
        next_at, refused = next_try(health, error, self._poll_every, now), isinstance(error, Refused)
        repositories.catalogue.record_failure(name, now, error.reason, refused=refused, next_at=next_at)
        return any(repositories.outbox.add(alert, self._owners) for alert in failure_alerts(health, error, now))

    def _record(self, repositories: Repositories, found: _Found) -> int:
        """Everything one reading says, or nothing of it. Returns how many alerts it causes."""
        catalogue = repositories.catalogue
        health = catalogue.account(found.account)
        old_apps = {app.id: app for app in catalogue.apps(found.account)}
        products = self._save_apps(repositories, found, old_apps)
        builds = [build for build in found.builds if build.app_id in products]
        news = list(self._save_builds(repositories, found, builds, health, old_apps))
        vanished = self._mark_gone(repositories, found, builds) if found.is_full else []
        owed = self._owed(repositories, found, health, old_apps.values())
        catalogue.record_success(found.account, found.at, full=found.is_full)
        told = tell_waiting(repositories, builds, found.at)
        told += sum(repositories.outbox.add(alert, self._owners) for alert in owed if alert)
        if health is None or health.baseline_at is None:
            return told
        news += [gone(build, found.at) for build in vanished]
        return told + self._announce(repositories, news, products, health.provider)

    def _owed(
        self, repositories: Repositories, found: _Found, health: AccountHealth | None, known: Iterable[App]
    ) -> list[Alert | None]:
        """What the owners hear of the account and of single apps, which it notes."""
        name, catalogue = found.account, repositories.catalogue
        before = catalogue.troubles(name)
        catalogue.note_troubles(name, reasons_of(found.apps, known, found.gaps), found.at)
        now = catalogue.troubles(name)
        is_told = health is not None and any(repositories.outbox.has(fingerprint) for fingerprint in told_of(health))
        return [
            lost_alert(name, before, now, found.at),
            unread_alert(name, before, now, found.at),
            back_alert(health, found.at) if health and is_told else None,
        ]

    def _save_apps(self, repositories: Repositories, found: _Found, old: Mapping[str, App]) -> Mapping[str, Product]:
        """Saves apps under their products; app id -> product. Where no app has changed, nobody else's are looked at."""
        known = {app.id: app.bundle_id for app in old.values() if app.bundle_id}
        told = {build.app_id: build.bundle_id for build in found.builds if build.bundle_id}
        apps = with_bundle_ids(found.apps, known | told)
        if found.account in self._joined and all(old.get(app.id) == app for app in apps):
            here = repositories.catalogue.products_of(found.account)
            return {app.id: here[app.id] for app in apps}
        return self._join(repositories, apps, found.at)

    def _join(self, repositories: Repositories, apps: Iterable[App], at: datetime) -> Mapping[str, Product]:
        joiner = Joiner(repositories.catalogue, self._configured)
        products = {}
        for app in apps:
            products[app.id] = joiner.product_for(app)
            repositories.catalogue.save_app(app, products[app.id].id, at)
        return products

    def _save_builds(
        self,
        repositories: Repositories,
        found: _Found,
        builds: Sequence[Build],
        health: AccountHealth | None,
        old_apps: Mapping[str, App],
    ) -> Iterator[News]:
        """Saves all builds, a few at a time for the memory's sake; yields what is news, the oldest first."""
        for start in range(len(builds), 0, -AT_A_TIME):
            few = builds[max(0, start - AT_A_TIME) : start]
            before = repositories.catalogue.builds_by_key(build.key for build in few)
            missed = repositories.told.gone(before)
            repositories.catalogue.save_builds(few, found.at)
            if health and health.baseline_at:
                told = (
                    news_of(before.get(b.key), b, health, b.app_id in old_apps, found.at, is_back=b.key in missed)
                    for b in reversed(few)
                )
                yield from (news for news in told if news)

    def _mark_gone(self, repositories: Repositories, found: _Found, builds: Iterable[Build]) -> list[Build]:
        """Builds of listed apps that a full reading no longer shows. An app that is missing altogether, or was not read wholly,
        is another matter."""
        apps, seen = {app.id for app in found.apps} - found.gaps.keys(), {build.key for build in builds}
        known = repositories.catalogue.keys_of(found.account)
        missing = [key for key, app_id in known.items() if app_id in apps and key not in seen]
        vanished = repositories.catalogue.builds_by_key(missing)
        repositories.catalogue.mark_gone(missing, found.at)
        return list(vanished.values())

    def _announce(self, repositories: Repositories, news: Iterable[News], products: Mapping[str, Product], provider: str) -> int:
        """Returns how many alerts are new."""
        new = [_untold(repositories, each) for each in news]
        begun = repositories.told.begun(each.build.key for each in new)
        hearing, now = Hearers(repositories, provider, self._rules), self._clock()
        notices = []
        for each in new:
            product = products[each.build.app_id]
            alert = each.alert(product.id, now)
            notices.append(_notice(each, alert, hearing.of(alert, product, each.build), begun.get(each.build.key, ())))
        return repositories.outbox.add_all(notices)


def _untold(repositories: Repositories, news: News) -> News:
    while news.again and repositories.outbox.has(news.fingerprint):
        news = news.again
    return news


def _notice(news: News, alert: Alert, heard: Mapping[str, datetime], told: Container[str]) -> Notice:
    """Channels that have a card of the build hear of it at once. `heard` is one for all builds that are alike, and stays so."""
    if not news.is_loud:
        return Notice(alert, frozenset(channel for channel in heard if channel in told))
    later = {channel: at for channel, at in heard.items() if channel not in told and at > alert.created_at}
    return Notice(alert, heard.keys(), later)


def _as_of(now: datetime, build: Build) -> Build:
    """A build whose end has passed is expired, however late its vendor says so."""
    return replace(build, state=BuildState.EXPIRED) if build.state.ends and build.is_expired(now) else build
