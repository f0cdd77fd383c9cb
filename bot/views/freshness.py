"""How old an answer is, in small print."""

from datetime import datetime
from typing import Final

from bot.domain.answers import Freshness
from bot.domain.model import AccountHealth
from bot.views.text import age, escape, moment, reason_words

NAMED: Final = 3  # failing accounts named before the rest is counted


def age_lines(freshness: Freshness, now: datetime) -> list[str]:
    """For an answer that only its reader sees, at once."""
    if freshness.checked_at is None:
        checked = "Reading this for the first time now" if freshness.refreshing else "Not everything here has been read yet"
    else:
        checked = f"Checked {age(freshness.checked_at, now)}" + (", checking again now" if freshness.refreshing else "")
    return [checked, *failing_lines(freshness, now)]


def as_of_lines(freshness: Freshness, now: datetime) -> list[str]:
    """For a card that stays where it is: points in time instead of ages."""
    return [as_of(freshness, now), *failing_lines(freshness, now)]


def as_of(freshness: Freshness, now: datetime) -> str:
    return f"As of {moment(freshness.checked_at, now)}" if freshness.checked_at else "Not everything read yet"


def failing_lines(freshness: Freshness, now: datetime) -> list[str]:
    lines = [failing_line(health, now) for health in freshness.failing[:NAMED]]
    left = len(freshness.failing) - NAMED
    return [*lines, f"and {left:,} more that cannot be read"] if left > 0 else lines


def failing_line(health: AccountHealth, now: datetime) -> str:
    since = f" since {moment(health.failing_since, now)}" if health.failing_since else ""
    reason = f" ({reason_words(health.reason)})" if health.reason else ""
    return f"{escape(health.name)} could not be read{since}{reason}"
