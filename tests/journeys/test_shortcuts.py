"""Shortcuts in Slack's menus: Get a build, and Find builds mentioned."""

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Channel, Message, User, View
from bot.views.ids import Shortcut

from .conftest import Journey, asking
from .terminal import until
from .test_downloading import opened
from .test_home import pressed, restricted
from .test_subscribing import filled_in

__all__ = ["restricted"]


async def called(journey: Journey, callback: str = Shortcut.GET_A_BUILD, message: Message | None = None) -> View:
    view = await journey.world.slack.shortcut(journey.world.town.ada, callback, message)
    assert isinstance(view, View)
    return view


async def picked(journey: Journey, picker: View, product: str) -> View:
    """What choosing a product in the menu brings."""
    slack, ada = journey.world.slack, journey.world.town.ada
    (menu,) = picker.menus
    offered = dict(await slack.suggest(ada, picker, menu.action_id, product[:3].lower()))
    answer = await slack.choose(ada, picker, menu.action_id, offered[product])
    assert isinstance(answer, View)
    return answer


def written(journey: Journey, text: str, channel: Channel | None = None, by: User | None = None) -> Message:
    """Somebody's message in a channel."""
    town, workspace = journey.world.town, journey.world.slack.workspace
    return workspace.post(Message((channel or town.mobile).id, workspace.next_ts(), (by or town.ben).id, text))


async def found(journey: Journey, text: str) -> View:
    return await called(journey, Shortcut.FIND_BUILDS, written(journey, text))


@asking
async def test_from_the_menu_to_the_link(asked: Journey) -> None:
    picker = await called(asked)
    builds = await picked(asked, picker, "Shop")
    assert builds.below_id == picker.id
    ticket = await pressed(asked, builds, "Download", "Applivery")
    assert opened(ticket)
    assert ticket.below_id == builds.id
    another = await picked(asked, picker, "Courier")
    assert "1.8.1 (206)" in another.text_content


@asking
async def test_on_a_full_stack_the_answer_takes_the_windows_place(asked: Journey) -> None:
    builds = await picked(asked, await called(asked), "Shop")
    ticket = await pressed(asked, builds, "Download", "Applivery")
    sent = await pressed(asked, ticket, "Send to my phone")
    assert sent.id == ticket.id
    assert "direct messages" in sent.text_content


async def test_a_link_from_a_shortcut_is_in_the_log_without_a_channel(journey: Journey) -> None:
    builds = await picked(journey, await called(journey), "Shop")
    await pressed(journey, builds, "Download", "Applivery")
    log = await journey.world.slack.command(journey.world.town.grace, journey.world.town.mobile, "/purser audit")
    assert "@ada in a modal · Shop" in log.text_content.replace(f"@{journey.world.town.ada.id}", "@ada")


async def test_what_is_stale_changes_in_the_window(journey: Journey) -> None:
    journey.clock.advance(hours=3)
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    builds = await picked(journey, await called(journey), "Shop")
    await until(lambda: "3.2.0 (1500)" in builds.text_content)


@asking
async def test_a_guest_gets_no_menu(asked: Journey) -> None:
    slack, town = asked.world.slack, asked.world.town
    for callback, message in ((Shortcut.GET_A_BUILD, None), (Shortcut.FIND_BUILDS, written(asked, "Shop 3.1.0"))):
        view = await slack.shortcut(town.gus, callback, message)
        assert "Guests" in view.text_content
        assert not view.buttons
        assert not view.menus


