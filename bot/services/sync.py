"""One account's facts into the store, with the alerts that they cause, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import SAVING_CALLS, AgreementBlocked, ProviderError
from bot.domain.model import AccountHealth, Alert, AlertKind, App, Build, Product
from bot.domain.ports import Jobs, ListsApps, ListsBuilds, Provider, Repositories, Store
from bot.services.access import Rules
from bot.services.agreements import awaits_contract
from bot.services.health import back_alert, down_alert, down_fingerprint, is_open
from bot.services.hearing import hearers
from bot.services.news import News, gone, news_of
from bot.services.products import ConfiguredProduct, Joiner, with_bundle_ids
from bot.services.waiting import tell_waiting

AT_A_TIME = 200  # builds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one check found. `news` counts the alerts it caused; `failure` is None when all went well; `was_left_alone`: the
    account failed too often, and its pause is not over."""

    account: str
    apps: int = 0
    builds: int = 0
    news: int = 0
    failure: ProviderError | None = None
    was_left_alone: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What one reading brought. `is_full`: everything was read, so that what is missing is gone."""

    account: str
    apps: Sequence[App]
    builds: Sequence[Build]
    is_full: bool
    at: datetime


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
    ) -> None:
        self._store = store
        self._providers = providers
        self._configured = configured
        self._jobs = jobs
        self._clock = clock
        self._owners = tuple(owners)
        self._poll_every = poll_every
        self._rules = rules or Rules()

    async def poll(self, name: str) -> SyncReport:
        """`account`, unless the account failed too often lately."""
        health = await self._store.read(lambda r: r.catalogue.account(name))
        if health and is_open(health, self._poll_every, self._clock()):
            return SyncReport(name, was_left_alone=True)
        return await self.account(name)

    async def account(self, name: str, full: bool = False) -> SyncReport:
        """Reads one account. `full` reads every page; otherwise reading stops at the first page that is wholly known."""
        try:
            found = await self._read(name, full)
        except ProviderError as error:
            return await self._failed(name, error)
        news = await self._store.write(lambda r: self._record(r, found))
        if news:
            await self._jobs.defer("deliver")
        if awaits_contract(found.builds):
            await self._jobs.defer("agreements", name)
        log.info("account checked", account=name, apps=len(found.apps), builds=len(found.builds), news=news)
        return SyncReport(name, len(found.apps), len(found.builds), news)

    async def _read(self, name: str, full: bool) -> _Found:
        provider = self._providers[name]
        known = frozenset[str]() if full else await self._store.read(lambda r: r.catalogue.known_build_ids(name))
        started_at = self._clock()
        apps = await provider.list_apps() if isinstance(provider, ListsApps) else ()
        builds = await provider.list_builds(apps, known) if isinstance(provider, ListsBuilds) and apps else ()
        return _Found(name, apps, builds, full, started_at)

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
        """Whether somebody is told. A blocked agreement is told by the agreement's own check."""
        now = self._clock()
        health = repositories.catalogue.account(name)
        repositories.catalogue.record_failure(name, now, error.reason)
        alert = down_alert(health, error, now) if health and not isinstance(error, AgreementBlocked) else None
        return alert is not None and repositories.outbox.add(alert, self._owners)

    def _record(self, repositories: Repositories, found: _Found) -> int:
        """Everything one reading says, or nothing of it. Returns how many alerts it causes."""
        catalogue = repositories.catalogue
        health = catalogue.account(found.account)
        old_apps = {app.id: app for app in catalogue.apps(found.account)}
        products = self._save_apps(repositories, found)
        builds = [build for build in found.builds if build.app_id in products]
        news = list(self._save_builds(repositories, found, builds, health, old_apps))
        vanished = self._mark_gone(repositories, found, builds) if found.is_full else []
        catalogue.record_success(found.account, found.at)
        ready = tell_waiting(repositories, builds, found.at)
        if health is None or health.baseline_at is None:
            return ready
        news += [gone(build, found.at) for build in vanished]
        announced = sum(self._announce(repositories, each, products, health.provider) for each in news)
        owed = [_lost_alert(found, old_apps)]
        if health.failing_since and repositories.outbox.has(down_fingerprint(health.name, health.failing_since)):
            owed.append(back_alert(health, found.at))
        return ready + announced + sum(repositories.outbox.add(alert, self._owners) for alert in owed if alert)

    def _save_apps(self, repositories: Repositories, found: _Found) -> Mapping[str, Product]:
        """Saves apps under their products; app id -> product."""
        bundle_ids = {build.app_id: build.bundle_id for build in found.builds if build.bundle_id}
        joiner = Joiner(repositories.catalogue, self._configured)
        products = {}
        for app in with_bundle_ids(found.apps, bundle_ids):
            products[app.id] = joiner.product_for(app)
            repositories.catalogue.save_app(app, products[app.id].id, found.at)
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
            repositories.catalogue.save_builds(few, found.at)
            if health and health.baseline_at:
                told = (news_of(before.get(b.key), b, health, b.app_id in old_apps, found.at) for b in reversed(few))
                yield from (news for news in told if news)

    def _mark_gone(self, repositories: Repositories, found: _Found, builds: Iterable[Build]) -> list[Build]:
        """Builds of listed apps that a full reading no longer shows. An app that is missing altogether is another matter."""
        apps, seen = {app.id for app in found.apps}, {build.key for build in builds}
        known = repositories.catalogue.keys_of(found.account)
        missing = [key for key, app_id in known.items() if app_id in apps and key not in seen]
        vanished = repositories.catalogue.builds_by_key(missing)
        repositories.catalogue.mark_gone(missing, found.at)
        return list(vanished.values())

    def _announce(self, repositories: Repositories, news: News, products: Mapping[str, Product], provider: str) -> bool:
        if news.again and repositories.outbox.has(news.fingerprint):
            news = news.again
        product = products[news.build.app_id]
        alert = news.alert(product.id, self._clock())
        heard = hearers(repositories, alert, product, news.build, provider, self._rules)
        told = repositories.told.begun(news.build.key)
        at_once = {channel for channel, at in heard.items() if channel in told or (news.is_loud and at == alert.created_at)}
        later = {channel: at for channel, at in heard.items() if news.is_loud and channel not in at_once}
        return repositories.outbox.add(alert, at_once, later)


def _lost_alert(found: _Found, old_apps: Mapping[str, App]) -> Alert | None:
    """Apps that the account listed and no longer does: a permission was lost, or an agreement lapsed. Told once."""
    listed = {app.id for app in found.apps}
    lost = sorted(app.name for id, app in old_apps.items() if id not in listed)
    if not lost:
        return None
    ids = ",".join(sorted(old_apps.keys() - listed))
    return Alert(
        f"apps_lost:{found.account}:{ids}",
        AlertKind.APPS_LOST,
        found.account,
        found.at,
        facts={"apps": ", ".join(lost[:10]), "count": str(len(lost))},
    )
