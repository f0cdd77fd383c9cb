"""The right person only: at the click, and again when the page opens."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from bot.domain.ports import GrantFilter
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Message
from bot.sandbox.world import World

from .conftest import Journey, Watch, lived_in, started
from .test_downloading import opened


@pytest.fixture
async def restricted(world: World) -> AsyncIterator[Journey]:
    """Shop is for the user group "testers", in which is Ada, and there are two links an hour."""
    group = world.slack.workspace.add_group("testers", world.town.ada)
    file = world.folder / "purser.toml"
    text = file.read_text().replace("[purser]", "[purser]\ndownloads_per_hour = 2", 1)
    file.write_text(f'{text}allow_groups = ["{group}"]\n')
    async with lived_in(world) as journey:
        yield journey


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10, verify=False) as client:
        yield client


async def said_to_ben(journey: Journey, line: str) -> Message:
    return await journey.world.slack.command(journey.world.town.ben, journey.world.town.mobile, line)


SPLIT = """
[[products]]
name = "Shop iOS"
apps = ["acme-apple:{ios}"]
allow_channels = ["{releases}"]

[[products]]
name = "Shop Android"
apps = ["acme-applivery:{android}"]
"""


@pytest.mark.parametrize("order", [("acme-apple", "acme-applivery"), ("acme-applivery", "acme-apple")])
async def test_names_that_differ_in_the_platform_alone_keep_their_own_rules(world: World, order: tuple[str, ...]) -> None:
    file = world.folder / "purser.toml"
    tables = SPLIT.format(ios=world.in_apple.shop.id, android=world.in_applivery.shop.id, releases=world.town.releases.id)
    file.write_text(file.read_text().partition("[[products]]")[0] + tables)
    clock = Watch()
    async with started(world, clock) as purser:
        journey = Journey(world, purser, clock)
        await journey.check(*order)
        for line in ("/versions shop ios", "/download shop ios", "/versions Shop-iOS"):
            assert "not shown in this channel" in (await journey.ask(line)).text_content
        assert "Shop iOS" not in (await journey.ask("/versions")).text_content
        assert opened(await journey.ask("/download shop android applivery"))
        in_releases = await world.slack.command(world.town.ada, world.town.releases, "/versions shop ios")
        assert "TestFlight" in in_releases.text_content


async def test_a_rule_holds_before_its_account_is_read_again(world: World) -> None:
    clock = Watch()
    async with started(world, clock) as purser:
        await Journey(world, purser, clock).check()
    file = world.folder / "purser.toml"
    file.write_text(file.read_text().replace('name = "Shop"', f'name = "Till"\nallow_channels = ["{world.town.releases.id}"]'))
    async with started(world, clock) as purser:
        assert "not shown in this channel" in (await Journey(world, purser, clock).ask("/versions shop")).text_content


async def test_only_the_group_sees_and_gets_it(restricted: Journey) -> None:
    for line in ("/versions shop", "/download shop applivery", "/purser subscribe shop"):
        assert "user groups" in (await said_to_ben(restricted, line)).text_content
    assert "Shop" not in (await said_to_ben(restricted, "/versions")).text_content
    assert "Shop" in (await restricted.ask("/versions")).text_content
    assert opened(await restricted.ask("/download shop applivery"))


async def test_a_shared_card_lets_only_the_group_download(restricted: Journey) -> None:
    slack, town = restricted.world.slack, restricted.world.town
    card = await restricted.press(await restricted.ask("/versions shop"), "Share here")
    answer = await slack.press(town.ben, card, "Download", "Applivery")
    assert "user groups" in answer.text_content
    assert opened(await restricted.press(card, "Download", "Applivery"))
    assert await clicks(restricted) == [(town.ada.id, True, None), (town.ben.id, False, "denied_group")]


async def clicks(journey: Journey) -> list[tuple[str, bool, str | None]]:
    """What the log says: who, whether they got a link, and what came of it."""
    lines = await journey.purser.store.read(lambda r: r.grants.find(GrantFilter()))
    return [(line.grant.user, line.grant.given, line.grant.outcome) for line in lines]


async def test_a_guests_click_is_in_the_log(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    card = await journey.press(await journey.ask("/versions shop"), "Share here")
    town.ben.is_restricted = True
    assert not (await slack.press(town.ben, card, "Download", "Applivery")).buttons
    assert await clicks(journey) == [(town.ben.id, False, "denied_guest")]


async def test_a_slack_that_does_not_tell_the_group_lets_nobody_in(restricted: Journey) -> None:
    restricted.world.slack.fail("usergroups.users.list", "internal_error", times=50)
    restricted.clock.advance(minutes=6)
    assert "Slack does not tell me" in (await restricted.ask("/download shop applivery")).text_content
    restricted.world.slack.api.faults.clear()
    assert opened(await restricted.ask("/download shop applivery"))


async def test_who_left_the_group_opens_nothing_any_more(restricted: Journey, browser: httpx.AsyncClient) -> None:
    url = opened(await restricted.ask("/download shop applivery"))
    assert (await browser.get(url)).status_code == 200
    restricted.world.slack.workspace.groups["S0TESTERS"].clear()
    restricted.clock.advance(minutes=2)
    for path in ("", "/file", "/qr.svg"):
        answer = await browser.get(url + path)
        assert answer.status_code == 410
        assert "ask Purser again" in answer.text
        assert "Shop" not in answer.text
    assert not [r for r in restricted.world.applivery.requests if "downloadToken" in r.path]


@pytest.fixture
async def in_mobile(world: World) -> AsyncIterator[Journey]:
    """Shop may be asked for in #mobile alone."""
    file = world.folder / "purser.toml"
    file.write_text(f'{file.read_text()}allow_channels = ["{world.town.mobile.id}"]\n')
    async with lived_in(world) as journey:
        yield journey


