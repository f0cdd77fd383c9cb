"""What is checked again when a link is opened."""

import asyncio
from dataclasses import dataclass, field
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


def keeper(slack: Slack, clock: StoppedClock, **rules: object) -> Doorkeeper:
    return Doorkeeper(Access(slack, Rules(**rules), slack), clock, timedelta(seconds=0.05))  # type: ignore[arg-type]


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


async def test_somebody_whom_slack_does_not_know(clock: StoppedClock) -> None:
    assert await keeper(Slack(trouble=MessageRefused("user_not_found")), clock).denial(GRANT, SHOP) == Denied(Denial.DEACTIVATED)


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
