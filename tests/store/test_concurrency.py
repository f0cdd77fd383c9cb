"""Two processes at once: what each of them decides still holds when it is written."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from bot.domain.model import Agreement, AgreementState, App
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import APPLE, NOW, STORE, add_shop, deliveries_due, hours, ios, new_build_alert

ROUNDS = 20


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """The same database, as another process would hold it."""
    database = Database(url)
    yield database
    await database.aclose()


def add_alert(r: Repositories, fingerprint: str) -> bool:
    return r.outbox.add(new_build_alert(fingerprint), ["C1"])


async def test_the_same_alert_from_two_sides_is_added_once(store: Database, other: Database) -> None:
    for number in range(ROUNDS):
        add = partial(add_alert, fingerprint=f"new:{number}")
        added = await asyncio.gather(store.write(add), other.write(add))
        assert sorted(added) == [False, True]
    assert (await store.read(lambda r: r.outbox.counts()))["pending"] == ROUNDS


async def test_the_same_builds_from_two_sides_are_one(store: Database, other: Database) -> None:
    product = await store.write(add_shop)
    builds = [ios(str(number)) for number in range(50)]
    mirrored = builds[::-1]
    await asyncio.gather(
        store.write(lambda r: r.catalogue.save_builds(builds, NOW)),
        other.write(lambda r: r.catalogue.save_builds(mirrored, NOW)),
    )
    assert (await store.read(lambda r: r.catalogue.accounts()))[0].builds == 50
    assert len(await store.read(lambda r: r.catalogue.heads(product.id))) == 1


async def test_two_accounts_that_list_the_same_new_app_make_one_product(store: Database, other: Database) -> None:
    def check(r: Repositories, account: str, number: int) -> None:
        name = f"Shop {number}"
        known = {product.name: product for product in r.catalogue.products()}
        product = known.get(name) or r.catalogue.add_product(name)
        r.catalogue.save_app(App(account, name, name), product.id, NOW)

    await store.write(add_shop)
    for number in range(ROUNDS):
        await asyncio.gather(
            store.write(lambda r, n=number: check(r, APPLE, n)), other.write(lambda r, n=number: check(r, STORE, n))
        )
    assert len(await store.read(lambda r: r.catalogue.products())) == ROUNDS + 1


async def test_no_strike_is_lost(store: Database, other: Database) -> None:
    def strike(r: Repositories) -> None:
        before = r.agreements.current(APPLE) or Agreement(APPLE, AgreementState.UNKNOWN, NOW, NOW)
        r.agreements.save(replace(before, strikes=before.strikes + 1))

    await store.write(add_shop)
    await asyncio.gather(*(side.write(strike) for _ in range(ROUNDS) for side in (store, other)))
    agreement = await store.read(lambda r: r.agreements.current(APPLE))
    assert agreement is not None
    assert agreement.strikes == 2 * ROUNDS


async def test_each_delivery_is_taken_by_one_side(store: Database, other: Database) -> None:
    channels = [f"C{number}" for number in range(ROUNDS)]
    await store.write(lambda r: r.outbox.add(new_build_alert(), channels))
    due = await store.read(lambda r: deliveries_due(r, NOW + hours(1)))
    taken = await asyncio.gather(
        *(
            side.write(lambda r, d=delivery, claim=claim: r.outbox.claim(d.channel, [d.id], NOW, claim))
            for delivery in due
            for claim, side in (("one", store), ("two", other))
        )
    )
    assert sum(map(len, taken)) == ROUNDS
