"""The words that say when a digest goes out: `daily 09:00 Europe/Berlin`, `weekly monday 09:00`."""

import re
from functools import cache
from zoneinfo import available_timezones

from bot.domain.digest import WEEKDAYS, Digest
from bot.domain.errors import UserMistake

USUAL_HOUR = 9
RHYTHMS = ("daily", "weekly")
SHORT_ZONES = ("utc", "gmt", "cet", "eet", "wet")  # others without a slash may be names of products ("Cuba", "Japan")

_TIME = re.compile(r"(\d{1,2}):(\d\d)")


def split_digest(words: str, zone: str | None = None) -> tuple[Digest | None, str]:
    """The digest that the words ask for, and the other words; `zone` is meant where they name none. A rhythm in the first place
    is a name ("Daily News") unless a day or a time follows. Raises UserMistake for a time or a zone that there is not."""
    tokens = words.split()
    for place, token in enumerate(tokens):
        if token.casefold() in RHYTHMS and (place or _goes_on(tokens[1:2])):
            digest, used = _read(token.casefold(), tokens[place + 1 :], zone)
            return digest, " ".join(tokens[:place] + tokens[place + 1 + used :])
    return None, words


def _goes_on(following: list[str]) -> bool:
    return any(_weekday(token) is not None or _TIME.fullmatch(token) for token in following)


def _read(rhythm: str, following: list[str], own_zone: str | None) -> tuple[Digest, int]:
    """The digest, and how many of the words that follow belong to it."""
    rest = list(following)
    weekday = _weekday(rest[0]) if rhythm == "weekly" and rest else None
    if weekday is not None:
        del rest[0]
    clock = _TIME.fullmatch(rest[0]) if rest else None
    if clock:
        del rest[0]
    zone = _zone(rest[0]) if rest else None
    if zone:
        del rest[0]
    hour, minute = (int(clock[1]), int(clock[2])) if clock else (USUAL_HOUR, 0)
    if hour > 23 or minute > 59:
        raise UserMistake(f"{hour}:{minute:02} is no time of day. Say `{rhythm} 09:00 Europe/Berlin`.")
    day = (weekday or 0) if rhythm == "weekly" else None
    zone = zone or _zones().get((own_zone or "").casefold(), "UTC")
    return Digest(hour, minute, zone, day), len(following) - len(rest)


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
