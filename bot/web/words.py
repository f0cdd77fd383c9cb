"""Facts as people read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from bot.domain.model import Platform

_PLATFORMS: Mapping[Platform, str] = {
    Platform.IOS: "iOS",
    Platform.ANDROID: "Android",
    Platform.MACOS: "macOS",
    Platform.TVOS: "tvOS",
    Platform.VISIONOS: "visionOS",
    Platform.WINDOWS: "Windows",
    Platform.WEB: "Web",
    Platform.API: "API",
    Platform.OTHER: "Other",
}


def platform(value: Platform) -> str:
    return _PLATFORMS[value]


def size(count: int) -> str:
    """Bytes in decimal units, as phones show them."""
    if count < 1000:
        return f"{count} bytes"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95 or unit == "GB":
            break
    return f"{amount:.1f} {unit}"


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def is_long(text: str) -> bool:
    """Whether it would push aside what stands around it on a phone."""
    return len(text) > 600 or text.count("\n") > 12


def time(when: datetime) -> str:
    return f"{when:%H:%M} UTC"


def moment(when: datetime) -> str:
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def lifetime(left: timedelta) -> str:
    minutes = max(1, ceil(left / timedelta(minutes=1)))
    return "1 more minute" if minutes == 1 else f"{minutes} more minutes"
