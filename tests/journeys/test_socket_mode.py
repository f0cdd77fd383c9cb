"""Without a public address: everything over the WebSocket that the bot opens."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.manifest import scopes
from bot.sandbox.slack import Message, Undelivered, payloads
from bot.sandbox.world import World, free_port
from bot.views.ids import Shortcut
from handlers.messenger import web_client
from handlers.socket_mode import staying_connected

from .conftest import Journey, Watch, lived_in, started
from .terminal import until
from .test_downloading import opened

PATIENCE = 10


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(poll_seconds=3600, agreements_seconds=3600, socket_mode=True) as world:
        world.slack.api.scopes = {*scopes(), "connections:write"}
        world.slack.bot_url = None
        yield world
        assert world.slack.violations == []


@pytest.fixture
async def journey(world: World) -> AsyncIterator[Journey]:
    async with lived_in(world) as journey:
        await connected(world)
        yield journey


async def connected(world: World) -> None:
    await asyncio.wait_for(world.slack.sockets.connected.wait(), PATIENCE)


async def test_commands_buttons_and_menus(journey: Journey) -> None:
    answer = await journey.ask("/versions shpo android")
    corrected = await journey.press(answer, "Shop")
    assert "3.1.0 (1412)" in corrected.text_content
    ticket = await journey.press(corrected, "Download")
    assert [button.url for button in ticket.buttons if button.url]
    everything = await journey.ask("/versions")
    (menu,) = everything.menus
    courier = next(value for label, value in menu.options if label == "Courier")
    chosen = await journey.world.slack.choose(journey.world.town.ada, everything, menu.action_id, courier)
    assert "1.8.1 (206)" in chosen.text_content


async def test_mentions_and_direct_messages(journey: Journey) -> None:
    town, slack = journey.world.town, journey.world.slack
    assert "3.1.0 (1412)" in (await slack.mention(town.ada, town.mobile, "versions shop")).text_content
    assert "0.9.4 (77)" in (await slack.dm(town.ada, "versions scanner")).text_content


async def test_home_and_shortcuts(journey: Journey) -> None:
    town, slack = journey.world.town, journey.world.slack
    home = await slack.open_home(town.ada)
    builds = await slack.press(town.ada, home, "Builds", "Shop")
    ticket = await slack.press(town.ada, builds, "Download", "Applivery")
    assert opened(ticket)
    picker = await slack.shortcut(town.ada, Shortcut.GET_A_BUILD)
    ((_, courier),) = await slack.suggest(town.ada, picker, picker.menus[0].action_id, "courier")
    assert "1.8.1 (206)" in (await slack.choose(town.ada, picker, picker.menus[0].action_id, courier)).text_content
    said = slack.workspace.post(Message(town.mobile.id, slack.workspace.next_ts(), town.ben.id, "Shop 3.1.0"))
    assert "3.1.0 (412)" in (await slack.shortcut(town.ada, Shortcut.FIND_BUILDS, said)).text_content


async def test_alerts_reach_the_channel(journey: Journey) -> None:
    await journey.ask("/purser subscribe shop")
    journey.world.applivery.upload(journey.world.in_applivery.shop, "3.2.0", "1500")
    await journey.check("acme-applivery")
    (card,) = journey.in_mobile()
    ticket = await journey.press(card, "Download")
    assert ticket.to == journey.world.town.ada.id


async def test_an_event_that_slack_sends_again_is_answered_once(journey: Journey) -> None:
    town, slack = journey.world.town, journey.world.slack
    said = slack.workspace.post(Message(town.mobile.id, slack.workspace.next_ts(), town.ada.id, "<@U0BOT> versions shop"))
    event = payloads.event(slack.workspace, payloads.said(slack.workspace, town.ada, town.mobile, said))
    for retry in (None, (1, "timeout"), (2, "timeout")):
        await slack.line.send("event", event, retry)
    await journey.ask("/purser whoami")
    assert len(slack.calls("chat.postEphemeral")) == 1


async def test_it_is_ready_while_the_socket_is_open(journey: Journey) -> None:
    async def ready() -> tuple[int, str]:
        answer = await client.get(f"{journey.world.public_url}/readyz")
        return answer.status_code, answer.json()["socket"]

    async with httpx.AsyncClient(verify=False) as client:
        assert await ready() == (200, "ok")
        journey.world.slack.api.faults.break_down("apps.connections.open", times=50)
        await journey.world.slack.sockets.disconnect()
        await until(lambda: journey.world.slack.api.faults.waits("apps.connections.open") < 50)
        assert await ready() == (503, "not_open")
        journey.world.slack.api.faults.clear()


async def test_there_is_no_door_for_http(journey: Journey) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.post(f"{journey.world.public_url}/slack/events", content=b"")).status_code == 404


async def test_when_slack_closes_the_connection_there_is_a_new_one(journey: Journey) -> None:
    for _ in range(2):
        await journey.world.slack.sockets.disconnect()
        await connected(journey.world)
        assert "You are" in (await journey.ask("/purser whoami")).text_content


async def test_a_slack_that_cannot_be_reached_at_the_start_is_waited_for(world: World) -> None:
    world.slack.api.faults.break_down("auth.test")
    world.slack.api.faults.break_down("apps.connections.open", status=503)
    world.slack.api.faults.fail("apps.connections.open", "internal_error")
    async with started(world, Watch()) as purser:
        journey = Journey(world, purser, Watch())
        with pytest.raises(Undelivered):
            await journey.ask("/purser whoami")
        await connected(world)
        assert "You are" in (await journey.ask("/purser whoami")).text_content


async def test_an_address_that_does_not_work_is_given_up_for_a_new_one(world: World) -> None:
    address = world.slack.api.socket_url
    world.slack.api.socket_url = f"ws://127.0.0.1:{free_port()}/link"
    client = SocketModeClient(world.slack.app_token, web_client=web_client(world.slack.bot_token, world.slack.api_url))
    async with staying_connected(client, pause=0.02, patience=0.2):
        await until(lambda: len(world.slack.calls("apps.connections.open")) > 1)
        world.slack.api.socket_url = address
        await connected(world)
