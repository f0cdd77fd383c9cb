"""What buttons and menus carry: action ids, and the values that come back when somebody presses.

| action | value |
|---|---|
| DOWNLOAD, TRY_AGAIN, TELL_ME | a build's key, and in direct messages where it was asked for (`encode_build`) |
| SHARE_BUILD | a build's key |
| TO_PHONE, REVOKE | a grant's id (`decode_grant`) |
| ASK, PAGE, SHARE, an option of PRODUCT_MENU or BUILD_MENU | a question (`Ask.encode`, `decode_ask`) |
| MUTE, UNMUTE | a product's id, as the words of a question |
| SUBSCRIBE_FORM, GET_A_BUILD | nothing: they open a modal for the place where they were pressed |
| CHECK_AGAIN, TAKE_ON, an option of SNOOZE | an incident of an account (`Incident.encode`, `decode_incident`, `decode_snooze`) |
| OPEN | nothing: the button opens an address, and Slack reports the press all the same |
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.domain.errors import UserMistake
from bot.domain.model import Snooze
from bot.domain.ports import Beside

LONGEST_VALUE = 500  # ours; Slack allows 2,000 in a button
LONGEST_OPTION = 150  # Slack's limit for the value of a menu's option

_KEY = re.compile(r"([0-9a-f]{16})(?:@([A-Z0-9]{2,20}))?")
_GRANT = re.compile(r"[0-9a-f]{32}")
_ASK = re.compile(r"([a-z][a-z-]{0,19})(?::([0-9]{1,6})|([<>])([0-9]{1,16}):([0-9a-f]{32}))?(?: ([^\x00-\x1f\x7f]+))?")
_EPOCH, _STEP = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)  # as precise as the store is
_INCIDENT = re.compile(r"(?:([a-z0-9]+):)?([a-z0-9][a-z0-9-]{0,40}) (\d{4}-\d\d-\d\dT[0-9:.]+\+00:00)", re.ASCII)
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
    TELL_ME = "tell_me"
    CHECK_AGAIN = "check_again"
    TAKE_ON = "take_on"
    SNOOZE = "snooze"
    SHARE_BUILD = "share_build"
    TO_PHONE = "to_phone"
    REVOKE = "revoke"
    MUTE = "mute"
    UNMUTE = "unmute"
    SUBSCRIBE_FORM = "subscribe_form"
    GET_A_BUILD = "get_a_build"
    BUILD_MENU = "build_menu"


class Shortcut(StrEnum):
    """Callback ids of the shortcuts in Slack's menus; the manifest names the same."""

    GET_A_BUILD = "get_a_build"
    FIND_BUILDS = "find_builds"


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
    """A whole question: the command's word ("versions"), the words after it, and the first row wanted, or the place in a log."""

    command: str
    words: str = ""
    offset: int = 0
    beside: Beside | None = None

    def encode(self, limit: int = LONGEST_VALUE) -> str:
        """At most `limit` characters; words beyond them are lost."""
        place = _encode_place(self.beside) if self.beside else f":{self.offset}" if self.offset else ""
        words = " ".join(self.words[:limit].translate(_CONTROLS).split()).encode(errors="replace").decode()
        return f"{self.command}{place} {words}"[:limit].rstrip()


def decode_ask(value: str | None) -> Ask:
    """Raises UserMistake for a value that `Ask.encode` cannot have made."""
    match = _ASK.fullmatch(value) if value is not None and len(value) <= LONGEST_VALUE else None
    if match is None:
        raise UserMistake(_NOT_OURS)
    return Ask(match[1], match[6] or "", int(match[2] or 0), _decode_place(*match.group(3, 4, 5)))


def _encode_place(place: Beside) -> str:
    return f"{'>' if place.newer else '<'}{(place.at - _EPOCH) // _STEP}:{place.id}"


def _decode_place(side: str | None, steps: str, id: str) -> Beside | None:
    return Beside(_EPOCH + int(steps) * _STEP, id, side == ">") if side else None


def decode_grant(value: str | None) -> str:
    """A grant's id. Raises UserMistake for anything else."""
    if value is None or not _GRANT.fullmatch(value):
        raise UserMistake(_NOT_OURS)
    return value


@dataclass(frozen=True, slots=True)
class Incident:
    """A time during which agreements blocked an account, named by its beginning."""

    account: str
    since: datetime

    def encode(self, snooze: Snooze | None = None) -> str:
        """Short enough for an option."""
        return f"{snooze}:{self._name}" if snooze else self._name

    @property
    def _name(self) -> str:
        return f"{self.account[:64]} {self.since.astimezone(UTC).isoformat()}"


def decode_incident(value: str | None) -> Incident:
    """Raises UserMistake."""
    _, incident = _incident_parts(value)
    return incident


def decode_snooze(value: str | None) -> tuple[Snooze, Incident]:
    """For how long, and what. Raises UserMistake."""
    length, incident = _incident_parts(value)
    if length not in set(Snooze):
        raise UserMistake(_NOT_OURS)
    return Snooze(length), incident


def _incident_parts(value: str | None) -> tuple[str | None, Incident]:
    match = _INCIDENT.fullmatch(value) if value is not None else None
    if match is None:
        raise UserMistake(_NOT_OURS)
    try:
        return match[1], Incident(match[2], datetime.fromisoformat(match[3]))
    except ValueError:
        raise UserMistake(_NOT_OURS) from None


def encode_build(key: str, channel: str = "") -> str:
    """The value of a button that is about one build; see `bot.domain.model.build_key`. `channel`: where a person asked for it,
    for buttons that stand in a direct message and yet are about what may be had there."""
    return f"{key}@{channel}" if channel else key


def decode_build(value: str | None) -> str:
    """A build's key. Raises UserMistake for anything else."""
    return _build_parts(value)[0]


def decode_origin(value: str | None) -> str | None:
    """Where it was asked for, when the button says. Raises UserMistake."""
    return _build_parts(value)[1]


def _build_parts(value: str | None) -> tuple[str, str | None]:
    match = _KEY.fullmatch(value) if value is not None else None
    if match is None:
        raise UserMistake(_NOT_OURS)
    return match[1], match[2]
