"""What Slack would say to a message: its documented limits, written apart from `bot.views.limits` on purpose.

https://docs.slack.dev/reference/block-kit/blocks and the pages below it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.domain.message import Message

_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_TOKEN = re.compile(r"<(?:@[A-Z0-9]+|#[A-Z0-9]+)>")
_EMOJI = re.compile(r":[a-z0-9_+-]+:")
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066\u2067\ud800-\udfff]")


def problems(message: Message) -> list[str]:
    """Everything Slack would refuse or that would let vendor text act; empty for a good message."""
    found = list(_message_problems(message))
    for place, block in enumerate(message.blocks):
        found += [f"block {place}: {problem}" for problem in _block_problems(block)]
    return found


def view_problems(blocks: Sequence[dict[str, Any]]) -> list[str]:
    """The same for a modal or a Home tab: https://docs.slack.dev/reference/views. Slack refuses views of more than 250 kB."""
    view = Message("A view", tuple(blocks))
    found = [f"block {place}: {problem}" for place, block in enumerate(blocks) for problem in _block_problems(block)]
    if not 1 <= len(blocks) <= 100:
        found.append(f"{len(blocks)} blocks")
    if (size := len(json.dumps(blocks))) > 250_000:
        found.append(f"{size} characters")
    ids = [element["action_id"] for element in all_elements(view)]
    return [*found, *(["an action id twice"] if len(ids) != len(set(ids)) else [])]


def all_elements(message: Message) -> Iterator[dict[str, Any]]:
    """Buttons and menus."""
    for block in message.blocks:
        if "accessory" in block:
            yield block["accessory"]
        if block["type"] == "actions":
            yield from block["elements"]


def all_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from all_strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from all_strings(each)


def mrkdwn_texts(message: Message) -> Iterator[str]:
    for block in message.blocks:
        for holder in (block.get("text"), *block.get("fields", ()), *block.get("elements", ())):
            if isinstance(holder, dict) and holder.get("type") == "mrkdwn":
                yield holder["text"]


def _message_problems(message: Message) -> Iterator[str]:
    json.dumps(message.blocks)
    if not message.text.strip():
        yield "no text for notifications"
    yield from _mrkdwn_text_problems(message.text)
    if not 1 <= len(message.blocks) <= 50:
        yield f"{len(message.blocks)} blocks"
    size = len(message.text) + sum(map(len, all_strings(message.blocks)))
    if size > 13_200:
        yield f"{size} characters"
    ids = [element["action_id"] for element in all_elements(message)]
    if len(ids) != len(set(ids)):
        yield "an action id twice"
    if len(_EMOJI.findall("\n".join(mrkdwn_texts(message)))) > 1:
        yield "more than one emoji"


def _block_problems(block: dict[str, Any]) -> Iterator[str]:
    match block:
        case {"type": "section", **rest}:
            yield from _section_problems(rest)
        case {"type": "header", "text": {"type": "plain_text"} as text, **rest}:
            yield from _unknown_keys(rest, set())
            yield from _text_problems(text, 150)
        case {"type": "context", "elements": list(elements), **rest}:
            yield from _unknown_keys(rest, set())
            yield from _number_problems(elements, 10)
            for element in elements:
                yield from _text_problems(element, 3000)
        case {"type": "actions", "elements": list(elements), **rest}:
            yield from _unknown_keys(rest, set())
            yield from _number_problems(elements, 25)
            for element in elements:
                yield from _element_problems(element)
        case _:
            yield f"unknown block {block.get('type')}"


def _section_problems(section: dict[str, Any]) -> Iterator[str]:
    yield from _unknown_keys(section, {"text", "fields", "accessory"})
    if not {"text", "fields"} & section.keys():
        yield "a section without text"
    if "text" in section:
        yield from _text_problems(section["text"], 3000)
    if "fields" in section:
        yield from _number_problems(section["fields"], 10)
    for field in section.get("fields", ()):
        yield from _text_problems(field, 2000)
    yield from _element_problems(section["accessory"]) if "accessory" in section else ()


def _element_problems(element: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(element["action_id"]) <= 255:
        yield "action id length"
    match element:
        case {"type": "button", "text": {"type": "plain_text"} as text, **rest}:
            yield from _unknown_keys(rest, {"action_id", "value", "url", "style", "confirm"})
            yield from _confirm_problems(rest.get("confirm", {}))
            yield from _text_problems(text, 75)
            yield from _button_problems(rest)
        case {"type": "static_select", "options": list(options), "placeholder": dict(placeholder), **rest}:
            yield from _unknown_keys(rest, {"action_id"})
            yield from _text_problems(placeholder, 150)
            yield from _number_problems(options, 100)
            for option in options:
                yield from option_problems(option)
        case {"type": "external_select", "placeholder": dict(placeholder), **rest}:
            yield from _unknown_keys(rest, {"action_id", "min_query_length"})
            yield from _text_problems(placeholder, 150)
        case _:
            yield f"unknown element {element.get('type')}"


def _confirm_problems(confirm: dict[str, Any]) -> Iterator[str]:
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    if confirm and confirm.keys() != limits.keys():
        yield f"a confirmation of {sorted(confirm)}"
    for part, text in confirm.items():
        yield from _text_problems(text, limits[part])


def option_problems(option: dict[str, Any]) -> Iterator[str]:
    """One entry of a menu."""
    yield from _unknown_keys(option, {"text", "value"})
    yield from _text_problems(option["text"], 75)
    if not 1 <= len(option["value"]) <= 150:
        yield "option value length"


def _button_problems(rest: dict[str, Any]) -> Iterator[str]:
    if "value" in rest and not 1 <= len(rest["value"]) <= 2000:
        yield "button value length"
    if "url" in rest and not (len(rest["url"]) <= 3000 and rest["url"].startswith(("https://", "http://"))):
        yield "button url"
    if rest.get("style", "primary") not in ("primary", "danger"):
        yield "button style"


def _text_problems(text: dict[str, Any], limit: int) -> Iterator[str]:
    if not 1 <= len(text["text"]) <= limit:
        yield f"text of {len(text['text'])} characters"
    if text["type"] == "mrkdwn":
        if text.get("verbatim") is not True:
            yield "Slack would link and mention by itself"
        yield from _mrkdwn_text_problems(text["text"])
    elif text["type"] != "plain_text" or text.get("emoji") is not False:
        yield "neither mrkdwn nor plain text without emoji codes"
    elif _FORBIDDEN.search(text["text"]):
        yield "control characters"


def _mrkdwn_text_problems(text: str) -> Iterator[str]:
    if _ENTITY.search(text):
        yield "a bare ampersand"
    without_tokens = _TOKEN.sub("", text)
    quotes = re.sub(r"^> ", "", without_tokens, flags=re.MULTILINE)
    if "<" in quotes or ">" in quotes:
        yield "a bare angle bracket"
    if _FORBIDDEN.search(text):
        yield "control characters"
    if re.search(r"@(?:here|channel|everyone)", text):
        yield "a mention of everybody"
    if "://" in text:
        yield "an address that could become a link"


def _unknown_keys(rest: dict[str, Any], allowed: set[str]) -> Iterator[str]:
    unknown = rest.keys() - allowed
    if unknown:
        yield f"unknown keys {sorted(unknown)}"


def _number_problems(elements: list[Any], most: int) -> Iterator[str]:
    if not 1 <= len(elements) <= most:
        yield f"{len(elements)} elements"
