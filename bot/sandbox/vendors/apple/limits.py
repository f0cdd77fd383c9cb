"""How often a key may call (Apple, "Identifying Rate Limits"; the minute's keys have been seen on some endpoints)."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(eq=False, slots=True)
class Window:
    """At most `limit` calls within any `length`."""

    name: str
    length: timedelta
    calls: deque[datetime] = field(default_factory=deque)

    def left(self, limit: int, now: datetime) -> int:
        while self.calls and self.calls[0] <= now - self.length:
            self.calls.popleft()
        return limit - len(self.calls)

    def header(self, limit: int, now: datetime) -> str:
        return f"user-{self.name}-lim:{limit};user-{self.name}-rem:{max(self.left(limit, now), 0)};"


class Meter:
    """The calls of one key. A minute without a limit is neither counted nor shown."""

    def __init__(self) -> None:
        self._hour = Window("hour", timedelta(hours=1))
        self._minute = Window("minute", timedelta(minutes=1))

    def count(self, now: datetime, hour_limit: int, minute_limit: int | None) -> bool:
        """False, and nothing counted, when there is no call left."""
        limits = [(self._hour, hour_limit), *([(self._minute, minute_limit)] if minute_limit is not None else [])]
        if any(window.left(limit, now) <= 0 for window, limit in limits):
            return False
        for window, _ in limits:
            window.calls.append(now)
        return True

    def header(self, now: datetime, hour_limit: int, minute_limit: int | None) -> str:
        """X-Rate-Limit, with Apple's semicolon at the end."""
        hour = self._hour.header(hour_limit, now)
        return hour if minute_limit is None else hour + self._minute.header(minute_limit, now)
