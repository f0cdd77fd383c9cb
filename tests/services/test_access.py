"""Who may: the rules of the configuration, and what Slack says of a person."""

from datetime import timedelta

import pytest

from bot.domain.answers import Denial, Denied
from bot.domain.errors import MessageRefused
from bot.domain.model import Person, Product
from bot.services.access import Access, Rules
from tests.services.conftest import Everyone

SHOP, PAYROLL = Product("1", "Shop"), Product("2", "Payroll")


class Directory:
    """User groups; one that is not in `known` cannot be read."""

    def __init__(self, known: dict[str, set[str]]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def members(self, group: str) -> frozenset[str]:
        self.asked.append(group)
        if group not in self.known:
            raise MessageRefused("no_answer", timedelta(seconds=5))
        return frozenset(self.known[group])


class Neighbours:
    """Channels that people of other organisations are in."""

    def __init__(self, *shared: str) -> None:
        self.shared = shared
        self.asked: list[str] = []

    async def is_shared(self, channel: str) -> bool:
        self.asked.append(channel)
        return channel in self.shared


def grouped(directory: Directory, *groups: str, **rules: object) -> Access:
    return Access(Everyone(), Rules(groups={"Payroll": groups}, **rules), directory)  # type: ignore[arg-type]


async def denial(access: Access, user: str, product: Product = PAYROLL, channel: str = "C1") -> Denial | None:
    denied = access.denial_here(product, channel, await access.person(user, None))
    return denied.denial if denied else None


async def test_members_of_a_listed_group_may() -> None:
    access = grouped(Directory({"S1": {"U1"}, "S2": {"U2"}}), "S1", "S2")
    assert [await denial(access, user) for user in ("U1", "U2", "U3")] == [None, None, Denial.GROUP]
    assert await denial(access, "U3", SHOP) is None


async def test_nobody_is_in_no_group() -> None:
    assert grouped(Directory({}), "S1").denial_here(PAYROLL, "C1") == Denied(Denial.GROUP)


async def test_a_group_that_cannot_be_read_lets_nobody_in() -> None:
    access = grouped(Directory({"S2": {"U2"}}), "S1", "S2")
    assert [await denial(access, user) for user in ("U1", "U2")] == [Denial.GROUP_UNKNOWN, None]


async def test_channels_and_groups_must_both_hold() -> None:
    access = grouped(Directory({"S1": {"U1"}}), "S1", channels={"Payroll": ("C-hr",)})
    assert await denial(access, "U1", channel="C1") is Denial.CHANNEL
    assert await denial(access, "U2", channel="C-hr") is Denial.GROUP
    assert await denial(access, "U1", channel="C-hr") is None


async def test_without_such_rules_no_group_is_asked_for() -> None:
    directory = Directory({})
    person = await Access(Everyone(), Rules(), directory).person("U1", None)
    assert (person, directory.asked) == (Person("U1"), [])


@pytest.mark.parametrize(
    ("person", "denied"),
    [
        (Person("U1"), None),
        (Person("U1", is_guest=True), Denial.GUEST),
        (Person("U1", is_external=True), Denial.EXTERNAL),
        (Person("U1", is_guest=True, is_deactivated=True), Denial.DEACTIVATED),
    ],
)
def test_people(person: Person, denied: Denial | None) -> None:
    found = Access(Everyone()).denial(person)
    assert (found.denial if found else None) is denied


def test_what_is_allowed_is_allowed() -> None:
    access = Access(Everyone(), Rules(guests=True, external=True, owners=frozenset({"U1"})))
    assert access.denial(Person("U1", is_guest=True, is_external=True)) is None
    assert access.is_owner("U1")
    assert not access.is_owner("U2")


async def test_a_channel_with_others_in_it_is_told_nothing() -> None:
    access = Access(Everyone(), shared=Neighbours("C1"))
    assert [await access.denial_to_all(channel) for channel in ("C1", "C2")] == [Denied(Denial.SHARED), None]


async def test_where_others_may_see_builds_slack_is_not_asked_who_is_there() -> None:
    neighbours = Neighbours("C1")
    assert await Access(Everyone(), Rules(external=True), shared=neighbours).denial_to_all("C1") is None
    assert neighbours.asked == []


@pytest.mark.parametrize("conversation", ["D1", "U1", "W1"])
async def test_a_direct_conversation_is_shared_with_nobody(conversation: str) -> None:
    neighbours = Neighbours(conversation)
    assert not await Access(Everyone(), shared=neighbours).is_shared(conversation)
    assert neighbours.asked == []
