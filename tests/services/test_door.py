"""What is checked again when a link is opened."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.domain.answers import Denial, Denied
from bot.domain.errors import MessageRefused
from bot.domain.model import Grant, Person, Product
from bot.services.access import Access, Rules
from bot.services.door import PEACE, Doorkeeper
from tests.services.conftest import NOON, StoppedClock

SHOP = Product("1", "Shop")
GRANT = Grant("g1", "0" * 16, "U1", "C1", NOON, NOON + timedelta(minutes=10))


@dataclass
class Slack:
    """Says of everybody what the test wants, or nothing."""

    person_is: Person = field(default_factory=lambda: Person("U1"))
    members_are: frozenset[str] = frozenset({"U1"})
    trouble: MessageRefused | None = None
    groups_trouble: MessageRefused | None = None
    rooms_are: dict[str, frozenset[str]] = field(default_factory=dict)
    hangs: bool = False
    asked: int = 0

    async def person(self, user: str, team: str | None) -> Person:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble
        return self.person_is

    async def members(self, group: str) -> frozenset[str]:
        if self.groups_trouble:
            raise self.groups_trouble
        return self.members_are


@dataclass
class Rooms:
    """The channels of a Slack."""

    slack: Slack

    async def members(self, channel: str) -> frozenset[str]:
        if channel not in self.slack.rooms_are:
            raise MessageRefused("channel_not_found")
        return self.slack.rooms_are[channel]


def keeper(slack: Slack, clock: StoppedClock, **rules: object) -> Doorkeeper:
    access = Access(slack, Rules(**rules), slack, Rooms(slack))  # type: ignore[arg-type]
    return Doorkeeper(access, clock, timedelta(seconds=0.05))


async def test_who_may_still(clock: StoppedClock) -> None:
    assert await keeper(Slack(), clock).denial(GRANT, SHOP) is None


@pytest.mark.parametrize(
    ("person", "denial"),
    [
        (Person("U1", is_guest=True), Denial.GUEST),
        (Person("U1", is_external=True), Denial.EXTERNAL),
        (Person("U1", is_deactivated=True), Denial.DEACTIVATED),
    ],
)
async def test_what_became_of_the_person(clock: StoppedClock, person: Person, denial: Denial) -> None:
    assert await keeper(Slack(person), clock).denial(GRANT, SHOP) == Denied(denial)


async def test_a_group_that_was_left(clock: StoppedClock) -> None:
    slack = Slack()
    door = keeper(slack, clock, groups={"Shop": ("S1",)})
    assert await door.denial(GRANT, SHOP) is None
    slack.members_are = frozenset()
    assert await door.denial(GRANT, SHOP) == Denied(Denial.GROUP)


async def test_rules_that_changed(clock: StoppedClock) -> None:
    denied = await keeper(Slack(), clock, channels={"Shop": ("C2",)}).denial(GRANT, SHOP)
    assert denied == Denied(Denial.CHANNEL, ("C2",))


LATER = timedelta(seconds=5)


@pytest.mark.parametrize("reason", ["user_not_found", "user_not_visible", "users_not_found", "missing_scope", "invalid_auth"])
async def test_somebody_whom_slack_does_not_show(clock: StoppedClock, reason: str) -> None:
    """Whether or not Slack may say something else later: it did answer, and not with this person."""
    slack = Slack(trouble=MessageRefused(reason, LATER))
    assert await keeper(slack, clock).denial(GRANT, SHOP) == Denied(Denial.DEACTIVATED)


@pytest.mark.parametrize("reason", ["no_such_subteam", "subteam_disabled", "missing_scope"])
async def test_a_group_that_slack_does_not_show(clock: StoppedClock, reason: str) -> None:
    slack = Slack(groups_trouble=MessageRefused(reason, LATER))
    assert await keeper(slack, clock, groups={"Shop": ("S1",)}).denial(GRANT, SHOP) == Denied(Denial.GROUP)


async def test_who_left_the_channel(clock: StoppedClock) -> None:
    slack = Slack(rooms_are={"C1": frozenset({"U1"})})
    door = keeper(slack, clock, channels={"Shop": ("C1",)})
    assert await door.denial(GRANT, SHOP) is None
    slack.rooms_are["C1"] = frozenset({"U2"})
    assert await door.denial(GRANT, SHOP) == Denied(Denial.CHANNEL, ("C1",))


async def test_in_a_channel_that_slack_does_not_show_the_check_of_the_click_stands(clock: StoppedClock) -> None:
    assert await keeper(Slack(), clock, channels={"Shop": ("C1",)}).denial(GRANT, SHOP) is None


@pytest.mark.parametrize("person", [Person("U1", is_guest=True), Person("U1", is_external=True)])
async def test_an_outage_lets_nobody_in_who_was_refused(clock: StoppedClock, person: Person) -> None:
    slack = Slack(person)
    door = keeper(slack, clock)
    refused = await door.denial(GRANT, SHOP)
    assert refused is not None
    slack.trouble = MessageRefused("no_answer", LATER)
    assert [await door.denial(GRANT, SHOP) for _ in range(2)] == [refused] * 2, "in the outage, and in the peace after it"
    clock.now += PEACE
    slack.trouble, slack.person_is = None, Person("U1")
    assert await door.denial(GRANT, SHOP) is None
    slack.trouble = MessageRefused("no_answer", LATER)
    assert await door.denial(GRANT, SHOP) is None


async def test_one_failed_question_opens_the_door_for_nobody_else(clock: StoppedClock) -> None:
    slack = Slack(trouble=MessageRefused("internal_error", LATER))
    door = keeper(slack, clock)
    assert await door.denial(GRANT, SHOP) is None
    slack.trouble, slack.person_is = None, Person("U2", is_guest=True)
    assert await door.denial(replace(GRANT, user="U2"), SHOP) == Denied(Denial.GUEST)


@pytest.mark.parametrize("slack", [Slack(trouble=MessageRefused("ratelimited", timedelta(seconds=1))), Slack(hangs=True)])
async def test_without_slack_the_check_of_the_click_stands(clock: StoppedClock, slack: Slack) -> None:
    door = keeper(slack, clock)
    assert await door.denial(GRANT, SHOP) is None
    slack.trouble, slack.hangs, slack.person_is = None, False, Person("U1", is_guest=True)
    assert await door.denial(GRANT, SHOP) is None
    assert slack.asked == 1, "Slack is left alone for a while"
    clock.now += PEACE
    assert await door.denial(GRANT, SHOP) == Denied(Denial.GUEST)


async def test_without_the_groups_the_check_of_the_click_stands(clock: StoppedClock) -> None:
    slack = Slack(groups_trouble=MessageRefused("no_answer", timedelta(seconds=5)))
    assert await keeper(slack, clock, groups={"Shop": ("S1",)}).denial(GRANT, SHOP) is None
