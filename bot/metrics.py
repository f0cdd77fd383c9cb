"""What is counted besides HTTP requests: vendors, answers, background work. Labels hold names from the configuration only."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bot.domain.errors import StoreUnavailable
from bot.domain.model import AccountHealth
from bot.domain.ports import GrantFilter, Repositories, Store


class Metrics:
    """Prometheus instruments in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._vendor = Counter(
            "purser_provider_requests_total",
            "Calls to vendors by outcome.",
            ["account", "operation", "reason"],
            registry=registry,
        )
        self._vendor_seconds = Histogram(
            "purser_provider_request_seconds", "Duration of calls to vendors.", ["account"], registry=registry
        )
        self._answers = Histogram(
            "purser_answer_seconds", "From a person's question to our answer.", ["feature"], registry=registry
        )

    def vendor_called(self, account: str, operation: str, reason: str, seconds: float) -> None:
        self._vendor.labels(account, operation, reason).inc()
        self._vendor_seconds.labels(account).observe(seconds)

    def answered(self, feature: str, seconds: float) -> None:
        self._answers.labels(feature).observe(seconds)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the store says at one moment. `oldest`: since when the oldest alert waits for a channel."""

    accounts: Iterable[AccountHealth]
    deliveries: Mapping[str, int]
    oldest: datetime | None
    links: int


def _standing(repositories: Repositories, now: datetime) -> _Standing:
    return _Standing(
        repositories.catalogue.health(),
        repositories.outbox.counts(),
        repositories.outbox.oldest_open(now),
        repositories.grants.count(GrantFilter(given=True)),
    )


class Gauges:
    """What the store knows of all processes, read anew each time it is asked for: any web process tells of every worker."""

    def __init__(
        self,
        registry: CollectorRegistry,
        store: Store,
        depth: Callable[[], Awaitable[Mapping[str, int]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._depth = depth
        self._clock = clock
        self._up = Gauge("purser_database_up", "1 when the database answers.", registry=registry)
        self._age = Gauge("purser_poll_age_seconds", "Since an account was last read well.", ["account"], registry=registry)
        self._failing = Gauge(
            "purser_account_failing_seconds", "Since an account cannot be read; 0: it can.", ["account"], registry=registry
        )
        self._next = Gauge(
            "purser_account_next_try_seconds",
            "Until polls ask a failing account again; 0: the next one does.",
            ["account"],
            registry=registry,
        )
        self._deliveries = Gauge("purser_deliveries", "Alerts in channels, by state.", ["state"], registry=registry)
        self._oldest = Gauge(
            "purser_oldest_pending_alert_seconds",
            "Since the oldest alert waits for a channel, a digest from when it is due; 0: none does.",
            registry=registry,
        )
        self._links = Gauge("purser_links_minted", "Links in the audit log.", registry=registry)
        self._waiting = Gauge("purser_jobs_waiting", "Background jobs that nobody has begun.", ["task"], registry=registry)

    async def refresh(self) -> None:
        """Without the database, what was known of it is no longer told."""
        try:
            now = self._clock()
            standing, depth = await self._store.read(lambda r: _standing(r, now)), await self._depth()
        except StoreUnavailable:
            self._forget()
            self._up.set(0)
            self._oldest.set(float("nan"))
            self._links.set(float("nan"))
            return
        self._forget()
        self._up.set(1)
        self._show(standing, depth)

    def _forget(self) -> None:
        """In one go with what is shown next: two may ask at the same time."""
        for gauge in (self._age, self._failing, self._next, self._deliveries, self._waiting):
            gauge.clear()

    def _show(self, standing: _Standing, depth: Mapping[str, int]) -> None:
        now = self._clock()
        self._oldest.set((now - standing.oldest).total_seconds() if standing.oldest else 0)
        self._links.set(standing.links)
        for account in standing.accounts:
            if account.ok_at:
                self._age.labels(account.name).set((now - account.ok_at).total_seconds())
            self._failing.labels(account.name).set((now - (account.failing_since or now)).total_seconds())
            self._next.labels(account.name).set(max(0.0, ((account.next_at or now) - now).total_seconds()))
        for state, count in standing.deliveries.items():
            self._deliveries.labels(state).set(count)
        for task, count in depth.items():
            self._waiting.labels(task).set(count)
