from datetime import timedelta

import pytest

from bot.domain.errors import AgreementBlocked, Unreachable
from bot.domain.model import App, BuildState, EventKind, Platform, Subscription
from bot.services.products import ConfiguredProduct
from bot.services.sync import Sync
from bot.store import Database

from .conftest import NOON, Deferred, Shelf, StoppedClock, make_build


@pytest.fixture
def sync(store: Database, apple: Shelf, applivery: Shelf, jobs: Deferred, clock: StoppedClock) -> Sync:
    return Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), jobs, clock)


async def subscribe(store: Database, channel: str = "C1", **filters: object) -> None:
    kinds = frozenset({EventKind.NEW_BUILDS})
    subscription = Subscription(f"s-{channel}", channel, kinds, "U1", NOON, **filters)  # type: ignore[arg-type]
    await store.write(lambda r: r.subscriptions.add(subscription))


async def channels_told(store: Database, clock: StoppedClock) -> list[str]:
    due = await store.read(lambda r: r.outbox.due(clock() + timedelta(days=1)))
    return sorted(delivery.channel for delivery in due)


async def test_first_sight_is_silent(sync: Sync, store: Database, apple: Shelf, jobs: Deferred, clock: StoppedClock) -> None:
    await subscribe(store)
    apple.builds = [make_build(apple.apps[0], str(n)) for n in range(3)]
    report = await sync.account("acme-apple")
    assert (report.apps, report.builds, report.news) == (1, 3, 0)
    assert await channels_told(store, clock) == []
    assert jobs.calls == []


async def test_a_new_build_is_news_exactly_once(
    sync: Sync, store: Database, apple: Shelf, jobs: Deferred, clock: StoppedClock
) -> None:
    await subscribe(store)
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418")]
    assert (await sync.account("acme-apple")).news == 1
    assert (await sync.account("acme-apple")).news == 0
    assert await channels_told(store, clock) == ["C1"]
    assert jobs.calls == [("deliver", "")]


async def test_a_build_is_announced_when_it_can_be_used(sync: Sync, store: Database, apple: Shelf) -> None:
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.PROCESSING)]
    assert (await sync.account("acme-apple")).news == 0
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.READY)]
    assert (await sync.account("acme-apple")).news == 1


@pytest.mark.parametrize("state", [BuildState.FAILED, BuildState.EXPIRED])
async def test_nobody_hears_of_what_cannot_be_used(sync: Sync, apple: Shelf, state: BuildState) -> None:
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418", state=state)]
    assert (await sync.account("acme-apple")).news == 0


async def test_an_app_that_appears_with_old_builds_floods_nobody(sync: Sync, apple: Shelf) -> None:
    await sync.account("acme-apple")
    courier = App("acme-apple", "2", "Courier", "com.acme.courier")
    apple.apps.append(courier)
    old = [make_build(courier, f"old{n}", uploaded_at=NOON - timedelta(days=30 + n)) for n in range(40)]
    apple.builds = [make_build(courier, "fresh", uploaded_at=NOON), *old]
    assert (await sync.account("acme-apple")).news == 1


async def test_known_builds_are_passed_so_that_reading_can_stop(sync: Sync, apple: Shelf) -> None:
    apple.builds = [
        make_build(apple.apps[0], "418"),
        make_build(apple.apps[0], "419", state=BuildState.PROCESSING),
    ]
    await sync.account("acme-apple")
    await sync.account("acme-apple")
    await sync.account("acme-apple", full=True)
    assert apple.asked_with == [frozenset(), frozenset({"418"}), frozenset()]


async def test_only_what_the_filters_let_through_is_told(
    sync: Sync, store: Database, applivery: Shelf, clock: StoppedClock
) -> None:
    await subscribe(store, "C-all")
    await subscribe(store, "C-ios", platform=Platform.IOS)
    await subscribe(store, "C-android", platform=Platform.ANDROID)
    await subscribe(store, "C-apple", provider="app_store_connect")
    await subscribe(store, "C-track", track="distribution")
    await sync.account("acme-applivery")
    applivery.builds = [
        make_build(applivery.apps[0], "b1", platform=Platform.ANDROID, track="App Distribution"),
    ]
    await sync.account("acme-applivery")
    assert await channels_told(store, clock) == ["C-all", "C-android", "C-track"]


async def test_apps_of_two_systems_with_one_bundle_id_are_one_product(sync: Sync, store: Database) -> None:
    await sync.account("acme-apple")
    await sync.account("acme-applivery")
    (product,) = await store.read(lambda r: r.catalogue.products())
    assert product.name == "Shop"
    assert {app.account for app in product.apps} == {"acme-apple", "acme-applivery"}


async def test_a_bundle_id_that_only_builds_carry_joins_too(sync: Sync, store: Database, applivery: Shelf) -> None:
    applivery.apps = [App("acme-applivery", "a9", "Ladenkasse", None)]
    applivery.builds = [make_build(applivery.apps[0], "b1", bundle_id="com.acme.shop")]
    await sync.account("acme-apple")
    await sync.account("acme-applivery")
    (product,) = await store.read(lambda r: r.catalogue.products())
    assert {app.name for app in product.apps} == {"Shop", "Ladenkasse"}


async def test_configuration_has_the_last_word(store: Database, apple: Shelf, applivery: Shelf, clock: StoppedClock) -> None:
    providers = {"acme-apple": apple, "acme-applivery": applivery}
    for configured in ((), (ConfiguredProduct("Till", ("kasse",), (("acme-applivery", "a1"),)),)):
        sync = Sync(store, providers, configured, Deferred(), clock)
        await sync.account("acme-apple")
        await sync.account("acme-applivery")
    products = await store.read(lambda r: r.catalogue.products())
    assert [(p.name, p.aliases, [a.id for a in p.apps]) for p in products] == [("Shop", (), ["1"]), ("Till", ("kasse",), ["a1"])]


async def test_a_failure_is_noted_and_forgotten_again(sync: Sync, store: Database, apple: Shelf, clock: StoppedClock) -> None:
    await sync.account("acme-apple")
    apple.failure = Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")
    failed_at = clock()
    for _ in range(2):
        report = await sync.account("acme-apple")
        assert report.failure is apple.failure
        clock.advance(minutes=5)
    health = await store.read(lambda r: r.catalogue.account("acme-apple"))
    assert health is not None
    assert (health.failing_since, health.reason, health.failures, health.ok_at) == (failed_at, "timeout", 2, NOON)
    apple.failure = None
    await sync.account("acme-apple")
    health = await store.read(lambda r: r.catalogue.account("acme-apple"))
    assert health is not None
    assert (health.failing_since, health.reason, health.failures) == (None, None, 0)


async def test_an_agreement_403_in_passing_asks_for_an_agreement_check(sync: Sync, apple: Shelf, jobs: Deferred) -> None:
    apple.failure = AgreementBlocked("app_store_connect", "acme-apple", "list apps", "agreement")
    await sync.account("acme-apple")
    assert jobs.calls == [("agreements", "acme-apple")]
