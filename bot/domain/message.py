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
    """A window in Slack. With `submit` it is a form: `callback` says what sending it means, `metadata` comes back with it."""

    title: str
    blocks: tuple[Block, ...]
    callback: str = ""
    submit: str = ""
    metadata: str = ""
