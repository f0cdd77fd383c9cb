"""What is kept of a file goes as soon as anybody writes to it."""

from pathlib import Path

import pytest

from bot.domain.errors import StoreUnavailable
from bot.domain.model import Grant
from bot.domain.ports import Repositories
from bot.store import Database
from bot.store.memory import MOST_KEPT, Memory

from .facts import NOW, add_shop, hours
from .migrated import migrated_file

GRANT = Grant("g1", "0123456789abcdef", "U1", "C1", NOW, NOW + hours(1))


def look(r: Repositories) -> tuple[bool, int, int]:
    grant = r.grants.get("g1")
    return grant is not None and grant.revoked_at is not None, r.catalogue.revision(), r.catalogue.stamp().revision


async def test_what_another_process_writes_is_read_at_once(url: str) -> None:
    here, there = Database(url), Database(url)
    await here.write(lambda r: r.grants.add(GRANT))
    before = await here.read(look)
    assert before == await here.read(look) == (False, before[1], before[1])
    await there.write(lambda r: r.grants.revoke(["g1"], "U9", NOW))
    assert await here.read(look) == (True, before[1], before[1])
    await there.write(add_shop)
    revoked, revision, stamped = await here.read(look)
    assert revoked
    assert revision == stamped > before[1]
    await here.aclose()
    await there.aclose()


async def test_nothing_is_kept_of_a_file_that_another_has_replaced(tmp_path: Path) -> None:
    """Every connection counts the versions of its file from the same number on."""
    path = tmp_path / "purser.db"
    store = Database(migrated_file(path))
    first = await store.read(look)
    other = Database(migrated_file(tmp_path / "other.db"))
    await other.write(add_shop)
    await other.aclose()
    for leftover in path.parent.glob("purser.db-*"):
        leftover.unlink()
    (tmp_path / "other.db").replace(path)
    with pytest.raises(StoreUnavailable):
        await store.read(look)
    assert (await store.read(look))[1] > first[1]
    await store.aclose()


def test_a_thing_is_read_once_for_each_version() -> None:
    memory, read = Memory(), []
    for version in (7, 7, 8, 8, None, 8):
        memory.turn_to(version)
        memory.recall("x", lambda now=version: read.append(now))
    assert read == [7, 8, None, 8]


def test_no_more_is_kept_than_fits() -> None:
    memory, read = Memory(), []
    for number in [*range(MOST_KEPT + 1), 0]:
        memory.turn_to(7)
        memory.recall(number, lambda n=number: read.append(n))
    assert read == [*range(MOST_KEPT + 1), 0]
