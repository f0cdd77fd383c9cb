"""Who is on a blocked agreement, who is reminded, and which cards are drawn anew; over the real client to the pretend Slack."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import pytest

from bot.domain.answers import Checked, DeadIncident, Snoozed, Taken
from bot.domain.model import AccountStatus, Agreement, AgreementState, EventKind, Snooze, Subscription
from bot.domain.ports import Repositories
from bot.manifest import scopes
from bot.sandbox.slack import PretendSlack
from bot.services.agreements import AgreementWatch
from bot.services.alerts import AlertDelivery
from bot.services.incidents import IncidentCards, Incidents, end_of, reminder_day
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from handlers.messenger import SlackMessenger, web_client

from ..store.facts import deliveries_due
from .conftest import NOON, Deferred, Shelf, StoppedClock

APPLE = "acme-apple"
SINCE = NOON.isoformat()
BLOCKED, FORCE = AgreementState.BLOCKED, AgreementState.IN_FORCE
INCIDENT = Agreement(APPLE, BLOCKED, since=NOON, checked_at=NOON, blocked=("apps",))


@dataclass
class Office:
    """An Apple account whose papers are as the test says."""

    clock: StoppedClock
    account: str = APPLE
    provider: str = "app_store_connect"
    state: AgreementState = BLOCKED

    async def check_account(self) -> AccountStatus:
        return AccountStatus(self.account, self.state, self.clock(), blocked=("apps",) if self.state is BLOCKED else ())

    async def aclose(self) -> None: ...


@dataclass
class Case:
    """An account found blocked at NOON. #mobile has heard of it; #general subscribes to other things."""

    store: Database
    slack: PretendSlack
    clock: StoppedClock
    jobs: Deferred
    delivery: AlertDelivery
    messenger: SlackMessenger
    office: Office

    def __post_init__(self) -> None:
        self.mobile = self.slack.workspace.add_channel("mobile")
        self.general = self.slack.workspace.add_channel("general")
        self.watch = AgreementWatch(self.store, {APPLE: self.office}, self.jobs, self.clock, apart=timedelta(0))
        self.incidents = Incidents(self.store, self.watch, self.jobs, self.clock)
        self.cards = IncidentCards(self.store, self.messenger, alerts.card, {}, self.clock)

    async def begin(self) -> None:
        for channel, kind in ((self.mobile, EventKind.AGREEMENTS), (self.general, EventKind.NEW_BUILDS)):
            await self.store.write(
                partial(_subscribe, wanted=Subscription(channel.id, channel.id, frozenset({kind}), "U1", NOON))
            )
        for _ in range(2):
            await self.watch.check(APPLE)
        await self.deliver()
        self.jobs.calls.clear()

    async def deliver(self) -> list[str]:
        """The fingerprints of what was due."""
        due = await self.store.read(lambda r: deliveries_due(r, self.clock()))
        await self.delivery.deliver_due()
        return [delivery.alert.fingerprint for delivery in due]

    async def end(self) -> None:
        self.office.state = FORCE
        await self.watch.check(APPLE)

    async def current(self) -> Agreement:
        found = await self.store.read(lambda r: r.agreements.current(APPLE))
        assert found is not None
        return found

    def card(self) -> str:
        return self.slack.messages(self.mobile)[0].text_content


def _subscribe(repositories: Repositories, wanted: Subscription) -> None:
    repositories.subscriptions.add(wanted)


@pytest.fixture
async def case(store: Database, apple: Shelf, jobs: Deferred, clock: StoppedClock) -> AsyncIterator[Case]:
    async with PretendSlack(lambda: clock().timestamp()) as slack, aiohttp.ClientSession() as session:
        slack.api.scopes = set(scopes())
        client = web_client(slack.bot_token, slack.api_url)
        client.session = session
        messenger = SlackMessenger(client)
        delivery = AlertDelivery(store, messenger, alerts.card, alerts.line, {}, clock, pace=0, render_list=bundle)
        case = Case(store, slack, clock, jobs, delivery, messenger, Office(clock))
        await case.begin()
        yield case


async def test_whoever_is_on_it_stands_in_the_record(case: Case) -> None:
    assert await case.incidents.take(APPLE, NOON, "U1") == Taken(await case.current(), None)
    assert await case.incidents.take(APPLE, NOON, "U2") == Taken(await case.current(), "U1")
    assert await case.incidents.take(APPLE, NOON, "U2") == Taken(await case.current(), "U2")
    assert (await case.current()).taken_by == "U2"
    assert set(case.jobs.calls) == {("incident", APPLE)}


