"""The words that say when a digest goes out: `daily 09:00 Europe/Berlin`, `weekly on monday at 9`."""

import re
from collections.abc import Callable
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from bot.domain.digest import WEEKDAYS, Digest
from bot.domain.errors import UserMistake

USUAL_HOUR = 9
RHYTHMS = ("daily", "weekly")
SHORT_ZONES = ("utc", "gmt", "cet", "eet", "wet")  # others without a slash may be names of products ("Cuba", "Japan")

_TIME = re.compile(r"(\d{1,2})(?::(\d\d))?")

T = TypeVar("T")


def split_digest(words: str, zone: str | None = None) -> tuple[Digest | None, str]:
    """The digest that the words ask for, and the other words; `zone` is meant where they name none. A rhythm in the first place
    is a name ("Daily News") unless a day or a time follows. Raises UserMistake for a time or a zone that there is not."""
    tokens = words.split()
    for place, token in enumerate(tokens):
        if token.casefold() in RHYTHMS and (place or _goes_on(tokens[1:])):
            digest, used = _read(token.casefold(), tokens[place + 1 :], zone)
            return digest, " ".join(tokens[:place] + tokens[place + 1 + used :])
    return None, words


def _goes_on(following: list[str]) -> bool:
    first = next((token for token in following[:2] if token.casefold() not in ("at", "on")), "")
    return _weekday(first) is not None or (":" in first and _clock(first) is not None)


def _read(rhythm: str, following: list[str], own_zone: str | None) -> tuple[Digest, int]:
    """The digest, and how many of the words that follow belong to it."""
    rest = list(following)
    weekday = _taken(rest, "on", _weekday) if rhythm == "weekly" else None
    hour, minute = _taken(rest, "at", _clock) or (USUAL_HOUR, 0)
    zone = _taken(rest, "in", _zone)
    if hour > 23 or minute > 59:
        raise UserMistake(f"{hour}:{minute:02} is no time of day. Say `{rhythm} 09:00 Europe/Berlin`.")
    day = (weekday or 0) if rhythm == "weekly" else None
    zone = zone or _zones().get((own_zone or "").casefold(), "UTC")
    return Digest(hour, minute, zone, day), len(following) - len(rest)


def _taken(rest: list[str], introduced_by: str, read: Callable[[str], T | None]) -> T | None:
    """What the next word means ("09:00"), or the one after a little word ("at 09:00"), which are gone from `rest` then."""
    place = 1 if len(rest) > 1 and rest[0].casefold() == introduced_by else 0
    meant = read(rest[place]) if rest else None
    if meant is not None:
        del rest[: place + 1]
    return meant


def _clock(token: str) -> tuple[int, int] | None:
    """Hour and minute of `9`, `9:30`, `09:30`, in whatever range; None for anything else."""
    match = _TIME.fullmatch(token)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _weekday(token: str) -> int | None:
    """`monday`, `Mon`; None for anything else."""
    word = token.casefold()
    return next((place for place, day in enumerate(WEEKDAYS) if word in (day, day[:3])), None)


def _zone(token: str) -> str | None:
    """The zone's proper name; None when the word is something else. Raises UserMistake for a zone that we do not know."""
    word = token.casefold()
    if "/" not in word and word not in SHORT_ZONES:
        return None
    zone = _zones().get(word)
    if zone is None:
        raise UserMistake(f"I do not know the time zone {token[:40]}. Say it like Europe/Berlin or America/New_York.")
    return zone


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}
