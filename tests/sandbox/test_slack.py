"""The pretend Slack, proved with a small real Bolt app: if Bolt understands it, and is refused as by Slack, it is good enough."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond, AsyncSay
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.server import LoopbackServer
from bot.sandbox.slack import Channel, ChannelKind, Message, NothingSeen, PretendSlack, Undelivered, User, View
from bot.sandbox.slack.terminal import Screen

Blocks = list[dict[str, Any]]


class Scene:
    """A workspace with a person in a channel, and a client with the bot's token."""

    def __init__(self, slack: PretendSlack) -> None:
        self.slack = slack
        self.ada: User = slack.workspace.add_user("ada")
        self.ben: User = slack.workspace.add_user("ben")
        self.mobile: Channel = slack.workspace.add_channel("mobile", self.ada, self.ben)
        self.client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)

    async def refusal(self, call: Awaitable[Any]) -> str:
        """The error code of a call that must fail."""
        with pytest.raises(SlackApiError) as caught:
            await call
        return str(caught.value.response["error"])


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with PretendSlack() as slack:
        yield Scene(slack)


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action_id, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


CARD = [
    section("*Shop 3.2.0* for <https://acme.test|Android> &amp; `iOS`", accessory=button("Download", "download", value="b1")),
    actions(
        button("Replace", "replace"),
        button("Open", "open", url="https://acme.test/d/1"),
        {"type": "external_select", "action_id": "product", "placeholder": {"type": "plain_text", "text": "Product"}},
        {"type": "overflow", "action_id": "more", "options": [{"text": {"type": "plain_text", "text": "Hide"}, "value": "hide"}]},
    ),
]


async def echo(ack: AsyncAck, command: dict[str, str]) -> None:
    await ack(text=f"{command['user_name']} said {command['text']}", blocks=CARD)


async def later(ack: AsyncAck, respond: AsyncRespond) -> None:
    await ack()
    await respond(text="here it is", response_type="in_channel")


async def bad(ack: AsyncAck) -> None:
    await ack(text="bad", blocks=[section("x" * 3001)])


async def download(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any]) -> None:
    await ack()
    await respond(text=f"link for {action['value']}", response_type="ephemeral", replace_original=False)


async def replace(ack: AsyncAck, respond: AsyncRespond) -> None:
    await ack()
    await respond(text="replaced", replace_original=True)


async def opened(ack: AsyncAck) -> None:
    await ack()


async def more(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any]) -> None:
    await ack()
    await respond(text="gone", delete_original=action["selected_option"]["value"] == "hide")


