"""The Home tab: opened, pressed in, and withheld."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.domain.errors import StoreUnavailable
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import ChannelKind, Message, User, View
from bot.sandbox.slack.workspace import Happening
from bot.sandbox.world import World

from .conftest import Journey, Watch, asking, lived_in, started
from .terminal import until
from .test_downloading import opened
from .test_subscribing import filled_in


async def home_of(journey: Journey, user: User | None = None) -> View:
    return await journey.world.slack.open_home(user or journey.world.town.ada)


async def pressed(journey: Journey, view: View, label: str, near: str = "") -> View:
    """The window that a press brings."""
    answer = await journey.world.slack.press(journey.world.town.ada, view, label, near)
    assert isinstance(answer, View)
    return answer


async def the_next_home(journey: Journey, since: int) -> View:
    """As it is published again, without being opened."""

    def is_home(happening: Happening) -> bool:
        return isinstance(happening.thing, View) and happening.thing.kind == "home"

    found = (await journey.world.slack.workspace.watch(is_home, 5, since)).thing
    assert isinstance(found, View)
    return found


async def test_what_is_live_where(journey: Journey) -> None:
    home = await home_of(journey)
    lines = home.text_content.splitlines()
    shop = lines[lines.index("Shop") :]
    assert shop[1] == "iOS: App Store Connect · TestFlight 3.1.0 (412) approved (in beta testing)"
    assert shop[2].startswith("Android: ")
    assert "Appcircle · Enterprise store (Live) 3.1.0 (1412)" in shop[2]
    assert "Applivery · App Distribution 3.1.0 (1412)" in shop[2]
    for said in (
        "Courier",
        "Accounts",
        "acme-apple (App Store Connect) · checked",
        "You hear about nothing here yet",
        "None yet.",
    ):
        assert said in home.text_content
    assert " ago" not in home.text_content


async def test_builds_of_a_product_and_a_link_from_there(journey: Journey) -> None:
    slack = journey.world.slack
    home = await home_of(journey)
    builds = await pressed(journey, home, "Builds", "Shop")
    assert "3.1.0 (412)" in builds.text_content
    assert "Share here" not in [button.label for button in builds.buttons]
    since = slack.mark
    ticket = await pressed(journey, builds, "Download", "Applivery")
    assert ticket.below_id == builds.id
    assert opened(ticket)
    assert [button.label for button in ticket.buttons] == ["Open", "Send to my phone"]
    assert "Shop 3.1.0 (1412) Android" in (await the_next_home(journey, since)).text_content
    sent = await pressed(journey, ticket, "Send to my phone")
    assert "direct messages" in sent.text_content


async def test_a_recent_download_once_more(journey: Journey) -> None:
    await journey.ask("/download shop applivery")
    home = await home_of(journey)
    ticket = await pressed(journey, home, "Download", "Shop 3.1.0 (1412)")
    assert opened(ticket)
    assert (await home_of(journey)).text_content.count("Shop 3.1.0 (1412) Android") == 1


async def test_subscribing_from_home_shows_there(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    await journey.ask("/purser subscribe courier")
    home = await home_of(journey)
    assert "Courier · new builds · to #mobile" in home.text_content.replace("#C0MOBILE", "#mobile")
    form = await pressed(journey, home, "Subscribe")
    assert form.title == "Subscribe"
    (shop,) = [value for label, value in await slack.suggest(ada, form, "product_menu:0", "shop") if label == "Shop"]
    since = slack.mark
    answer = await slack.submit(ada, form, filled_in(shop))
    assert "now hears about" in answer["view"]["blocks"][0]["text"]["text"]
    assert "Shop · new builds · to you" in (await the_next_home(journey, since)).text_content
    assert "Shop" in (await slack.dm(ada, "subscriptions")).text_content
    assert "to you" not in (await home_of(journey, journey.world.town.ben)).text_content


async def test_a_conversation_of_two_others_is_no_home(journey: Journey) -> None:
    slack, town = journey.world.slack, journey.world.town
    theirs = slack.workspace.add_channel("theirs", town.ada, town.ben, id="D0THEIRS", kind=ChannelKind.DM, with_bot=False)
    form = await slack.press(town.ada, await slack.command(town.ada, theirs, "/purser subscriptions"), "Subscribe")
    assert isinstance(form, View)
    await slack.submit(town.ada, form, filled_in("versions Shop"))
    await until(lambda: slack.calls("conversations.open"))
    home = await home_of(journey)
    assert len(slack.calls("views.publish")) == 1
    assert "Shop · new builds · to a direct message" in home.text_content


@asking
async def test_get_a_build_from_home(asked: Journey) -> None:
    picker = await pressed(asked, await home_of(asked), "Get a build")
    assert picker.title == "Get a build"
    assert [menu.kind for menu in picker.menus] == ["external_select"]


@pytest.mark.parametrize("who", ["gus", "eve"])
@asking
async def test_who_may_see_nothing_is_told_why(asked: Journey, who: str) -> None:
    home = await home_of(asked, getattr(asked.world.town, who))
    assert "Guests" in home.text_content or "organisation" in home.text_content
    assert "Shop" not in home.text_content
    assert not home.buttons


async def test_a_guest_who_presses_what_was_there_before_is_told_why(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    home = await home_of(journey)
    ada.is_restricted = True
    journey.clock.advance(minutes=11)
    answer = await slack.press(ada, home, "Builds", "Shop")
    assert "Guests" in answer.text_content


@pytest.fixture
async def restricted(world: World) -> AsyncIterator[Journey]:
    """Shop is for the channel #releases."""
    file = world.folder / "purser.toml"
    file.write_text(f'{file.read_text()}allow_channels = ["{world.town.releases.id}"]\n')
    async with lived_in(world) as journey:
        yield journey


