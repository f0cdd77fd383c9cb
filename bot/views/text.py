"""Words for people: vendor text made harmless, ages, sizes, names of platforms and states."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from unicodedata import bidirectional

from bot.domain.model import Build, BuildState, Handover, Platform

NAME: Final = 60  # characters shown of names, titles and tracks
VERSION: Final = 40  # characters shown of version labels and build numbers
REASON: Final = 160  # characters shown of what a vendor found wrong with a build
NOTES: Final = 600  # characters shown of release notes
NOTE_LINES: Final = 8

# Invisible characters that turn text around, hide in it or break lines. Joiners inside emoji (U+200D, U+FE0F) stay.
_CONTROLS: Final = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " "),
    **dict.fromkeys((0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)),
    **dict.fromkeys(range(0xFFF9, 0xFFFC)),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}
# Slack has escapes for these three and no others: https://docs.slack.dev/messaging/formatting-message-text#escaping
_ENTITIES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
# Formatting marks have no escape. A zero-width space beside a mark switches formatting *on* in the middle of a word, and the
# fullwidth forms are marks too (jsx-slack's docs/about-escape-and-exact-mode.md records both), so a mark gives way to a
# character that looks like it.
_LOOKALIKES: Final = {
    **dict.fromkeys(map(ord, "*＊"), "\u2217"),
    **dict.fromkeys(map(ord, "_＿"), "\u02cd"),
    **dict.fromkeys(map(ord, "~～"), "\u223c"),
    **dict.fromkeys(map(ord, "`｀"), "\u02cb"),
    ord("＞"): "\u203a",
}
# What stops Slack from making links and mentions of plain text is `verbatim` on every mrkdwn object (limits.py):
# https://docs.slack.dev/reference/block-kit/composition-objects/text-object. The word joiner keeps `http://`, `@here` and
# `:fire:` from being read where there is no such switch: emoji codes, and the text beside the blocks.
_JOINED: Final = {ord(":"): ":\u2060", ord("@"): "@\u2060"}

_MRKDWN: Final = str.maketrans(_CONTROLS | _ENTITIES | _LOOKALIKES | _JOINED)
_CODE: Final = str.maketrans(_CONTROLS | _ENTITIES | _JOINED | dict.fromkeys(map(ord, "`｀"), "\u02cb"))
_SENTENCE: Final = str.maketrans(_CONTROLS | _ENTITIES | {ord("@"): "@\u2060"})
_PLAIN: Final = str.maketrans(_CONTROLS)

_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

PLATFORMS: Final[Mapping[Platform, str]] = {
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
STATES: Final[Mapping[BuildState, str]] = {
    BuildState.PROCESSING: "still processing",
    BuildState.READY: "ready",
    BuildState.IN_REVIEW: "in review",
    BuildState.APPROVED: "approved",
    BuildState.LIVE: "live",
    BuildState.REJECTED: "rejected",
    BuildState.FAILED: "failed",
    BuildState.EXPIRED: "expired",
    BuildState.OTHER: "state unknown",
}


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis when something is missing."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip(" \u200d\ufe0f") + "…"


def cut(mrkdwn: str, limit: int) -> str:
    """The same for text that is escaped already: an entity is kept whole or left out."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    head = mrkdwn[: limit - 1]
    start = head.rfind("&", -4)
    return (head if start < 0 or ";" in head[start:] else head[:start]).rstrip(" \u200d\ufe0f") + "…"


def escape(text: str | None, limit: int = NAME) -> str:
    """Vendor text for a mrkdwn object, on one line; it can neither ping, link, format nor turn its neighbours around."""
    return _harmless(clip(text, limit)) if text else ""


@lru_cache(maxsize=2048)  # the same names and versions stand in every answer
def _harmless(text: str) -> str:
    escaped = text.translate(_MRKDWN).strip()
    return escaped if text.isascii() else _isolated(escaped)


def name(text: str | None) -> str:
    """A vendor's name for something; says so when there is none."""
    return escape(text) or "(no name)"


def code(text: str | None, limit: int = 80) -> str:
    """Vendor text as inline code, where Slack formats nothing; "" for nothing."""
    inside = clip(text or "", limit).translate(_CODE).strip()
    return f"`{inside}`" if inside else ""