async def test_a_trigger_that_is_too_old_leaves_the_list_in_a_direct_message(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    slack.fail("views.open", "expired_trigger_id")
    answer = await slack.shortcut(ada, Shortcut.GET_A_BUILD)
    assert isinstance(answer, Message)
    assert answer.channel == slack.workspace.direct(ada).id
    (menu,) = answer.menus
    assert "Shop" in [label for label, _ in menu.options]


async def test_a_window_that_cannot_be_stacked_leaves_the_link_in_a_direct_message(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    builds = await picked(journey, await called(journey), "Shop")
    slack.fail("views.push", "push_limit_reached")
    answer = await slack.press(ada, builds, "Download", "Applivery")
    assert isinstance(answer, Message)
    assert opened(answer)


async def test_when_slack_takes_nothing_the_log_says_so_and_the_bot_goes_on(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    for method in ("views.open", "chat.postMessage"):
        slack.api.faults.break_down(method, status=503)
    message = written(journey, "Shop 3.1.0")
    slack.workspace.direct(ada)
    await slack.line.send("interactive", {**shortcut_payload(journey), "trigger_id": "x"})
    await until(lambda: not slack.api.faults.waits("chat.postMessage"))
    assert "3.1.0" in (await called(journey, Shortcut.FIND_BUILDS, message)).text_content


def shortcut_payload(journey: Journey) -> dict[str, object]:
    ada = journey.world.town.ada
    return {"type": "shortcut", "callback_id": Shortcut.GET_A_BUILD, "user": {"id": ada.id, "team_id": ada.team}}


@asking
async def test_an_unknown_shortcut_is_answered_in_words(asked: Journey) -> None:
    assert "do not know this shortcut" in (await called(asked, "somebody-elses")).text_content


@asking
async def test_builds_that_a_message_mentions(asked: Journey) -> None:
    view = await found(asked, "Shop 3.1.0 on Android crashes at the checkout, see <https://acme.test/4711>")
    lines = view.text_content.splitlines()
    assert lines[0] == "Shop Android 3.1.0"
    assert len([line for line in lines if "3.1.0 (1412)" in line]) == 2
    assert "iOS" not in view.text_content
    ticket = await pressed(asked, view, "Download", "Applivery")
    assert opened(ticket)


@asking
async def test_a_message_about_nothing_of_ours(asked: Journey) -> None:
    view = await found(asked, "Lunch at 12.30? The shop at the corner, I bring 3 people <@U0BEN>")
    assert "I found no product" in view.text_content
    assert not view.buttons


@asking
async def test_a_version_that_nobody_built(asked: Journey) -> None:
    view = await found(asked, "When does Shop 9.9.9 come?")
    assert "Shop · nothing matches 9.9.9; the newest are" in view.text_content
    assert "3.1.0 (412)" in view.text_content


@asking
async def test_another_apps_message_says_it_in_its_attachments(asked: Journey) -> None:
    slack, town = asked.world.slack, asked.world.town
    interaction = slack.interactions.begin(town.ada.id, town.mobile.id)
    body = {
        **shortcut_payload(asked),
        "type": "message_action",
        "callback_id": Shortcut.FIND_BUILDS,
        "trigger_id": f"trigger.{interaction.id}",
        "channel": {"id": town.mobile.id, "name": "mobile"},
        "message": {"type": "message", "text": "", "attachments": [{"title": "Released", "fallback": "Courier 1.8.1 (206)"}]},
    }
    since = slack.mark
    await slack.line.send("interactive", body)
    shown = (await slack.workspace.watch(lambda happening: isinstance(happening.thing, View), 5, since)).thing
    assert "Courier (206)" in shown.text_content.replace("1.8.1 (206)", "(206)")


async def test_a_restricted_product_is_found_where_it_may_be_asked_for(restricted: Journey) -> None:
    town = restricted.world.town
    elsewhere = await found(restricted, "Shop 3.1.0 is out")
    assert "not shown in this channel" in elsewhere.text_content
    there = await called(restricted, Shortcut.FIND_BUILDS, written(restricted, "Shop 3.1.0 is out", town.releases))
    assert "3.1.0 (1412)" in there.text_content
    assert opened(await pressed(restricted, there, "Download", "Applivery"))
    picker = await called(restricted)
    assert "Shop" not in dict(await restricted.world.slack.suggest(town.ada, picker, picker.menus[0].action_id, ""))


async def test_a_message_shortcut_without_a_window_answers_beside_the_message(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    slack.fail("views.open", "expired_trigger_id")
    answer = await slack.shortcut(ada, Shortcut.FIND_BUILDS, written(journey, "Shop 3.1.0"))
    assert isinstance(answer, Message)
    assert answer.to == ada.id
    assert opened(await journey.press(answer, "Download", "Applivery"))


async def test_a_blocked_download_in_a_window(journey: Journey) -> None:
    builds = await picked(journey, await called(journey), "Shop")
    journey.world.applivery.misbehave("/", Misbehaviour.HTML_502)
    blocked = await pressed(journey, builds, "Download", "Applivery")
    await until(lambda: "Try again" in [button.label for button in blocked.buttons])
    journey.world.applivery.behave()
    again = await pressed(journey, blocked, "Try again")
    assert again.id == blocked.id
    assert opened(again)


async def test_a_form_of_a_direct_message_is_still_a_form(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    view = await slack.press(ada, await slack.dm(ada, "subscriptions"), "Subscribe")
    assert isinstance(view, View)
    answer = await slack.submit(ada, view, filled_in("versions Shop"))
    assert "now hears about" in answer["view"]["blocks"][0]["text"]["text"]
