"""Blocks that Slack accepts whatever goes in, and messages that fit.

Limits: https://docs.slack.dev/reference/block-kit/blocks and the pages below it. The length of a whole message is not
documented; Slack answers `msg_blocks_too_long` from about 13,200 characters on.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final

from bot.domain.message import Block, Message
from bot.domain.model import Product
from bot.views.ids import LONGEST_OPTION, LONGEST_VALUE, Action, Ask, action_id
from bot.views.text import cut, plain

MESSAGE: Final = 12_500  # characters, counted generously
BLOCKS: Final = 50
SECTION: Final = 3000
HEADER: Final = 150
FIELD: Final = 2000
CONTEXT: Final = 1000  # ours; Slack allows more
FALLBACK: Final = 500
BUTTON: Final = 75
URL: Final = 3000
BUTTONS: Final = 25
OPTIONS: Final = 100
OPTION: Final = 75
MENU: Final = 5000  # characters of a menu's options; longer menus ask us while somebody types

Element = dict[str, Any]
_MARKS: Final = str.maketrans("", "", "*`")


def mrkdwn(text: str, limit: int) -> Element:
    """Escaped text. `verbatim` keeps Slack from turning addresses, names and @words in it into links and mentions."""
    return {"type": "mrkdwn", "text": cut(text, limit) or " ", "verbatim": True}


def section(text: str, accessory: Element | None = None, limit: int = SECTION) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(text, limit)}
    if accessory is not None:
        block["accessory"] = accessory
    return block


def header(text: str) -> Block:
    """`text` is plain: Slack reads no markup in headers."""
    return {"type": "header", "text": plain_text(text, HEADER)}


def context(*lines: str) -> Block:
    """Small print; every line is escaped text."""
    return {"type": "context", "elements": [mrkdwn("\n".join(lines), CONTEXT)]}


def columns(left: str, right: str, text: str = "") -> Block:
    """Two texts side by side; on a phone, below each other. `text` stands above them. Every text is escaped and short."""
    block: Block = {"type": "section", "fields": [mrkdwn(left, FIELD), mrkdwn(right, FIELD)]}
    return {**block, "text": mrkdwn(text, SECTION)} if text else block


def button(text: str, action: Action, value: str = "", position: int = 0, style: str | None = None) -> Element:
    """`style` is Slack's: "primary" or "danger"."""
    element: Element = {"type": "button", "text": plain_text(text, BUTTON), "action_id": action_id(action, position)}
    if value:
        element["value"] = value[:LONGEST_VALUE]
    if style is not None:
        element["style"] = style
    return element


def confirmed(element: Element, title: str, text: str, yes: str) -> Element:
    """The same element, which asks before it acts.
    https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object"""
    words = {"title": (title, 100), "text": (text, 300), "confirm": (yes, 30), "deny": ("Cancel", 30)}
    return {**element, "confirm": {part: plain_text(said, limit) for part, (said, limit) in words.items()}}


def open_button(text: str, url: str, position: int = 0, style: str | None = None) -> Element | None:
    """A button that opens an address; None when Slack would refuse the address for its length."""
    if len(url) > URL:
        return None
    return {**button(text, Action.OPEN, position=position, style=style), "url": url}


def product_menu(products: Sequence[Product], command: str) -> Element | None:
    """A menu that asks `command` about a product; Slack asks us for its options when they do not fit."""
    if not products:
        return None
    menu: Element = {"placeholder": plain_text("Pick a product", BUTTON), "action_id": action_id(Action.PRODUCT_MENU)}
    if len(products) <= OPTIONS:
        options = product_options(sorted(products, key=lambda product: product.name.casefold()), command)
        if sum(map(_option_weight, options)) <= MENU:
            return {"type": "static_select", "options": options, **menu}
    return {"type": "external_select", "min_query_length": 0, **menu}


def product_options(products: Iterable[Product], command: str) -> list[Element]:
    """What a product menu offers: at most as many options as Slack takes."""
    return [
        {"text": plain_text(product.name, OPTION), "value": Ask(command, product.name).encode(LONGEST_OPTION)}
        for product in islice(products, OPTIONS)
    ]


def menu(text: str, action: Action, options: Sequence[tuple[str, str]], position: int = 0) -> Element:
    """A menu of (words, value); `text` stands in it until something is chosen."""
    return {
        "type": "static_select",
        "placeholder": plain_text(text, BUTTON),
        "action_id": action_id(action, position),
        "options": [
            {"text": plain_text(words, OPTION), "value": value[:LONGEST_OPTION]} for words, value in islice(options, OPTIONS)
        ],
    }


def actions(*elements: Element | None) -> tuple[Block, ...]:
    """One row of buttons; no block at all without buttons, which Slack would refuse."""
    present = [element for element in elements if element is not None][:BUTTONS]
    return ({"type": "actions", "elements": present},) if present else ()


def message(text: str, blocks: Iterable[Block]) -> Message:
    """As many of the blocks as fit. `text` is escaped and short."""
    text = _fallback(text)
    return Message(text, tuple(_fitting(blocks, MESSAGE - len(text), BLOCKS)))


def listing(
    text: str, head: Sequence[Block], rows: Sequence[Block], tail: Sequence[Block], total: int, more: Callable[[int], str]
) -> Message:
    """A message whose rows give way when there is no room; `more` words how many of `total` are missing."""
    text = _fallback(text)
    room = MESSAGE - len(text) - CONTEXT - sum(map(weight, head)) - sum(map(weight, tail))
    shown = _fitting(rows, room, BLOCKS - 1 - len(head) - len(tail))
    left = total - len(shown)
    note = (context(more(left)),) if left > 0 else ()
    return Message(text, (*head, *shown, *note, *tail))


def _fallback(text: str) -> str:
    """What notifications and screen readers say: formatting marks are ours, because vendor text has lost its own."""
    return cut(text.translate(_MARKS), FALLBACK)


def _fitting(blocks: Iterable[Block], room: int, most: int) -> list[Block]:
    taken: list[Block] = []
    for block in blocks:
        room -= weight(block)
        if room < 0 or len(taken) == most:
            break
        taken.append(block)
    return taken


def weight(block: Block) -> int:
    """At least the characters that Slack can count in a block: its texts and values, and Slack's own words around them."""
    size = 60
    if "text" in block:
        size += len(block["text"]["text"])
    if "accessory" in block:
        size += _element_weight(block["accessory"])
    size += sum(60 + len(field["text"]) for field in block.get("fields", ()))
    return size + sum(map(_element_weight, block.get("elements", ())))


def _element_weight(element: Element) -> int:
    text = element.get("text", "")
    size = 100 + len(text if isinstance(text, str) else text["text"])
    size += len(element.get("value", "")) + len(element.get("url", "")) + (600 if "confirm" in element else 0)
    return size + sum(map(_option_weight, element.get("options", ())))


def _option_weight(option: Element) -> int:
    return 20 + len(option["text"]["text"]) + len(option["value"])


def plain_text(text: str, limit: int) -> Element:
    """Text in which Slack reads no markup."""
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}