async def product(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    title = {"type": "plain_text", "text": body["actions"][0]["selected_option"]["value"]}
    await client.views_open(trigger_id=body["trigger_id"], view={"type": "modal", "title": title, "blocks": CARD[:1]})


async def suggest(ack: AsyncAck, payload: dict[str, Any]) -> None:
    await ack(options=[{"text": {"type": "plain_text", "text": payload["value"].title()}, "value": "p1"}])


async def mentioned(event: dict[str, Any], say: AsyncSay) -> None:
    await say(f"<@{event['user']}> wrote {event['text'].partition(' ')[2]}")


async def direct(event: dict[str, Any], say: AsyncSay) -> None:
    await say(f"you wrote {event['text']}")


async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
    await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": CARD})


async def get_build(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    title = {"type": "plain_text", "text": "Get a build"}
    await client.views_open(
        trigger_id=body["trigger_id"], view={"type": "modal", "callback_id": "form", "title": title, "blocks": []}
    )


async def find_builds(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
    await ack()
    await respond(f"found in {body['message']['text']}")


async def submitted(ack: AsyncAck, view: dict[str, Any]) -> None:
    await ack(response_action="errors", errors={"product": view["state"]["values"]["product"]["name"]["value"]})


def build_bot(client: AsyncWebClient, secret: str) -> AsyncApp:
    app = AsyncApp(client=client, signing_secret=secret, process_before_response=True)
    for command, listener in {"/echo": echo, "/later": later, "/bad": bad}.items():
        app.command(command)(listener)
    for action, listener in {"download": download, "replace": replace, "open": opened, "more": more, "product": product}.items():
        app.action(action)(listener)
    for event, listener in {"app_mention": mentioned, "message": direct, "app_home_opened": home}.items():
        app.event(event)(listener)
    app.options("product")(suggest)
    app.shortcut("get_build")(get_build)
    app.shortcut("find_builds")(find_builds)
    app.view("form")(submitted)
    return app


@asynccontextmanager
async def over_http(scene: Scene) -> AsyncIterator[None]:
    handler = AsyncSlackRequestHandler(build_bot(scene.client, scene.slack.signing_secret))

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    async with LoopbackServer(Starlette(routes=[Route("/slack/events", events, methods=["POST"])])) as server:
        scene.slack.bot_url = f"{server.url}/slack/events"
        yield


@asynccontextmanager
async def over_socket(scene: Scene) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(build_bot(scene.client, scene.slack.signing_secret), scene.slack.app_token)
    await handler.connect_async()
    await asyncio.wait_for(scene.slack.sockets.connected.wait(), 5)
    try:
        yield
    finally:
        await handler.close_async()


@pytest.fixture(params=[over_http, over_socket], ids=["http", "socket"])
async def bot(request: pytest.FixtureRequest, scene: Scene) -> AsyncIterator[Scene]:
    start: Callable[[Scene], AbstractAsyncContextManager[None]] = request.param
    async with start(scene):
        yield scene
        assert scene.slack.violations == []


@pytest.fixture
async def http_bot(scene: Scene) -> AsyncIterator[Scene]:
    async with over_http(scene):
        yield scene


async def test_command_is_answered_in_the_acknowledgement(bot: Scene) -> None:
    answer = await bot.slack.command(bot.ada, bot.mobile, "/echo versions shop")
    assert answer.is_ephemeral
    assert answer.to == bot.ada.id
    assert answer.text == "ada said versions shop"
    assert answer.text_content == "Shop 3.2.0 for Android & iOS"
    assert [b.label for b in answer.buttons] == ["Download", "Replace", "Open"]
    assert bot.slack.messages(bot.mobile, bot.ben) == []


async def test_command_is_answered_through_its_response_url(bot: Scene) -> None:
    answer = await bot.slack.command(bot.ada, bot.mobile, "/later")
    assert answer.text_content == "here it is"
    assert not answer.is_ephemeral
    assert bot.slack.messages(bot.mobile) == [answer]


async def test_pressing_a_button_of_an_ephemeral_message(bot: Scene) -> None:
    card = await bot.slack.command(bot.ada, bot.mobile, "/echo")
    answer = await bot.slack.press(bot.ada, card, "Download", near="shop")
    assert answer.text_content == "link for b1"
    assert answer is not card
    assert await bot.slack.press(bot.ada, card, "Replace") is card
    assert card.text_content == "replaced"
    assert card.edits[0][0] == "ada said "


async def test_a_link_button_only_tells_the_bot(bot: Scene) -> None:
    card = await bot.slack.command(bot.ada, bot.mobile, "/echo")
    assert await bot.slack.press(bot.ada, card, "Open") is card
    assert card.button("Open").url == "https://acme.test/d/1"


async def test_menus_offer_and_choose(bot: Scene) -> None:
    card = await bot.slack.command(bot.ada, bot.mobile, "/echo")
    assert await bot.slack.suggest(bot.ada, card, "product", "shop") == [("Shop", "p1")]
    modal = await bot.slack.choose(bot.ada, card, "product", "p1")
    assert isinstance(modal, View)
    assert modal.title == "p1"
    assert modal.user == bot.ada.id
    gone = await bot.slack.choose(bot.ada, card, "more", "hide")
    assert gone is card
    assert card.deleted
    assert bot.slack.messages(bot.mobile, bot.ada) == []


async def test_mention_and_direct_message(bot: Scene) -> None:
    answer = await bot.slack.mention(bot.ada, bot.mobile, "versions shop")
    assert answer.text == f"<@{bot.ada.id}> wrote versions shop"
    assert (await bot.slack.dm(bot.ada, "hello")).text == "you wrote hello"
    direct = bot.slack.workspace.direct(bot.ada)
    await bot.slack.dm(bot.ada, "again")
    assert [message.text for message in direct.messages] == ["hello", "you wrote hello", "again", "you wrote again"]


async def test_home_tab_is_published(bot: Scene) -> None:
    home = await bot.slack.open_home(bot.ada)
    assert "Shop 3.2.0" in home.text_content
    assert home.button("Download").value == "b1"


async def test_shortcuts_and_modals(bot: Scene) -> None:
    modal = await bot.slack.shortcut(bot.ada, "get_build")
    assert isinstance(modal, View)
    answer = await bot.slack.submit(bot.ada, modal, {"product": {"name": {"type": "plain_text_input", "value": "Shopp"}}})
    assert answer == {"response_action": "errors", "errors": {"product": "Shopp"}}
    note = bot.slack.workspace.post(Message(bot.mobile.id, bot.slack.workspace.next_ts(), bot.ben.id, "see 3.2.0"))
    assert (await bot.slack.shortcut(bot.ada, "find_builds", note)).text_content == "found in see 3.2.0"


async def test_socket_is_renewed_when_slack_asks(scene: Scene) -> None:
    async with over_socket(scene):
        await scene.slack.sockets.disconnect()
        await asyncio.wait_for(scene.slack.sockets.connected.wait(), 10)
        assert (await scene.slack.command(scene.ada, scene.mobile, "/echo hi")).text == "ada said hi"


async def test_bot_token_opens_no_socket(scene: Scene) -> None:
    assert await scene.refusal(scene.client.apps_connections_open(app_token=scene.slack.bot_token)) == "not_allowed_token_type"


async def test_forged_and_old_signatures_are_refused_by_bolt(http_bot: Scene) -> None:
    line = http_bot.slack.line
    assert (await line.post("command=%2Fecho", headers={"X-Slack-Signature": "v0=forged"})).status_code == 401
    assert (await line.post("command=%2Fecho", headers={"X-Slack-Request-Timestamp": "1700000000"})).status_code == 401
    line.signing_secret = "another"
    with pytest.raises(Undelivered, match="401"):
        await http_bot.slack.command(http_bot.ada, http_bot.mobile, "/echo")


async def test_an_acknowledgement_that_slack_would_refuse_is_a_violation(http_bot: Scene) -> None:
    with pytest.raises(Exception, match="invalid_blocks"):
        await http_bot.slack.command(http_bot.ada, http_bot.mobile, "/bad")
    assert "must be less than 3001 characters [json-pointer:/blocks/0/text]" in http_bot.slack.violations[0]


async def test_an_unknown_command_is_undelivered(http_bot: Scene) -> None:
    with pytest.raises(Undelivered, match="404"):
        await http_bot.slack.command(http_bot.ada, http_bot.mobile, "/nobody")


async def test_a_bot_that_is_not_there(scene: Scene) -> None:
    scene.slack.bot_url = "http://127.0.0.1:9/slack/events"
    with pytest.raises(Undelivered, match="no connection"):
        await scene.slack.command(scene.ada, scene.mobile, "/echo")


async def test_waiting_in_vain_says_what_was_seen(scene: Scene) -> None:
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="something else")
    with pytest.raises(NothingSeen, match="something else"):
        await scene.slack.wait_for(lambda message: message.text == "expected", timeout=0.05)


# --- Web API ---


async def test_post_update_delete(scene: Scene) -> None:
    posted = await scene.client.chat_postMessage(channel=scene.mobile.id, text="one", blocks=[section("*one*")])
    message = scene.mobile.messages[0]
    assert message.text_content == "one"
    await scene.client.chat_update(channel=scene.mobile.id, ts=posted["ts"], text="two")
    assert (message.text, message.blocks) == ("two", [])
    await scene.client.chat_delete(channel=scene.mobile.id, ts=posted["ts"])
    assert scene.mobile.messages == []
    update = scene.client.chat_update(channel=scene.mobile.id, ts=posted["ts"], text="three")
    assert await scene.refusal(update) == "message_not_found"


async def test_only_own_messages_can_be_changed(scene: Scene) -> None:
    note = scene.slack.workspace.post(Message(scene.mobile.id, scene.slack.workspace.next_ts(), scene.ada.id, "mine"))
    update = scene.client.chat_update(channel=scene.mobile.id, ts=note.ts, text="yours")
    assert await scene.refusal(update) == "cant_update_message"


async def test_where_the_bot_may_post(scene: Scene) -> None:
    add = scene.slack.workspace.add_channel
    places = {
        "not_in_channel": add("outside", scene.ada, with_bot=False),
        "channel_not_found": add("secret", scene.ada, with_bot=False, kind=ChannelKind.PRIVATE),
        "is_archived": add("old", scene.ada, is_archived=True),
    }
    for error, channel in places.items():
        assert await scene.refusal(scene.client.chat_postMessage(channel=channel.id, text="hi")) == error
    assert await scene.refusal(scene.client.chat_postMessage(channel="C0NOWHERE", text="hi")) == "channel_not_found"
    empty = scene.client.api_call("chat.postMessage", json={"channel": scene.mobile.id})
    assert await scene.refusal(empty) == "no_text"
    assert await scene.refusal(scene.client.chat_postMessage(channel=scene.mobile.id, text="x" * 40_001)) == "msg_too_long"


async def test_ephemeral_messages_need_both_in_the_channel(scene: Scene) -> None:
    carl = scene.slack.workspace.add_user("carl")
    await scene.client.chat_postEphemeral(channel=scene.mobile.id, user=scene.ada.id, text="psst")
    assert [message.text for message in scene.slack.messages(scene.mobile, scene.ada)] == ["psst"]
    refused = scene.client.chat_postEphemeral(channel=scene.mobile.id, user=carl.id, text="psst")
    assert await scene.refusal(refused) == "user_not_in_channel"


async def test_history_with_metadata_pages_and_bounds(scene: Scene) -> None:
    for number in range(5):
        metadata = {"event_type": "purser_delivery", "event_payload": {"id": str(number)}}
        await scene.client.chat_postMessage(channel=scene.mobile.id, text=f"m{number}", metadata=metadata)
    await scene.client.chat_postEphemeral(channel=scene.mobile.id, user=scene.ada.id, text="unseen")
    parent = scene.mobile.messages[1].ts
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="reply", thread_ts=parent)
    first = await scene.client.conversations_history(channel=scene.mobile.id, limit=2, oldest=parent, include_all_metadata=True)
    assert [message["metadata"]["event_payload"]["id"] for message in first["messages"]] == ["4", "3"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = await scene.client.conversations_history(channel=scene.mobile.id, limit=2, oldest=parent, cursor=cursor)
    assert [message["text"] for message in rest["messages"]] == ["m2"]
    assert not rest["has_more"]
    assert "metadata" not in rest["messages"][0]


async def test_history_is_for_members_with_the_scope_of_the_kind(scene: Scene) -> None:
    outside = scene.slack.workspace.add_channel("outside", with_bot=False)
    assert await scene.refusal(scene.client.conversations_history(channel=outside.id)) == "not_in_channel"
    scene.slack.api.scopes.discard("channels:history")
    assert await scene.refusal(scene.client.conversations_history(channel=scene.mobile.id)) == "missing_scope"


async def test_people_and_conversations(scene: Scene) -> None:
    guest = scene.slack.workspace.add_user("gus", is_restricted=True)
    foreign = scene.slack.workspace.add_user("eve", team="T0OTHER")
    assert (await scene.client.users_info(user=guest.id))["user"]["is_restricted"]
    assert (await scene.client.users_info(user=foreign.id))["user"]["team_id"] == "T0OTHER"
    assert await scene.refusal(scene.client.users_info(user="U0NOBODY")) == "user_not_found"
    assert (await scene.client.conversations_info(channel=scene.mobile.id))["channel"]["is_member"]
    opened = await scene.client.conversations_open(users=scene.ada.id)
    await scene.client.chat_postMessage(channel=opened["channel"]["id"], text="hello")
    await scene.client.chat_postMessage(channel=scene.ada.id, text="again")
    assert [message.text for message in scene.slack.workspace.direct(scene.ada).messages] == ["hello", "again"]


async def test_tokens_and_scopes(scene: Scene) -> None:
    answer = await scene.client.auth_test()
    assert answer["user_id"] == scene.slack.workspace.bot.id
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    stranger = AsyncWebClient("xoxb-other", base_url=scene.slack.api_url)
    assert await scene.refusal(stranger.auth_test()) == "invalid_auth"
    assert await scene.refusal(AsyncWebClient(base_url=scene.slack.api_url).auth_test()) == "not_authed"
    scene.slack.api.scopes.discard("chat:write")
    with pytest.raises(SlackApiError) as caught:
        await scene.client.chat_postMessage(channel=scene.mobile.id, text="hi")
    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "chat:write")
    scene.slack.api.revoked = True
    assert await scene.refusal(scene.client.auth_test()) == "token_revoked"


async def test_misbehaviour_on_demand(scene: Scene) -> None:
    scene.slack.rate_limit("chat.postMessage", times=1, retry_after=0)
    scene.client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="at last")
    assert len(scene.slack.calls("chat.postMessage")) == 1
    scene.slack.fail("chat.postMessage", "internal_error", times=2)
    for _ in range(2):
        assert await scene.refusal(scene.client.chat_postMessage(channel=scene.mobile.id, text="hi")) == "internal_error"
    scene.slack.api.faults.break_down("auth.test", status=503)
    with pytest.raises(SlackApiError, match="503"):
        await scene.client.auth_test()
    scene.slack.api.faults.hang("auth.test")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(scene.client.auth_test(), 0.05)
    await scene.client.auth_test()


