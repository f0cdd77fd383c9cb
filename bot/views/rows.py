"""One line per build, used by every screen that shows builds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.message import Block
from bot.domain.model import Build
from bot.views.ids import Action, encode_build
from bot.views.limits import Element, button, section
from bot.views.text import PLATFORMS, age, can_be_had, count, day, escape, label, moment, state

ROWS: Final = 20  # rows in one message at the most
ROW: Final = 450  # characters of a row's text at the most
SOON: Final = timedelta(days=14)  # an expiry is worth a word from here on


class Places:
    """Names where builds stand: the provider's title and track, and the account where the title alone would be ambiguous."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._twice = {title for title, times in Counter(titles.values()).items() if times > 1}
        self._words: dict[tuple[str, str], str] = {}

    def of(self, build: Build) -> str:
        key = build.account, build.track
        if key not in self._words:
            self._words[key] = self._put(*key)
        return self._words[key]

    def _put(self, account: str, track: str) -> str:
        title = self._titles.get(account) or account
        if title in self._twice:
            title = f"{title} ({account})"
        return f"{escape(title)} · {escape(track)}" if track else escape(title)


def download_button(build: Build, now: datetime, position: int = 0, text: str = "Download") -> Element | None:
    return button(text, Action.DOWNLOAD, encode_build(build.key), position) if can_be_had(build, now) else None


def build_rows(
    builds: Iterable[Build], titles: Mapping[str, str], now: datetime, lasting: bool = False, first: int = 0
) -> list[Block]:
    """platform · place · version (number) · state · age, and a Download button where there is something to have.

    `lasting` rows stay readable for days, so they tell points in time. `first` is the first row's place among the buttons.
    """
    places = Places(titles)
    rows = []
    for position, build in enumerate(builds, first):
        facts = f"*{PLATFORMS[build.platform]}* · {places.of(build)} · {build_facts(build, now, lasting)}"
        rows.append(section(facts, download_button(build, now, position), ROW))
    return rows


def build_facts(build: Build, now: datetime, lasting: bool) -> str:
    """version (number) · state · age · expiry when that is near"""
    when = age(build.uploaded_at, now) if not lasting or build.uploaded_at is None else moment(build.uploaded_at, now)
    facts = f"{label(build)} · {state(build, now)} · {when}"
    if build.expires_at is None or build.expires_at - now > SOON or build.is_expired(now):
        return facts
    return f"{facts} · {_expiry(build.expires_at, now, lasting)}"


def _expiry(expires_at: datetime, now: datetime, lasting: bool) -> str:
    if lasting:
        return f"expires {day(expires_at)}"
    days = (expires_at.date() - now.date()).days
    return f"expires in {count(days, 'day')}" if days else "expires today"
