from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Unreachable
from bot.domain.model import AccountStatus, Agreement, AgreementState, AlertKind
from bot.services.agreements import RELEASE, AgreementWatch, advance, alert_of, with_contract
from bot.services.sync import Sync
from bot.store import Database

from .conftest import NOON, Deferred, Shelf, StoppedClock

FORCE, BLOCKED, REFUSED, UNKNOWN = (
    AgreementState.IN_FORCE,
    AgreementState.BLOCKED,
    AgreementState.REFUSED,
    AgreementState.UNKNOWN,
)


def history(*seen: AgreementState) -> list[Agreement | None]:
    """The agreement after each check, the first entry before any."""
    rows: list[Agreement | None] = [None]
    for minute, state in enumerate(seen):
        status = AccountStatus("acme-apple", state, NOON + timedelta(minutes=minute), code=f"code {state}", blocked=("apps",))
        rows.append(advance(rows[-1], status))
    return rows


def told(*seen: AgreementState) -> list[tuple[int, AlertKind]]:
    """(index of the check, what was told) for every alert of a history."""
    alerts = []
    for index, (before, now) in enumerate(pairwise(history(*seen))):
        assert now is not None
        if alert := alert_of(before, now, NOON):
            alerts.append((index, alert.kind))
    return alerts


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((FORCE, BLOCKED), []),
        ((FORCE, BLOCKED, FORCE, BLOCKED, FORCE), []),
        ((FORCE, BLOCKED, BLOCKED), [(2, AlertKind.AGREEMENT_BLOCKED)]),
        ((BLOCKED, BLOCKED), [(1, AlertKind.AGREEMENT_BLOCKED)]),
        ((FORCE, BLOCKED, UNKNOWN, BLOCKED), [(3, AlertKind.AGREEMENT_BLOCKED)]),
        ((BLOCKED, BLOCKED, BLOCKED, BLOCKED), [(1, AlertKind.AGREEMENT_BLOCKED)]),
        ((BLOCKED, BLOCKED, FORCE), [(1, AlertKind.AGREEMENT_BLOCKED), (2, AlertKind.AGREEMENT_CLEARED)]),
        ((BLOCKED, BLOCKED, UNKNOWN, REFUSED), [(1, AlertKind.AGREEMENT_BLOCKED)]),
        ((FORCE, UNKNOWN, REFUSED, FORCE), []),
    ],
)
def test_an_alarm_takes_two_blocked_checks_and_one_good_one_clears(
    seen: tuple[AgreementState, ...], expected: list[tuple[int, AlertKind]]
) -> None:
    assert told(*seen) == expected


def test_a_check_right_behind_another_is_no_second_one() -> None:
    statuses = [AccountStatus("acme-apple", BLOCKED, NOON + timedelta(seconds=seconds)) for seconds in (0, 1, 2, 60)]
    agreement, strikes = None, []
    for status in statuses:
        agreement = advance(agreement, status, apart=timedelta(seconds=30))
        strikes.append((agreement.strikes, agreement.state))
    assert strikes == [(1, UNKNOWN), (1, UNKNOWN), (1, UNKNOWN), (0, BLOCKED)]


def test_not_knowing_is_not_fine() -> None:
    assert [row.state for row in history(FORCE, UNKNOWN, REFUSED) if row] == [FORCE, UNKNOWN, REFUSED]


def test_the_incident_keeps_its_beginning() -> None:
    rows = history(FORCE, BLOCKED, BLOCKED, BLOCKED, UNKNOWN)
    assert {row.since for row in rows[3:] if row} == {NOON + timedelta(minutes=2)}
    assert rows[-1] is not None
    assert rows[-1].checked_at == NOON + timedelta(minutes=4)


def test_the_incident_follows_what_is_blocked() -> None:
    wider = AccountStatus("acme-apple", BLOCKED, NOON + timedelta(hours=1), code="new", blocked=("apps", "signing"))
    incident = history(BLOCKED, BLOCKED)[-1]
    assert incident is not None
    now = advance(replace(incident, taken_by="U1", taken_at=NOON, snoozed_until=NOON), wider)
    assert (now.since, now.blocked, now.code) == (incident.since, ("apps", "signing"), "new")
    assert (now.taken_by, now.taken_at, now.snoozed_until) == ("U1", NOON, NOON)


def test_what_people_said_of_an_incident_ends_with_it() -> None:
    incident = history(BLOCKED, BLOCKED)[-1]
    assert incident is not None
    said = replace(incident, taken_by="U1", taken_at=NOON, snoozed_by="U1", snoozed_until=NOON, reminded_at=NOON)
    now = advance(said, AccountStatus("acme-apple", FORCE, NOON + timedelta(hours=1)))
    assert (now.taken_by, now.taken_at, now.snoozed_by, now.snoozed_until, now.reminded_at) == (None,) * 5


