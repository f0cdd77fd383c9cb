"""Certificates, profiles, TestFlight builds and dates come to their end: told in one digest, in good time, once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Message
from bot.sandbox.world import World

from .conftest import Journey, Watch, started

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
ENDS = {"ago", "today", "in"}


def noon(day: int) -> datetime:
    """Of a day, counted from today."""
    return TODAY + timedelta(days=day)


@pytest.fixture
def clock(world: World) -> Watch:
    """The bot's, and Apple's, which looks at the age of the bot's tokens. It begins in the night."""
    world.apple.clock = clock = Watch()
    set_clock(clock, day=0, hour=1)
    return clock


@pytest.fixture
def papers(world: World, clock: Watch) -> None:
    """Acme has a certificate with a week left, a profile with a year, and a membership with three days."""
    world.apple.add_certificate("Acme Distribution", "DISTRIBUTION", noon(7))
    world.apple.add_profile("Shop Ad Hoc", "IOS_APP_ADHOC", noon(365))
    settings = world.folder / "purser.toml"
    due = noon(3).date().isoformat()
    settings.write_text(settings.read_text("utf-8").replace("due = 2031-03-01", f"due = {due}"), "utf-8")


@pytest.fixture
async def journey(world: World, clock: Watch, papers: None) -> AsyncIterator[Journey]:
    async with started(world, clock) as purser:
        journey = Journey(world, purser, clock)
        await journey.check()
        yield journey


def set_clock(clock: Watch, day: int, hour: int) -> None:
    clock.ahead = noon(day).replace(hour=hour, minute=15) - datetime.now(UTC)


async def live_through(journey: Journey, day: int) -> None:
    """What the bot's clock starts on that day: a reading, and looks at what there is to tell."""
    for hour in (8, 9, 20):
        set_clock(journey.clock, day, hour)
        await journey.check("acme-apple")
        await journey.purser.expiries.read("acme-apple")
        await journey.purser.expiries.tell()
        await journey.purser.alerts.deliver_due()


def digests(journey: Journey) -> list[list[str]]:
    return [rows(message) for message in journey.in_mobile() if "soon" in message.text_content]


def rows(message: Message) -> list[str]:
    """Name and end of each thing that ends."""
    split = [line.split(" · ") for line in message.text_content.splitlines()]
    return [f"{parts[0]} {parts[-1]}" for parts in split if len(parts) > 2 and ENDS & set(parts[-1].split())]


async def test_one_digest_for_the_channel_and_one_for_the_owner(journey: Journey) -> None:
    await journey.ask("/purser subscribe all expiries")
    slack, town = journey.world.slack, journey.world.town
    mark = slack.mark
    set_clock(journey.clock, day=1, hour=9)
    await journey.purser.jobs.defer("expiries-told")
    for place in (town.mobile, slack.workspace.direct(town.grace)):
        message = await slack.wait_for(lambda m, id=place.id: m.channel == id and "soon" in m.text_content, since=mark)
        assert rows(message) == ["Apple Developer membership in 2 days", "Acme Distribution in 6 days"]


async def test_each_threshold_is_told_once_also_over_restarts(world: World, clock: Watch, papers: None) -> None:
    for day in range(9):
        async with started(world, clock) as purser:
            journey = Journey(world, purser, clock)
            if day == 0:
                await journey.ask("/purser subscribe all expiries")
            if day not in (2, 3, 4):  # nobody was there
                await live_through(journey, day)
    assert digests(journey) == [
        ["Apple Developer membership in 3 days", "Acme Distribution in 7 days"],
        ["Apple Developer membership 2 days ago", "Acme Distribution in 2 days"],
        ["Acme Distribution in 1 day"],
        ["Acme Distribution today"],
    ]


async def test_a_product_hears_of_its_own_builds(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop expiries")
    world = journey.world
    old = world.apple.upload(world.in_apple.shop, "3.0.0", "400", uploaded_at=noon(-80))
    await live_through(journey, day=1)
    assert digests(journey) == []  # a newer build can be had for weeks
    for build in (world.in_apple.ready, world.in_apple.processing):
        world.apple.remove(build)
    await journey.purser.sync.account("acme-apple", full=True)
    await live_through(journey, day=2)
    assert digests(journey) == [["Shop 3.0.0 (400) in 8 days"]]
    assert old.expires_at == noon(10)


async def test_everything_that_ends_is_listed_soonest_first(journey: Journey) -> None:
    await journey.purser.expiries.read("acme-apple")
    listed = rows(await journey.ask("/purser agreements"))
    assert [row.partition(" in ")[0] for row in listed] == [
        "Apple Developer membership",
        "Acme Distribution",
        "Shop 3.1.0 (412)",
        "Shop Ad Hoc",
    ]


async def test_what_apple_does_not_tell_today_stays_listed(journey: Journey) -> None:
    await journey.purser.expiries.read("acme-apple")
    journey.world.apple.misbehave("/v1/certificates", Misbehaviour.HTML_502)
    assert await journey.purser.expiries.read("acme-apple") is None
    assert "Acme Distribution in 7 days" in rows(await journey.ask("/purser agreements"))
    journey.world.apple.behave()
