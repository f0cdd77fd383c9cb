"""Apple's legal papers: in force, blocked, refused, unknown; an alarm takes two blocked checks in a row."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

import structlog

from bot.domain.answers import Checked
from bot.domain.model import PENDING_CONTRACT, AccountStatus, Agreement, AgreementState, Alert, AlertKind, Build
from bot.domain.ports import ChecksAgreements, Jobs, Provider, Repositories, Store
from bot.services.health import is_open
from bot.services.subscriptions import channels_for

STRIKES = 2  # blocked checks in a row before anybody is told
REMINDERS = (1, 3, 7)  # days after an incident's beginning
RELEASE = "release"  # the area that is blocked when a version waits for a contract

log = structlog.get_logger()


class AgreementWatch:
    """Checks accounts and tells about what changed. Two blocked checks count as two when they are `apart` from each other.

    `every` is how often the clock asks; `accounts` are those that have agreements to read.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        jobs: Jobs,
        clock: Callable[[], datetime],
        apart: timedelta = timedelta(minutes=1),
        every: timedelta = timedelta(0),
    ) -> None:
        self._every = every
        self._apart = apart
        self._store = store
        self._checkers = {name: provider for name, provider in providers.items() if isinstance(provider, ChecksAgreements)}
        self._jobs = jobs
        self._clock = clock
        self.accounts = frozenset(self._checkers)

    async def probe(self, account: str) -> Checked | None:
        """What the clock asks for: `check`, unless another clock asked just now, or the account cannot be reached."""
        needless = await self._store.read(lambda r: self._is_needless(r, account))
        return None if needless else await self.check(account)

    async def check(self, account: str) -> Checked | None:
        """Asks now. None: this account has no agreements to read."""
        checker = self._checkers.get(account)
        if checker is None:
            return None
        status = await checker.check_account()
        checked, is_told, is_changed = await self._store.write(lambda r: self._record(r, status))
        if is_told:
            await self._jobs.defer("deliver")
        if is_changed:
            await self._jobs.defer("incident", account)
        if is_told and checked.agreement.state is not AgreementState.BLOCKED:
            await self._jobs.defer("sync", account)  # its builds are old
        log.info("agreements checked", account=account, state=checked.agreement.state, reason=checked.status.code)
        return checked

    def _is_needless(self, repositories: Repositories, account: str) -> bool:
        """Never while something is blocked: the account's polls pause then, and only a probe can tell the end."""
        papers, now = repositories.agreements.current(account), self._clock()
        if papers and now - papers.checked_at < (self._apart if papers.strikes else self._every / 2):
            return True
        health = repositories.catalogue.account(account)
        is_suspect = papers is not None and (papers.state is AgreementState.BLOCKED or papers.strikes > 0)
        return health is not None and is_open(health, now) and not is_suspect

    def _record(self, repositories: Repositories, status: AccountStatus) -> tuple[Checked, bool, bool]:
        """What is known now, whether somebody is told, and whether what was told before has changed."""
        status = with_contract(status, repositories.catalogue.awaits_contract(status.account))
        before = repositories.agreements.current(status.account)
        now = advance(before, status, self._apart)
        repositories.agreements.save(now)
        is_changed = before is not None and before.state is AgreementState.BLOCKED and facts_of(before) != facts_of(now)
        is_told = self._tell(repositories, before, now)
        if is_told and now.state is not AgreementState.BLOCKED:
            repositories.catalogue.stop_waiting(status.account)
        return Checked(status, now), is_told, is_changed

    def _tell(self, repositories: Repositories, before: Agreement | None, now: Agreement) -> bool:
        alert = alert_of(before, now, self._clock())
        if alert is None:
            return False
        return repositories.outbox.add(alert, channels_for(repositories.subscriptions.all(), alert))


def awaits_contract(builds: Iterable[Build]) -> bool:
    """Whether one of them is approved and held back by a contract, as Apple says of App Store versions."""
    return any(build.detail == PENDING_CONTRACT for build in builds)


