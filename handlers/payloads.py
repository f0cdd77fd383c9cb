"""Pure: Slack's payloads -> what a person said, pressed or typed into a menu. Shapes: https://docs.slack.dev/interactivity."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MENTION = re.compile(r"<@[A-Z0-9]+(\|[^>]*)?>")
_NOT_WORDS = re.compile(r"<[@#!][^>]*>|<[^<>|]*>")  # people, channels, addresses without words of their own
_READ = ("title", "pretext", "text", "fallback")
_AUTOLINK = re.compile(r"<[^<>|]+\|([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Said:
    """Words of somebody somewhere; the first of them may be a command."""

    user: str
    team: str | None
    channel: str
    words: str


@dataclass(frozen=True, slots=True)
class View:
    """The modal or Home tab in which something was pressed. `is_full`: Slack stacks no other modal on top of it."""

    id: str
    is_home: bool
    is_full: bool


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button or menu entry, as it came. `is_private`: nobody else sees what it stands on; `trigger` opens a modal. In a
    `view`, the channel is the one that the view was made for, or else stands for what is between the person and us."""

    user: str
    team: str | None
    channel: str
    action_id: str
    value: str
    is_private: bool
    trigger: str = ""
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """A shortcut, as it came; a global one has no channel and no text of its own."""

    user: str
    team: str | None
    callback: str
    trigger: str
    channel: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who looks at their Home tab, and their conversation with us."""

    user: str
    channel: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form, as it came. `metadata` is what it was opened with; `values`: an input's block -> what was chosen in it."""

    user: str
    team: str | None
    callback: str
    metadata: str
    values: Mapping[str, str]


def said_by_command(command: dict[str, Any], stands_for: str) -> Said:
    """A slash command; `stands_for` is the word that its name means."""
    words = f"{stands_for} {plain(_text(command.get('text') or ''))}"
    return Said(_text(command["user_id"]), command.get("team_id"), _text(command["channel_id"]), words.strip())


def said_in_message(event: dict[str, Any]) -> Said | None:
    """A mention or a direct message; None for everything else that Slack sends along (our own words, edits, joins)."""
    is_for_us = event["type"] == "app_mention" or event.get("channel_type") == "im"
    if event.get("bot_id") or event.get("subtype") or "user" not in event or not is_for_us:
        return None
    words = plain(_MENTION.sub(" ", _text(event.get("text") or "")))
    return Said(_text(event["user"]), event.get("user_team") or event.get("team"), _text(event["channel"]), words)


def pressed(body: dict[str, Any]) -> Pressed:
    """A block_actions payload."""
    action, container, view = body["actions"][0], body.get("container") or {}, _view(body.get("view") or {})
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    if view is not None:
        channel = channel or body["view"].get("private_metadata") or body["user"]["id"]
    return Pressed(
        user=_text(body["user"]["id"]),
        team=body["user"].get("team_id"),
        channel=_text(channel),
        action_id=_text(action["action_id"]),
        value=str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""),
        is_private=bool(container.get("is_ephemeral")) or channel.startswith("D") or view is not None,
        trigger=_text(body.get("trigger_id") or ""),
        view=view,
    )


def _view(view: dict[str, Any]) -> View | None:
    """Three modals stand on each other at the most: https://docs.slack.dev/surfaces/modals. Raises ValueError."""
    if not view:
        return None
    if view["type"] not in ("home", "modal"):
        raise ValueError("a view that is neither a modal nor a Home tab")
    root = view.get("root_view_id")
    is_third = view["id"] != root and view.get("previous_view_id") != root
    return View(_text(view["id"]), view["type"] == "home", is_third)


def called(body: dict[str, Any]) -> Called:
    """A shortcut or message_action payload."""
    user = _text(body["user"]["id"])
    channel = _text((body.get("channel") or {}).get("id") or user)
    text = written(body.get("message") or {})
    trigger = _text(body.get("trigger_id") or "")
    return Called(user, body["user"].get("team_id"), _text(body["callback_id"]), trigger, channel, text)


def entered(event: dict[str, Any]) -> Entered | None:
    """An app_home_opened event; None for the other tabs of the app's page."""
    if event.get("tab") != "home":
        return None
    user = _text(event["user"])
    return Entered(user, _text(event.get("channel") or user))


def written(message: dict[str, Any]) -> str:
    """What people read in a message: its text, or without any what stands in its attachments and blocks, as with other apps'."""
    said = message.get("text") or ""
    attached = [text for part in (message.get("attachments"), message.get("blocks")) for text in _texts(part)]
    text = _text(said) if said and not message.get("attachments") else "\n".join((_text(said), *attached))
    return plain(_NOT_WORDS.sub(" ", text))


def _texts(node: object, depth: int = 8) -> Iterator[str]:
    """Everything under the names that Slack has for text to read."""
    if isinstance(node, list) and depth:
        for value in node:
            yield from _texts(value, depth - 1)
    if isinstance(node, dict) and depth:
        yield from (value for key in _READ if isinstance(value := node.get(key), str))
        for value in node.values():
            yield from _texts(value, depth - 1)


def submitted(body: dict[str, Any]) -> Submitted:
    """A view_submission payload."""
    view = body["view"]
    states: dict[str, dict[str, Any]] = {
        block: next(iter(elements.values()), {}) for block, elements in view["state"]["values"].items()
    }
    return Submitted(
        user=_text(body["user"]["id"]),
        team=body["user"].get("team_id"),
        callback=_text(view.get("callback_id") or ""),
        metadata=_text(view.get("private_metadata") or ""),
        values={block: _chosen(state) for block, state in states.items()},
    )


def _chosen(state: dict[str, Any]) -> str:
    """What stands in an input; several options with spaces between them."""
    options = state.get("selected_options") or [state.get("selected_option") or {}]
    chosen = " ".join(_text(option.get("value") or "") for option in options)
    return chosen or _text(state.get("selected_time") or state.get("value") or "")


def typed(body: dict[str, Any]) -> Said:
    """A block_suggestion payload: what was typed into a menu so far."""
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    channel = channel or (body.get("view") or {}).get("private_metadata") or ""  # our forms say there what they are about
    return Said(_text(body["user"]["id"]), body["user"].get("team_id"), _text(channel), _text(body.get("value") or ""))


def _text(value: object) -> str:
    """Raises TypeError: what Slack documents as text must not be anything else further in."""
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    return value


def plain(text: str) -> str:
    """What the person typed: without Slack's automatic links and escapes."""
    text = _AUTOLINK.sub(r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
