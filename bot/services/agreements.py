"""Apple's legal papers: in force, blocked, refused, unknown; an alarm takes two blocked checks in a row."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.model import AccountStatus, Agreement, AgreementState, Alert, AlertKind
from bot.domain.ports import ChecksAgreements, Jobs, Provider, Repositories, Store
from bot.services.subscriptions import channels_for

STRIKES = 2  # blocked checks in a row before anybody is told

log = structlog.get_logger()


class AgreementWatch:
    """Checks accounts and tells about what changed. Two blocked checks count as two when they are `apart` from each other."""

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        jobs: Jobs,
        clock: Callable[[], datetime],
        apart: timedelta = timedelta(minutes=1),
    ) -> None:
        self._apart = apart
        self._store = store
        self._providers = providers
        self._jobs = jobs
        self._clock = clock

    async def check(self, account: str) -> Agreement | None:
        """Asks now. None: this account has no agreements to read."""
        provider = self._providers[account]
        if not isinstance(provider, ChecksAgreements):
            return None
        status = await provider.check_account()
        agreement, told = await self._store.write(lambda r: self._record(r, status))
        if told:
            await self._jobs.defer("deliver")
        log.info("agreements checked", account=account, state=agreement.state, reason=status.code)
        return agreement

    def _record(self, repositories: Repositories, status: AccountStatus) -> tuple[Agreement, bool]:
        before = repositories.agreements.current(status.account)
        now = advance(before, status, self._apart)
        repositories.agreements.save(now)
        alert = alert_of(before, now, self._clock())
        if alert is None:
            return now, False
        return now, repositories.outbox.add(alert, channels_for(repositories.subscriptions.all(), alert))


def advance(before: Agreement | None, status: AccountStatus, apart: timedelta = timedelta(0)) -> Agreement:
    """The agreement after one more check.

    Not being able to know neither raises an alarm nor clears one; the first good answer clears. A blocked check sooner
    than `apart` after the one before says nothing new: a poll that met a 403 asks for a check of its own.
    """
    unknown = Agreement(status.account, AgreementState.UNKNOWN, since=status.checked_at, checked_at=status.checked_at)
    now = replace(before or unknown, checked_at=status.checked_at)
    if status.state is AgreementState.BLOCKED:
        too_soon = before is not None and before.strikes and status.checked_at - before.checked_at < apart
        return before if before and too_soon else _struck(now, status)
    if status.state is AgreementState.IN_FORCE:
        return _entered(replace(now, strikes=0), status)
    return now if now.state is AgreementState.BLOCKED else _entered(now, status)


def _struck(now: Agreement, status: AccountStatus) -> Agreement:
    if now.state is AgreementState.BLOCKED:
        return now
    strikes = now.strikes + 1
    return _entered(replace(now, strikes=0), status) if strikes >= STRIKES else replace(now, strikes=strikes)


def _entered(now: Agreement, status: AccountStatus) -> Agreement:
    """In the state that was just seen, since now unless it was seen before."""
    since = now.since if now.state is status.state else status.checked_at
    return replace(now, state=status.state, since=since, code=status.code, blocked=status.blocked)


def alert_of(before: Agreement | None, now: Agreement, at: datetime) -> Alert | None:
    """The fact worth telling between two rows of the history; one for each incident's beginning and end."""
    was_blocked = before is not None and before.state is AgreementState.BLOCKED
    is_blocked = now.state is AgreementState.BLOCKED
    incident = now if is_blocked else before
    if was_blocked == is_blocked or incident is None:
        return None
    kind = AlertKind.AGREEMENT_BLOCKED if is_blocked else AlertKind.AGREEMENT_CLEARED
    facts = {
        "since": incident.since.isoformat(),
        "code": incident.code or "",
        "blocked": ",".join(incident.blocked),
        "until": "" if is_blocked else now.since.isoformat(),
    }
    fingerprint = f"{kind}:{now.account}:{incident.since.isoformat()}"
    return Alert(fingerprint, kind, now.account, at, facts=facts)
