"""A blocked agreement from its beginning to its end: the card, the lines in its thread, and the answers to its buttons."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bot.domain.answers import AlertFacts, Checked, DeadIncident, Snoozed, Taken
from bot.domain.message import Message
from bot.domain.model import Agreement, AgreementState, Alert, AlertKind, Snooze
from bot.views.agreements import areas
from bot.views.download import BUSINESS_PAGE
from bot.views.ids import Action, Incident
from bot.views.limits import Element, actions, button, context, menu, message, open_button, section
from bot.views.text import code, escape, moment, name, span, user

CARD: Final = 600  # characters of a card's first lines
_SNOOZES: Final[Mapping[Snooze, str]] = {
    Snooze.FOUR_HOURS: "4 hours",
    Snooze.ONE_DAY: "1 day",
    Snooze.MONDAY: "Until Monday",
}
_WHO: Final = "the Account Holder, in App Store Connect under Business"


def card(facts: AlertFacts, now: datetime) -> Message:
    """The one message of an incident in a channel, as the incident stands now."""
    incident = _incident(facts)
    return _over(facts, incident, incident.until, now) if incident.until else _open(facts, incident, now)


def line(facts: AlertFacts) -> Message:
    """What a reminder or the end adds to the thread of the card."""
    incident = _incident(facts)
    if incident.until:
        text = f"Nothing blocks {_account(facts)} any more. It took {span(incident.until - incident.since)}."
        return message(text, [section(text, limit=CARD)])
    lasts = span(facts.alert.created_at - incident.since)
    doer = f"{user(incident.taken_by)} is on it." if incident.taken_by else "Nobody said yet that they are on it."
    text = f"{_account(facts)} is still blocked after {lasts}. {doer}"
    return message(text, [section(f"{text}\nWho must act: {_WHO}", limit=CARD)])


def checked(answer: Checked, now: datetime) -> Message:
    """What a check found just now, for the person who asked for it."""
    account = f"*{name(answer.agreement.account)}*"
    if answer.agreement.state is not AgreementState.BLOCKED:
        return _said(f"Nothing blocks {account} any more: Apple refused nothing just now. The message will say so.")
    match answer.status.state:
        case AgreementState.BLOCKED:
            what = f": {areas(answer.status.blocked)}" if answer.status.blocked else ""
            return _said(f"{account} is still blocked{what}. Apple was asked just now. Who must act: {_WHO}.")
        case AgreementState.REFUSED:
            why = f"Apple refused the key or its role{_code(answer.status.code)}, which says nothing about agreements"
        case _:
            why = f"Apple did not tell just now{_code(answer.status.code)}"
    return _said(f"{why}. {account} counts as blocked until Apple answers; I keep asking.")


def taken(answer: Taken) -> Message:
    """For the person who is on it now."""
    if answer.before == answer.incident.taken_by:
        return _said("You are on it already.")
    other = f"You took over from {user(answer.before)}." if answer.before else "You are on it."
    return _said(f"{other} The message says so, wherever it was posted.")


def snoozed(answer: Snoozed, now: datetime) -> Message:
    """For the person who wants quiet."""
    until = moment(answer.incident.snoozed_until or now, now)
    return _said(f"No reminders about *{name(answer.incident.account)}* before {until}. The message says so.")


def dead(answer: DeadIncident, now: datetime) -> Message:
    """Why a button does nothing any more."""
    account = f"*{name(answer.account)}*"
    if not answer.is_watched:
        return _said(f"{account} is not among the accounts whose agreements I check any more.")
    if answer.current is not None and answer.current.state is AgreementState.BLOCKED:
        since = moment(answer.current.since, now)
        return _said(f"This button is of an earlier time. {account} is blocked since {since}: use the buttons of that message.")
    if answer.incident is not None and answer.incident.until is not None:
        took = span(answer.incident.until - answer.incident.since)
        return _said(f"This is over: nothing blocks {account} since {moment(answer.incident.until, now)}. It took {took}.")
    return _said(f"I know of nothing that blocks {account}.")


def _open(facts: AlertFacts, incident: Agreement, now: datetime) -> Message:
    lines = [
        f":no_entry: *An agreement blocks {_account(facts)}*",
        f"Blocked: {areas(incident.blocked) or 'not known in detail'}",
        f"Since: {moment(incident.since, now)}",
        f"Who must act: {_WHO}",
    ]
    small = _small_print(incident, now)
    text = f"An agreement blocks {_account(facts)}. The Account Holder must accept it."
    blocks = [section("\n".join(lines), limit=CARD), *([context(*small)] if small else []), *actions(*_buttons(incident))]
    return message(text, blocks)


def _small_print(incident: Agreement, now: datetime) -> list[str]:
    lines = []
    if incident.taken_by:
        since = f" since {moment(incident.taken_at, now)}" if incident.taken_at else ""
        lines.append(f"{user(incident.taken_by)} is on it{since}")
    if incident.snoozed_until and incident.snoozed_until > now:
        by = f", says {user(incident.snoozed_by)}" if incident.snoozed_by else ""
        lines.append(f"No reminders before {moment(incident.snoozed_until, now)}{by}")
    if incident.code:
        lines.append(f"Apple says {code(incident.code)}")
    return lines


def _buttons(incident: Agreement) -> tuple[Element | None, ...]:
    this = Incident(incident.account, incident.since)
    return (
        open_button("Open App Store Connect", BUSINESS_PAGE),
        button("Check again", Action.CHECK_AGAIN, this.encode()),
        button("Take over" if incident.taken_by else "I'm on it", Action.TAKE_ON, this.encode()),
        menu("Snooze", Action.SNOOZE, [(words, this.encode(length)) for length, words in _SNOOZES.items()]),
    )


def _over(facts: AlertFacts, incident: Agreement, until: datetime, now: datetime) -> Message:
    took = f"It took {span(until - incident.since)}."
    what = f"{areas(incident.blocked)}, " if incident.blocked else ""
    doer = f" {user(incident.taken_by)} was on it." if incident.taken_by else ""
    lines = [
        f":white_check_mark: *Nothing blocks {_account(facts)} any more*",
        f"Was blocked: {what}from {moment(incident.since, now)} to {moment(until, now)}",
        f"{took}{doer}",
    ]
    return message(f"Nothing blocks {_account(facts)} any more. {took}", [section("\n".join(lines), limit=CARD)])


def _incident(facts: AlertFacts) -> Agreement:
    """The incident as the store has it; otherwise what the alert itself tells of it."""
    if facts.agreement is not None and facts.agreement.state is AgreementState.BLOCKED:
        return facts.agreement
    told, at = facts.alert.facts, facts.alert.created_at
    is_over = facts.alert.kind is AlertKind.AGREEMENT_CLEARED
    return Agreement(
        facts.alert.account,
        AgreementState.BLOCKED,
        since=_time(facts.alert, "since") or at,
        checked_at=at,
        until=(_time(facts.alert, "until") or at) if is_over else None,
        code=told.get("code") or None,
        blocked=tuple(area for area in told.get("blocked", "").split(",") if area),
    )


def _time(alert: Alert, key: str) -> datetime | None:
    """A time among the alert's facts; None when there is none, or none that can be read."""
    try:
        return datetime.fromisoformat(alert.facts.get(key, "")).astimezone(UTC)
    except ValueError:
        return None


def _account(facts: AlertFacts) -> str:
    title = f" ({escape(facts.title)})" if facts.title else ""
    return f"{name(facts.alert.account)}{title}"


def _code(text: str | None) -> str:
    return f" ({escape(text)})" if text else ""


def _said(text: str) -> Message:
    return message(text, [section(text)])
