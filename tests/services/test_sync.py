import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.errors import NOT_OFFERED, AgreementBlocked, Confused, NotFound, RateLimited, Refused, Unreachable
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import NOT_LISTED, Alert, AlertKind, App, BuildState, EventKind, Platform, Subscription
from bot.services.products import ConfiguredProduct
from bot.services.sync import Sync
from bot.store import Database

from ..store.facts import deliveries_due
from .conftest import NOON, Deferred, Shelf, StoppedClock, make_build


@pytest.fixture
def sync(store: Database, apple: Shelf, applivery: Shelf, jobs: Deferred, clock: StoppedClock) -> Sync:
    return Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, (), jobs, clock)


async def subscribe(store: Database, channel: str = "C1", **filters: object) -> None:
    kinds = frozenset({EventKind.NEW_BUILDS})
    subscription = Subscription(f"s-{channel}", channel, kinds, "U1", NOON, **filters)  # type: ignore[arg-type]
    await store.write(lambda r: r.subscriptions.add(subscription))


async def channels_told(store: Database, clock: StoppedClock) -> list[str]:
    due = await store.read(lambda r: deliveries_due(r, clock() + timedelta(days=1)))
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


async def test_nobody_hears_of_what_cannot_be_used(sync: Sync, apple: Shelf) -> None:
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.EXPIRED)]
    assert (await sync.account("acme-apple")).news == 0


async def test_what_failed_between_two_checks_is_told_unless_it_is_old(
    sync: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await subscribe(store)
    await sync.account("acme-apple")
    old = NOON - timedelta(days=2)
    apple.builds = [
        make_build(apple.apps[0], "418", state=BuildState.FAILED),
        make_build(apple.apps[0], "417", state=BuildState.FAILED, uploaded_at=old),
    ]
    assert (await sync.account("acme-apple")).news == 1
    assert (await sync.account("acme-apple")).news == 0
    assert await channels_told(store, clock) == ["C1"]


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
    assert apple.asked_with == [frozenset(), frozenset({"418", "419"}), frozenset()]


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


async def test_what_an_app_is_called_later_is_kept_also_after_checks_without_a_change(
    sync: Sync, store: Database, apple: Shelf, applivery: Shelf
) -> None:
    for _ in range(3):
        await sync.account("acme-apple")
        await sync.account("acme-applivery")
    applivery.apps = [replace(applivery.apps[0], name="Shop for Android"), App("acme-applivery", "a2", "Bank", "com.acme.bank")]
    for _ in range(2):
        await sync.account("acme-applivery")
    products = await store.read(lambda r: r.catalogue.products())
    assert [(p.name, sorted(app.name for app in p.apps)) for p in products] == [
        ("Bank", ["Bank"]),
        ("Shop", ["Shop", "Shop for Android"]),
    ]


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


IOS = ConfiguredProduct("Shop iOS", (), (("acme-apple", "1"),))
ANDROID = ConfiguredProduct("Shop Android", ("robot",), (("acme-applivery", "a1"),))


@pytest.mark.parametrize("order", [("acme-apple", "acme-applivery"), ("acme-applivery", "acme-apple")])
@pytest.mark.parametrize("before", [(), (ConfiguredProduct("Shop", (), (*IOS.apps, *ANDROID.apps)),)])
async def test_a_table_never_takes_the_product_of_another(
    store: Database,
    apple: Shelf,
    applivery: Shelf,
    clock: StoppedClock,
    order: tuple[str, str],
    before: tuple[ConfiguredProduct, ...],
) -> None:
    for configured in (before, (IOS, ANDROID)):
        sync = Sync(store, {"acme-apple": apple, "acme-applivery": applivery}, configured, Deferred(), clock)
        for account in order:
            await sync.account(account)
    products = await store.read(lambda r: r.catalogue.products())
    assert [(p.name, p.aliases, [a.id for a in p.apps]) for p in products] == [
        ("Shop Android", ("robot",), ["a1"]),
        ("Shop iOS", (), ["1"]),
    ]


async def test_a_product_that_is_renamed_stays_the_same(store: Database, apple: Shelf, clock: StoppedClock) -> None:
    ids = []
    for name in ("Shop", "Till"):
        sync = Sync(store, {"acme-apple": apple}, [ConfiguredProduct(name, (), (("acme-apple", "1"),))], Deferred(), clock)
        await sync.account("acme-apple")
        (product,) = await store.read(lambda r: r.catalogue.products())
        ids.append(product.id)
        assert product.name == name
    assert ids[0] == ids[1]


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


OWNER = "U-OWNER"


@pytest.fixture
def watched(store: Database, apple: Shelf, jobs: Deferred, clock: StoppedClock) -> Sync:
    """A sync whose owner is told."""
    return Sync(store, {"acme-apple": apple}, (), jobs, clock, owners=[OWNER], poll_every=timedelta(minutes=5))


async def alerts_for(store: Database, clock: StoppedClock, channel: str) -> list[Alert]:
    due = await store.read(lambda r: deliveries_due(r, clock() + timedelta(days=1)))
    return [delivery.alert for delivery in due if delivery.channel == channel]


async def test_a_change_of_a_build_is_told_once(sync: Sync, store: Database, apple: Shelf, clock: StoppedClock) -> None:
    await subscribe(store)
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.IN_REVIEW)]
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.LIVE)]
    assert (await sync.account("acme-apple")).news == 1
    assert (await sync.account("acme-apple")).news == 0
    (alert,) = await alerts_for(store, clock, "C1")
    assert (alert.kind, dict(alert.facts)) == (AlertKind.BUILD_CHANGED, {"from": "in_review", "to": "live"})


