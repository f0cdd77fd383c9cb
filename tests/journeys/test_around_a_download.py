"""What surrounds the link: waiting for a build, sending to the phone, sharing, revoking."""

import httpx

from bot.domain.ports import GrantFilter
from bot.sandbox.slack import Message

from .conftest import Journey
from .test_downloading import opened


def direct_messages(journey: Journey) -> list[Message]:
    """What the bot wrote to Ada directly."""
    slack = journey.world.slack
    return [m for m in slack.messages(slack.workspace.direct(journey.world.town.ada)) if m.user == slack.workspace.bot.id]


async def test_tell_me_when_it_is_ready(journey: Journey) -> None:
    answer = await journey.ask("/download shop 418")
    for _ in range(2):
        promise = await journey.press(answer, "Tell me when it is ready")
        assert "directly, once" in promise.text_content
        assert promise.is_ephemeral
    await journey.check()
    assert direct_messages(journey) == []
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    for _ in range(3):
        await journey.check()
    (told,) = direct_messages(journey)
    assert "3.2.0 (418) for iOS is ready" in told.text_content
    assert opened(await journey.press(told, "Download"))


async def test_who_may_not_have_it_any_more_is_told_nothing(journey: Journey) -> None:
    await journey.press(await journey.ask("/download shop 418"), "Tell me when it is ready")
    journey.world.town.ada.is_restricted = True
    journey.clock.advance(minutes=11)
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    await journey.check()
    assert direct_messages(journey) == []
    journey.world.town.ada.is_restricted = False
    journey.clock.advance(minutes=11)
    await journey.check()
    assert direct_messages(journey) == []


async def test_who_need_not_wait_gets_the_link(journey: Journey) -> None:
    answer = await journey.ask("/download shop 418")
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    await journey.purser.sync.account("acme-apple")
    assert opened(await journey.press(answer, "Tell me when it is ready"))
    lines = await journey.purser.store.read(lambda r: r.grants.find(GrantFilter()))
    assert [line.grant.given for line in lines] == [True]


async def test_a_direct_message_that_slack_lost_sight_of_is_not_sent_twice(journey: Journey) -> None:
    await journey.press(await journey.ask("/download shop 418"), "Tell me when it is ready")
    journey.world.apple.finish_processing(journey.world.in_apple.processing)
    await journey.check()
    delivery, now = direct_messages(journey)[0].metadata, journey.clock()
    assert delivery
    found = await journey.purser.alerts._messenger.find(
        journey.world.town.ada.id, delivery["event_payload"]["delivery"], now.replace(year=2020), now
    )
    assert found == direct_messages(journey)[0].ts


async def test_send_to_my_phone_once(journey: Journey) -> None:
    ticket = await journey.ask("/download shop applivery")
    said = await journey.press(ticket, "Send to my phone")
    assert "in your direct messages from me now" in said.text_content
    (card,) = direct_messages(journey)
    assert opened(card) == opened(ticket)
    assert "already" in (await journey.press(ticket, "Send to my phone")).text_content
    assert len(direct_messages(journey)) == 1
    assert opened(await journey.press(card, "Download")) != opened(ticket)


async def test_a_slack_that_refuses_the_message_can_be_asked_again(journey: Journey) -> None:
    ticket = await journey.ask("/download shop applivery")
    journey.world.slack.fail("chat.postMessage", "internal_error")
    assert "Try again" in (await journey.press(ticket, "Send to my phone")).text_content
    assert "now" in (await journey.press(ticket, "Send to my phone")).text_content
    assert len(direct_messages(journey)) == 1


async def test_nobody_sends_on_somebody_elses_link(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    ticket = await journey.ask("/download shop applivery")
    answer = await slack.press(town.ben, ticket, "Send to my phone")
    assert "not a download link" in answer.text_content
    assert slack.messages(slack.workspace.direct(town.ben)) == []


async def test_a_ticket_is_shared_without_its_link(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    ticket = await journey.ask("/download shop applivery")
    card = await journey.press(ticket, "Share here")
    assert not card.is_ephemeral
    assert not [button for button in card.buttons if button.url]
    assert "3.1.0 (1412)" in card.text_content
    theirs = await slack.press(town.ben, card, "Download")
    assert isinstance(theirs, Message)
    assert opened(theirs) != opened(ticket)
    assert theirs.to == town.ben.id


async def test_a_choice_is_shared(journey: Journey) -> None:
    choice = await journey.ask("/download shop")
    card = await journey.press(choice, "Share here")
    assert not card.is_ephemeral
    assert [button.label for button in card.buttons] == ["Download"] * 3
    assert opened(await journey.press(card, "Download", "Appcircle"))


async def test_a_revoked_link_opens_nothing(journey: Journey) -> None:
    url = opened(await journey.ask("/download shop applivery"))
    kept = opened(await journey.ask("/download courier ios"))
    listing = await journey.ask("/purser revoke")
    assert "2 links of yours" in listing.text_content
    left = await journey.press(listing, "Revoke", "3.1.0")
    assert left is listing
    assert "1 link of yours" in left.text_content
    async with httpx.AsyncClient(verify=False) as browser:
        for path in ("", "/file", "/manifest.plist", "/qr.svg"):
            answer = await browser.get(url + path)
            assert answer.status_code == 410
            assert "Shop" not in answer.text
        assert (await browser.get(kept)).status_code == 200
        assert "1 link" in (await journey.ask("/purser revoke courier")).text_content
        assert (await browser.get(kept)).status_code == 410


async def test_an_owner_takes_back_everybodys(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    urls = [opened(await journey.ask("/download shop applivery"))]
    urls.append(opened(await slack.command(town.ben, town.mobile, "/download shop appcircle")))
    assert "own links" in (await slack.command(town.ben, town.mobile, "/purser revoke @ada")).text_content
    assert "1 link" in (await slack.command(town.grace, town.mobile, "/purser revoke @ada")).text_content
    async with httpx.AsyncClient(verify=False) as browser:
        assert [(await browser.get(url)).status_code for url in urls] == [410, 200]
        await slack.command(town.grace, town.mobile, "/purser revoke all")
        assert [(await browser.get(url)).status_code for url in urls] == [410, 410]


async def test_the_log_is_for_owners(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    for _ in range(17):
        await journey.ask("/download shop applivery")
    await journey.ask("/download courier ios")
    assert "owners" in (await journey.ask("/purser audit shop")).text_content
    page = await slack.command(town.grace, town.mobile, "/purser audit shop")
    assert page.is_ephemeral
    assert "1 to 15 of 17" in page.text_content
    assert "Courier" not in page.text_content
    await journey.ask("/download shop applivery")
    older = await slack.press(town.grace, page, "Older")
    assert "17 to 18 of 18" in older.text_content, "what came meanwhile repeats no row"
    assert "2 to 16 of 18" in (await slack.press(town.grace, older, "Newer")).text_content
    assert "1 to 15 of 19" in (await slack.command(town.grace, town.mobile, "/purser audit")).text_content
