"""What a view makes and a messenger sends: Slack's own shapes, without Slack's library."""

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A Block Kit message. `text` is what notifications and screen readers say."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Modal:
    """A window over everything else in Slack; `metadata` comes back with every press in it. With `submit` it is a form:
    `callback` says what sending it means."""

    title: str
    blocks: tuple[Block, ...]
    callback: str = ""
    submit: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """A person's Home tab. `metadata` comes back with every press in it."""

    blocks: tuple[Block, ...]
    metadata: str = ""
