"""What a channel hears about, as people say it: by words, by buttons, by a form; and muted."""

from datetime import timedelta

from bot.sandbox.slack import Message, View

from .conftest import Journey
from .test_being_told import cards


async def told_of(journey: Journey, version: str, number: str) -> Message:
    journey.world.applivery.upload(journey.world.in_applivery.shop, version, number)
    await journey.check("acme-applivery")
    (card,) = cards(journey, f"{version} ({number})")
    return card


async def test_muting_ends_it_for_the_channel_and_subscribing_undoes_that(journey: Journey) -> None:
    await journey.ask("/purser subscribe all")
    card = await told_of(journey, "3.2.0", "1500")
    answer = await journey.press(card, "Mute this product here")
    assert "is muted" in answer.text_content
    assert answer.to == journey.world.town.ada.id
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.1", "1501")
    journey.world.applivery.upload(journey.world.in_applivery.scanner, "1.0.0", "90")
    await journey.check("acme-applivery")
    assert not cards(journey, "3.2.1 (1501)")
    assert cards(journey, "1.0.0 (90)")
    assert "Muted here: Shop" in (await journey.ask("/purser subscriptions")).text_content
    assert (
        "3.2.1 (1501) for Android · App Distribution · the product is muted here"
        in (await journey.ask("/purser why shop")).text_content
    )
    assert "no longer muted" in (await journey.ask("/purser subscribe shop")).text_content
    assert "Muted" not in (await journey.ask("/purser subscriptions")).text_content
    assert await told_of(journey, "3.2.2", "1502")


