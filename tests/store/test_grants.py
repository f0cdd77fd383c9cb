"""Who was given which link."""

from dataclasses import replace

from bot.domain.model import Grant
from bot.store import Database

from .facts import NOW, hours

GRANT = Grant("g1", "0123456789abcdef", "U1", "C1", NOW, NOW + hours(1))


async def test_a_grant_comes_back_and_counts_its_openings(store: Database) -> None:
    await store.write(lambda r: r.grants.add(GRANT))
    assert await store.read(lambda r: r.grants.get("g1")) == GRANT
    await store.write(lambda r: r.grants.record_open("g1", "page"))
    await store.write(lambda r: r.grants.record_open("g1", "file"))
    assert await store.read(lambda r: r.grants.get("g1")) == replace(GRANT, opened=2, outcome="file")


async def test_a_grant_that_was_never_given_is_not_there(store: Database) -> None:
    await store.write(lambda r: r.grants.record_open("g9", "page"))
    assert await store.read(lambda r: r.grants.get("g9")) is None
