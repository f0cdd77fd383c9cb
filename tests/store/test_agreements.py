"""The history of legal papers."""

from dataclasses import replace

from sqlalchemy import text

from bot.domain.model import Agreement, AgreementState
from bot.domain.ports import Repositories
from bot.store import Database

from .facts import APPLE, NOW, STORE, add_shop, connected, hours

GOOD = Agreement(APPLE, AgreementState.IN_FORCE, since=NOW, checked_at=NOW)
BLOCKED = Agreement(
    APPLE,
    AgreementState.BLOCKED,
    since=NOW + hours(5),
    checked_at=NOW + hours(5),
    code="FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED",
    blocked=("apps", "signing"),
    strikes=1,
)


async def test_another_check_of_the_same_state_updates_the_row(store: Database) -> None:
    await store.write(add_shop)
    later = replace(GOOD, checked_at=NOW + hours(1), strikes=1)
    await store.write(lambda r: r.agreements.save(GOOD))
    await store.write(lambda r: r.agreements.save(later))
    assert await store.read(lambda r: r.agreements.current(APPLE)) == later
    assert await store.read(lambda r: r.agreements.current(STORE)) is None


async def test_a_new_state_closes_the_row_before_it(store: Database, url: str) -> None:
    def work(r: Repositories) -> None:
        add_shop(r)
        r.agreements.save(GOOD)
        r.agreements.save(BLOCKED)
        r.agreements.save(replace(GOOD, account=STORE))

    await store.write(work)
    assert await store.read(lambda r: r.agreements.current(APPLE)) == BLOCKED
    assert await store.read(lambda r: r.agreements.all_current()) == [BLOCKED, replace(GOOD, account=STORE)]
    with connected(url) as connection:
        ended = connection.execute(text("SELECT state FROM agreements WHERE until IS NOT NULL")).scalars().all()
    assert ended == ["in_force"]


async def test_the_same_state_anew_is_another_row(store: Database) -> None:
    again = replace(GOOD, since=NOW + hours(9), checked_at=NOW + hours(9))

    def work(r: Repositories) -> None:
        add_shop(r)
        for agreement in (GOOD, BLOCKED, again):
            r.agreements.save(agreement)

    await store.write(work)
    assert await store.read(lambda r: r.agreements.all_current()) == [again]


async def test_an_incident_is_found_by_its_beginning_also_when_it_is_over(store: Database) -> None:
    said = replace(
        BLOCKED, taken_by="U1", taken_at=NOW + hours(6), snoozed_by="U2", snoozed_until=NOW + hours(7), reminded_at=NOW + hours(8)
    )
    again = replace(BLOCKED, since=NOW + hours(20), checked_at=NOW + hours(20))

    def work(r: Repositories) -> None:
        add_shop(r)
        for agreement in (GOOD, BLOCKED, said, replace(GOOD, since=NOW + hours(9)), again):
            r.agreements.save(agreement)

    await store.write(work)
    over = await store.read(lambda r: r.agreements.incident(APPLE, BLOCKED.since))
    assert over == replace(said, until=NOW + hours(9))
    assert await store.read(lambda r: r.agreements.incident(APPLE)) == again
    assert await store.read(lambda r: r.agreements.incident(APPLE, GOOD.since)) is None
    assert await store.read(lambda r: r.agreements.incident(STORE)) is None
