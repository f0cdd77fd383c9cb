"""What ends: the digest of what comes close, and the list under `/purser agreements`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.domain.answers import AlertFacts
from bot.domain.message import Block, Message
from bot.domain.model import Expiry, ExpiryKind, Platform
from bot.views.limits import SECTION, context, message, section
from bot.views.text import PLATFORMS, count, cut, day, escape

TOLD: Final = 20  # lines of a digest; bot.services.expiries writes down as many
LISTED: Final = 40  # lines under `/purser agreements`
DIGEST_ROOM: Final = 9000  # characters of a digest's lines
LIST_ROOM: Final = 5000  # characters of the list's lines: what stands above it needs the rest of the message
TEASER: Final = 2  # things named in a notification
NAME: Final = 80  # characters shown of a name: a build's has a version after the product's

_KINDS: Final[Mapping[ExpiryKind, str]] = {
    ExpiryKind.CERTIFICATE: "certificate",
    ExpiryKind.PROFILE: "provisioning profile",
    ExpiryKind.KEY: "key",
    ExpiryKind.BUILD: "build",
    ExpiryKind.DATE: "",
}


def digest(facts: AlertFacts, now: datetime) -> Message:
    """What came close since the digest before, soonest first. It says how long is left on the day on which it is posted."""
    told = list(_told(facts.alert.facts))
    total = max(_number(facts.alert.facts.get("count", "")), len(told))
    over = " or ended lately" if any(expiry.expires_at.date() < now.date() for expiry in told) else ""
    head = f"*{count(total, 'thing ends', 'things end')} soon{over}*"
    lines = _fitting([_line(expiry, now) for expiry in told], DIGEST_ROOM)
    left = total - len(lines)
    more = [context(f"and {left:,} more: `/purser agreements`")] if left else []
    blocks = [section(f":hourglass_flowing_sand: {head}"), *map(section, _packed(lines)), *more]
    return message(_notification(head, told, now), blocks)


def listed(expiries: Sequence[Expiry], now: datetime) -> list[Block]:
    """Everything that ends, soonest first."""
    soonest = sorted(expiries, key=lambda expiry: expiry.expires_at)[:LISTED]
    lines = _fitting([_line(expiry, now) for expiry in soonest], LIST_ROOM)
    left = len(expiries) - len(lines)
    more = [f"and {left:,} more that end later"] if left else []
    return [section(text) for text in _packed([*lines, *more])]


def _line(expiry: Expiry, now: datetime) -> str:
    return " · ".join(part for part in (f"*{_name(expiry)}*", _what(expiry), day(expiry.expires_at), _until(expiry, now)) if part)


def _what(expiry: Expiry) -> str:
    """ "iOS TestFlight build of acme-apple"; "" for a date, whose name says it all."""
    platform = PLATFORMS[expiry.platform] if expiry.platform is not None else ""
    owner = f"of {escape(expiry.account)}" if expiry.account else ""
    return " ".join(word for word in (platform, escape(expiry.track), _KINDS[expiry.kind], owner) if word)


def _name(expiry: Expiry) -> str:
    return escape(expiry.name, NAME) or "(no name)"


def _until(expiry: Expiry, now: datetime) -> str:
    """How far away the end is, in days of UTC: "today", "in 3 days", "2 days ago"."""
    days = (expiry.expires_at.date() - now.date()).days
    if days == 0:
        return "today"
    return f"in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} ago"


def _notification(head: str, told: Sequence[Expiry], now: datetime) -> str:
    named = ", ".join(f"{_name(expiry)} {_until(expiry, now)}" for expiry in told[:TEASER])
    return f"{head}: {named}" if named else head


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """The first lines, as many as have room."""
    taken = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        taken.append(line)
    return taken


def _packed(lines: Sequence[str]) -> list[str]:
    """Texts of as many whole lines as a section takes."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= SECTION:
            texts[-1] += f"\n{line}"
        else:
            texts.append(cut(line, SECTION))
    return texts


def _told(facts: Mapping[str, str]) -> Iterator[Expiry]:
    """The things among a digest's facts; what another version wrote otherwise is left out or drawn without its kind."""
    for place in range(TOLD):
        fact = {key: facts.get(f"{place}.{key}", "") for key in ("account", "kind", "name", "ends", "platform", "track")}
        try:
            ends = datetime.fromisoformat(fact["ends"]).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        kind = ExpiryKind(fact["kind"]) if fact["kind"] in set(ExpiryKind) else ExpiryKind.DATE
        platform = Platform(fact["platform"]) if fact["platform"] in set(Platform) else None
        yield Expiry(fact["account"], kind, "", fact["name"], ends, platform, fact["track"] or None)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
