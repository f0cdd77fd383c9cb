"""The Web API's methods, one function each, and the table of the scope that each demands.

https://docs.slack.dev/reference/methods
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.blocks import view_mistakes
from bot.sandbox.slack.faults import SlackError
from bot.sandbox.slack.interactions import Interactions, check_blocks, check_content
from bot.sandbox.slack.workspace import Channel, ChannelKind, Message, User, View, Workspace

_FAMILY = {ChannelKind.PUBLIC: "channels", ChannelKind.PRIVATE: "groups", ChannelKind.DM: "im"}
_TYPES = {ChannelKind.PUBLIC: "public_channel", ChannelKind.PRIVATE: "private_channel", ChannelKind.DM: "im"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method, its token already checked."""

    workspace: Workspace
    interactions: Interactions
    arguments: Mapping[str, Any]
    scopes: Collection[str]
    socket_url: str = ""

    def require(self, scope: str) -> None:
        """Raises SlackError `missing_scope`. A token for Socket Mode is given for nothing else, and carries its own scope."""
        if scope not in self.scopes and scope != "connections:write":
            raise SlackError("missing_scope", {"needed": scope, "provided": ",".join(sorted(self.scopes))})

    def text(self, name: str) -> str:
        """A required argument. Raises SlackError."""
        value = self.arguments.get(name)
        if value in (None, ""):
            raise SlackError(
                "invalid_arguments", {"response_metadata": {"messages": [f"[ERROR] missing required field: {name}"]}}
            )
        return str(value)

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "")).lower() in ("1", "true")

    def user(self, name: str = "user") -> User:
        user = self.workspace.users.get(self.text(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def channel(self) -> Channel:
        """A conversation that the bot may know of: a private one only from inside. Raises SlackError."""
        channel = self.workspace.channels.get(self.text("channel"))
        if channel is None or (channel.kind is not ChannelKind.PUBLIC and not self.is_inside(channel)):
            raise SlackError("channel_not_found")
        return channel

    def is_inside(self, channel: Channel) -> bool:
        return self.workspace.bot.id in channel.members

    def writable(self) -> Channel:
        """A conversation that the bot may write to. A person's id stands for the conversation with them. Raises SlackError."""
        person = self.workspace.users.get(self.text("channel"))
        channel = self.workspace.direct(person) if person else self.channel()
        if channel.is_archived:
            raise SlackError("is_archived")
        if not self.is_inside(channel) and "chat:write.public" not in self.scopes:
            raise SlackError("not_in_channel")
        return channel

    def own_message(self, refusal: str) -> Message:
        """The bot's own lasting message of `channel` and `ts`. Raises SlackError."""
        message = self.channel().find(self.text("ts"))
        if message is None:
            raise SlackError("message_not_found")
        if message.user != self.workspace.bot.id:
            raise SlackError(refusal)
        return message


def auth_test(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.domain.title(),
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def team_info(call: Call) -> dict[str, Any]:
    workspace = call.workspace
    return {"team": {"id": workspace.team_id, "name": workspace.domain.title(), "domain": workspace.domain}}


def users_info(call: Call) -> dict[str, Any]:
    user = call.user()
    shown = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "is_admin": user.is_admin,
        "is_owner": user.is_admin,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "tz": "Europe/Paris",
        "tz_offset": 7200,
        "profile": {"display_name": user.name, "real_name": user.real_name, "team": user.team},
    }
    foreign = {"is_stranger": False} if user.team != call.workspace.team_id else {}
    return {"user": {**shown, **foreign}}


def usergroups_users_list(call: Call) -> dict[str, Any]:
    members = call.workspace.groups.get(call.text("usergroup"))
    if members is None:
        raise SlackError("no_such_subteam")
    return {"users": sorted(members)}


def conversations_members(call: Call) -> dict[str, Any]:
    channel = call.channel()
    call.require(f"{_FAMILY[channel.kind]}:read")
    return _paged(call, "members", sorted(channel.members))


def conversations_info(call: Call) -> dict[str, Any]:
    channel = call.channel()
    call.require(f"{_FAMILY[channel.kind]}:read")
    return {"channel": _shown_channel(call, channel)}


def users_conversations(call: Call) -> dict[str, Any]:
    """Of the bot, which nobody but itself asks for."""
    kinds = {kind for kind in ChannelKind if _TYPES[kind] in call.text("types").split(",")}
    for kind in kinds:
        call.require(f"{_FAMILY[kind]}:read")
    ours = [each for each in call.workspace.channels.values() if each.kind in kinds and call.is_inside(each)]
    return _paged(call, "channels", [_shown_channel(call, each) for each in ours])


def _paged(call: Call, name: str, everything: Sequence[Any]) -> dict[str, Any]:
    start = int(call.arguments.get("cursor") or 0)
    end = start + int(call.arguments.get("limit") or 100)
    return {name: everything[start:end], "response_metadata": {"next_cursor": str(end) if end < len(everything) else ""}}


def _shown_channel(call: Call, channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind is ChannelKind.PUBLIC,
        "is_group": channel.kind is ChannelKind.PRIVATE,
        "is_im": channel.kind is ChannelKind.DM,
        "is_private": channel.kind is not ChannelKind.PUBLIC,
        "is_archived": channel.is_archived,
        "is_member": call.is_inside(channel),
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_shared,
        "is_org_shared": False,
        "num_members": len(channel.members),
    }


def conversations_history(call: Call) -> dict[str, Any]:
    """The channel's own messages, the newest first: neither ephemeral ones nor replies."""
    channel = _readable(call)
    found = [m for m in reversed(channel.messages) if m.thread_ts in (None, m.ts) and _is_listed(call, m)]
    return _page(call, found)


def conversations_replies(call: Call) -> dict[str, Any]:
    """A thread, the oldest first; its parent comes along on every page, whatever the bounds are."""
    channel, parent = _readable(call), call.text("ts")
    if channel.find(parent) is None:
        raise SlackError("thread_not_found")
    found = [m for m in channel.messages if m.ts == parent or (m.thread_ts == parent and _is_listed(call, m))]
    return _page(call, found)


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.require(f"{_FAMILY[channel.kind]}:history")
    if not call.is_inside(channel):
        raise SlackError("not_in_channel")
    return channel


def _page(call: Call, found: Sequence[Message]) -> dict[str, Any]:
    limit = min(int(call.arguments.get("limit") or 100), 999)
    start = int(call.arguments.get("cursor") or 0)
    page = found[start : start + limit]
    more = start + limit < len(found)
    shown = [shown_message(call.workspace, message, call.flag("include_all_metadata")) for message in page]
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": str(start + limit) if more else ""}}


def _is_listed(call: Call, message: Message) -> bool:
    """Ephemeral messages are nowhere; bounds are exclusive unless `inclusive` is set."""
    if message.is_ephemeral:
        return False
    oldest, latest = (
        _micros(call.arguments.get(name) or default) for name, default in (("oldest", "0"), ("latest", "9999999999"))
    )
    ts = _micros(message.ts)
    return oldest < ts < latest or (call.flag("inclusive") and ts in (oldest, latest))


def _micros(ts: object) -> int:
    seconds, _, fraction = str(ts).partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)


def shown_message(workspace: Workspace, message: Message, with_metadata: bool = False) -> dict[str, Any]:
    """A message as Slack's JSON."""
    shown: dict[str, Any] = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    if message.user == workspace.bot.id:
        shown |= {"bot_id": workspace.bot_id, "app_id": workspace.app_id, "team": workspace.team_id}
    optional = {"blocks": message.blocks, "thread_ts": message.thread_ts, "metadata": message.metadata if with_metadata else None}
    return shown | {name: value for name, value in optional.items() if value}


def conversations_join(call: Call) -> dict[str, Any]:
    channel = call.channel()
    if channel.kind is not ChannelKind.PUBLIC:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    channel.members.add(call.workspace.bot.id)
    return {"channel": _shown_channel(call, channel)}


def conversations_open(call: Call) -> dict[str, Any]:
    user = call.user("users")
    if user.id == call.workspace.bot.id or user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    return {"channel": {"id": call.workspace.direct(user).id}}


def chat_post_message(call: Call) -> dict[str, Any]:
    channel = call.writable()
    text, blocks = check_content(call.arguments)
    message = Message(
        channel=channel.id,
        ts=call.workspace.next_ts(),
        user=call.workspace.bot.id,
        text=text,
        blocks=blocks,
        thread_ts=call.arguments.get("thread_ts"),
        metadata=_metadata(call.arguments.get("metadata")),
    )
    call.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": shown_message(call.workspace, message, with_metadata=True)}


def _metadata(metadata: object) -> dict[str, Any] | None:
    if not metadata:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict) or not metadata.get("event_type"):
        raise SlackError("invalid_metadata_format")
    return metadata


