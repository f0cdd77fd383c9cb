"""`/purser agreements`: what is known of legal papers and other things that end. Not knowing is never shown as fine."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from bot.domain.answers import AccountLine, AgreementsAnswer
from bot.domain.message import Block, Message
from bot.domain.model import Agreement, AgreementState
from bot.views.accounts import account_name
from bot.views.download import BUSINESS_PAGE
from bot.views.expiries import listed
from bot.views.limits import context, listing, open_button, section
from bot.views.text import age, count, escape, moment, user

ACCOUNTS: Final = 20
LINE: Final = 450  # characters about one account
UNREAD: Final = 8  # accounts named of which nothing was read
_AREAS: Final = {"account": "the whole account", "apps": "apps and builds", "signing": "signing", "release": "App Store release"}
_ORDER: Final = (AgreementState.BLOCKED, AgreementState.REFUSED, AgreementState.UNKNOWN, AgreementState.IN_FORCE)


def agreements(answer: AgreementsAnswer, now: datetime) -> Message:
    """Blocked accounts first, then those we cannot know about, then the good ones; dates soonest first."""
    known = [(line, line.agreement) for line in answer.accounts if line.agreement is not None]
    known.sort(key=lambda pair: _ORDER.index(pair[1].state))
    rows = [_row(line, agreement, now, place) for place, (line, agreement) in enumerate(known[:ACCOUNTS])]
    tail = [*_unread([line for line in answer.accounts if line.agreement is None]), *listed(answer.expiries, now)]
    if not rows and not tail:
        rows = [section("No accounts are configured.")]
    return listing(_summary([agreement for _, agreement in known]), (), rows, tail, len(known), _more)


def areas(blocked: tuple[str, ...]) -> str:
    """What is blocked, in words; "" when that is not known."""
    return ", ".join(_AREAS.get(area) or escape(area) for area in blocked[:5])


def _row(line: AccountLine, agreement: Agreement, now: datetime, position: int) -> Block:
    button = open_button("Open App Store Connect", BUSINESS_PAGE, position) if agreement.state is AgreementState.BLOCKED else None
    return section(f"{account_name(line)} · {_STATES[agreement.state](agreement, now)}", button, LINE)


def _blocked(agreement: Agreement, now: datetime) -> str:
    what = f": {areas(agreement.blocked)}" if agreement.blocked else ""
    doer = f"{user(agreement.taken_by)} is on it. " if agreement.taken_by else ""
    return (
        f"*blocked* since {moment(agreement.since, now)}{what}. "
        f"The Account Holder must accept the agreement. {doer}Asked {age(agreement.checked_at, now)}"
    )


def _refused(agreement: Agreement, now: datetime) -> str:
    why = f"Apple refuses the key or its role{_code(agreement)}, which says nothing about agreements"
    return f"unknown: {why}. {_asked(agreement, now)}"


def _unknown(agreement: Agreement, now: datetime) -> str:
    return f"unknown: Apple's answer did not tell{_code(agreement)}. {_asked(agreement, now)}"


def _in_force(agreement: Agreement, now: datetime) -> str:
    strikes = ", though the last check was refused; one more and it counts as blocked" if agreement.strikes else ""
    return f"in force: Apple enforced nothing when asked {age(agreement.checked_at, now)}{strikes}"


def _asked(agreement: Agreement, now: datetime) -> str:
    return f"Asked {age(agreement.checked_at, now)}"


def _code(agreement: Agreement) -> str:
    return f" ({escape(agreement.code)})" if agreement.code else ""


def _unread(lines: list[AccountLine]) -> list[Block]:
    if not lines:
        return []
    names = ", ".join(account_name(line) for line in lines[:UNREAD])
    left = f" and {len(lines) - UNREAD:,} more" if len(lines) > UNREAD else ""
    return [context(f"Nothing read yet, or nothing to read: {names}{left}")]


def _summary(known: list[Agreement]) -> str:
    blocked = sum(agreement.state is AgreementState.BLOCKED for agreement in known)
    in_force = sum(agreement.state is AgreementState.IN_FORCE for agreement in known)
    return f"Agreements: {blocked:,} blocked, {len(known) - blocked - in_force:,} unknown, {in_force:,} in force"


def _more(left: int) -> str:
    return f"and {count(left, 'account')} more"


_STATES: Final[Mapping[AgreementState, Callable[[Agreement, datetime], str]]] = {
    AgreementState.BLOCKED: _blocked,
    AgreementState.REFUSED: _refused,
    AgreementState.UNKNOWN: _unknown,
    AgreementState.IN_FORCE: _in_force,
}
