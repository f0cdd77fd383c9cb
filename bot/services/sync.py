"""One account's facts into the store, with the alerts that they cause, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import AgreementBlocked, ProviderError
from bot.domain.model import AccountHealth, Alert, AlertKind, App, Build, BuildState
from bot.domain.ports import Jobs, ListsApps, ListsBuilds, Provider, Repositories, Store
from bot.services.products import ConfiguredProduct, Joiner, with_bundle_ids
from bot.services.subscriptions import channels_for

LATE = timedelta(days=1)  # a vendor may show a build this long after its upload and it is still news

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one check found. `news` counts the alerts it caused; `failure` is None when all went well."""

    account: str
    apps: int = 0
    builds: int = 0
    news: int = 0
    failure: ProviderError | None = None


class Sync:
    """Polls and webhooks both end in `account`; fingerprints make the second of them a no-op."""

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        configured: Sequence[ConfiguredProduct],
        jobs: Jobs,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._providers = providers
        self._configured = configured
        self._jobs = jobs
        self._clock = clock

    async def account(self, name: str, full: bool = False) -> SyncReport:
        """Reads one account. `full` reads every page; otherwise reading stops at the first page that is wholly known."""
        try:
            report = await self._read(name, full)
        except ProviderError as error:
            return await self._failed(name, error)
        if report.news:
            await self._jobs.defer("deliver")
        log.info("account checked", account=name, apps=report.apps, builds=report.builds, news=report.news)
        return report

    async def _read(self, name: str, full: bool) -> SyncReport:
        provider = self._providers[name]
        known = frozenset[str]() if full else await self._store.read(lambda r: r.catalogue.known_build_ids(name))
        started_at = self._clock()
        apps = await provider.list_apps() if isinstance(provider, ListsApps) else ()
        builds = await provider.list_builds(apps, known) if isinstance(provider, ListsBuilds) and apps else ()
        news = await self._store.write(lambda r: self._record(r, name, apps, builds, started_at))
        return SyncReport(name, len(apps), len(builds), news)

    async def _failed(self, name: str, error: ProviderError) -> SyncReport:
        log.warning("account check failed", account=name, operation=error.operation, reason=error.reason)
        await self._store.write(lambda r: r.catalogue.record_failure(name, self._clock(), error.reason))
        if isinstance(error, AgreementBlocked):
            await self._jobs.defer("agreements", name)
        return SyncReport(name, failure=error)

    def _record(
        self, repositories: Repositories, name: str, apps: Sequence[App], builds: Sequence[Build], started_at: datetime
    ) -> int:
        """Everything one reading says, or nothing of it."""
        catalogue = repositories.catalogue
        health = catalogue.account(name)
        old_apps = {app.id for app in catalogue.apps(name)}
        product_ids = self._save_apps(repositories, apps, builds, started_at)
        builds = [build for build in builds if build.app_id in product_ids]
        before = catalogue.builds_by_key(build.key for build in builds)
        catalogue.save_builds(builds, started_at)
        catalogue.record_success(name, started_at)
        if health is None or health.baseline_at is None:
            return 0
        news = [b for b in builds if is_news(before.get(b.key), b, health, b.app_id in old_apps)]
        return sum(self._announce(repositories, build, product_ids[build.app_id], health) for build in reversed(news))

    def _save_apps(
        self, repositories: Repositories, apps: Iterable[App], builds: Iterable[Build], at: datetime
    ) -> Mapping[str, str]:
        """Saves apps under their products; app id -> product id."""
        bundle_ids = {build.app_id: build.bundle_id for build in builds if build.bundle_id}
        joiner = Joiner(repositories.catalogue, self._configured)
        product_ids = {}
        for app in with_bundle_ids(apps, bundle_ids):
            product_ids[app.id] = joiner.product_for(app).id
            repositories.catalogue.save_app(app, product_ids[app.id], at)
        return product_ids

    def _announce(self, repositories: Repositories, build: Build, product_id: str, health: AccountHealth) -> bool:
        alert = Alert(
            fingerprint=f"new_build:{build.key}",
            kind=AlertKind.NEW_BUILD,
            account=build.account,
            created_at=self._clock(),
            product_id=product_id,
            build_key=build.key,
        )
        channels = channels_for(repositories.subscriptions.all(), alert, build, health.provider)
        return repositories.outbox.add(alert, channels)


def is_news(before: Build | None, now: Build, health: AccountHealth, app_was_known: bool) -> bool:
    """Whether people should be told: it can be used, and could not be before.

    A build never seen is news unless it is plainly old (the account was just allowed to see it).
    """
    if not now.state.is_announceable:
        return False
    if before is not None:
        return before.state is BuildState.PROCESSING
    if now.uploaded_at is None or health.ok_at is None:
        return app_was_known
    return now.uploaded_at >= health.ok_at - LATE
