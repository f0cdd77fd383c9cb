"""A pretend Slack workspace: its Web API over HTTP, its people, and the requests that their actions send to the bot."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from bot.sandbox.server import LoopbackServer
from bot.sandbox.slack import payloads
from bot.sandbox.slack.blocks import suggestion_mistakes, view_mistakes
from bot.sandbox.slack.content import Button, visible
from bot.sandbox.slack.faults import SlackError
from bot.sandbox.slack.interactions import Interaction, Interactions
from bot.sandbox.slack.line import BotLine, Reply, Undelivered
from bot.sandbox.slack.methods import shown_view
from bot.sandbox.slack.sockets import SocketHub
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import Channel, ChannelKind, Happening, Message, User, View, What, Workspace

ANSWER_SECONDS = 5.0
_NO_COMMAND = (
    '{name} is not a valid command. In Slack, all messages that start with the "/" are interpreted as commands. '
    'If you are trying to send a message and not run a command, try preceding the "/" with an empty space.'
)


class PretendSlack:
    """`async with PretendSlack() as slack:` serves it on loopback; `slack.api_url` and the tokens are for the bot.

    Set `slack.bot_url` to the bot's `/slack/events` before people act; while the bot holds a Socket Mode connection,
    everything goes over that. What people do returns what they see as the answer. It raises NothingSeen when there is none,
    and Undelivered when the bot did not acknowledge.
    """

    bot_token = "xoxb-sandbox-bot"  # noqa: S105 - good for nothing but this
    app_token = "xapp-sandbox-app"  # noqa: S105
    signing_secret = "sandbox-signing-secret"  # noqa: S105

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.workspace = Workspace(clock)
        self.interactions = Interactions(self.workspace)
        self.sockets = SocketHub(self.workspace.app_id, self.workspace.next_id)
        self.line = BotLine(self.signing_secret, self.sockets, clock)
        self.api = WebApi(self.workspace, self.interactions, self.bot_token, self.app_token)
        self.app = Starlette(
            routes=[
                Route("/api/{method}", self.api.endpoint, methods=["GET", "POST"]),
                Route("/response/{interaction}", self.api.response_url, methods=["POST"]),
                WebSocketRoute("/link", self.sockets.endpoint),
            ]
        )
        self.commands: frozenset[str] | None = None  # the app's slash commands; None: whatever is typed
        self._server = LoopbackServer(self.app)
        self.url = self._server.url
        self.api.socket_url = self.url.replace("http", "ws", 1) + "/link"
        self._echoes: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "PretendSlack":
        await self._server.start()
        self._echoes = asyncio.create_task(self._echo())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._echoes is not None:
            self._echoes.cancel()
            await asyncio.gather(self._echoes, return_exceptions=True)
        self.api.faults.release()
        await self.line.aclose()
        await self._server.stop()

    # --- What the bot and the tests need to know ---

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def bot_url(self) -> str | None:
        """The bot's `/slack/events`."""
        return self.line.url

    @bot_url.setter
    def bot_url(self, url: str | None) -> None:
        self.line.url = url

    @property
    def violations(self) -> list[str]:
        """Everything in the bot's acknowledgements, responses and messages that Slack would have refused or ignored."""
        refused = [f"{call.method}: {call.error}" for call in self.api.calls if call.error in _CONTENT_ERRORS]
        return [*self.interactions.violations, *self.sockets.violations, *refused]

    @property
    def mark(self) -> int:
        """How many happenings there have been: pass it as `since` to wait only for what is yet to come."""
        return len(self.workspace.happenings)

    def rate_limit(self, method: str, times: int = 1, retry_after: int = 1) -> None:
        """See Faults, which `self.api.faults` offers in full."""
        self.api.faults.rate_limit(method, times, retry_after)

    def fail(self, method: str, error: str, times: int = 1) -> None:
        self.api.faults.fail(method, error, times)

    def calls(self, method: str) -> list[Mapping[str, Any]]:
        """The arguments of every call of this method so far, refused ones included."""
        return [call.arguments for call in self.api.calls if call.method == method]

    def messages(self, channel: Channel, user: User | None = None) -> list[Message]:
        """What stands in a conversation now; with a user, also the ephemeral messages meant for them."""
        return [message for message in channel.messages if message.to is None or (user is not None and message.to == user.id)]

    async def wait_for(
        self,
        wanted: Callable[[Message], bool],
        timeout: float = ANSWER_SECONDS,  # noqa: ASYNC109 - as asyncio.wait_for names it
        since: int = 0,
    ) -> Message:
        """The first posted or updated message that is wanted, from happening number `since` on; `timeout` in seconds."""

        def is_wanted(happening: Happening) -> bool:
            thing = happening.thing
            return happening.what is not What.DELETED and isinstance(thing, Message) and wanted(thing)

        thing = (await self.workspace.watch(is_wanted, timeout, since)).thing
        assert isinstance(thing, Message)  # noqa: S101 - for the type checker; is_wanted said so
        return thing

    # --- What people do ---

    async def command(self, user: User, channel: Channel, line: str) -> Message:
        """Types a slash command, such as "/versions shop". Raises SlackError for one that the app does not have."""
        name = line.partition(" ")[0]
        if self.commands is not None and name not in self.commands:
            raise SlackError(_NO_COMMAND.format(name=name))
        interaction = self.interactions.begin(user.id, channel.id)
        payload = payloads.command(self.workspace, user, channel, line)
        since = self.mark
        reply = await self._send("command", payload, interaction)
        if reply.body:
            body = reply.body if isinstance(reply.body, dict) else {"text": str(reply.body)}
            shown = self.interactions.answer(interaction, body)
            if shown is not None:
                return shown
        return await self._answer(interaction, since)

    async def press(self, user: User, source: Message | View, button: Button | str, near: str = "") -> Message | View:
        """Presses a button, found by label or action id (`near`: part of the text it belongs to).

        Returns what changed: a new message, the updated one, an opened view; a button that opens an address returns its source.
        """
        found = button if isinstance(button, Button) else source.button(button, near)
        return await self._act(user, source, payloads.pressed(found), is_link=found.url is not None)

    async def choose(self, user: User, source: Message | View, action_id: str, value: str) -> Message | View:
        """Picks a menu's entry by its value."""
        return await self._act(user, source, payloads.chosen(source.menu(action_id), value))

    async def suggest(self, user: User, source: Message | View, action_id: str, text: str) -> list[tuple[str, str]]:
        """Types into a typeahead menu; returns the (label, value) pairs that it offers."""
        payload = payloads.block_suggestion(self.workspace, user, source, source.menu(action_id), text)
        reply = await self.line.send("interactive", payload)
        self._note(suggestion_mistakes(reply.body), "suggestions")
        groups = reply.body.get("option_groups") or [{"options": reply.body.get("options") or []}]
        return [(visible(option["text"]), option["value"]) for group in groups for option in group["options"]]

    async def mention(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
        """Writes "@purser text" in a channel."""
        return await self._say(user, channel, f"<@{self.workspace.bot.id}> {text}", thread_ts)

    async def dm(self, user: User, text: str) -> Message:
        """Writes to the bot directly."""
        return await self._say(user, self.workspace.direct(user), text)

    async def open_home(self, user: User) -> View:
        """Opens the bot's Home tab."""
        since, channel = self.mark, self.workspace.direct(user)
        facts: dict[str, Any] = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": "home"}
        if standing := self.workspace.homes.get(user.id):
            facts["view"] = shown_view(self.workspace, standing)
        await self.event(facts)
        happening = await self.workspace.watch(lambda new: _is_home_of(new, user), ANSWER_SECONDS, since)
        assert isinstance(happening.thing, View)  # noqa: S101 - for the type checker
        return happening.thing

    async def submit(self, user: User, view: View, values: Mapping[str, Any]) -> Any:
        """Submits a modal; `values` as in `view.state.values`. Returns the acknowledgement's body (None: the modal closes)."""
        interaction = self.interactions.begin(user.id, None)
        reply = await self._send("interactive", payloads.view_submission(self.workspace, user, view, values), interaction)
        if isinstance(reply.body, dict) and reply.body.get("response_action") in ("update", "push"):
            self._note(view_mistakes(reply.body.get("view")), "a submission's view")
        return reply.body

    async def shortcut(self, user: User, callback_id: str, message: Message | None = None) -> Message | View:
        """Runs a global shortcut, or a message's."""
        interaction = self.interactions.begin(user.id, message.channel if message else None, message)
        since = self.mark
        await self._send("interactive", payloads.shortcut(self.workspace, user, callback_id, message), interaction)
        return await self._reaction(interaction, since)

    async def event(self, facts: Mapping[str, Any], retry: tuple[int, str] | None = None) -> Reply:
        """Sends any event; `retry`: number and reason of a repeated delivery ("http_timeout")."""
        channel = self.workspace.channels.get(str(facts.get("channel")))
        return await self.line.send("event", payloads.event(self.workspace, facts, bool(channel and channel.is_shared)), retry)

    # --- How answers are found ---

    async def _send(self, kind: str, payload: dict[str, Any], interaction: Interaction) -> Reply:
        return await self.line.send(kind, payloads.opened(self.workspace, payload, interaction, self.url))

    async def _act(self, user: User, source: Message | View, action: Mapping[str, Any], is_link: bool = False) -> Message | View:
        message = source if isinstance(source, Message) else None
        view = source if isinstance(source, View) else None
        interaction = self.interactions.begin(user.id, message.channel if message else None, message, view)
        since = self.mark
        reply = await self._send("interactive", payloads.block_actions(self.workspace, user, source, action), interaction)
        if reply.body:
            self._note(["Slack ignores the body of its acknowledgement"], "block_actions")
        return source if is_link else await self._reaction(interaction, since)

    async def _say(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> Message:
        message = self.workspace.post(Message(channel.id, self.workspace.next_ts(), user.id, text, thread_ts=thread_ts))
        interaction = Interaction("", user.id, channel.id, None, self.workspace.clock())
        since = self.mark
        await self.event(payloads.said(self.workspace, user, channel, message))
        return await self._answer(interaction, since)

    async def _answer(self, interaction: Interaction, since: int) -> Message:
        thing = await self._reaction(interaction, since)
        assert isinstance(thing, Message)  # noqa: S101 - for the type checker
        return thing

    async def _reaction(self, interaction: Interaction, since: int) -> Message | View:
        happening = await self.workspace.watch(lambda new: self._answers(new, interaction), ANSWER_SECONDS, since)
        return happening.thing

    def _answers(self, happening: Happening, interaction: Interaction) -> bool:
        """Whether a change is due to an interaction. Messages with metadata are announcements, which nobody asked for; a modal
        that changes answers what was pressed in it."""
        if happening.cause is not None:
            return happening.cause == interaction.id
        thing = happening.thing
        if isinstance(thing, View):
            return interaction.view is not None and thing.id == interaction.view.id and thing.kind != "home"
        if thing.user != self.workspace.bot.id or thing.metadata:
            return False
        here = thing.channel == interaction.channel and thing.to in (None, interaction.user)
        direct = self.workspace.channels[thing.channel]
        return here or (direct.kind is ChannelKind.DM and interaction.user in direct.members)

    def _note(self, mistakes: list[str], origin: str) -> None:
        self.interactions.violations += [f"{origin}: {mistake}" for mistake in mistakes]

    async def _echo(self) -> None:
        """Slack tells a bot about its own direct messages, too: a bot that answers them talks to itself forever."""
        since = 0
        while True:
            happening = await self.workspace.watch(self._is_own_direct_message, 1e9, since)
            since = self.workspace.happenings.index(happening, since) + 1
            assert isinstance(happening.thing, Message)  # noqa: S101 - for the type checker
            facts = payloads.own_message(self.workspace, happening.thing)
            with contextlib.suppress(Undelivered):
                await self.line.send("event", payloads.event(self.workspace, facts))

    def _is_own_direct_message(self, happening: Happening) -> bool:
        thing = happening.thing
        if happening.what is not What.POSTED or not isinstance(thing, Message) or thing.is_ephemeral:
            return False
        if not self.line.is_connected:
            return False
        return thing.user == self.workspace.bot.id and self.workspace.channels[thing.channel].kind is ChannelKind.DM


_CONTENT_ERRORS = frozenset(
    ("invalid_blocks", "no_text", "msg_too_long", "msg_blocks_too_long", "invalid_metadata_format", "invalid_arguments")
)


def _is_home_of(happening: Happening, user: User) -> bool:
    return isinstance(happening.thing, View) and happening.thing.kind == "home" and happening.thing.user == user.id