def with_contract(status: AccountStatus, waits: bool) -> AccountStatus:
    """The status with what a version in the store says of the same papers.

    Such an account can answer every probe. When Apple did not tell, the version's state is old as well and says nothing.
    """
    if not waits or status.state not in (AgreementState.IN_FORCE, AgreementState.BLOCKED):
        return status
    code = status.code or PENDING_CONTRACT.upper().replace(" ", "_")
    return replace(status, state=AgreementState.BLOCKED, code=code, blocked=(*status.blocked, RELEASE))


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
    strikes = now.strikes + 1
    is_blocked = now.state is AgreementState.BLOCKED or strikes >= STRIKES
    return _entered(replace(now, strikes=0), status) if is_blocked else replace(now, strikes=strikes)


def _entered(now: Agreement, status: AccountStatus) -> Agreement:
    """In the state that was just seen, since now unless it was seen before. Who was on an incident is a fact of that incident."""
    if now.state is status.state:
        return replace(now, code=status.code, blocked=status.blocked)
    return Agreement(
        status.account,
        status.state,
        since=status.checked_at,
        checked_at=status.checked_at,
        code=status.code,
        blocked=status.blocked,
        strikes=now.strikes,
    )


def facts_of(agreement: Agreement) -> tuple[AgreementState, tuple[str, ...]]:
    """What a card says of it that a check can change."""
    return agreement.state, agreement.blocked


def look_of(incident: Agreement) -> str:
    """What its card shows, short enough to be kept with each card."""
    shown = replace(incident, checked_at=incident.since, reminded_at=None, strikes=0)
    return blake2b(repr(shown).encode(), digest_size=8).hexdigest()


def alert_of(before: Agreement | None, now: Agreement, at: datetime) -> Alert | None:
    """The fact worth telling between two rows of the history; one for each incident's beginning and end."""
    was_blocked = before is not None and before.state is AgreementState.BLOCKED
    is_blocked = now.state is AgreementState.BLOCKED
    incident = now if is_blocked else before
    if was_blocked == is_blocked or incident is None:
        return None
    if is_blocked:
        return blocked_alert(incident, at)
    fingerprint = f"{AlertKind.AGREEMENT_CLEARED}:{now.account}:{incident.since.isoformat()}"
    facts = {**_facts(incident), "until": now.since.isoformat()}
    return Alert(fingerprint, AlertKind.AGREEMENT_CLEARED, now.account, at, facts=facts)


def blocked_alert(incident: Agreement, at: datetime) -> Alert:
    fingerprint = _beginning(incident.account, incident.since.isoformat())
    return Alert(fingerprint, AlertKind.AGREEMENT_BLOCKED, incident.account, at, facts=_facts(incident))


def reminder_alert(incident: Agreement, day: int, at: datetime) -> Alert:
    """An incident that still lasts on the `day`-th day."""
    fingerprint = _reminder(incident.account, incident.since.isoformat(), day)
    return Alert(fingerprint, AlertKind.AGREEMENT_REMINDER, incident.account, at, facts=_facts(incident))


def cards_of(account: str, since: str) -> list[str]:
    """The fingerprints of what may have opened an incident's thread in a channel: its beginning, and where that was told before
    the channel subscribed, a reminder. `since` as in an alert's facts."""
    return [_beginning(account, since), *(_reminder(account, since, day) for day in REMINDERS)]


def _beginning(account: str, since: str) -> str:
    return f"{AlertKind.AGREEMENT_BLOCKED}:{account}:{since}"


def _reminder(account: str, since: str, day: int) -> str:
    return f"{AlertKind.AGREEMENT_REMINDER}:{account}:{since}:{day}"


def _facts(incident: Agreement) -> Mapping[str, str]:
    return {"since": incident.since.isoformat(), "code": incident.code or "", "blocked": ",".join(incident.blocked)}
