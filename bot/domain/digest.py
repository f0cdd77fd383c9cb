"""When a digest goes out: daily or weekly, at a time of day somewhere in the world."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Digest:
    """`weekday` counts from Monday, 0; None: every day. `zone` is a name of the IANA database, such as Europe/Berlin."""

    hour: int
    minute: int = 0
    zone: str = "UTC"
    weekday: int | None = None

    def __str__(self) -> str:
        """As people write it: "weekly monday 09:00 Europe/Berlin". `parse` reads it back."""
        rhythm = "daily" if self.weekday is None else f"weekly {WEEKDAYS[self.weekday]}"
        return f"{rhythm} {self.hour:02}:{self.minute:02} {self.zone}"

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC. A time that the clock skips in spring comes as much later."""
        zone = _zone(self.zone)
        local = moment.astimezone(zone)
        days = 0 if self.weekday is None else (self.weekday - local.weekday()) % 7
        step = 1 if self.weekday is None else 7
        times = (self._on(local.date() + timedelta(days=days + ahead), zone) for ahead in (0, step, 2 * step))
        return next(time for time in times if time > moment)

    def _on(self, day: date, zone: tzinfo) -> datetime:
        return datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=zone).astimezone(UTC)


def _zone(name: str) -> tzinfo:
    """UTC for a zone that the database of this machine does not know (any more): late or early is better than never."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def parse(text: str) -> Digest:
    """What `str` made of a digest. Raises ValueError."""
    rhythm, *rest = text.split()
    weekday = WEEKDAYS.index(rest.pop(0)) if rhythm == "weekly" else None
    clock, zone = rest
    hour, minute = map(int, clock.split(":"))
    return Digest(hour, minute, zone, weekday)