async def test_a_check_keeps_who_is_on_it_and_redraws_only_what_changed(case: Case) -> None:
    await case.incidents.take(APPLE, NOON, "U1")
    case.jobs.calls.clear()
    checked = await case.incidents.check_again(APPLE, NOON)
    assert isinstance(checked, Checked)
    assert checked.agreement.taken_by == "U1"
    assert case.jobs.calls == []
    case.office.state = FORCE
    await case.incidents.check_again(APPLE, NOON)
    assert case.jobs.calls == [("deliver", ""), ("incident", APPLE), ("sync", APPLE)]


async def test_dead_buttons_are_told_apart(case: Case) -> None:
    case.clock.advance(hours=2)
    await case.end()
    case.jobs.calls.clear()
    over = await case.incidents.take(APPLE, NOON, "U1")
    assert isinstance(over, DeadIncident)
    assert over.incident is not None
    assert over.incident.until == NOON + timedelta(hours=2)
    never = await case.incidents.snooze(APPLE, NOON + timedelta(seconds=1), "U1", Snooze.ONE_DAY)
    assert isinstance(never, DeadIncident)
    assert never.incident is None
    assert await case.incidents.check_again("acme-gone", NOON) == DeadIncident("acme-gone", is_watched=False)
    assert case.jobs.calls == []


async def test_reminders_are_facts_of_their_own(case: Case) -> None:
    told = []
    for _ in range(9 * 4):
        case.clock.advance(hours=6)
        await case.incidents.remind()
        told += await case.deliver()
    assert told == [f"agreement_reminder:{APPLE}:{SINCE}:{day}" for day in (1, 3, 7)]
    assert case.jobs.calls == [("deliver", "")] * 3
    assert len(case.slack.messages(case.mobile)) == 4
    assert case.slack.messages(case.general) == []


async def test_reminders_that_were_missed_do_not_pile_up(case: Case) -> None:
    case.clock.advance(days=30)
    assert [await case.incidents.remind() for _ in range(3)] == [1, 0, 0]
    assert await case.deliver() == [f"agreement_reminder:{APPLE}:{SINCE}:7"]


async def test_nobody_is_reminded_of_what_is_over(case: Case) -> None:
    case.clock.advance(days=1)
    await case.incidents.remind()
    await case.end()
    await case.deliver()
    _, line = case.slack.messages(case.mobile)
    assert "Nothing blocks" in line.text_content
    case.clock.advance(days=9)
    assert await case.incidents.remind() == 0


async def test_the_end_waits_until_slack_has_the_beginning(case: Case) -> None:
    await case.end()
    await case.deliver()
    case.office.state = BLOCKED
    case.slack.fail("chat.postMessage", "internal_error")
    for _ in range(2):
        case.clock.advance(minutes=1)
        await case.watch.check(APPLE)
        await case.deliver()
    await case.end()
    await case.deliver()
    assert len(case.slack.messages(case.mobile)) == 2
    case.clock.advance(minutes=1)
    await case.deliver()
    *_, card, line = case.slack.messages(case.mobile)
    assert "Nothing blocks" in card.text_content
    assert (card.thread_ts, line.thread_ts) == (None, card.ts)


async def test_an_account_that_is_no_longer_configured_is_not_reminded_of(case: Case) -> None:
    case.clock.advance(days=1)
    nobody = AgreementWatch(case.store, {}, case.jobs, case.clock)
    assert await Incidents(case.store, nobody, case.jobs, case.clock).remind() == 0


async def test_a_snooze_holds_back_and_two_reminders_never_come_together(case: Case) -> None:
    hours = []
    for hour in range(8 * 24):
        if hour in (23, 46):
            assert isinstance(await case.incidents.snooze(APPLE, NOON, "U1", Snooze.ONE_DAY), Snoozed)
        hours += [hour] * await case.incidents.remind()
        case.clock.advance(hours=1)
    assert hours == [46 + 24, 46 + 24 + 24, 7 * 24]


async def test_the_card_shows_who_is_on_it(case: Case) -> None:
    await case.incidents.take(APPLE, NOON, "U1")
    await case.cards.update(APPLE)
    assert "@U1 is on it since" in case.card()


async def test_an_account_without_an_incident_has_no_card(case: Case) -> None:
    await case.cards.update("acme-fine")
    assert case.slack.calls("chat.update") == []


async def test_a_card_that_slack_refuses_for_now_is_drawn_later(case: Case) -> None:
    case.slack.rate_limit("chat.update")
    await case.incidents.take(APPLE, NOON, "U1")
    await case.cards.update(APPLE)
    assert "@U1" not in case.card()
    case.jobs.calls.clear()
    await case.incidents.redraw()
    assert case.jobs.calls == [("incident", APPLE)]
    await case.cards.update(APPLE)
    assert "@U1 is on it" in case.card()
    await case.incidents.redraw()
    assert case.jobs.calls == [("incident", APPLE)]


