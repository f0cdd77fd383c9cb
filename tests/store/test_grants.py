"""Who was given which link."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.model import OPENING, VENDOR_LINK, Grant, Product
from bot.domain.ports import AuditLine, GrantFilter, Repositories
from bot.store import Database

from .facts import IOS, NOW, add_shop, hours

GRANT = Grant("g1", "0123456789abcdef", "U1", "C1", NOW, NOW + hours(1))
AN_HOUR_AGO = NOW - hours(1)


async def add(store: Database, *grants: Grant) -> None:
    await store.write(lambda r: [r.grants.add(grant) for grant in grants])


async def stored(store: Database, grant_id: str = "g1") -> Grant | None:
    return await store.read(lambda r: r.grants.get(grant_id))


async def found(store: Database, **wanted: object) -> list[str]:
    lines = await store.read(lambda r: r.grants.find(GrantFilter(**wanted)))  # type: ignore[arg-type]
    return [line.grant.id for line in lines]


async def test_a_grant_comes_back_and_counts_its_openings(store: Database) -> None:
    await add(store, GRANT)
    assert await stored(store) == GRANT
    assert await store.write(lambda r: r.grants.open_once("g1", "streamed", 5, NOW))
    assert await store.write(lambda r: r.grants.open_once("g1", "streamed", 5, NOW))
    await store.write(lambda r: r.grants.note("g1", "connect"))
    assert await stored(store) == replace(GRANT, opened=2, outcome="connect")


async def test_an_opening_is_taken_back(store: Database) -> None:
    await add(store, GRANT)
    await store.write(lambda r: r.grants.open_once("g1", "opening", 5, NOW))
    await store.write(lambda r: r.grants.close_again("g1", None))
    assert await stored(store) == GRANT


async def test_a_grant_that_was_never_given_is_not_there(store: Database) -> None:
    assert not await store.write(lambda r: r.grants.open_once("g9", "streamed", 5, NOW))
    assert await stored(store, "g9") is None


@pytest.mark.parametrize(
    "ended",
    [
        replace(GRANT, expires_at=NOW),
        replace(GRANT, given=False),
        replace(GRANT, revoked_at=NOW, revoked_by="U9"),
        replace(GRANT, opened=5),
    ],
)
async def test_what_has_ended_is_not_opened(store: Database, ended: Grant) -> None:
    await add(store, ended)
    assert not await store.write(lambda r: r.grants.open_once("g1", "streamed", 5, NOW))
    assert await stored(store) == ended


async def test_of_many_openings_at_once_no_more_than_allowed(store: Database) -> None:
    await add(store, GRANT)
    openings = [store.write(lambda r: r.grants.open_once("g1", "streamed", 3, NOW)) for _ in range(12)]
    assert sum(await asyncio.gather(*openings)) == 3


async def waiting_for(
    store: Database, build_key: str, outcomes: Collection[str] = ("vendor_down",), since: datetime = AN_HOUR_AGO
) -> Grant | None:
    return await store.read(lambda r: r.grants.waiting("U1", build_key, outcomes, since))


async def test_a_waiting_grant_is_found_and_served_once(store: Database) -> None:
    waiting = replace(GRANT, given=False, expires_at=NOW, outcome="vendor_down")
    await add(store, waiting, replace(GRANT, id="g2", user="U2", given=False), replace(GRANT, id="g3"))
    assert await waiting_for(store, GRANT.build_key) == waiting
    assert await waiting_for(store, "f" * 16) is None
    assert await waiting_for(store, GRANT.build_key, outcomes={"processing"}) is None
    assert await waiting_for(store, GRANT.build_key, since=NOW) is None
    assert await store.write(lambda r: r.grants.settle(replace(GRANT, outcome=None)))
    assert await stored(store) == GRANT
    assert await waiting_for(store, GRANT.build_key) is None
    assert not await store.write(lambda r: r.grants.settle(replace(GRANT, channel="C9")))
    assert await stored(store) == GRANT


async def test_when_a_person_had_the_nth_link(store: Database) -> None:
    times = [NOW + hours(hour) for hour in range(4)]
    await add(store, *(replace(GRANT, id=f"g{n}", created_at=at) for n, at in enumerate(times)))
    await add(store, replace(GRANT, id="other", user="U2"), replace(GRANT, id="w", given=False, created_at=times[3]))
    assert await store.read(lambda r: r.grants.nth_newest("U1", NOW - hours(1), 3)) == times[1]
    assert await store.read(lambda r: r.grants.nth_newest("U1", NOW - hours(1), 5)) is None
    assert await store.read(lambda r: r.grants.nth_newest("U1", times[1], 2)) == times[2]


async def test_how_often_vendors_were_asked_for_a_person(store: Database) -> None:
    await add(store, replace(GRANT, asked=3), replace(GRANT, id="g2", created_at=NOW + hours(1)))
    await add(store, replace(GRANT, id="denied", asked=0, created_at=NOW - hours(0.5)), replace(GRANT, id="other", user="U2"))
    assert await store.read(lambda r: r.grants.asked("U1", NOW - hours(1))) == (4, NOW)
    assert await store.read(lambda r: r.grants.asked("U1", NOW)) == (1, NOW + hours(1))
    assert await store.read(lambda r: r.grants.asked("U3", NOW)) == (0, None)


async def test_links_that_were_given(store: Database) -> None:
    await add(store, GRANT, replace(GRANT, id="waits", given=False))
    assert await found(store, given=True) == ["g1"]
    assert await found(store, given=False) == ["waits"]


async def test_revoking_stands(store: Database) -> None:
    await add(store, GRANT, replace(GRANT, id="g2"))
    assert await store.write(lambda r: r.grants.revoke(["g1", "g9"], "U9", NOW)) == 1
    assert await store.write(lambda r: r.grants.revoke(["g1", "g2"], "U8", NOW + hours(1))) == 1
    assert await stored(store) == replace(GRANT, revoked_at=NOW, revoked_by="U9")


async def test_sent_to_the_phone_once(store: Database) -> None:
    await add(store, GRANT)
    assert await store.write(lambda r: r.grants.mark_sent("g1", NOW))
    assert not await store.write(lambda r: r.grants.mark_sent("g1", NOW))
    assert await store.write(lambda r: r.grants.mark_sent("g1", None))
    assert await store.write(lambda r: r.grants.mark_sent("g1", NOW))


async def test_live_links(store: Database) -> None:
    await add(
        store,
        GRANT,
        replace(GRANT, id="waits", given=False),
        replace(GRANT, id="over", expires_at=NOW),
        replace(GRANT, id="revoked", revoked_at=NOW),
        replace(GRANT, id="vendors", outcome=VENDOR_LINK),
        replace(GRANT, id="used", outcome="streamed", created_at=NOW - hours(1)),
        replace(GRANT, id="on its way", outcome=OPENING, created_at=NOW - hours(2), expires_at=NOW - hours(1)),
        replace(GRANT, id="its process died", outcome=OPENING, created_at=NOW - hours(30), expires_at=NOW - hours(29)),
    )
    assert await found(store, live_at=NOW) == ["g1", "used", "on its way"]
    assert len(await found(store)) == 8


async def test_the_log_is_searched_by_person_time_and_product(store: Database) -> None:
    product = await store.write(_shop_with_a_build)
    ours = replace(GRANT, build_key=IOS.key)
    await add(store, ours, replace(ours, id="g2", user="U2", created_at=NOW + hours(1)), replace(GRANT, id="g3", user="U2"))
    assert await found(store, user="U2") == ["g2", "g3"]
    assert await found(store, product=product.id) == ["g2", "g1"]
    assert await found(store, product="none") == []
    assert await found(store, since=NOW + hours(1)) == ["g2"]
    assert await found(store, until=NOW + hours(1)) == ["g3", "g1"]
    assert await store.read(lambda r: r.grants.count(GrantFilter(user="U2"))) == 2
    line = (await store.read(lambda r: r.grants.find(GrantFilter(user="U1"))))[0]
    assert line == AuditLine(ours, IOS, "Shop")
    assert await store.read(lambda r: r.grants.find(GrantFilter(), 1, 1)) == [
        AuditLine(replace(GRANT, id="g3", user="U2"), None, None)
    ]


def _shop_with_a_build(repositories: Repositories) -> Product:
    product = add_shop(repositories)
    repositories.catalogue.save_builds([IOS], NOW)
    return product


async def test_old_grants_are_forgotten(store: Database) -> None:
    await add(store, GRANT, replace(GRANT, id="g2", created_at=NOW - hours(1)))
    assert await store.write(lambda r: r.grants.purge(NOW)) == 1
    assert await found(store) == ["g1"]