async def test_what_is_for_one_channel_is_not_shown_at_home_but_ones_own_download_is(restricted: Journey) -> None:
    slack, town = restricted.world.slack, restricted.world.town
    home = await home_of(restricted)
    assert "Courier" in home.text_content
    assert "Shop" not in home.text_content
    await slack.command(town.ada, town.releases, "/download shop applivery")
    home = await home_of(restricted)
    assert "Shop 3.1.0 (1412) Android" in home.text_content
    assert "Builds" not in [button.label for button in home.buttons if button.near.startswith("Shop")]
    assert opened(await pressed(restricted, home, "Download", "Shop 3.1.0 (1412)"))


async def test_a_download_from_an_account_that_was_taken_out_is_not_offered(world: World) -> None:
    file = world.folder / "purser.toml"
    async with lived_in(world) as journey:
        await journey.ask("/download shop applivery")
        assert "Shop 3.1.0 (1412) Android" in (await home_of(journey)).text_content
    before, _, rest = file.read_text().partition('[[accounts]]\nname = "acme-applivery"')
    file.write_text(re.sub(r', "acme-applivery:[^"]*"', "", before + rest[rest.index("[[") :]))
    async with started(world, journey.clock) as purser:
        assert "Shop 3.1.0 (1412) Android" not in (await home_of(Journey(world, purser, journey.clock))).text_content


async def test_without_products(world: World) -> None:
    for vendor in (world.apple, world.applivery, world.appcircle):
        vendor.misbehave("/", Misbehaviour.HTML_502)  # or the first reading may be over before the tab is drawn
    async with started(world, Watch()) as purser:
        home = await home_of(Journey(world, purser, Watch()))
        assert "No products yet" in home.text_content
        assert "acme-apple (App Store Connect)" in home.text_content


async def test_what_is_stale_is_read_again_behind_it(journey: Journey) -> None:
    slack = journey.world.slack
    journey.clock.advance(hours=3)
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    before = await home_of(journey)
    assert "3.2.0 (1500)" not in before.text_content
    assert "checking" not in before.text_content
    await until(lambda: "3.2.0 (1500)" in slack.workspace.homes[before.user].text_content)


async def test_the_other_tabs_and_repeated_events_publish_nothing(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    channel = slack.workspace.direct(ada).id
    await slack.event({"type": "app_home_opened", "user": ada.id, "channel": channel, "tab": "messages"})
    await home_of(journey)
    assert len(slack.calls("views.publish")) == 1


async def test_a_refused_home_is_published_when_it_is_opened_again(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    slack.fail("views.publish", "internal_error")
    await slack.event({"type": "app_home_opened", "user": ada.id, "channel": slack.workspace.direct(ada).id, "tab": "home"})
    await until(lambda: not slack.api.faults.waits("views.publish"))
    assert "What is live where" in (await home_of(journey)).text_content


async def test_without_the_database_home_says_so(journey: Journey) -> None:
    await journey.purser.store.aclose()
    (journey.world.folder / "purser.db").unlink()
    (journey.world.folder / "purser.db").mkdir()
    with pytest.raises(StoreUnavailable):
        await journey.purser.store.read(lambda r: r.catalogue.revision())
    assert "database does not answer" in (await home_of(journey)).text_content


async def test_a_window_that_slack_does_not_open_becomes_a_direct_message(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    home = await home_of(journey)
    slack.fail("views.open", "expired_trigger_id")
    answer = await slack.press(ada, home, "Builds", "Shop")
    assert isinstance(answer, Message)
    assert answer.channel == slack.workspace.direct(ada).id
    assert "3.1.0 (412)" in answer.text_content


async def test_a_slow_vendor_is_waited_for_in_a_window(journey: Journey) -> None:
    builds = await pressed(journey, await home_of(journey), "Builds", "Shop")
    journey.world.applivery.misbehave("/", Misbehaviour.HANG)
    waiting = await pressed(journey, builds, "Download", "Applivery")
    assert "One moment" in waiting.text_content
    await until(lambda: "Try again" in [button.label for button in waiting.buttons])
    journey.world.applivery.behave()
    assert opened(await pressed(journey, waiting, "Try again"))


async def test_a_window_that_was_closed_meanwhile_loses_no_answer(journey: Journey) -> None:
    slack, ada = journey.world.slack, journey.world.town.ada
    builds = await pressed(journey, await home_of(journey), "Builds", "Shop")
    journey.world.applivery.misbehave("/", Misbehaviour.HANG)
    waiting = await pressed(journey, builds, "Download", "Applivery")
    del slack.workspace.views[waiting.id]
    answer = await slack.wait_for(lambda message: message.channel == slack.workspace.direct(ada).id, timeout=10)
    assert "has not answered" in answer.text_content


@asking
async def test_two_homes_at_once(asked: Journey) -> None:
    town = asked.world.town
    ada, ben = await asyncio.gather(home_of(asked), home_of(asked, town.ben))
    assert (ada.user, ben.user) == (town.ada.id, town.ben.id)
