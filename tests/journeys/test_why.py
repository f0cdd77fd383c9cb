"""`/purser why`: the records, as somebody in the channel reads them."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Channel
from bot.sandbox.world import World

from .conftest import Journey, lived_in


async def why(journey: Journey, words: str = "shop", channel: Channel | None = None) -> str:
    town = journey.world.town
    answer = await journey.world.slack.command(town.ada, channel or town.mobile, f"/purser why {words}".strip())
    return answer.text_content


def upload(journey: Journey, version: str, number: str) -> None:
    journey.world.applivery.upload(journey.world.in_applivery.shop, version, number)


async def test_without_a_subscription_it_says_so(journey: Journey) -> None:
    upload(journey, "3.2.0", "1500")
    await journey.check()
    text = await why(journey)
    assert "No subscription here covers it" in text
    assert "3.2.0 (1500) for Android · App Distribution · this channel is not subscribed to its new builds" in text
    assert "acme-applivery checked just now" in text
    assert "none yet" in text


async def test_what_was_sent_and_what_a_filter_left_out(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop ios")
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    upload(journey, "3.2.0", "1500")
    await journey.check()
    text = await why(journey)
    assert "*Shop* · iOS · new builds".replace("*", "") in text.replace("*", "")
    assert "Shop 3.2.0 (418) for iOS · sent" in text
    assert "3.2.0 (1500) for Android · App Distribution · the subscription is for another platform" in text


async def test_what_was_there_at_first_sight_or_came_before_the_subscription(journey: Journey) -> None:
    upload(journey, "3.2.0", "1500")
    await journey.check()
    await journey.ask("/purser subscribe shop")
    text = await why(journey)
    assert "3.2.0 (1500) for Android · App Distribution · it came before this channel subscribed" in text
    assert "3.1.0 (1412) for Android · App Distribution · it was there when I first read the account" in text
    assert "3.2.0 (418) for iOS · TestFlight · it is not ready (still processing)" in text


async def test_what_waits_and_why(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop")
    journey.world.slack.fail("chat.postMessage", "internal_error", times=100)
    upload(journey, "3.2.0", "1500")
    await journey.check()
    text = await why(journey)
    assert "waiting, next try" in text
    assert "internal_error" in text
    journey.world.slack.api.faults.clear()


async def test_without_words_it_is_about_everything_here(journey: Journey) -> None:
    await journey.ask("/purser subscribe all")
    upload(journey, "3.2.0", "1500")
    await journey.check()
    text = await why(journey, "")
    assert "all products" in text
    assert "Shop 3.2.0 (1500) for Android · sent" in text
    assert all(f"{account} checked" in text for account in ("acme-apple", "acme-applivery", "acme-store"))


async def test_an_account_that_cannot_be_read_is_named(journey: Journey) -> None:
    journey.world.applivery.misbehave("/", Misbehaviour.HTML_502)
    await journey.purser.sync.account("acme-applivery")
    assert "acme-applivery could not be read since" in await why(journey)
    journey.world.applivery.behave()


async def test_an_unknown_name_is_asked_back(journey: Journey) -> None:
    answer = await journey.ask("/purser why shpo")
    assert "Did you mean" in answer.text_content
    assert "What this channel hears of Shop" in (await journey.press(answer, "Shop")).text_content


@pytest.fixture
async def restricted(world: World) -> AsyncIterator[Journey]:
    """Shop may be asked for in #releases only; Scanner is for the group "testers", in which Ada is."""
    group = world.slack.workspace.add_group("testers", world.town.ada)
    file = world.folder / "purser.toml"
    scanner = f'[[products]]\nname = "Scanner"\napps = ["acme-applivery:{world.in_applivery.scanner.id}"]\n'
    rules = f'allow_channels = ["{world.town.releases.id}"]\n\n{scanner}allow_groups = ["{group}"]\n'
    file.write_text(file.read_text() + rules)
    async with lived_in(world) as journey:
        yield journey


async def test_a_restricted_product_is_told_where_it_may_be(restricted: Journey) -> None:
    slack, town = restricted.world.slack, restricted.world.town
    for channel in (town.mobile, town.releases):
        await slack.command(town.ada, channel, "/purser subscribe all")
    upload(restricted, "3.2.0", "1500")
    restricted.world.applivery.upload(restricted.world.in_applivery.scanner, "1.0.0", "90")
    await restricted.check()
    assert not [m for m in slack.messages(town.mobile) if m.metadata]
    (card,) = [m for m in slack.messages(town.releases) if m.metadata]
    assert "3.2.0 (1500)" in card.text_content
    assert "not shown in this channel" in await why(restricted)
    assert "3.2.0 (1500) for Android · sent" in await why(restricted, channel=town.releases)


async def test_subscribing_to_what_is_for_a_group_says_that_it_is_told_nowhere(restricted: Journey) -> None:
    text = (await restricted.ask("/purser subscribe scanner")).text_content
    assert "allow_channels" in text
    assert "always ask" in text
    assert "it may not be told in this channel" in await why(restricted, "scanner")


async def test_a_quiet_channel_stands_in_the_status(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    await journey.ask("/purser subscribe shop")
    town.mobile.is_archived = True
    upload(journey, "3.2.0", "1500")
    await journey.check()
    notice = await slack.wait_for(lambda m: "can no longer write to" in m.text_content)
    assert notice.channel == slack.workspace.direct(town.ada).id
    status = await slack.command(town.ada, town.releases, "/purser status")
    assert "Cannot write to" in status.text_content
    assert "it is archived" in status.text_content
    town.mobile.is_archived = False
    journey.clock.advance(minutes=61)
    await journey.check()
    assert [m for m in slack.messages(town.mobile) if "3.2.0 (1500)" in m.text_content]
    assert "Cannot write to" not in (await journey.ask("/purser status")).text_content
