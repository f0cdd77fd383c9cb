"""`/purser revoke` and `/purser audit`: links that were given, to take back or to look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.answers import AuditAnswer, RevocableAnswer, Revoked
from bot.domain.message import Block, Message
from bot.domain.model import OPENING, VENDOR_LINK, Grant
from bot.domain.ports import AuditLine
from bot.views.ids import Action, Ask
from bot.views.limits import Element, actions, button, context, listing, message, section
from bot.views.text import PLATFORMS, channel, count, cut, label, moment, name, reason_words, user

AUDIT: Final = "audit"
REVOKE: Final = "revoke"
PAGE_ROWS: Final = 15
ROW: Final = 400  # characters
_OUTCOMES: Final = {
    OPENING: "download begun",
    "streamed": "downloaded",
    "left": "left before the end",
    "broken_off": "broken off by the vendor",
    "redirected": "sent on to the file",
    VENDOR_LINK: "the vendor's own link",
}


def revocable(answer: RevocableAnswer, now: datetime) -> Message:
    """Links that still open something or are being downloaded, one Revoke button each."""
    whose = "" if answer.of_everybody else " of yours"
    if not answer.lines:
        text = f"No link{whose} can be opened or is being downloaded at the moment: there is nothing to take back."
        return message(text, [section(text)])
    title = f"{count(answer.total, 'link')}{whose} can be taken back"
    rows = [
        section(_row(line, now), button("Revoke", Action.REVOKE, line.grant.id, position, style="danger"), ROW)
        for position, line in enumerate(answer.lines[:PAGE_ROWS])
    ]
    people = ", a person" if answer.of_everybody else ""
    more = f"A product{people} or `all` after `{REVOKE}` takes back more at once."
    tail = (context(f"{more} A download that runs ends within seconds; what was downloaded stays."),)
    return listing(title, (section(f"*{title}*"),), rows, tail, answer.total, lambda left: f"and {left:,} more")


def revoked(answer: Revoked) -> Message:
    whose = f" of {user(answer.whose)}" if answer.whose else ""
    text = f"{count(answer.count, 'link')}{whose} taken back." if answer.count else f"There was no link{whose} to take back."
    return message(text, [section(text)])


def audit(answer: AuditAnswer, now: datetime) -> Message:
    """One page of the log."""
    of = f" of *{name(answer.product.name)}*" if answer.product else ""
    if not answer.lines:
        text = f"No downloads{of} in the log."
        return message(text, [section(text)])
    lines = answer.lines[:PAGE_ROWS]
    first, last = answer.newer + 1, answer.newer + len(lines)
    title = f"Downloads{of}: {first:,} to {last:,} of {answer.total:,}"
    return message(title, [section(title), *_rows(lines, now), *actions(*_pages(answer, lines, last))])


def _rows(lines: Sequence[AuditLine], now: datetime) -> list[Block]:
    return [section(_row(line, now), limit=ROW) for line in lines]


def _pages(answer: AuditAnswer, lines: Sequence[AuditLine], last: int) -> tuple[Element | None, ...]:
    back = Ask(AUDIT, answer.asked, beside=lines[0].beside(newer=True)).encode() if answer.newer else None
    more = Ask(AUDIT, answer.asked, beside=lines[-1].beside()).encode() if last < answer.total else None
    return (
        button("Newer", Action.PAGE, back, 0) if back else None,
        button("Older", Action.PAGE, more, 1) if more else None,
    )


def _row(line: AuditLine, now: datetime) -> str:
    """when · who, where · what · outcome"""
    grant = line.grant
    where = "a modal" if grant.channel == grant.user else channel(grant.channel)
    who = f"{user(grant.user)} in {where}"
    facts = (moment(grant.created_at, now), who, _what(line), _outcome(grant, now))
    return cut(" · ".join(facts), ROW)


def _what(line: AuditLine) -> str:
    if line.build is None:
        return "a build that is not known any more"
    product = f"*{name(line.product)}* " if line.product else ""
    return f"{product}{label(line.build)} {PLATFORMS[line.build.platform]}"


def _outcome(grant: Grant, now: datetime) -> str:
    if grant.revoked_at is not None:
        return f"revoked {moment(grant.revoked_at, now)} by {user(grant.revoked_by or '')}"
    if not grant.given:
        return f"no link: {reason_words(grant.outcome or '')}"
    if not grant.opened:
        return "not opened"
    words = _OUTCOMES.get(grant.outcome or "") or reason_words(grant.outcome or "")
    return words if grant.opened == 1 else f"{words}, opened {grant.opened:,} times"
