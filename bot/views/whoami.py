"""`/purser whoami`: what this person may do here."""

from typing import Final

from bot.domain.answers import Denial, WhoamiAnswer
from bot.domain.message import Message
from bot.views.limits import message, section
from bot.views.mistakes import channel_list
from bot.views.text import cut, name, user

RESTRICTED: Final = 10  # products named
LINE: Final = 300
_DENIALS: Final = {
    Denial.GUEST: "As a guest of this workspace you see no builds and get no links.",
    Denial.EXTERNAL: "As someone from another organisation you see no builds and get no links.",
    Denial.DEACTIVATED: "Your account is deactivated: you see no builds and get no links.",
    Denial.CHANNEL: "You see no builds in this channel.",
}


def whoami(answer: WhoamiAnswer) -> Message:
    """Rights, one a line."""
    lines = [_may(answer.denial), *_owner(answer), *_restricted(answer)]
    return message(lines[0], [section("\n".join((f"You are {user(answer.person.id)}.", *lines)))])


def _may(denial: Denial | None) -> str:
    return "You may see builds and get links." if denial is None else _DENIALS.get(denial, _DENIALS[Denial.CHANNEL])


def _owner(answer: WhoamiAnswer) -> list[str]:
    return ["You look after Purser here: key problems are told to you."] if answer.is_owner else []


def _restricted(answer: WhoamiAnswer) -> list[str]:
    lines = [
        cut(f"*{name(product.name)}* only in {channel_list(channels)}", LINE)
        for product, channels in answer.restricted[:RESTRICTED]
    ]
    left = len(answer.restricted) - RESTRICTED
    return [*lines, f"and {left:,} more products only in some channels"] if left > 0 else lines
