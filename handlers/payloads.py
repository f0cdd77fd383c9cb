"""Pure: Slack's payloads -> what a person said, pressed or typed into a menu. Shapes: https://docs.slack.dev/interactivity."""

import re
from dataclasses import dataclass
from typing import Any

_MENTION = re.compile(r"<@[A-Z0-9]+(\|[^>]*)?>")
_AUTOLINK = re.compile(r"<[^<>|]+\|([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Said:
    """Words of somebody somewhere; the first of them may be a command."""

    user: str
    team: str | None
    channel: str
    words: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or menu entry, as it came. `is_private`: nobody else sees the message it stands on."""

    user: str
    team: str | None
    channel: str
    action_id: str
    value: str
    is_private: bool


def said_by_command(command: dict[str, Any], stands_for: str) -> Said:
    """A slash command; `stands_for` is the word that its name means."""
    words = f"{stands_for} {plain(command.get('text') or '')}"
    return Said(command["user_id"], command.get("team_id"), command["channel_id"], words.strip())


def said_in_message(event: dict[str, Any]) -> Said | None:
    """A mention or a direct message; None for everything else that Slack sends along (our own words, edits, joins)."""
    is_for_us = event["type"] == "app_mention" or event.get("channel_type") == "im"
    if event.get("bot_id") or event.get("subtype") or "user" not in event or not is_for_us:
        return None
    words = plain(_MENTION.sub(" ", event.get("text") or ""))
    return Said(event["user"], event.get("user_team") or event.get("team"), event["channel"], words)


def pressed(body: dict[str, Any]) -> Pressed:
    """A block_actions payload."""
    action, container = body["actions"][0], body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    return Pressed(
        user=body["user"]["id"],
        team=body["user"].get("team_id"),
        channel=channel,
        action_id=action["action_id"],
        value=str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""),
        is_private=bool(container.get("is_ephemeral")) or channel.startswith("D"),
    )


def typed(body: dict[str, Any]) -> Said:
    """A block_suggestion payload: what was typed into a menu so far."""
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or ""
    return Said(body["user"]["id"], body["user"].get("team_id"), channel, body.get("value") or "")


def plain(text: str) -> str:
    """What the person typed: without Slack's automatic links and escapes."""
    text = _AUTOLINK.sub(r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
