"""Apps that an account shows no longer, or whose builds could not be read while those of others could."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.domain.errors import NOT_OFFERED, ProviderError
from bot.domain.listing import ITSELF
from bot.domain.model import NOT_LISTED, Alert, AlertKind, App, AppTrouble

NAMED = 10  # apps named in one message


def reasons_of(listed: Iterable[App], known: Iterable[App], gaps: Mapping[str, ProviderError]) -> Mapping[str, str]:
    """App id -> what ails it. What is missing from a list that may be shorter than the vendor's is not missed."""
    reasons = {id: error.reason for id, error in gaps.items() if id != ITSELF and error.reason != NOT_OFFERED}
    if ITSELF in gaps:
        return reasons
    there = {app.id for app in listed}
    return {app.id: NOT_LISTED for app in known if app.id not in there and app.id not in gaps} | reasons


def lost_alert(account: str, before: Sequence[AppTrouble], now: Sequence[AppTrouble], at: datetime) -> Alert | None:
    """Apps that the account listed and no longer does: a permission was lost, or an agreement lapsed. Told once for each loss."""
    missed = {trouble.app_id for trouble in before if trouble.reason == NOT_LISTED}
    lost = [trouble for trouble in now if trouble.reason == NOT_LISTED and trouble.app_id not in missed]
    if not lost:
        return None
    return Alert(f"apps_lost:{account}:{at.isoformat()}", AlertKind.APPS_LOST, account, at, facts=_facts(lost))


def unread_alert(account: str, before: Sequence[AppTrouble], now: Sequence[AppTrouble], at: datetime) -> Alert | None:
    """Apps that could not be read twice in a row. Told once, and again when one more joins them."""
    twice = {trouble.app_id for trouble in before if trouble.reason != NOT_LISTED}
    unread = [trouble for trouble in now if trouble.reason != NOT_LISTED and trouble.app_id in twice]
    if not unread:
        return None
    since = max(trouble.since for trouble in unread).isoformat()
    facts = {**_facts(unread), "since": since, "reason": ", ".join(sorted({trouble.reason for trouble in unread}))}
    return Alert(f"apps_unread:{account}:{since}", AlertKind.APPS_UNREAD, account, at, facts=facts)


def _facts(troubles: Sequence[AppTrouble]) -> Mapping[str, str]:
    names = sorted(trouble.name for trouble in troubles)
    return {"apps": ", ".join(names[:NAMED]), "count": str(len(names))}