@pytest.mark.parametrize(
    ("state", "expected", "areas"),
    [(FORCE, BLOCKED, (RELEASE,)), (BLOCKED, BLOCKED, ("apps", RELEASE)), (UNKNOWN, UNKNOWN, ()), (REFUSED, REFUSED, ())],
)
def test_a_version_that_waits_for_a_contract_counts_where_apple_answered(
    state: AgreementState, expected: AgreementState, areas: tuple[str, ...]
) -> None:
    status = AccountStatus("acme-apple", state, NOON, blocked=("apps",) if state is BLOCKED else ())
    merged = with_contract(status, waits=True)
    assert (merged.state, merged.blocked) == (expected, areas)
    assert with_contract(status, waits=False) == status


@given(st.lists(st.sampled_from(AgreementState), max_size=12))
def test_blocked_and_cleared_alternate(seen: list[AgreementState]) -> None:
    kinds = [kind for _, kind in told(*seen)]
    assert kinds[::2] == [AlertKind.AGREEMENT_BLOCKED] * len(kinds[::2])
    assert kinds[1::2] == [AlertKind.AGREEMENT_CLEARED] * len(kinds[1::2])


@given(st.lists(st.sampled_from(AgreementState), max_size=12))
def test_every_fact_has_its_own_fingerprint(seen: list[AgreementState]) -> None:
    alerts = [alert_of(before, now, NOON) for before, now in pairwise(history(*seen)) if now]
    fingerprints = [alert.fingerprint for alert in alerts if alert]
    assert len(set(fingerprints)) == len(fingerprints)


# --- When Apple is asked ---------------------------------------------------------------------------


@dataclass
class Papers(Shelf):
    """An Apple account whose papers are as the test says."""

    clock: StoppedClock = None  # type: ignore[assignment]
    state: AgreementState = FORCE
    probes: int = 0

    async def check_account(self) -> AccountStatus:
        self.probes += 1
        return AccountStatus(self.account, self.state, self.clock())


@pytest.fixture
async def papers(store: Database, clock: StoppedClock) -> Papers:
    await store.write(lambda r: r.catalogue.register_account("acme-apple", "app_store_connect"))
    return Papers("acme-apple", "app_store_connect", clock=clock)


@pytest.fixture
def watch(store: Database, papers: Papers, jobs: Deferred, clock: StoppedClock) -> AgreementWatch:
    return AgreementWatch(store, {"acme-apple": papers}, jobs, clock, every=timedelta(minutes=15))


async def test_clocks_together_probe_no_more_than_one(watch: AgreementWatch, papers: Papers, clock: StoppedClock) -> None:
    for _ in range(60):  # every minute, with fifteen minutes between probes
        await watch.probe("acme-apple")
        clock.advance(minutes=1)
    assert papers.probes == 8


async def test_a_first_blocked_answer_is_asked_about_again_soon(
    watch: AgreementWatch, papers: Papers, clock: StoppedClock
) -> None:
    papers.state = BLOCKED
    for _ in range(3):
        await watch.probe("acme-apple")
        clock.advance(minutes=1)
    assert papers.probes == 2


async def test_an_account_that_cannot_be_reached_is_not_probed_but_for_the_end_of_a_block(
    watch: AgreementWatch, store: Database, papers: Papers, jobs: Deferred, clock: StoppedClock
) -> None:
    papers.failure = Unreachable("app_store_connect", "acme-apple", "list apps", "timeout")
    sync = Sync(store, {"acme-apple": papers}, (), jobs, clock, poll_every=timedelta(minutes=5))
    for _ in range(6):
        await sync.account("acme-apple")
        clock.advance(minutes=5)
    await watch.probe("acme-apple")
    assert papers.probes == 0
    papers.state = BLOCKED
    for _ in range(2):
        await watch.check("acme-apple")
        clock.advance(minutes=10)
    await watch.probe("acme-apple")
    assert papers.probes == 3


async def test_builds_are_read_as_soon_as_the_papers_are_in_force_again(
    watch: AgreementWatch, papers: Papers, jobs: Deferred, clock: StoppedClock
) -> None:
    for papers.state in (BLOCKED, BLOCKED, FORCE):
        jobs.calls.clear()
        await watch.check("acme-apple")
        clock.advance(minutes=10)
    assert ("sync", "acme-apple") in jobs.calls


async def test_polls_begin_again_with_the_end_of_a_block_whatever_becomes_of_what_was_put_off(
    watch: AgreementWatch, store: Database, papers: Papers, clock: StoppedClock
) -> None:
    """The process may be killed before the account is read, and polls would pause for an hour."""
    for papers.state in (BLOCKED, BLOCKED, FORCE):
        later = clock() + timedelta(hours=1)
        await store.write(lambda r, until=later: r.catalogue.record_failure("acme-apple", NOON, "blocked", next_at=until))
        await watch.check("acme-apple")
        health = await store.read(lambda r: r.catalogue.account("acme-apple"))
        assert health is not None
        assert (health.next_at is None) is (papers.state is FORCE)
        clock.advance(minutes=10)