async def test_who_left_the_channel_gets_nothing_through_an_old_direct_message(
    in_mobile: Journey, browser: httpx.AsyncClient
) -> None:
    slack, town = in_mobile.world.slack, in_mobile.world.town
    url = opened(await in_mobile.ask("/download shop applivery"))
    await in_mobile.press(await in_mobile.ask("/download shop applivery"), "Send to my phone")
    (card,) = [m for m in slack.messages(slack.workspace.direct(town.ada)) if m.user == slack.workspace.bot.id]
    assert opened(await in_mobile.press(card, "Download"))
    assert (await browser.get(url)).status_code == 200
    town.mobile.members.remove(town.ada.id)
    in_mobile.clock.advance(minutes=2)
    assert (await browser.get(url)).status_code == 410
    assert f"Ask in #{town.mobile.id}" in (await in_mobile.press(card, "Download")).text_content
    assert (await clicks(in_mobile))[0] == (town.ada.id, False, "denied_channel")


async def test_a_channel_that_is_not_shown_to_us_is_asked_for_in_person(in_mobile: Journey, browser: httpx.AsyncClient) -> None:
    slack, town = in_mobile.world.slack, in_mobile.world.town
    await in_mobile.press(await in_mobile.ask("/download shop applivery"), "Send to my phone")
    (card,) = [m for m in slack.messages(slack.workspace.direct(town.ada)) if m.user == slack.workspace.bot.id]
    slack.fail("conversations.members", "channel_not_found", times=50)
    in_mobile.clock.advance(minutes=2)
    assert f"Ask in #{town.mobile.id}" in (await in_mobile.press(card, "Download")).text_content
    assert (await browser.get(opened(await in_mobile.ask("/download shop applivery")))).status_code == 200
    slack.api.faults.clear()


@pytest.mark.parametrize("change", [{"is_restricted": True}, {"team": "T0PARTNER"}, {"deleted": True}])
async def test_what_became_of_a_person_shows_at_the_door(
    journey: Journey, browser: httpx.AsyncClient, change: dict[str, object]
) -> None:
    url = opened(await journey.ask("/download shop applivery"))
    for name, value in change.items():
        setattr(journey.world.town.ada, name, value)
    assert (await browser.get(url)).status_code == 410
    journey.clock.advance(minutes=11)
    assert not (await journey.ask("/download shop applivery")).buttons


async def test_without_slack_a_link_goes_on_working(journey: Journey, browser: httpx.AsyncClient) -> None:
    url = opened(await journey.ask("/download shop applivery"))
    journey.world.slack.fail("users.info", "internal_error", times=50)
    journey.clock.advance(minutes=2)
    assert (await browser.get(url)).status_code == 200
    journey.world.slack.api.faults.clear()


async def test_so_many_links_an_hour(restricted: Journey) -> None:
    for _ in range(2):
        assert opened(await restricted.ask("/download shop applivery"))
    answer = await restricted.ask("/download shop applivery")
    free_at = restricted.clock() + timedelta(hours=1)  # said in whole minutes, rather late than early
    assert "2 download links" in answer.text_content
    assert any(f"{free_at + timedelta(minutes=late):%H:%M}" in answer.text_content for late in (0, 1))
    restricted.clock.advance(hours=1, minutes=1)
    assert opened(await restricted.ask("/download shop applivery"))


async def test_try_again_makes_no_second_grant(journey: Journey) -> None:
    journey.world.applivery.misbehave("/", Misbehaviour.HTML_502)
    answer = await journey.ask("/download shop applivery")
    answer = await journey.press(answer, "Try again")
    journey.world.applivery.behave()
    assert opened(await journey.press(answer, "Try again"))
    assert await clicks(journey) == [(journey.world.town.ada.id, True, None)]
