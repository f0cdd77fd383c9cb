"""What buttons and menus carry: action ids, and the values that come back when somebody presses.

| action | value |
|---|---|
| DOWNLOAD, TRY_AGAIN | a build's key (`encode_build`, `decode_build`) |
| ASK, PAGE, SHARE, an option of PRODUCT_MENU | a question (`Ask.encode`, `decode_ask`) |
| OPEN | nothing: the button opens an address, and Slack reports the press all the same |
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.errors import UserMistake

LONGEST_VALUE = 500  # ours; Slack allows 2,000 in a button
LONGEST_OPTION = 150  # Slack's limit for the value of a menu's option

_KEY = re.compile(r"[0-9a-f]{16}")
_ASK = re.compile(r"([a-z][a-z-]{0,19})(?::([0-9]{1,6}))?(?: ([^\x00-\x1f\x7f]+))?")
_CONTROLS = dict.fromkeys((*range(0x20), 0x7F), " ")
_NOT_OURS = "I do not know this button. Ask again and use the buttons of the new answer."


class Action(StrEnum):
    """What a press asks for. Within one message ids differ: `download:0`, `download:1`."""

    DOWNLOAD = "download"
    TRY_AGAIN = "try_again"
    ASK = "ask"
    PAGE = "page"
    SHARE = "share"
    PRODUCT_MENU = "product_menu"
    OPEN = "open"


def action_id(action: Action, position: int = 0) -> str:
    """The id of the message's `position`-th button of this kind."""
    return f"{action.value}:{position}"


def parse_action_id(text: str) -> Action:
    """Raises UserMistake for an id that is not ours."""
    name, _, position = text.partition(":")
    try:
        action = Action(name)
    except ValueError:
        raise UserMistake(_NOT_OURS) from None
    if len(position) > 3 or not (position.isascii() and position.isdigit()):
        raise UserMistake(_NOT_OURS)
    return action


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole question: the command's word ("versions"), the words after it, and the first row wanted."""

    command: str
    words: str = ""
    offset: int = 0

    def encode(self, limit: int = LONGEST_VALUE) -> str:
        """At most `limit` characters; words beyond them are lost."""
        place = f":{self.offset}" if self.offset else ""
        words = " ".join(self.words[:limit].translate(_CONTROLS).split()).encode(errors="replace").decode()
        return f"{self.command}{place} {words}"[:limit].rstrip()


def decode_ask(value: str | None) -> Ask:
    """Raises UserMistake for a value that `Ask.encode` cannot have made."""
    match = _ASK.fullmatch(value) if value is not None and len(value) <= LONGEST_VALUE else None
    if match is None:
        raise UserMistake(_NOT_OURS)
    return Ask(match[1], match[3] or "", int(match[2] or 0))


def encode_build(key: str) -> str:
    """The value of a button that is about one build; see `bot.domain.model.build_key`."""
    return key


def decode_build(value: str | None) -> str:
    """A build's key. Raises UserMistake for anything else."""
    if value is None or not _KEY.fullmatch(value):
        raise UserMistake(_NOT_OURS)
    return value