@pytest.mark.parametrize(
    ("blocks", "mistake"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text]"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "must be less than 151 characters"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "[json-pointer:/blocks/0/text/type]"),
        ([section("x", accessory=button("x" * 76, "a"))], "[json-pointer:/blocks/0/accessory/text]"),
        ([actions(button("x", "a", value="v" * 2001))], "must be less than 2001 characters"),
        ([actions(button("x", "a", url="https://" + "u" * 3000))], "must be less than 3001 characters"),
        ([actions(button("x", "a" * 256))], "[json-pointer:/blocks/0/elements/0/action_id]"),
        (
            [actions(button("x", "a"), button("y", "a"))],
            "`action_id` a already exists [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (
            [actions(*(button("x", f"a{n}") for n in range(26)))],
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "no more than 10 items allowed"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}], "no more than 10 items allowed"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}], "must be less than 2001 characters"),
        (
            [section("x", block_id="b"), section("y", block_id="b")],
            "`block_id` b already exists [json-pointer:/blocks/1/block_id]",
        ),
        ([{"type": "section"}], "must have either text or fields"),
        ([section("")], "must be more than 0 characters"),
        ([section("x", colour="red")], "invalid additional property: colour"),
        ([{"type": "sektion"}], "unsupported type: sektion"),
    ],
)
async def test_block_limits(scene: Scene, blocks: Blocks, mistake: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        await scene.client.chat_postMessage(channel=scene.mobile.id, text="x", blocks=blocks)
    assert caught.value.response["error"] == "invalid_blocks"
    assert mistake in caught.value.response["errors"][0]
    assert scene.slack.violations == ["chat.postMessage: invalid_blocks"]


async def test_the_whole_message_has_a_limit_too(scene: Scene) -> None:
    posting = scene.client.chat_postMessage(channel=scene.mobile.id, text="x", blocks=[section("x" * 2700)] * 5)
    assert await scene.refusal(posting) == "msg_blocks_too_long"


async def test_options_have_limits(scene: Scene) -> None:
    option = {"text": {"type": "plain_text", "text": "x" * 76}, "value": "v"}
    menu = {"type": "static_select", "action_id": "a", "options": [option]}
    assert await scene.refusal(scene.client.chat_postMessage(channel=scene.mobile.id, blocks=[actions(menu)], text="x")) == (
        "invalid_blocks"
    )


# --- Triggers and response URLs ---


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_triggers_serve_once_and_briefly() -> None:
    watch = Watch()
    async with PretendSlack(watch) as slack:
        scene = Scene(slack)
        trigger = f"trigger.{slack.interactions.begin(scene.ada.id, None).id}"
        view = {"type": "modal", "title": {"type": "plain_text", "text": "Subscribe"}, "blocks": []}
        await scene.client.views_open(trigger_id=trigger, view=view)
        assert await scene.refusal(scene.client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
        late = f"trigger.{slack.interactions.begin(scene.ada.id, None).id}"
        watch.now += 3.1
        assert await scene.refusal(scene.client.views_open(trigger_id=late, view=view)) == "expired_trigger_id"


async def test_three_modals_make_a_full_stack(scene: Scene) -> None:
    interactions, views = scene.slack.interactions, scene.slack.workspace.views
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Builds"}, "blocks": []}

    def trigger(on: str | None = None) -> str:
        return f"trigger.{interactions.begin(scene.ada.id, None, view=views[on] if on else None).id}"

    first = (await scene.client.views_open(trigger_id=trigger(), view=view))["view"]
    assert (first["root_view_id"], first["previous_view_id"]) == (first["id"], None)
    assert await scene.refusal(scene.client.views_push(trigger_id=trigger(), view=view)) == "not_found"
    second = (await scene.client.views_push(trigger_id=trigger(first["id"]), view=view))["view"]
    third = (await scene.client.views_push(trigger_id=trigger(second["id"]), view=view))["view"]
    assert (third["root_view_id"], third["previous_view_id"]) == (first["id"], second["id"])
    assert await scene.refusal(scene.client.views_push(trigger_id=trigger(third["id"]), view=view)) == "push_limit_reached"
    assert await scene.refusal(scene.client.views_update(view_id=third["id"], hash="old", view=view)) == "hash_conflict"


@pytest.mark.parametrize(
    "view",
    [
        {"type": "home", "blocks": [], "title": {"type": "plain_text", "text": "Home"}},
        {"type": "home", "blocks": [{"type": "divider"}] * 101},
        {
            "type": "modal",
            "title": {"type": "plain_text", "text": "Form"},
            "blocks": [
                {
                    "type": "input",
                    "label": {"type": "plain_text", "text": "Name"},
                    "element": {"type": "plain_text_input", "action_id": "name"},
                }
            ],
        },
    ],
    ids=["a home with a title", "a home of 101 blocks", "a form that cannot be sent"],
)
async def test_views_that_slack_refuses(scene: Scene, view: dict[str, Any]) -> None:
    if view["type"] == "home":
        asked = scene.client.views_publish(user_id=scene.ada.id, view=view)
    else:
        asked = scene.client.views_open(trigger_id=f"trigger.{scene.slack.interactions.begin(scene.ada.id, None).id}", view=view)
    assert await scene.refusal(asked) == "invalid_arguments"


async def test_response_urls_serve_five_times_and_half_an_hour() -> None:
    watch = Watch()
    async with PretendSlack(watch) as slack:
        scene = Scene(slack)
        respond = AsyncRespond(response_url=f"{slack.url}/response/{slack.interactions.begin(scene.ada.id, scene.mobile.id).id}")
        for number in range(5):
            assert (await respond(f"answer {number}")).status_code == 200
        assert (await respond("one too many")).body == "used_url"
        assert slack.violations == ["a response URL was used more than 5 times"]
        late = AsyncRespond(response_url=f"{slack.url}/response/{slack.interactions.begin(scene.ada.id, scene.mobile.id).id}")
        watch.now += 1801
        assert (await late("too late")).status_code == 404


async def test_a_command_has_no_original_to_replace(scene: Scene) -> None:
    interaction = scene.slack.interactions.begin(scene.ada.id, scene.mobile.id)
    respond = AsyncRespond(response_url=f"{scene.slack.url}/response/{interaction.id}")
    await respond("first")
    await respond("second", replace_original=True)
    assert [message.text for message in scene.slack.messages(scene.mobile, scene.ada)] == ["first", "second"]
    assert "of a command cannot replace" in scene.slack.violations[0]


# --- Reading ---


async def test_pings_are_found_raw_and_escaped_text_is_harmless(scene: Scene) -> None:
    hostile = "&lt;!channel&gt; &amp; *bold*"
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="notes", blocks=[section(hostile)])
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="notes", blocks=[section("<!channel> hi <@U0ADA>")])
    harmless, loud = scene.mobile.messages
    assert harmless.pings == []
    assert harmless.text_content == "<!channel> & bold"
    assert loud.pings == ["<!channel>", "<@U0ADA>"]
    assert loud.text_content == "@channel hi @U0ADA"


async def test_a_message_on_the_terminal(scene: Scene) -> None:
    screen = Screen(scene.slack.workspace)
    await scene.client.chat_postMessage(channel=scene.mobile.id, text="card", blocks=CARD)
    card = scene.mobile.messages[0]
    assert screen.lines(card) == [
        "#mobile  purser",
        "  Shop 3.2.0 for Android & iOS   [1 Download]",
        "  [2 Replace]  [3 Open]  [Product …]  [… Hide]",
    ]
    assert screen.button(1) == (card, card.button("Download"))
    assert screen.button(4) is None
