from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Message
from bot.sandbox.world import World

from .conftest import Journey, Watch, started


async def subscribed(journey: Journey, words: str = "all") -> None:
    await journey.ask(f"/purser subscribe {words}")


def cards(journey: Journey, text: str) -> list[Message]:
    return [message for message in journey.in_mobile() if text in message.text_content]


async def test_a_new_build_reaches_the_channel_once_with_a_download_button(journey: Journey) -> None:
    await subscribed(journey, "shop")
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500", notes="Faster checkout", branch="main")
    for _ in range(3):
        await journey.check()
    (card,) = cards(journey, "3.2.0 (1500)")
    assert "Faster checkout" in card.text_content
    ticket = await journey.press(card, "Download")
    assert [button.label for button in ticket.buttons if button.url]
    assert ticket.to == journey.world.town.ada.id


async def test_a_build_that_was_in_processing_is_told_when_it_is_ready(journey: Journey) -> None:
    await subscribed(journey, "shop ios")
    await journey.check()
    assert not cards(journey, "3.2.0 (418)")
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    await journey.check()
    assert len(cards(journey, "3.2.0 (418)")) == 1


async def test_only_the_product_that_was_subscribed_is_told(journey: Journey) -> None:
    await subscribed(journey, "courier")
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    journey.world.appcircle.upload(journey.world.in_appcircle.courier, "1.9.0", "300")
    await journey.check()
    assert not cards(journey, "3.2.0 (1500)")
    assert len(cards(journey, "1.9.0 (300)")) == 1


async def test_after_unsubscribing_there_is_silence(journey: Journey) -> None:
    await subscribed(journey, "shop")
    assert "Shop" in (await journey.ask("/purser subscriptions")).text_content
    await journey.ask("/purser unsubscribe shop")
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    await journey.check()
    assert not cards(journey, "3.2.0 (1500)")


async def test_a_blocked_agreement_is_told_once_and_its_clearing_too(journey: Journey) -> None:
    await subscribed(journey, "all agreements")
    watch = journey.purser.agreements
    await watch.check("acme-apple")
    journey.world.apple.block_agreements()
    for _ in range(4):
        journey.clock.advance(minutes=2)
        await watch.check("acme-apple")
        await journey.purser.alerts.deliver_due()
    (blocked,) = cards(journey, "An agreement blocks acme-apple")
    assert "Account Holder" in blocked.text_content
    assert "blocked" in (await journey.ask("/purser agreements")).text_content
    journey.world.apple.clear_agreements()
    for _ in range(2):
        journey.clock.advance(minutes=2)
        await watch.check("acme-apple")
        await journey.purser.alerts.deliver_due()
    assert len(journey.in_mobile()) == 2
    assert "in force" in (await journey.ask("/purser agreements")).text_content


async def test_what_cannot_be_known_is_said_to_be_unknown(journey: Journey) -> None:
    journey.world.apple.misbehave("/", Misbehaviour.HTML_502)
    await journey.purser.agreements.check("acme-apple")
    text = (await journey.ask("/purser agreements")).text_content
    assert "unknown" in text
    assert "in force" not in text
    journey.world.apple.behave()


async def test_a_restart_in_between_loses_nothing_and_repeats_nothing(world: World) -> None:
    clock = Watch()
    async with started(world, clock) as purser:
        journey = Journey(world, purser, clock)
        await journey.check()
        await subscribed(journey)
        world.applivery.upload(world.in_applivery.shop, "3.2.0", "1500")
        world.slack.fail("chat.postMessage", "internal_error")
        await journey.check()
        assert not cards(journey, "3.2.0 (1500)")
    world.applivery.upload(world.in_applivery.shop, "3.2.1", "1501")
    clock.advance(minutes=1)
    async with started(world, clock) as purser:
        journey = Journey(world, purser, clock)
        await journey.check()
        assert [len(cards(journey, version)) for version in ("3.2.0 (1500)", "3.2.1 (1501)")] == [1, 1]
    async with started(world, clock) as purser:
        journey = Journey(world, purser, clock)
        await journey.check()
        assert len(journey.in_mobile()) == 2


async def test_an_account_that_fails_stands_in_the_status_and_in_answers(journey: Journey) -> None:
    journey.world.applivery.misbehave("/", Misbehaviour.HTML_502)
    await journey.purser.sync.account("acme-applivery")
    assert "acme-applivery" in (await journey.ask("/versions shop")).text_content
    status = (await journey.ask("/purser status")).text_content
    assert "could not be read" in status or "cannot be read" in status
    journey.world.applivery.behave()
    await journey.check("acme-applivery")
    assert "acme-applivery" not in (await journey.ask("/versions shop")).text_content


async def test_a_stale_answer_goes_out_at_once_and_what_changed_follows(journey: Journey) -> None:
    journey.clock.advance(hours=3)
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    slack, town = journey.world.slack, journey.world.town
    mark = slack.mark
    first = await journey.ask("/versions shop android")
    assert "3.1.0 (1412)" in first.text_content
    assert "Checked 3 h ago, checking again now" in first.text_content
    await slack.wait_for(lambda m: m.to == town.ada.id and "3.2.0 (1500)" in m.text_content, since=mark)


async def test_in_a_direct_message_the_stale_answer_itself_is_updated(journey: Journey) -> None:
    journey.clock.advance(hours=3)
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    slack, town = journey.world.slack, journey.world.town
    mark = slack.mark
    first = await slack.dm(town.ada, "versions shop android")
    mended = await slack.wait_for(lambda m: "3.2.0 (1500)" in m.text_content, since=mark)
    assert mended.ts == first.ts


async def test_a_later_state_changes_the_card_and_adds_a_line_in_its_thread(journey: Journey) -> None:
    await subscribed(journey, "shop ios")
    world = journey.world
    world.apple.finish_processing(world.in_apple.processing)
    await journey.check()
    world.apple.set_external_state(world.in_apple.processing, "BETA_REJECTED", "REJECTED")
    for _ in range(2):
        await journey.check()
    card, line = (message for message in journey.in_mobile() if not message.is_ephemeral)
    assert "rejected" in card.text_content
    assert card.edits
    assert line.thread_ts == card.ts
    assert "3.2.0 (418) for iOS: now rejected" in line.text_content
