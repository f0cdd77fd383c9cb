"""Who wants to hear when a build is ready."""

import asyncio
from dataclasses import replace

from bot.domain.model import Wait
from bot.store import Database

from .facts import NOW, hours

WAIT = Wait("a" * 16, "U1", "C1", NOW)


async def test_one_waits_once_for_a_build(store: Database) -> None:
    added = [await store.write(lambda r, wait=wait: r.waits.add(wait)) for wait in (WAIT, replace(WAIT, channel="C2"))]
    assert added == [True, False]
    assert await store.write(lambda r: r.waits.take(["b" * 16, "a" * 16])) == [WAIT]
    assert await store.write(lambda r: r.waits.take(["a" * 16])) in ([], ())


async def test_everybody_who_waits_is_taken(store: Database) -> None:
    others = [replace(WAIT, user="U2"), replace(WAIT, build_key="b" * 16), replace(WAIT, build_key="c" * 16)]
    for wait in (WAIT, *others):
        await store.write(lambda r, wait=wait: r.waits.add(wait))
    taken = await store.write(lambda r: r.waits.take(["a" * 16, "b" * 16]))
    assert {(wait.build_key[0], wait.user) for wait in taken} == {("a", "U1"), ("a", "U2"), ("b", "U1")}


async def test_of_two_checks_at_once_only_one_takes(store: Database) -> None:
    await store.write(lambda r: r.waits.add(WAIT))
    taken = await asyncio.gather(*(store.write(lambda r: r.waits.take(["a" * 16])) for _ in range(4)))
    assert sum(map(len, taken)) == 1


async def test_waits_that_were_never_met_are_forgotten(store: Database) -> None:
    await store.write(lambda r: r.waits.add(WAIT))
    await store.write(lambda r: r.waits.add(replace(WAIT, user="U2", created_at=NOW + hours(1))))
    assert await store.write(lambda r: r.waits.purge(NOW + hours(1))) == 1
