from collections.abc import Mapping
from datetime import timedelta

from prometheus_client import CollectorRegistry

from bot.domain.errors import RateLimited
from bot.metrics import Gauges
from bot.services.sync import Sync
from bot.store import Database

from .conftest import Deferred, Shelf, StoppedClock


async def test_an_account_that_fails_shows_since_when_and_until_when(store: Database, apple: Shelf, clock: StoppedClock) -> None:
    async def depth() -> Mapping[str, int]:
        return {}

    registry, labels = CollectorRegistry(), {"account": "acme-apple"}
    gauges = Gauges(registry, store, depth, clock)
    sync = Sync(store, {"acme-apple": apple}, (), Deferred(), clock)
    apple.failure = RateLimited("app_store_connect", "acme-apple", "list apps", "rate_limited", timedelta(minutes=30))
    await sync.account("acme-apple")
    clock.advance(minutes=10)
    await gauges.refresh()
    assert registry.get_sample_value("purser_account_failing_seconds", labels) == 600
    assert registry.get_sample_value("purser_account_next_try_seconds", labels) == 1200
    apple.failure = None
    await sync.account("acme-apple")
    await gauges.refresh()
    assert registry.get_sample_value("purser_account_failing_seconds", labels) == 0
    assert registry.get_sample_value("purser_account_next_try_seconds", labels) == 0
