"""Channels that people of other organisations are in: there, Purser shows builds to nobody but who asks."""

from bot.sandbox.slack import Channel, Message, View
from bot.sandbox.world import World

from .conftest import Journey, lived_in
from .test_subscribing import filled_in, sent

REFUSED = "shared with another organisation"


async def said(journey: Journey, line: str, channel: Channel | None = None) -> Message:
    town = journey.world.town
    return await journey.world.slack.command(town.ada, channel or town.partners, line)


def seen_by_all(journey: Journey, channel: Channel | None = None) -> list[str]:
    messages = journey.world.slack.messages(channel or journey.world.town.partners)
    return [message.text_content for message in messages if not message.is_ephemeral]


def upload(journey: Journey, version: str, number: str) -> None:
    journey.world.applivery.upload(journey.world.in_applivery.shop, version, number)


async def test_an_answer_is_for_who_asks_alone(journey: Journey) -> None:
    for line in ("/versions", "/versions shop", "/versions shop android 3", "/download shop applivery", "/purser diff shop"):
        answer = await said(journey, line)
        refusal = await journey.press(answer, "Share here")
        assert REFUSED in refusal.text_content
        assert "external = true" in refusal.text_content
        assert refusal.to == journey.world.town.ada.id
        assert answer.button("Share here")
    assert seen_by_all(journey) == []
    asked = [call.method for call in journey.world.slack.api.calls]
    assert (asked.count("users.conversations"), asked.count("conversations.info")) == (1, 0)


async def test_one_that_is_shared_no_longer_is_shown_it_minutes_later(journey: Journey) -> None:
    answer = await said(journey, "/versions shop")
    assert REFUSED in (await journey.press(answer, "Share here")).text_content
    journey.world.town.partners.is_shared = False
    journey.clock.advance(minutes=6)
    await journey.press(answer, "Share here")
    assert len(seen_by_all(journey)) == 1


async def test_it_cannot_be_subscribed_by_words_or_in_the_form(journey: Journey) -> None:
    for words in ("shop", "all", "all agreements", "shop daily 09:00"):
        assert REFUSED in (await said(journey, f"/purser subscribe {words}")).text_content
    view = await journey.world.slack.press(journey.world.town.ada, await said(journey, "/purser subscriptions"), "Subscribe")
    assert isinstance(view, View)
    assert REFUSED in await sent(journey, view, filled_in())
    assert "now hears about" in (await journey.world.slack.dm(journey.world.town.ada, "subscribe shop")).text_content
    upload(journey, "3.2.0", "1500")
    await journey.check()
    assert seen_by_all(journey) == []


async def test_where_the_configuration_allows_it_nothing_is_refused(world: World) -> None:
    file = world.folder / "purser.toml"
    file.write_text(file.read_text().replace("[purser]", "[purser]\nexternal = true", 1))
    async with lived_in(world) as journey:
        await journey.press(await said(journey, "/versions shop"), "Share here")
        assert "now hears about" in (await said(journey, "/purser subscribe shop")).text_content
        upload(journey, "3.2.0", "1500")
        await journey.check()
        assert len(seen_by_all(journey)) == 2


async def test_a_slack_that_does_not_tell_locks_nobody_out(journey: Journey) -> None:
    slack, answer = journey.world.slack, await journey.ask("/versions shop")
    for error in ("missing_scope", "channel_not_found", "internal_error"):
        slack.fail("users.conversations", error, times=2)
        slack.fail("conversations.info", error, times=2)
        await journey.press(answer, "Share here")
        assert "hears about" in (await journey.ask("/purser subscribe shop")).text_content
    assert len(seen_by_all(journey, journey.world.town.mobile)) == 3


async def test_a_slack_that_hangs_is_not_waited_for(journey: Journey) -> None:
    journey.world.slack.api.faults.hang("users.conversations")
    assert "now hears about" in (await journey.ask("/purser subscribe shop")).text_content
    journey.world.slack.api.faults.release()


async def test_one_that_is_shared_later_hears_nothing_until_it_is_not_and_its_subscriber_is_told_why(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    await journey.ask("/purser subscribe shop")
    town.mobile.is_shared = True
    journey.clock.advance(minutes=6)
    upload(journey, "3.2.0", "1500")
    await journey.check()
    notice = await slack.wait_for(lambda m: "can no longer write to" in m.text_content)
    assert notice.channel == slack.workspace.direct(town.ada).id
    assert REFUSED in notice.text_content
    assert seen_by_all(journey, town.mobile) == []
    for line in ("/purser why shop", "/purser status"):
        assert REFUSED in (await journey.ask(line)).text_content
    town.mobile.is_shared = False
    journey.clock.advance(minutes=61)
    await journey.check()
    assert ["3.2.0 (1500)" in text for text in seen_by_all(journey, town.mobile)] == [True]
    assert "Cannot write to" not in (await journey.ask("/purser status")).text_content