async def test_a_click_while_the_card_is_on_its_way_is_drawn_afterwards(case: Case) -> None:
    """The card was drawn before the click, and stands in the channel after it."""
    await case.end()
    await case.deliver()
    case.office.state = BLOCKED
    for _ in range(2):
        case.clock.advance(minutes=1)
        await case.watch.check(APPLE)
    since = (await case.current()).since
    parcel = await case.store.write(lambda r: case.delivery._packer.take(r, case.mobile.id))
    assert parcel
    await case.incidents.take(APPLE, since, "U1")
    await case.cards.update(APPLE)
    await case.delivery._deliver(parcel)
    case.jobs.calls.clear()
    await case.incidents.redraw()
    assert case.jobs.calls == [("incident", APPLE)]
    await case.cards.update(APPLE)
    assert "@U1 is on it" in case.slack.messages(case.mobile)[-1].text_content


async def test_slack_that_wants_fewer_updates_is_not_asked_for_the_next_channel(case: Case) -> None:
    for name in ("ios", "android"):
        channel = case.slack.workspace.add_channel(name)
        kinds = frozenset({EventKind.AGREEMENTS})
        await case.store.write(partial(_subscribe, wanted=Subscription(name, channel.id, kinds, "U1", NOON)))
    case.clock.advance(days=1)
    await case.incidents.remind()
    await case.deliver()
    await case.incidents.take(APPLE, NOON, "U1")
    case.slack.rate_limit("chat.update")
    before = len(case.slack.calls("chat.update"))
    await case.cards.update(APPLE)
    assert len(case.slack.calls("chat.update")) == before
    await case.cards.update(APPLE)
    assert len(case.slack.calls("chat.update")) == before + 3


async def test_a_card_that_slack_never_takes_is_given_up(case: Case) -> None:
    case.slack.fail("chat.update", "message_not_found")
    await case.incidents.take(APPLE, NOON, "U1")
    await case.cards.update(APPLE)
    case.jobs.calls.clear()
    await case.incidents.redraw()
    assert case.jobs.calls == []


@pytest.mark.parametrize("error", ["message_not_found", "edit_window_closed", "cant_update_message"])
async def test_a_card_that_cannot_be_changed_silences_no_reminder(case: Case, error: str) -> None:
    case.slack.fail("chat.update", error)
    case.clock.advance(days=1)
    await case.incidents.remind()
    await case.deliver()
    card, reminder = case.slack.messages(case.mobile)
    assert reminder.thread_ts == (None if error == "message_not_found" else card.ts)
    assert ("I'm on it" in [button.label for button in reminder.buttons]) == (error == "message_not_found")


async def test_an_incident_whose_card_was_deleted_goes_on_under_a_new_one(case: Case) -> None:
    case.slack.workspace.delete(case.slack.messages(case.mobile)[0])
    case.clock.advance(days=1)
    await case.incidents.remind()
    await case.deliver()
    await case.incidents.take(APPLE, NOON, "U1")
    await case.cards.update(APPLE)
    await case.end()
    await case.deliver()
    card, line = case.slack.messages(case.mobile)
    assert "Nothing blocks" in card.text_content
    assert line.thread_ts == card.ts


@pytest.mark.parametrize(
    ("length", "now", "ends"),
    [
        (Snooze.FOUR_HOURS, datetime(2026, 5, 1, 12, 5, tzinfo=UTC), datetime(2026, 5, 1, 16, 5, tzinfo=UTC)),
        (Snooze.ONE_DAY, datetime(2026, 5, 1, 12, 5, tzinfo=UTC), datetime(2026, 5, 2, 12, 5, tzinfo=UTC)),
        (Snooze.MONDAY, datetime(2026, 5, 1, 12, 5, tzinfo=UTC), datetime(2026, 5, 4, 9, tzinfo=UTC)),
        (Snooze.MONDAY, datetime(2026, 5, 3, 23, 59, tzinfo=UTC), datetime(2026, 5, 4, 9, tzinfo=UTC)),
        (Snooze.MONDAY, datetime(2026, 5, 4, 9, tzinfo=UTC), datetime(2026, 5, 11, 9, tzinfo=UTC)),
        (Snooze.MONDAY, datetime(2026, 12, 31, 9, tzinfo=UTC), datetime(2027, 1, 4, 9, tzinfo=UTC)),
    ],
)
def test_when_a_snooze_ends(length: Snooze, now: datetime, ends: datetime) -> None:
    assert end_of(length, now) == ends


@pytest.mark.parametrize(("days", "day"), [(0.9, None), (1, 1), (2.9, 1), (3, 3), (6.9, 3), (7, 7), (400, 7)])
def test_which_reminder_is_due(days: float, day: int | None) -> None:
    now = NOON + timedelta(days=days)
    assert reminder_day(INCIDENT, now) == day
    assert reminder_day(replace(INCIDENT, state=FORCE), now) is None
    assert reminder_day(replace(INCIDENT, snoozed_until=now + timedelta(seconds=1)), now) is None
