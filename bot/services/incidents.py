"""What people do about a blocked agreement, and who is reminded of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.domain.answers import AlertFacts, Checked, DeadIncident, Snoozed, Taken
from bot.domain.errors import MessageRefused
from bot.domain.message import Message
from bot.domain.model import Agreement, AgreementState, Snooze
from bot.domain.ports import Jobs, Messenger, Repositories, Store
from bot.services.agreements import REMINDERS, AgreementWatch, blocked_alert, cards_of, look_of, reminder_alert
from bot.services.subscriptions import channels_for

MONDAY_AT = 9  # o'clock UTC
QUIET = timedelta(days=1)  # at least, between two reminders: one that was held back may come shortly before the next is due

T = TypeVar("T")

log = structlog.get_logger()


class Incidents:
    """The buttons of an incident's card, and its reminders. An incident is named by its account and its beginning.

    What a click changes is drawn into every channel's card by background work ("incident").
    """

    def __init__(self, store: Store, watch: AgreementWatch, jobs: Jobs, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._watch = watch
        self._jobs = jobs
        self._clock = clock

    async def check_again(self, account: str, since: datetime) -> Checked | DeadIncident:
        """Asks the vendor now."""
        found = await self._store.read(lambda r: self._live(r, account, since))
        if isinstance(found, DeadIncident):
            return found
        return await self._watch.check(account) or DeadIncident(account, is_watched=False)

    async def suspect(self, account: str) -> None:
        """A request was refused for an agreement: a check behind it finds out more."""
        await self._jobs.defer("agreements", account)

    async def take(self, account: str, since: datetime, user: str) -> Taken | DeadIncident:
        """The person is on it from now on, whoever was before."""

        def work(repositories: Repositories) -> Taken | DeadIncident:
            found = self._live(repositories, account, since)
            if isinstance(found, DeadIncident):
                return found
            if found.taken_by == user:
                return Taken(found, user)
            taken = replace(found, taken_by=user, taken_at=self._clock())
            repositories.agreements.save(taken)
            return Taken(taken, found.taken_by)

        return await self._drawn(account, await self._store.write(work))

    async def snooze(self, account: str, since: datetime, user: str, length: Snooze) -> Snoozed | DeadIncident:
        """No reminders for so long; a later snooze takes the place of an earlier one."""

        def work(repositories: Repositories) -> Snoozed | DeadIncident:
            found = self._live(repositories, account, since)
            if isinstance(found, DeadIncident):
                return found
            snoozed = replace(found, snoozed_by=user, snoozed_until=end_of(length, self._clock()))
            repositories.agreements.save(snoozed)
            return Snoozed(snoozed)

        return await self._drawn(account, await self._store.write(work))

    async def remind(self) -> int:
        """Writes the reminders that are due, each once. Returns how many."""
        due = await self._store.read(self._due)
        written = [await self._store.write(partial(self._remind, account=account)) for account in due]
        if any(written):
            await self._jobs.defer("deliver")
        return sum(written)

    async def redraw(self) -> None:
        """Has the cards drawn that do not show their incident as it is: what was to draw them died, or Slack did not let it."""
        for account in self._watch.accounts:
            _, cards = await self._store.read(partial(stale_cards, account=account))
            if cards:
                await self._jobs.defer("incident", account)

    def _live(self, repositories: Repositories, account: str, since: datetime) -> Agreement | DeadIncident:
        is_watched = account in self._watch.accounts
        current = repositories.agreements.current(account)
        if is_watched and current and current.state is AgreementState.BLOCKED and current.since == since:
            return current
        return DeadIncident(account, is_watched, repositories.agreements.incident(account, since), current)

    async def _drawn(self, account: str, outcome: T) -> T:
        if not isinstance(outcome, DeadIncident):
            await self._jobs.defer("incident", account)
        return outcome

    def _due(self, repositories: Repositories) -> list[str]:
        now = self._clock()
        blocked = [each for each in repositories.agreements.all_current() if each.account in self._watch.accounts]
        days = [(incident, reminder_day(incident, now)) for incident in blocked]
        return [
            incident.account
            for incident, day in days
            if day and not repositories.outbox.has(reminder_alert(incident, day, now).fingerprint)
        ]

    def _remind(self, repositories: Repositories, account: str) -> bool:
        """Decides anew: since the reading, the incident may have ended or been snoozed."""
        now, incident = self._clock(), repositories.agreements.current(account)
        day = reminder_day(incident, now) if incident else None
        if incident is None or day is None:
            return False
        alert = reminder_alert(incident, day, now)
        is_new = repositories.outbox.add(alert, channels_for(repositories.subscriptions.all(), alert))
        if is_new:
            repositories.agreements.save(replace(incident, reminded_at=now))
        return is_new


class IncidentCards:
    """Keeps an incident's card the same in every channel that has one. `render` draws it."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        render: Callable[[AlertFacts, datetime], Message],
        titles: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._render = render
        self._titles = titles
        self._clock = clock

    async def update(self, account: str) -> None:
        """Draws the latest incident's cards anew where they show something else; what Slack does not take now is drawn by one of
        the next looks (`Incidents.redraw`)."""
        incident, cards = await self._store.read(lambda r: stale_cards(r, account))
        if incident is None:
            return
        now = self._clock()
        alert = blocked_alert(incident, now)
        title = self._titles.get(account, account)
        message = self._render(AlertFacts(alert, alert.kind.event, title=title, agreement=incident), now)
        drawn = 0
        for channel, ts in cards.items():
            error = await self._refusal(channel, ts, message)
            if error is None or error.retry_after is None:
                await self._store.write(partial(_note_drawn, channel=channel, ts=ts, incident=incident))
                drawn += 1
            elif error.reason == "ratelimited":  # chat.update is limited for the whole workspace
                break
        log.info("incident drawn", account=account, cards=drawn, left=len(cards) - drawn)

    async def _refusal(self, channel: str, ts: str, message: Message) -> MessageRefused | None:
        try:
            await self._messenger.update(channel, ts, message)
        except MessageRefused as error:
            log.warning("card not updated", channel=channel, reason=error.reason)
            return error
        return None


def stale_cards(repositories: Repositories, account: str) -> tuple[Agreement | None, Mapping[str, str]]:
    """The account's latest incident, and its cards that do not show it as it is: channel -> ts."""
    incident = repositories.agreements.incident(account)
    if incident is None:
        return None, {}
    return incident, repositories.outbox.stale_cards(cards_of(account, incident.since.isoformat()), look_of(incident))


def _note_drawn(repositories: Repositories, channel: str, ts: str, incident: Agreement) -> None:
    repositories.outbox.note_drawn(channel, ts, look_of(incident))


def end_of(length: Snooze, now: datetime) -> datetime:
    """When a snooze that begins now ends."""
    match length:
        case Snooze.FOUR_HOURS:
            return now + timedelta(hours=4)
        case Snooze.ONE_DAY:
            return now + timedelta(days=1)
        case Snooze.MONDAY:
            monday = (now - timedelta(days=now.weekday())).replace(hour=MONDAY_AT, minute=0, second=0, microsecond=0)
            return monday if monday > now else monday + timedelta(weeks=1)


def reminder_day(incident: Agreement, now: datetime) -> int | None:
    """The reminder that is due: the latest of REMINDERS, so that missed ones do not pile up, and none within a day of another."""
    not_before = max(incident.snoozed_until or incident.since, (incident.reminded_at or incident.since) + QUIET)
    if incident.state is not AgreementState.BLOCKED or now < not_before:
        return None
    return max((day for day in REMINDERS if incident.since + timedelta(days=day) <= now), default=None)