def chat_post_ephemeral(call: Call) -> dict[str, Any]:
    channel, user = call.writable(), call.user()
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = check_content(call.arguments)
    thread = call.arguments.get("thread_ts")
    message = Message(channel.id, call.workspace.next_ts(), call.workspace.bot.id, text, blocks, thread, to=user.id)
    call.workspace.post(message)
    return {"message_ts": message.ts}


def chat_update(call: Call) -> dict[str, Any]:
    message = call.own_message("cant_update_message")
    text, blocks = check_content(call.arguments)
    if "metadata" in call.arguments:
        message.metadata = _metadata(call.arguments["metadata"])
    call.workspace.update(message, text, blocks)
    return {"channel": message.channel, "ts": message.ts, "text": text, "message": shown_message(call.workspace, message)}


def chat_delete(call: Call) -> dict[str, Any]:
    message = call.own_message("cant_delete_message")
    call.workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def views_open(call: Call) -> dict[str, Any]:
    payload = _view_payload(call, "modal")
    interaction = call.interactions.triggered(call.text("trigger_id"))
    view = View(call.workspace.next_id("V"), interaction.user, "modal", payload, call.workspace.next_id("H"))
    view.root_id = view.id
    call.workspace.show(view, interaction.id)
    return {"view": shown_view(call.workspace, view)}