async def test_muting_asks_before_and_can_be_undone(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop")
    card = await told_of(journey, "3.2.0", "1500")
    assert card.button("Mute this product here").element["confirm"]["confirm"]["text"] == "Mute"
    answer = await journey.press(card, "Mute this product here")
    undone = await journey.press(answer, "Undo")
    assert undone.ts == answer.ts
    assert "no longer muted" in undone.text_content
    assert not undone.buttons
    assert await told_of(journey, "3.2.1", "1501")


async def test_a_digest_by_words(journey: Journey) -> None:
    answer = await journey.ask("/purser subscribe shop daily 09:00 Europe/Berlin")
    assert "new builds · daily 09:00 Europe/Berlin" in answer.text_content
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    await journey.check("acme-applivery")
    assert not cards(journey, "3.2.0 (1500)")
    assert "waiting, with the digest" in (await journey.ask("/purser why shop")).text_content
    journey.clock.advance(days=1, minutes=1)
    await journey.purser.alerts.deliver_due()
    (digest,) = cards(journey, "3.2.0 (1500)")
    assert "1 new build" in digest.text_content


async def test_a_digest_without_a_zone_is_in_the_time_of_who_asks(journey: Journey) -> None:
    answer = await journey.ask("/purser subscribe shop weekly mon 09:00")
    assert "weekly monday 09:00 Europe/Paris" in answer.text_content
    assert "weekly monday 09:00 Europe/Paris" in (await journey.ask("/purser subscriptions")).text_content
    again = await journey.ask("/purser subscribe shop")
    assert "now hears about Shop · new builds." in again.text_content


async def test_what_a_digest_cannot_be(journey: Journey) -> None:
    assert "25:00 is no time of day" in (await journey.ask("/purser subscribe shop daily 25:00")).text_content
    assert "do not know the time zone" in (await journey.ask("/purser subscribe shop daily 09:00 Mars/Base")).text_content
    assert "A digest is for new builds" in (await journey.ask("/purser subscribe all agreements daily")).text_content


async def test_in_a_direct_message_one_subscribes_oneself(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    assert "now hears about" in (await slack.dm(ada, "subscribe shop")).text_content
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    await journey.check("acme-applivery")
    (card,) = [m for m in slack.messages(slack.workspace.direct(ada)) if "3.2.0 (1500)" in m.text_content]
    assert not cards(journey, "3.2.0 (1500)")
    assert [b.label for b in card.buttons] == ["Download", "Share", "All versions", "Mute this product here"]
    await slack.dm(ada, "unsubscribe shop")
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.1", "1501")
    await journey.check("acme-applivery")
    assert not [m for m in slack.messages(slack.workspace.direct(ada)) if "3.2.1 (1501)" in m.text_content]


async def test_more_than_five_at_once_are_one_message_in_which_each_can_be_downloaded(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop")
    world = journey.world
    for number in range(7):
        world.applivery.upload(world.in_applivery.shop, f"3.{number + 2}.0", str(1500 + number))
    await journey.check("acme-applivery")
    (burst,) = [m for m in journey.in_mobile() if m.metadata]
    ticket = await journey.press(burst, "Download", "3.4.0 (1502)")
    assert "3.4.0" in ticket.text_content
    assert ticket.to == world.town.ada.id


async def test_the_same_version_from_another_provider_joins_the_thread(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop")
    card = await told_of(journey, "3.2.0", "1500")
    journey.clock.advance(seconds=timedelta(hours=1).total_seconds())
    journey.world.appcircle.upload(journey.world.in_appcircle.shop, "3.2.0", "1500")
    await journey.check("acme-store")
    first, reply = cards(journey, "3.2.0 (1500)")
    assert first.ts == card.ts
    assert reply.thread_ts == card.ts
    assert "Appcircle" in reply.text_content
    assert (await journey.press(reply, "Download")).to == journey.world.town.ada.id


async def the_form(journey: Journey, line: str = "/purser subscriptions") -> View:
    view = await journey.world.slack.press(journey.world.town.ada, await journey.ask(line), "Subscribe")
    assert isinstance(view, View)
    return view


def chosen(value: str) -> dict[str, object]:
    return {"selected_option": {"value": value}}


def filled_in(product: str | None = None, rhythm: str = "at-once", *kinds: str, platform: str | None = None) -> dict[str, object]:
    """`view.state.values` as Slack sends it: an input that was left alone has null."""
    return {
        "product": {"product_menu:0": chosen(product) if product else {"selected_option": None}},
        "platform": {"platform": chosen(platform) if platform else {"selected_option": None}},
        "kinds": {"kinds": {"selected_options": [{"value": kind} for kind in kinds or ("new-builds",)]}},
        "rhythm": {"rhythm": chosen(rhythm)},
        "time": {"time": {"selected_time": "08:30"}},
    }


async def sent(journey: Journey, view: View, values: dict[str, object]) -> str:
    answer = await journey.world.slack.submit(journey.world.town.ada, view, values)
    assert answer["response_action"] == "update"
    return "\n".join(block["text"]["text"] for block in answer["view"]["blocks"])


async def test_a_form_with_typeahead_subscribes_like_words(journey: Journey) -> None:
    for line in ("/purser subscriptions", "/purser subscribe"):
        view = await the_form(journey, line)
        assert view.title == "Subscribe"
    offered = await journey.world.slack.suggest(journey.world.town.ada, view, "product_menu:0", "sho")
    (shop,) = [value for label, value in offered if label == "Shop"]
    text = await sent(journey, view, filled_in(shop, "weekly friday", platform="ios"))
    assert "*Shop* · iOS · new builds · weekly friday 08:30 Europe/Paris" in text
    assert "weekly friday 08:30" in (await journey.ask("/purser subscriptions")).text_content


async def test_a_form_without_a_product_is_about_all(journey: Journey) -> None:
    view = await the_form(journey)
    assert "*all products* · new builds, agreements" in await sent(
        journey, view, filled_in(None, "at-once", "new-builds", "agreements")
    )
    assert await told_of(journey, "3.2.0", "1500")


async def test_a_form_with_what_was_never_offered_is_refused_in_words(journey: Journey) -> None:
    view = await the_form(journey)
    assert "do not know this form" in await sent(journey, view, filled_in("versions Shop", "hourly"))
    assert "do not know this button" in await sent(journey, view, filled_in("\x00"))
    assert "A digest is for new builds" in await sent(journey, view, filled_in(None, "daily", "agreements"))
    view.payload["callback_id"] = "somebody-elses"
    assert "do not know this form" in await sent(journey, view, filled_in())


async def test_a_guest_gets_no_form(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    answer = await journey.ask("/purser subscriptions")
    view = await the_form(journey)
    refused = await slack.submit(town.gus, view, filled_in())
    assert "Guests" in refused["view"]["blocks"][0]["text"]["text"]
    shown = await slack.press(town.gus, answer, "Subscribe")
    assert "Guests" in shown.text_content


async def test_a_form_that_slack_does_not_open_leaves_the_words(journey: Journey) -> None:
    journey.world.slack.fail("views.open", "expired_trigger_id")
    answer = await journey.press(await journey.ask("/purser subscriptions"), "Subscribe")
    assert "Say what" in answer.text_content