async def test_a_quiet_change_is_for_channels_with_a_card_only(
    sync: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await subscribe(store, "C-old")
    await sync.account("acme-apple")
    apple.builds = [make_build(apple.apps[0], "418")]
    await sync.account("acme-apple")
    (delivery,) = await store.read(lambda r: deliveries_due(r, clock()))
    await store.write(lambda r: r.outbox.mark_all_sent("C-old", delivery.id, "1.0", None, clock()))
    await subscribe(store, "C-new")
    apple.builds = [make_build(apple.apps[0], "418", state=BuildState.EXPIRED)]
    await sync.account("acme-apple")
    assert await channels_told(store, clock) == ["C-old"]


async def test_builds_that_vanish_are_marked_gone_by_a_full_reading_only(sync: Sync, store: Database, apple: Shelf) -> None:
    shop = apple.apps[0]
    apple.builds = [make_build(shop, "418"), make_build(shop, "419")]
    await sync.account("acme-apple")
    apple.builds = [make_build(shop, "419")]
    await sync.account("acme-apple")
    assert len(await store.read(lambda r: r.catalogue.keys_of("acme-apple"))) == 2
    await sync.account("acme-apple", full=True)
    assert len(await store.read(lambda r: r.catalogue.keys_of("acme-apple"))) == 1
    apple.builds = [make_build(shop, "418"), make_build(shop, "419")]
    await sync.account("acme-apple", full=True)
    assert len(await store.read(lambda r: r.catalogue.keys_of("acme-apple"))) == 2


async def test_an_empty_list_of_apps_makes_nothing_vanish_and_is_told_to_owners(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    apple.builds = [make_build(apple.apps[0], "418")]
    await watched.account("acme-apple")
    apple.apps, apple.builds = [], []
    for _ in range(2):
        await watched.account("acme-apple", full=True)
    assert len(await store.read(lambda r: r.catalogue.keys_of("acme-apple"))) == 1
    (alert,) = await alerts_for(store, clock, OWNER)
    assert (alert.kind, alert.facts["apps"]) == (AlertKind.APPS_LOST, "Shop")


async def test_each_loss_of_an_app_is_told(watched: Sync, store: Database, apple: Shelf, clock: StoppedClock) -> None:
    shop = apple.apps[0]
    for apps in ([shop], [], [], [shop], [], []):
        apple.apps = apps
        await watched.account("acme-apple")
        clock.advance(minutes=5)
    assert [alert.kind for alert in await alerts_for(store, clock, OWNER)] == [AlertKind.APPS_LOST] * 2
    (trouble,) = await store.read(lambda r: r.catalogue.troubles())
    assert (trouble.reason, trouble.since) == (NOT_LISTED, NOON + timedelta(minutes=20))


async def test_a_list_of_apps_that_may_be_short_loses_none(watched: Sync, store: Database, apple: Shelf) -> None:
    await watched.account("acme-apple")
    apple.apps = Listing([], {ITSELF: Confused("app_store_connect", "acme-apple", "list apps", "endless_pages")})
    await watched.account("acme-apple", full=True)
    assert await store.read(lambda r: r.catalogue.troubles()) == []


async def test_an_app_that_cannot_be_read_costs_nothing_but_itself(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    """What was known of it stays; the others go on; its owners hear of it once, when it happens again."""
    shop, courier = apple.apps[0], App("acme-apple", "2", "Courier", "com.acme.courier")
    apple.apps.append(courier)
    apple.builds = [make_build(shop, "418"), make_build(courier, "7"), make_build(courier, "8")]
    await watched.account("acme-apple")
    apple.gaps = {shop.id: Refused("app_store_connect", "acme-apple", "list builds", "forbidden")}
    apple.builds.pop()
    report = await watched.account("acme-apple", full=True)
    assert (report.failure, list(report.unread)) == (None, [shop.id])
    known = await store.read(lambda r: r.catalogue.keys_of("acme-apple"))
    assert sorted(known.values()) == [shop.id, courier.id]
    assert await alerts_for(store, clock, OWNER) == []
    for _ in range(3):
        clock.advance(minutes=5)
        await watched.account("acme-apple", full=True)
    (alert,) = await alerts_for(store, clock, OWNER)
    assert (alert.kind, alert.facts["apps"], alert.facts["reason"]) == (AlertKind.APPS_UNREAD, "Shop", "forbidden")
    assert alert.facts["since"] == NOON.isoformat()
    apple.gaps = {}
    await watched.account("acme-apple")
    assert await store.read(lambda r: r.catalogue.troubles()) == []


async def test_a_call_that_is_not_offered_is_nobodys_trouble(watched: Sync, store: Database, apple: Shelf) -> None:
    apple.builds = [make_build(apple.apps[0], "418")]
    await watched.account("acme-apple")
    apple.gaps = {"1": NotFound("app_store_connect", "acme-apple", "list builds", NOT_OFFERED)}
    assert (await watched.account("acme-apple", full=True)).unread == {}
    assert await store.read(lambda r: r.catalogue.troubles()) == []
    assert len(await store.read(lambda r: r.catalogue.keys_of("acme-apple"))) == 1


async def test_a_build_beyond_the_first_page_changes_all_the_same(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    shop = apple.apps[0]
    old = [make_build(shop, "1", state=BuildState.IN_REVIEW), make_build(shop, "2", state=BuildState.LIVE)]
    apple.builds, apple.page = [make_build(shop, "9"), *old], 1
    await watched.account("acme-apple")
    apple.builds[1] = make_build(shop, "1", state=BuildState.LIVE)
    assert (await watched.account("acme-apple")).news == 1
    assert (await watched.account("acme-apple")).news == 0
    assert apple.reread == ["1"]


async def test_a_build_expires_at_its_time_without_its_vendor(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    shop = apple.apps[0]
    ends = make_build(shop, "1", state=BuildState.APPROVED, expires_at=NOON + timedelta(hours=1))
    apple.builds, apple.page = [make_build(shop, "9"), ends], 1
    await watched.account("acme-apple")
    clock.advance(hours=1)
    for full in (False, False, True):
        await watched.account("acme-apple", full=full)
        (state,) = [b.state for b in (await store.read(lambda r: r.catalogue.builds_by_key([ends.key]))).values()]
        assert state is BuildState.EXPIRED


async def test_a_build_that_comes_back_is_a_change(sync: Sync, store: Database, apple: Shelf) -> None:
    shop = apple.apps[0]
    await sync.account("acme-apple")
    for ids, news in ((["418"], 1), ([], 1), (["418"], 1), (["418"], 0)):
        apple.builds = [make_build(shop, id) for id in ids]
        assert (await sync.account("acme-apple", full=True)).news == news


async def test_everything_is_read_once_a_day_however_often_processes_start(
    store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    apple.builds = [make_build(apple.apps[0], "418")]
    for _ in range(9):
        await Sync(store, {"acme-apple": apple}, (), Deferred(), clock).poll("acme-apple")
        clock.advance(hours=8)
    assert [not known for known in apple.asked_with] == [True, False, False] * 3


async def test_clocks_together_poll_no_more_than_one(watched: Sync, apple: Shelf, clock: StoppedClock) -> None:
    asked = 0
    for _ in range(60):  # every minute, with five minutes between polls
        asked += not (await watched.poll("acme-apple")).was_left_alone
        clock.advance(minutes=1)
    assert asked == 20


async def test_a_vendor_is_left_alone_for_as_long_as_it_asks(watched: Sync, apple: Shelf, clock: StoppedClock) -> None:
    await watched.account("acme-apple")
    apple.failure = RateLimited("app_store_connect", "acme-apple", "list apps", "rate_limited", timedelta(hours=1))
    await watched.account("acme-apple")
    for minutes, is_left_alone in ((5, True), (54, True), (1, False)):
        clock.advance(minutes=minutes)
        assert (await watched.poll("acme-apple")).was_left_alone is is_left_alone


async def test_a_key_that_is_refused_after_other_failures_is_told(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    failures = [Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")] * 3
    failures += [Refused("app_store_connect", "acme-apple", "list apps", "unauthorized")] * 3  # type: ignore[list-item]
    for apple.failure in failures:
        await watched.account("acme-apple")
        clock.advance(minutes=5)
    told = [alert.facts["problem"] for alert in await alerts_for(store, clock, OWNER)]
    assert told == ["contact", "key"]
    apple.failure = None
    for _ in range(2):
        await watched.account("acme-apple")
    assert [alert.kind for alert in await alerts_for(store, clock, OWNER)][2:] == [AlertKind.ACCOUNT_BACK]


async def test_a_key_that_is_refused_after_a_blocked_agreement_is_told(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    for kind in [AgreementBlocked] * 3 + [Refused] * 2:  # type: ignore[list-item]
        apple.failure = kind("app_store_connect", "acme-apple", "list apps", "forbidden")
        await watched.account("acme-apple")
        clock.advance(minutes=5)
    (alert,) = await alerts_for(store, clock, OWNER)
    assert alert.facts["problem"] == "key"


async def test_a_reading_that_never_ends_is_no_contact(store: Database, clock: StoppedClock) -> None:
    class Endless(Shelf):
        async def list_apps(self) -> Sequence[App]:
            await asyncio.Event().wait()
            return ()

    await store.write(lambda r: r.catalogue.register_account("acme-slow", "applivery"))
    account = Endless("acme-slow", "applivery")
    sync = Sync(store, {"acme-slow": account}, (), Deferred(), clock, longest=timedelta(milliseconds=10))
    failure = (await sync.account("acme-slow")).failure
    assert (type(failure), failure and failure.reason) == (Unreachable, "timeout")


async def test_down_since_is_told_once_and_back_after_once(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await watched.account("acme-apple")
    apple.failure = Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")
    for _ in range(6):
        clock.advance(minutes=5)
        await watched.account("acme-apple")
    apple.failure = None
    for _ in range(2):
        clock.advance(minutes=5)
        await watched.account("acme-apple")
    kinds = [(alert.kind, alert.facts["since"]) for alert in await alerts_for(store, clock, OWNER)]
    since = (NOON + timedelta(minutes=5)).isoformat()
    assert kinds == [(AlertKind.ACCOUNT_DOWN, since), (AlertKind.ACCOUNT_BACK, since)]


async def test_a_short_outage_is_not_worth_a_message(watched: Sync, store: Database, apple: Shelf, clock: StoppedClock) -> None:
    await watched.account("acme-apple")
    apple.failure = Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")
    for _ in range(2):
        await watched.account("acme-apple")
    apple.failure = None
    await watched.account("acme-apple")
    assert await alerts_for(store, clock, OWNER) == []


async def test_a_refused_key_is_told_sooner_and_as_a_key_problem(
    watched: Sync, store: Database, apple: Shelf, clock: StoppedClock
) -> None:
    await watched.account("acme-apple")
    apple.failure = Refused("app_store_connect", "acme-apple", "list apps", "unauthorized")
    for _ in range(5):
        await watched.account("acme-apple")
    (alert,) = await alerts_for(store, clock, OWNER)
    assert alert.facts["problem"] == "key"


async def test_an_account_that_keeps_failing_is_left_alone_for_longer_and_longer(
    watched: Sync, apple: Shelf, clock: StoppedClock
) -> None:
    await watched.account("acme-apple")
    apple.failure = Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")
    asked_at = []
    for minute in range(300):
        if not (await watched.poll("acme-apple")).was_left_alone:
            asked_at.append(minute)
        clock.advance(minutes=1)
    pauses = [after - before for before, after in pairwise(asked_at)]
    assert pauses[:7] == [3, 3, 5, 10, 20, 40, 60]
    apple.failure = None
    clock.advance(hours=1)
    for _ in range(2):
        assert not (await watched.poll("acme-apple")).was_left_alone
        clock.advance(minutes=5)
