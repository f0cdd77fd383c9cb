"""Spends what Apple's rate limit leaves so that our own calls never meet a 429.

Every answer tells how many calls are left (X-Rate-Limit). While there are plenty, nothing waits. When they run low, calls that
nobody waits for are spread over the time that the limit counts, and a share stays for clicks, which never wait.

https://developer.apple.com/documentation/appstoreconnectapi/identifying-rate-limits
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

HOUR, MINUTE = "hour", "minute"
LOW = 4  # waiting begins when less than a quarter is left
RESERVE = 10  # a tenth of the limit stays for clicks, as long as there is anything else
PATIENCE = timedelta(minutes=2)
AFTER_REFUSAL = timedelta(minutes=1)

_LENGTHS = {HOUR: timedelta(hours=1), MINUTE: timedelta(minutes=1)}
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls per window: how many there are, and how many are left."""

    limit: int
    left: int


def read_allowances(header: str) -> Mapping[str, Allowance]:
    """By window ("hour", "minute"), from a header such as `user-hour-lim:3500;user-hour-rem:500;`. Odd parts are left out."""
    figures = dict(part.strip().partition(":")[::2] for part in header.split(";"))
    found = {}
    for window in _LENGTHS:
        limit, left = _number(figures.get(f"user-{window}-lim", "")), _number(figures.get(f"user-{window}-rem", ""))
        if limit is not None and left is not None:
            found[window] = Allowance(limit, left)
    return found


def _number(text: str) -> int | None:
    return int(text[:9]) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True, slots=True)
class _Heard:
    allowance: Allowance
    at: datetime


class Pacer:
    """The calls of one key. `sleep` takes seconds."""

    def __init__(self, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._heard: dict[str, _Heard] = {}
        self._under_way = 0
        self._last = datetime.min.replace(tzinfo=UTC)
        self._closed_until = self._last

    async def turn(self) -> timedelta | None:
        """Waits until a call that can wait may go. Not None: not now, ask again after this long."""
        now = self._clock()
        at = max(now, self._opening(now))
        if at - now > PATIENCE:
            return at - now
        self._last = at
        if at > now:
            await self._sleep((at - now).total_seconds())
        return None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Around every call: until its answer is there, it counts as not yet counted by Apple."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def heard(self, response: httpx.Response) -> int | None:
        """Takes an answer's X-Rate-Limit, and returns what is left of the hour's calls; not every answer has one."""
        now, allowances = self._clock(), read_allowances(response.headers.get("x-rate-limit", ""))
        self._heard |= {window: _Heard(allowance, now) for window, allowance in allowances.items()}
        return allowances[HOUR].left if HOUR in allowances else None

    def refused(self, retry_after: timedelta | None) -> None:
        """There was a 429 all the same: others use the key too."""
        self._closed_until = self._clock() + (retry_after or AFTER_REFUSAL)

    def _opening(self, now: datetime) -> datetime:
        """When the next call that can wait may go. What was heard longer ago than its window says nothing any more."""
        openings = [self._closed_until]
        for window, heard in self._heard.items():
            if now - heard.at < _LENGTHS[window]:
                openings.append(self._opening_of(heard, _LENGTHS[window]))
        return max(openings)

    def _opening_of(self, heard: _Heard, length: timedelta) -> datetime:
        left = heard.allowance.left - self._under_way
        if left <= 0:
            return heard.at + length
        return self._last + pause(Allowance(heard.allowance.limit, left), length)


def pause(allowance: Allowance, length: timedelta) -> timedelta:
    """The time between two calls that can wait, such that what is left lasts until the window has passed."""
    if allowance.left * LOW >= allowance.limit:
        return _NOTHING
    usable = max(allowance.left - allowance.limit // RESERVE, allowance.left // RESERVE, 1)
    return length / usable
