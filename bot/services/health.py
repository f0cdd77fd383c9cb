"""Contact with an account: when to leave it alone, and what its owners are told."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.domain.errors import AgreementBlocked, ProviderError, RateLimited, Refused
from bot.domain.model import AccountHealth, Alert, AlertKind

PATIENCE = 3  # failures in a row before anybody is told and pauses begin
LONGEST_PAUSE = timedelta(hours=1)
FULL_EVERY = timedelta(days=1)  # everything is read anew, for what changes or vanishes beyond the first pages


def pause_after(failures: int, poll_every: timedelta) -> timedelta:
    """How long not to ask after so many failures in a row: doubling from the poll's own interval, none for the first ones."""
    if failures < PATIENCE:
        return timedelta(0)
    doublings: int = 2 ** min(failures - PATIENCE, 10)
    return min(poll_every * doublings, max(LONGEST_PAUSE, poll_every))


def next_try(before: AccountHealth, error: ProviderError, poll_every: timedelta, now: datetime) -> datetime | None:
    """When a poll may ask again after one failure more: not before the vendor wants to be asked. None: the next one may."""
    asked = error.retry_after if isinstance(error, RateLimited) else None
    pause = max(pause_after(before.failures + 1, poll_every), asked or timedelta(0))
    return now + pause if pause else None


def is_open(health: AccountHealth, now: datetime) -> bool:
    """Whether the circuit is open: the account is left alone for a while."""
    return health.next_at is not None and now < health.next_at


def is_fresh(health: AccountHealth, poll_every: timedelta, now: datetime) -> bool:
    """Whether the account was checked so lately that a poll adds nothing: another clock's, a webhook's."""
    return health.checked_at is not None and now - health.checked_at < poll_every / 2


def wants_all(health: AccountHealth, now: datetime) -> bool:
    """Whether it is time to read everything, however often processes were started meanwhile."""
    return health.full_at is None or now - health.full_at >= FULL_EVERY


def failure_alerts(before: AccountHealth, error: ProviderError, at: datetime) -> Iterator[Alert]:
    """What this failure is worth, told once in a run of failures by its fingerprint: no contact when patience ends; a key at its
    second refusal, for it does not mend itself. A blocked agreement is told by the agreement's own check."""
    if isinstance(error, Refused):
        if before.refused_since:
            facts = {"since": before.refused_since.isoformat(), "reason": error.reason, "problem": "key"}
            yield _down(before, key_fingerprint(before.name, before.refused_since), facts, at)
    elif before.failures + 1 >= PATIENCE and not isinstance(error, AgreementBlocked):
        since = before.failing_since or at
        facts = {"since": since.isoformat(), "reason": error.reason, "problem": "contact"}
        yield _down(before, down_fingerprint(before.name, since), facts, at)


def told_of(health: AccountHealth) -> Iterator[str]:
    """The fingerprints under which the present run of failures may have been told."""
    if health.failing_since:
        yield down_fingerprint(health.name, health.failing_since)
    if health.refused_since:
        yield key_fingerprint(health.name, health.refused_since)


def down_fingerprint(account: str, since: datetime) -> str:
    return f"account_down:{account}:{since.isoformat()}"


def key_fingerprint(account: str, since: datetime) -> str:
    return f"key_refused:{account}:{since.isoformat()}"


def back_alert(before: AccountHealth, at: datetime) -> Alert | None:
    """The end of what `failure_alerts` told; the caller tells it only to those who heard of the beginning."""
    if before.failing_since is None:
        return None
    facts = {"since": before.failing_since.isoformat(), "until": at.isoformat()}
    fingerprint = f"account_back:{before.name}:{before.failing_since.isoformat()}"
    return Alert(fingerprint, AlertKind.ACCOUNT_BACK, before.name, at, facts=facts)


def _down(before: AccountHealth, fingerprint: str, facts: Mapping[str, str], at: datetime) -> Alert:
    return Alert(fingerprint, AlertKind.ACCOUNT_DOWN, before.name, at, facts=facts)
