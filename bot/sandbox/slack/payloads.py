"""What Slack sends to an app, built as Slack builds it.

https://docs.slack.dev/interactivity/implementing-slash-commands, /reference/interaction-payloads and /apis/events-api
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.content import Button, Menu
from bot.sandbox.slack.interactions import Interaction
from bot.sandbox.slack.methods import shown_message, shown_view
from bot.sandbox.slack.workspace import Channel, ChannelKind, Message, User, View, Workspace

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 - a deprecated field that Slack still sends
_CHANNEL_NAMES = {ChannelKind.PRIVATE: "privategroup", ChannelKind.DM: "directmessage"}


def command(workspace: Workspace, user: User, channel: Channel, line: str) -> dict[str, str]:
    """The form of a slash command; `line` is what was typed, from the slash on."""
    word, _, rest = line.partition(" ")
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": user.team,
        "team_domain": _domain(workspace, user),
        "channel_id": channel.id,
        "channel_name": _CHANNEL_NAMES.get(channel.kind, channel.name),
        "user_id": user.id,
        "user_name": user.name,
        "command": word,
        "text": rest.strip(),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
    }


def block_actions(workspace: Workspace, user: User, source: Message | View, action: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_person(workspace, user, "block_actions"),
        **_source(workspace, source),
        "state": {"values": {}},
        "actions": [{**action, "action_ts": workspace.next_ts()}],
    }


def pressed(button: Button) -> dict[str, Any]:
    """The action of a button."""
    action = {"type": "button", "action_id": button.action_id, "block_id": button.block_id, "text": button.element["text"]}
    optional = {"value": button.value, "style": button.element.get("style")}
    return action | {name: value for name, value in optional.items() if value is not None}


def chosen(menu: Menu, value: str) -> dict[str, Any]:
    """The action of a menu. For external menus and menus of people the value is taken as it is."""
    action: dict[str, Any] = {"type": menu.kind, "action_id": menu.action_id, "block_id": menu.block_id}
    if menu.kind in ("users_select", "conversations_select", "channels_select"):
        return action | {f"selected_{menu.kind.removesuffix('s_select')}": value}
    label = next((label for label, known in menu.options if known == value), value)
    return action | {"selected_option": {"text": {"type": "plain_text", "text": label, "emoji": True}, "value": value}}


def block_suggestion(workspace: Workspace, user: User, source: Message | View, menu: Menu, typed: str) -> dict[str, Any]:
    payload = {**_person(workspace, user, "block_suggestion"), **_source(workspace, source)}
    return payload | {"action_id": menu.action_id, "block_id": menu.block_id, "value": typed}


def view_submission(workspace: Workspace, user: User, view: View, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values`: block id -> action id -> the element's state, as in `view.state.values`."""
    shown = shown_view(workspace, view) | {"state": {"values": values}}
    return {**_person(workspace, user, "view_submission"), "view": shown, "response_urls": []}


def shortcut(workspace: Workspace, user: User, callback_id: str, message: Message | None = None) -> dict[str, Any]:
    """A global shortcut, or with a message the message's."""
    payload = _person(workspace, user, "message_action" if message else "shortcut")
    payload |= {"callback_id": callback_id, "action_ts": workspace.next_ts()}
    if message is None:
        return payload
    shown = {"message_ts": message.ts, "message": shown_message(workspace, message)}
    return payload | shown | {"channel": _channel(workspace, message.channel)}


def opened(workspace: Workspace, payload: dict[str, Any], interaction: Interaction, url: str) -> dict[str, Any]:
    """The payload with its trigger, and its response URL where there is a conversation to respond to."""
    with_trigger = payload | {"trigger_id": f"trigger.{interaction.id}"}
    return with_trigger | ({"response_url": f"{url}/response/{interaction.id}"} if interaction.channel else {})


def event(workspace: Workspace, facts: Mapping[str, Any], is_shared: bool = False) -> dict[str, Any]:
    """An event in the Events API's envelope."""
    user = {"team_id": workspace.team_id, "user_id": workspace.bot.id, "is_bot": True, "is_enterprise_install": False}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": {"event_ts": workspace.next_ts(), **facts},
        "type": "event_callback",
        "event_id": workspace.next_id("Ev"),
        "event_time": int(workspace.clock()),
        "authorizations": [{"enterprise_id": None, **user}],
        "is_ext_shared_channel": is_shared,
        "event_context": workspace.next_id("4-"),
    }


def said(workspace: Workspace, user: User, channel: Channel, message: Message) -> dict[str, Any]:
    """The event of a message that a person wrote: `message` in a conversation with the bot, elsewhere `app_mention`."""
    facts: dict[str, Any] = {
        "type": "app_mention",
        "user": user.id,
        "text": message.text,
        "ts": message.ts,
        "channel": channel.id,
        "event_ts": message.ts,
        "team": user.team,
        "client_msg_id": workspace.next_id("client-"),
        "blocks": [],
    }
    if channel.kind is ChannelKind.DM:
        facts |= {"type": "message", "channel_type": "im"}
    if user.team != workspace.team_id:
        facts |= {"user_team": user.team, "source_team": user.team}
    return facts | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def own_message(workspace: Workspace, message: Message) -> dict[str, Any]:
    """The event by which the bot hears itself in a conversation with a person."""
    return shown_message(workspace, message) | {"channel": message.channel, "channel_type": "im", "event_ts": message.ts}


def _person(workspace: Workspace, user: User, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "team": {"id": user.team, "domain": _domain(workspace, user)},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _source(workspace: Workspace, source: Message | View) -> dict[str, Any]:
    """Where an element stands. Ephemeral messages are not repeated in the payload."""
    if isinstance(source, View):
        return {"container": {"type": "view", "view_id": source.id}, "view": shown_view(workspace, source)}
    container: dict[str, Any] = {"type": "message", "message_ts": source.ts, "channel_id": source.channel}
    container["is_ephemeral"] = source.is_ephemeral
    if source.thread_ts:
        container["thread_ts"] = source.thread_ts
    placed = {"container": container, "channel": _channel(workspace, source.channel)}
    return placed if source.is_ephemeral else placed | {"message": shown_message(workspace, source)}


def _channel(workspace: Workspace, channel_id: str) -> dict[str, str]:
    channel = workspace.channels[channel_id]
    return {"id": channel.id, "name": _CHANNEL_NAMES.get(channel.kind, channel.name)}


def _domain(workspace: Workspace, user: User) -> str:
    return workspace.domain if user.team == workspace.team_id else user.team.lower()
