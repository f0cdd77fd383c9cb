"""How old an answer is, in small print."""

from datetime import datetime
from typing import Final

from bot.domain.answers import Freshness
from bot.domain.model import NOT_LISTED, AccountHealth, AppTrouble
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
    more = [f"and {left:,} more that cannot be read"] if left > 0 else []
    return [*lines, *more, *(trouble_line(trouble, now) for trouble in freshness.troubles[:NAMED])]


def trouble_line(trouble: AppTrouble, now: datetime) -> str:
    app, since = f"{escape(trouble.name)} in {escape(trouble.account)}", moment(trouble.since, now)
    if trouble.reason == NOT_LISTED:
        return f"{app} is listed no longer since {since}"
    return f"{app} could not be read since {since} ({reason_words(trouble.reason)})"


def failing_line(health: AccountHealth, now: datetime) -> str:
    since = f" since {moment(health.failing_since, now)}" if health.failing_since else ""
    reason = f" ({reason_words(health.reason)})" if health.reason else ""
    return f"{escape(health.name)} could not be read{since}{reason}"
