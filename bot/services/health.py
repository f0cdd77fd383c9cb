"""Contact with an account: when to leave it alone, and what its owners are told."""

from datetime import datetime, timedelta

from bot.domain.errors import ProviderError, Refused
from bot.domain.model import AccountHealth, Alert, AlertKind

PATIENCE = 3  # failures in a row before anybody is told and pauses begin
LONGEST_PAUSE = timedelta(hours=1)


def pause_after(health: AccountHealth, poll_every: timedelta) -> timedelta:
    """How long not to ask after the last failure: doubling from the poll's own interval, none for the first failures."""
    if health.failures < PATIENCE:
        return timedelta(0)
    doublings: int = 2 ** min(health.failures - PATIENCE, 10)
    return min(poll_every * doublings, max(LONGEST_PAUSE, poll_every))


def is_open(health: AccountHealth, poll_every: timedelta, now: datetime) -> bool:
    """Whether the circuit is open: the account failed too often and its pause is not over."""
    return health.checked_at is not None and now < health.checked_at + pause_after(health, poll_every)


def down_fingerprint(account: str, since: datetime) -> str:
    return f"account_down:{account}:{since.isoformat()}"


def down_alert(before: AccountHealth, error: ProviderError, at: datetime) -> Alert | None:
    """Told once in a run of failures, when patience ends; a refused key at once, for it does not mend itself."""
    due = before.failures + 1 == PATIENCE or (isinstance(error, Refused) and before.failures == 1)
    if not due:
        return None
    since = before.failing_since or at
    facts = {"since": since.isoformat(), "reason": error.reason, "problem": "key" if isinstance(error, Refused) else "contact"}
    return Alert(down_fingerprint(before.name, since), AlertKind.ACCOUNT_DOWN, before.name, at, facts=facts)


def back_alert(before: AccountHealth, at: datetime) -> Alert | None:
    """The end of what `down_alert` told; the caller tells it only to those who heard of the beginning."""
    if before.failing_since is None:
        return None
    facts = {"since": before.failing_since.isoformat(), "until": at.isoformat()}
    fingerprint = f"account_back:{before.name}:{before.failing_since.isoformat()}"
    return Alert(fingerprint, AlertKind.ACCOUNT_BACK, before.name, at, facts=facts)
