"""Reading Block Kit as a person does: the words that are visible, the buttons and the menus."""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]

_TOKEN = re.compile(r"<([^<>]*)>")
_PING = re.compile(r"<!(?:channel|here|everyone|subteam\^[^<>]*)>|<@[UW][A-Z0-9]*[^<>]*>")
_STYLES = tuple(re.compile(rf"(?<![\w{mark}]){mark}(\S|\S[^\n]*?\S){mark}(?![\w{mark}])") for mark in (r"\*", "_", "~"))
_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
_MENUS = frozenset(
    (*_SELECTS, *(f"multi_{select}" for select in _SELECTS), "overflow", "radio_buttons", "checkboxes", "datepicker")
)


@dataclass(frozen=True, slots=True)
class Button:
    """`near` is the visible text of the block that the button stands in or under."""

    label: str
    action_id: str
    block_id: str
    value: str | None = None
    url: str | None = field(default=None, repr=False)
    near: str = ""
    element: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Menu:
    """A select or overflow menu. `options` are (label, value); an external menu has none until one types."""

    label: str
    action_id: str
    block_id: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()
    element: Mapping[str, Any] = field(default_factory=dict, repr=False)


def plain(mrkdwn: str, names: Mapping[str, str] | None = None) -> str:
    """The visible characters of a mrkdwn text: formatting marks gone, links and mentions as their labels, entities resolved."""
    pieces: list[str] = []
    position = 0
    for code in _CODE.finditer(mrkdwn):
        pieces += [_unstyled(mrkdwn[position : code.start()], names), _resolved(code[1] or code[2], names)]
        position = code.end()
    return "".join((*pieces, _unstyled(mrkdwn[position:], names)))


def _unstyled(text: str, names: Mapping[str, str] | None) -> str:
    for style in _STYLES:
        text = style.sub(r"\1", text)
    return _resolved(text, names)


def _resolved(text: str, names: Mapping[str, str] | None) -> str:
    return html.unescape(_TOKEN.sub(lambda token: _token(token[1], names or {}), text))


def _token(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("!date^"):
        return label
    if target.startswith(("@", "#")):
        return target[0] + (label or names.get(target[1:], target[1:]))
    if target.startswith("!"):
        return label or "@" + target[1:].partition("^")[0]
    return label or target.removeprefix("mailto:")


def pings(mrkdwn: str) -> list[str]:
    """What in this text would notify people: `<!channel>`, `<!here>`, `<!everyone>`, user groups and user mentions."""
    return _PING.findall(mrkdwn)


def visible(text_object: Mapping[str, Any] | None, names: Mapping[str, str] | None = None) -> str:
    """The visible characters of a text object."""
    if not text_object:
        return ""
    text = str(text_object.get("text", ""))
    return plain(text, names) if text_object.get("type") == "mrkdwn" else html.unescape(text)


def mrkdwn_texts(node: object) -> Iterator[str]:
    """Every mrkdwn text in blocks, raw."""
    if isinstance(node, Mapping):
        if node.get("type") == "mrkdwn":
            yield str(node.get("text", ""))
        for value in node.values():
            yield from mrkdwn_texts(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from mrkdwn_texts(value)


def block_text(block: Block, names: Mapping[str, str] | None = None) -> str:
    """The visible text of one block, without its buttons and menus."""
    reader = _READERS.get(block.get("type", ""))
    return "\n".join(line for line in reader(block, names) if line) if reader else ""


def _section(block: Block, names: Mapping[str, str] | None) -> Iterable[str]:
    return [visible(block.get("text"), names), *(visible(part, names) for part in block.get("fields") or ())]


def _context(block: Block, names: Mapping[str, str] | None) -> Iterable[str]:
    parts = (visible(part, names) if "text" in part else str(part.get("alt_text", "")) for part in block["elements"])
    return ["  ".join(part for part in parts if part)]


def _image(block: Block, names: Mapping[str, str] | None) -> Iterable[str]:
    return [visible(block.get("title"), names) or str(block.get("alt_text", ""))]


def _rich_text(block: Block, names: Mapping[str, str] | None) -> Iterable[str]:
    return ["".join(_leaves(part)) for part in block["elements"]]


def _leaves(node: Mapping[str, Any]) -> Iterator[str]:
    if "text" in node:
        yield str(node["text"])
    for child in node.get("elements") or ():
        yield from _leaves(child)


_READERS: Mapping[str, Callable[[Block, Mapping[str, str] | None], Iterable[str]]] = {
    "section": _section,
    "context": _context,
    "image": _image,
    "rich_text": _rich_text,
    "header": lambda block, names: [visible(block["text"], names)],
    "markdown": lambda block, names: [str(block["text"])],
    "input": lambda block, names: [visible(block["label"], names), visible(block.get("hint"), names)],
}


def elements(block: Block) -> list[dict[str, Any]]:
    """A block's interactive elements, in the order of the screen."""
    found = [block.get("accessory"), block.get("element"), *(block.get("elements") or ())]
    return [element for element in found if isinstance(element, dict) and "action_id" in element]


def buttons_of(blocks: Iterable[Block]) -> list[Button]:
    found: list[Button] = []
    near = ""
    for block in blocks:
        near = block_text(block) or near
        found += [_button(block, element, near) for element in elements(block) if element.get("type") == "button"]
    return found


def _button(block: Block, element: Mapping[str, Any], near: str) -> Button:
    return Button(
        label=visible(element["text"]),
        action_id=element["action_id"],
        block_id=block["block_id"],
        value=element.get("value"),
        url=element.get("url"),
        near=near,
        element=element,
    )


def menus_of(blocks: Iterable[Block]) -> list[Menu]:
    return [_menu(block, element) for block in blocks for element in elements(block) if element.get("type") in _MENUS]


def _menu(block: Block, element: Mapping[str, Any]) -> Menu:
    options = [*(element.get("options") or ())]
    for group in element.get("option_groups") or ():
        options += group["options"]
    return Menu(
        label=visible(element.get("placeholder")),
        action_id=element["action_id"],
        block_id=block["block_id"],
        kind=element["type"],
        options=tuple((visible(option["text"]), option["value"]) for option in options),
        element=element,
    )
