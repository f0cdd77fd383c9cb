"""Accounts, apps and products."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from bot.domain.model import NOT_LISTED, AccountHealth, App
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import APPLE, NOW, STORE, add_shop, android, hours, ios
from .steps import steps


async def test_accounts_come_by_name_with_their_counts(store: Database) -> None:
    def work(r: Repositories) -> None:
        add_shop(r)
        r.catalogue.save_builds([ios("1"), ios("2"), android("3")], NOW)

    await store.write(work)
    accounts = await store.read(lambda r: r.catalogue.accounts())
    assert [(a.name, a.provider, a.apps, a.builds) for a in accounts] == [
        (APPLE, "app_store_connect", 1, 2),
        (STORE, "appcircle", 1, 1),
    ]
    assert await store.read(lambda r: r.catalogue.account(APPLE)) == accounts[0]
    assert await store.read(lambda r: r.catalogue.account("nobody")) is None


async def test_registering_again_keeps_what_is_known(store: Database) -> None:
    def work(r: Repositories) -> None:
        r.catalogue.register_account(APPLE, "applivery")
        r.catalogue.record_success(APPLE, NOW)
        r.catalogue.register_account(APPLE, "app_store_connect")

    await store.write(work)
    assert await store.read(lambda r: r.catalogue.health()) == [
        AccountHealth(APPLE, "app_store_connect", checked_at=NOW, ok_at=NOW, baseline_at=NOW)
    ]


async def test_health_follows_a_run_of_failures_and_its_end(store: Database) -> None:
    def work(r: Repositories) -> list[AccountHealth | None]:
        r.catalogue.register_account(APPLE, "app_store_connect")
        r.catalogue.record_success(APPLE, NOW)
        r.catalogue.record_failure(APPLE, NOW + hours(1), "timeout")
        r.catalogue.record_failure(APPLE, NOW + hours(2), "http_503")
        failing = r.catalogue.account(APPLE)
        r.catalogue.record_success(APPLE, NOW + hours(3))
        return [failing, r.catalogue.account(APPLE)]

    failing, well = await store.write(work)
    assert failing == AccountHealth(
        APPLE,
        "app_store_connect",
        checked_at=NOW + hours(2),
        ok_at=NOW,
        baseline_at=NOW,
        failing_since=NOW + hours(1),
        reason="http_503",
        failures=2,
    )
    assert well == AccountHealth(APPLE, "app_store_connect", checked_at=NOW + hours(3), ok_at=NOW + hours(3), baseline_at=NOW)


async def test_a_first_check_that_fails_is_no_baseline(store: Database) -> None:
    def work(r: Repositories) -> AccountHealth | None:
        r.catalogue.register_account(APPLE, "app_store_connect")
        r.catalogue.record_failure(APPLE, NOW, "refused")
        return r.catalogue.account(APPLE)

    health = await store.write(work)
    assert health is not None
    assert (health.baseline_at, health.ok_at, health.failing_since) == (None, None, NOW)


async def test_products_come_by_name_and_only_with_apps(store: Database) -> None:
    def work(r: Repositories) -> None:
        add_shop(r)
        r.catalogue.add_product("Nobody's")
        bank = r.catalogue.add_product("bank")
        r.catalogue.save_app(App(APPLE, "app-2", "Bank iOS"), bank.id, NOW)

    await store.write(work)
    products = await store.read(lambda r: r.catalogue.products())
    assert [p.name for p in products] == ["bank", "Shop"]
    shop = products[1]
    assert shop.aliases == ("store",)
    assert shop.apps == (App(APPLE, "app-1", "Shop", "com.acme.shop"), App(STORE, "app-1", "Shop", "com.acme.shop"))
    assert await store.read(lambda r: r.catalogue.product(shop.id)) == shop
    assert await store.read(lambda r: r.catalogue.product_of(STORE, "app-1")) == shop
    assert await store.read(lambda r: r.catalogue.product_of(STORE, "app-9")) is None
    assert await store.read(lambda r: r.catalogue.product("nothing")) is None


async def test_a_product_can_be_renamed(store: Database) -> None:
    def work(r: Repositories) -> str:
        shop = add_shop(r)
        r.catalogue.update_product(shop.id, "Store", ["shop", "acme shop"])
        return shop.id

    id = await store.write(work)
    renamed = await store.read(lambda r: r.catalogue.product(id))
    assert renamed is not None
    assert (renamed.name, renamed.aliases) == ("Store", ("shop", "acme shop"))


async def test_the_products_of_one_account_cost_nothing_of_others(store: Database, backend: str) -> None:
    def work(r: Repositories) -> None:
        add_shop(r)
        for number in range(500):
            other = r.catalogue.add_product(f"Other {number}")
            r.catalogue.save_app(App(STORE, f"other-{number}", "Other", None), other.id, NOW)

    await store.write(work)
    found = await store.read(lambda r: r.catalogue.products_of(APPLE))
    assert {id: (product.name, {app.account for app in product.apps}) for id, product in found.items()} == {
        "app-1": ("Shop", {APPLE, STORE})
    }
    if backend == "sqlite":
        assert await steps(store, lambda r: r.catalogue.products_of(APPLE)) < 5
        assert await steps(store, lambda r: r.catalogue.products()) > 50


async def test_builds_follow_an_app_to_another_product(store: Database) -> None:
    def work(r: Repositories) -> tuple[str, str]:
        shop = add_shop(r)
        r.catalogue.save_builds([ios("1"), android("2")], NOW)
        other = r.catalogue.add_product("Shop for Business")
        r.catalogue.save_app(App(APPLE, "app-1", "Shop", "com.acme.shop"), other.id, NOW)
        return shop.id, other.id

    shop, other = await store.write(work)
    assert [b.id for b in await store.read(lambda r: r.catalogue.heads(shop))] == ["2"]
    assert [b.id for b in await store.read(lambda r: r.catalogue.heads(other))] == ["1"]


async def test_a_bundle_id_is_kept_when_a_reading_does_not_tell_it(store: Database) -> None:
    def work(r: Repositories) -> list[App]:
        shop = add_shop(r)
        r.catalogue.save_app(App(APPLE, "app-1", "Shop for iOS", None), shop.id, NOW)
        return list(r.catalogue.apps(APPLE))

    assert await store.write(work) == [App(APPLE, "app-1", "Shop for iOS", "com.acme.shop")]


async def test_the_revision_moves_with_every_difference_and_only_then(store: Database) -> None:
    shop = await store.write(add_shop)
    apple_app = App(APPLE, "app-1", "Shop", "com.acme.shop")
    changes = [
        (True, lambda r: r.catalogue.save_builds([ios("1")], NOW)),
        (False, lambda r: r.catalogue.save_builds([ios("1")], NOW + hours(1))),
        (False, lambda r: r.catalogue.save_builds([], NOW)),
        (True, lambda r: r.catalogue.save_builds([ios("1", notes="What is new")], NOW)),
        (False, lambda r: r.catalogue.save_app(apple_app, shop.id, NOW + hours(1))),
        (True, lambda r: r.catalogue.save_app(App(APPLE, "app-1", "Shop 2", "com.acme.shop"), shop.id, NOW)),
        (True, lambda r: r.catalogue.add_product("Bank")),
        (True, lambda r: r.catalogue.update_product(shop.id, "Store", ())),
        (False, lambda r: r.catalogue.record_success(APPLE, NOW)),
        (True, lambda r: r.catalogue.mark_gone([ios("1").key], NOW)),
        (False, lambda r: r.catalogue.mark_gone([ios("1").key], NOW)),
    ]
    for moves, change in changes:
        before = await store.read(lambda r: r.catalogue.revision())
        await store.write(change)
        assert (await store.read(lambda r: r.catalogue.revision()) > before) is moves


async def test_the_count_of_checks_moves_with_everything_that_health_tells(store: Database) -> None:
    changes = [
        (True, lambda r: r.catalogue.register_account("bank", "applivery")),
        (False, lambda r: r.catalogue.register_account("bank", "applivery")),
        (True, lambda r: r.catalogue.record_success(APPLE, NOW)),
        (True, lambda r: r.catalogue.record_failure(APPLE, NOW, "timeout")),
        (True, lambda r: r.catalogue.record_failure("bank", NOW, "unauthorized", refused=True)),
        (True, lambda r: r.catalogue.stop_waiting("bank")),
        (False, lambda r: r.catalogue.add_product("Bank")),
    ]
    await store.write(add_shop)
    for moves, change in changes:
        before = await store.read(lambda r: r.catalogue.stamp())
        await store.write(change)
        after = await store.read(lambda r: r.catalogue.stamp())
        assert (after.checks > before.checks) is moves
        assert after.revision == await store.read(lambda r: r.catalogue.revision())


def note_troubles(repositories: Repositories, reasons: Mapping[str, str], at: datetime) -> None:
    repositories.catalogue.note_troubles(APPLE, reasons, at)


async def test_what_ails_an_app_keeps_its_beginning_until_it_is_another_matter(store: Database) -> None:
    await store.write(add_shop)
    (app,) = await store.read(lambda r: r.catalogue.apps(APPLE))
    seen = []
    for hour, reason in enumerate(("forbidden", "not_found", NOT_LISTED, NOT_LISTED, None)):
        reasons, at = {app.id: reason} if reason else {}, NOW + hours(hour)
        await store.write(partial(note_troubles, reasons=reasons, at=at))
        seen += [(t.reason, t.since) for t in await store.read(lambda r: r.catalogue.troubles())]
    assert seen == [("forbidden", NOW), ("not_found", NOW), (NOT_LISTED, NOW + hours(2)), (NOT_LISTED, NOW + hours(2))]
