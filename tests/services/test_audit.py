"""The log of downloads: read a few at a time, and forgotten in time."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.model import Grant, Wait
from bot.domain.ports import GrantFilter
from bot.services.audit import AT_A_TIME, LONGEST_WAIT, AuditLog
from bot.store import Database
from tests.services.conftest import NOON, StoppedClock

GRANT = Grant("g", "0" * 16, "U1", "C1", NOON, NOON + timedelta(minutes=10))


async def test_everything_is_read_in_order(store: Database, clock: StoppedClock) -> None:
    many = [replace(GRANT, id=f"g{n:05}", created_at=NOON + timedelta(seconds=n)) for n in range(AT_A_TIME * 2 + 1)]
    await store.write(lambda r: [r.grants.add(grant) for grant in many])
    log = AuditLog(store, clock)
    assert [line.grant async for line in log.lines(GrantFilter())] == many[::-1]


async def test_a_click_while_the_log_is_read_repeats_and_hides_no_line(store: Database, clock: StoppedClock) -> None:
    """Many of one moment, so that it takes the id to tell them apart."""
    many = [replace(GRANT, id=f"g{n:05}") for n in range(AT_A_TIME + 10)]
    await store.write(lambda r: [r.grants.add(grant) for grant in many])
    newer = [replace(GRANT, id=f"n{n}", created_at=NOON + timedelta(seconds=1)) for n in range(5)]
    found = []
    async for line in AuditLog(store, clock).lines(GrantFilter()):
        found.append(line.grant.id)
        if len(found) == 1:
            await store.write(lambda r: [r.grants.add(grant) for grant in newer])
    assert found == [grant.id for grant in many[::-1]]


async def test_pages_repeat_and_hide_nothing_while_grants_arrive(store: Database, clock: StoppedClock) -> None:
    """Half of them of one moment, so that it takes the id to tell them apart."""
    many = [replace(GRANT, id=f"g{n}", created_at=NOON + timedelta(seconds=min(n, 4))) for n in range(9)][::-1]
    await store.write(lambda r: [r.grants.add(grant) for grant in many[2:]])
    log = AuditLog(store, clock)
    first = await log.page(GrantFilter(), None, 3)
    assert ([line.grant for line in first.lines], first.newer, first.total) == (many[2:5], 0, 7)
    await store.write(lambda r: [r.grants.add(grant) for grant in many[:2]])
    second = await log.page(GrantFilter(), first.lines[-1].beside(), 3)
    assert ([line.grant for line in second.lines], second.newer, second.total) == (many[5:8], 5, 9)
    back = await log.page(GrantFilter(), second.lines[0].beside(newer=True), 3)
    assert ([line.grant for line in back.lines], back.newer) == (many[2:5], 2)
    newest = await log.page(GrantFilter(), back.lines[0].beside(newer=True), 3)
    assert ([line.grant for line in newest.lines], newest.newer) == (many[:2], 0)
    assert (await log.page(GrantFilter(user="U2"), None, 3)).lines == ()


async def test_what_may_not_be_kept_is_forgotten(store: Database, clock: StoppedClock) -> None:
    old = replace(GRANT, id="old", created_at=NOON - timedelta(days=400, seconds=1))
    await store.write(lambda r: [r.grants.add(grant) for grant in (GRANT, old)])
    await store.write(lambda r: r.waits.add(Wait("0" * 16, "U1", "C1", NOON - LONGEST_WAIT - timedelta(seconds=1))))
    log = AuditLog(store, clock)
    assert await log.forget(timedelta(days=400)) == 1
    assert [line.grant.id async for line in log.lines(GrantFilter())] == ["g"]
    assert await store.write(lambda r: r.waits.take(["0" * 16])) == ()