def views_push(call: Call) -> dict[str, Any]:
    """On top of the modal in which somebody pressed something; three make a full stack."""
    payload = _view_payload(call, "modal")
    interaction = call.interactions.triggered(call.text("trigger_id"))
    below = interaction.view
    if below is None or below.kind != "modal":
        raise SlackError("not_found")
    if below.below_id and below.below_id != below.root_id:
        raise SlackError("push_limit_reached")
    view = View(call.workspace.next_id("V"), interaction.user, "modal", payload, call.workspace.next_id("H"), below.root_id)
    view.below_id = below.id
    call.workspace.show(view, interaction.id)
    return {"view": shown_view(call.workspace, view)}


def views_publish(call: Call) -> dict[str, Any]:
    payload, user = _view_payload(call, "home"), call.user("user_id")
    standing = call.workspace.homes.get(user.id)
    _check_hash(call, standing)
    view_id = standing.id if standing else call.workspace.next_id("V")
    view = View(view_id, user.id, "home", payload, call.workspace.next_id("H"), view_id)
    call.workspace.homes[user.id] = call.workspace.show(view)
    return {"view": shown_view(call.workspace, view)}


def views_update(call: Call) -> dict[str, Any]:
    view = call.workspace.views.get(str(call.arguments.get("view_id")))
    if view is None:
        raise SlackError("not_found")
    _check_hash(call, view)
    view.payload, view.hash = _view_payload(call, view.kind), call.workspace.next_id("H")
    call.workspace.show(view)
    return {"view": shown_view(call.workspace, view)}


def _check_hash(call: Call, standing: View | None) -> None:
    wanted = call.arguments.get("hash")
    if wanted and standing and wanted != standing.hash:
        raise SlackError("hash_conflict")


def _view_payload(call: Call, kind: str) -> dict[str, Any]:
    payload = call.arguments.get("view")
    check_blocks(payload, view_mistakes, "invalid_arguments")
    if not isinstance(payload, dict) or payload["type"] != kind:
        raise SlackError("invalid_arguments", {"response_metadata": {"messages": [f"[ERROR] a {kind} was expected"]}})
    return dict(payload)


def shown_view(workspace: Workspace, view: View) -> dict[str, Any]:
    """A view as Slack's JSON."""
    facts = {
        "id": view.id,
        "team_id": workspace.team_id,
        "app_id": workspace.app_id,
        "bot_id": workspace.bot_id,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.below_id or None,
    }
    defaults = {"private_metadata": "", "callback_id": "", "state": {"values": {}}}
    return {**defaults, **view.payload, **facts}


def apps_connections_open(call: Call) -> dict[str, Any]:
    return {"url": f"{call.socket_url}?ticket={call.workspace.next_id('ticket')}"}


@dataclass(frozen=True, slots=True)
class Method:
    """`scope` None: none needed, or it depends on the kind of conversation. `token`: "bot" or "app"."""

    answer: Callable[[Call], dict[str, Any]]
    scope: str | None = None
    token: str = "bot"  # noqa: S105 - the kind of token


METHODS: Mapping[str, Method] = {
    "apps.connections.open": Method(apps_connections_open, "connections:write", "app"),
    "auth.test": Method(auth_test),
    "chat.delete": Method(chat_delete, "chat:write"),
    "chat.postEphemeral": Method(chat_post_ephemeral, "chat:write"),
    "chat.postMessage": Method(chat_post_message, "chat:write"),
    "chat.update": Method(chat_update, "chat:write"),
    "conversations.history": Method(conversations_history),
    "conversations.info": Method(conversations_info),
    "conversations.join": Method(conversations_join, "channels:join"),
    "conversations.replies": Method(conversations_replies),
    "conversations.members": Method(conversations_members),
    "conversations.open": Method(conversations_open, "im:write"),
    "team.info": Method(team_info, "team:read"),
    "usergroups.users.list": Method(usergroups_users_list, "usergroups:read"),
    "users.conversations": Method(users_conversations),
    "users.info": Method(users_info, "users:read"),
    "views.open": Method(views_open),
    "views.publish": Method(views_publish),
    "views.push": Method(views_push),
    "views.update": Method(views_update),
}