def sentence(text: str, limit: int = 600) -> str:
    """A sentence of our own that may repeat a person's words: formatting stays, pings and links do not."""
    return clip(text, limit).translate(_SENTENCE).replace("://", ":\u2060//")


def plain(text: str | None, limit: int) -> str:
    """Vendor text for a plain_text object, in which Slack reads no markup."""
    text = (text or "")[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_PLAIN)
    return clip(text, limit) or "(no name)"


def user(slack_id: str) -> str:
    """A mention; Slack notifies nobody of a mention in an ephemeral message."""
    return f"<@{slack_id}>" if _is_slack_id(slack_id) else code(slack_id) or "somebody"


def channel(slack_id: str) -> str:
    """A link to a channel; what is between two has no name to link."""
    if _is_slack_id(slack_id) and slack_id.startswith("D"):
        return "a direct message"
    return f"<#{slack_id}>" if _is_slack_id(slack_id) else code(slack_id) or "a channel"


def _is_slack_id(text: str) -> bool:
    return len(text) <= 20 and text.isascii() and text.isalnum() and text.isupper()


def quote(text: str | None) -> str:
    """Release notes as a Slack quotation: at most NOTE_LINES lines and NOTES characters; "" when there is nothing to say."""
    raw = (text or "")[: 4 * NOTES].strip()
    lines = [line for line in (escape(line, NOTES) for line in raw.splitlines()) if line]
    if not lines:
        return ""
    shown = cut("\n".join(lines[:NOTE_LINES]).replace(":\u2060 ", ": "), NOTES)
    if len(lines) > NOTE_LINES and not shown.endswith("…"):
        shown += "\n…"
    return "> " + shown.replace("\n", "\n> ")


def _isolated(text: str) -> str:
    """Right-to-left text fenced off (U+2068, U+2069), so that the version number beside it stays where it is."""
    return f"\u2068{text}\u2069" if any(bidirectional(char) in _RIGHT_TO_LEFT for char in text) else text


def count(number: int, one: str, many: str = "") -> str:
    """ "1 build", "1,204 builds"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def age(when: datetime | None, now: datetime) -> str:
    """How long ago, to the precision a colleague would use."""
    if when is None:
        return "date unknown"
    seconds = int((now - when).total_seconds())
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86400:
        return f"{seconds // 3600} h ago"
    days = seconds // 86400
    return f"{count(days, 'day')} ago" if days < 14 else day(when)


def span(length: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = max(0, int(length.total_seconds()) // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return count(days, "day") + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min" if minutes else "less than a minute"


def day(when: datetime) -> str:
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def moment(when: datetime, now: datetime) -> str:
    """A point in time, without the parts that go without saying."""
    clock = f"{when.hour:02}:{when.minute:02} UTC"
    if when.date() == now.date():
        return clock
    return f"{when.day} {_MONTHS[when.month - 1]} {clock}" if when.year == now.year else f"{day(when)} {clock}"


def size(count_of_bytes: int) -> str:
    """Decimal units, as the stores show them."""
    amount = float(count_of_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def label(build: Build) -> str:
    """*3.2.0* (418)"""
    version = escape(build.version, VERSION) or "no version"
    return f"*{version}* ({escape(build.number, VERSION)})" if build.number else f"*{version}*"


def plain_label(build: Build) -> str:
    """3.2.0 (418), for button texts."""
    version = plain(build.version, VERSION)
    return f"{version} ({plain(build.number, VERSION)})" if build.number else version


def state(build: Build, now: datetime) -> str:
    """The state in words, with the vendor's own where it says more."""
    if build.is_expired(now):
        return f"expired {day(build.expires_at)}" if build.expires_at else "expired"
    word = STATES[build.state]
    if build.detail and build.detail[:REASON].casefold() not in (word, build.state):  # a longer one is neither
        detail = escape(build.detail, REASON if build.state is BuildState.FAILED else VERSION)
        return detail if build.state is BuildState.OTHER else f"{word} ({detail})"
    return word


def can_be_had(build: Build, now: datetime) -> bool:
    """Whether a Download button makes sense."""
    return build.handover is not Handover.NONE and build.state.is_announceable and not build.is_expired(now)


def reason_words(reason: str) -> str:
    """A stable reason code as people read it: `http_502` is "http 502". A vendor's own code, in capitals, stays as it is."""
    return code(reason) if reason.isupper() else escape(reason.replace("_", " "))
