"""Pending deliveries into Slack, each exactly once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.answers import AlertFacts, Untold
from bot.domain.errors import MessageRefused
from bot.domain.message import Message
from bot.domain.model import AlertKind, DeliveryState
from bot.domain.ports import Messenger, Repositories, Store
from bot.services.access import Rules
from bot.services.parcels import Packer, Parcel, may_stand
from bot.services.quiet import OF_WORKSPACE, hush, is_accident

PACE = 1.0  # seconds between two messages in one channel: what Slack permits
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 30  # with the pauses above: about seven hours
CARD_IS_GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"))

log = structlog.get_logger()


class AlertDelivery:
    """Hands deliveries to Slack, one after the other in each channel, channels side by side.

    `render` draws an alert's card, `render_line` what a change adds to the thread of its card, `render_list` many builds in one
    message; `rules` say what may be told where, and `may_hear` whether a person may still be told what they asked to be told; it
    raises MessageRefused while nobody knows. A delivery that may already have reached Slack (we died, or Slack never
    answered) is first looked for by the id in its message's metadata.
    """

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        render: Callable[[AlertFacts, datetime], Message],
        render_line: Callable[[AlertFacts], Message],
        titles: Mapping[str, str],
        clock: Callable[[], datetime],
        pace: float = PACE,
        lease: timedelta = LEASE,
        *,
        render_list: Callable[[Sequence[AlertFacts], datetime], Message],
        rules: Rules | None = None,
        may_hear: Callable[[AlertFacts, str], Awaitable[bool]] | None = None,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._render = render
        self._render_line = render_line
        self._render_list = render_list
        self._packer = Packer(rules or Rules(), titles, clock)
        self._may_hear = may_hear
        self._clock = clock
        self._pace = pace
        self._lease = lease

    async def resume(self, older_than: timedelta | None = None) -> int:
        """Makes due again what was half-way for longer than any sending takes. Returns how many.

        A process that is the only one may pass zero when it starts: nobody else can be sending.
        """

        def work(repositories: Repositories) -> int:
            now = self._clock()
            interrupted = repositories.outbox.interrupted(now - (self._lease if older_than is None else older_than))
            for delivery in interrupted:
                repositories.outbox.hand_back(delivery.id, now)
            return len(interrupted)

        return await self._store.write(work)

    async def deliver_due(self) -> int:
        """Delivers until nothing is due. Returns how many messages Slack took."""
        sent = 0
        while channels := await self._store.read(lambda r: r.outbox.channels_due(self._clock())):
            results = await asyncio.gather(*map(self._one_channel, channels), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                sent += result
        return sent

    async def _one_channel(self, channel: str) -> int:
        sent = 0
        while parcel := await self._store.write(lambda r: self._packer.take(r, channel)):
            sent += await self._deliver(parcel)
            await asyncio.sleep(self._pace)
        return sent

    async def _deliver(self, parcel: Parcel) -> bool:
        try:
            if not await self._is_wanted(parcel):
                await self._store.write(partial(_drop, parcel=parcel, reason=Untold.RESTRICTED))
                return False
            ts = await self._within_lease(parcel)
        except MessageRefused as error:
            log.warning("alert not delivered", delivery=parcel.id, channel=parcel.channel, reason=error.reason)
            await self._store.write(partial(self._note_refusal, parcel=parcel, error=error))
            return False
        await self._store.write(lambda r: self._note_sent(r, parcel, ts))
        for delivery in parcel.deliveries:
            log.info("alert delivered", delivery=delivery.id, channel=parcel.channel, alert=delivery.alert.fingerprint)
        return True

    async def _is_wanted(self, parcel: Parcel) -> bool:
        if self._may_hear is None:
            return True
        try:
            async with asyncio.timeout(self._lease.total_seconds() / 4):
                return await self._may_hear(parcel.facts[0], parcel.channel)
        except TimeoutError as error:
            raise MessageRefused("no_answer", FIRST_PAUSE) from error

    async def _within_lease(self, parcel: Parcel) -> str:
        """The message's ts, in half the time after which somebody else may take this delivery up."""
        try:
            async with asyncio.timeout(self._lease.total_seconds() / 2):
                return await self._hand_to_slack(parcel)
        except TimeoutError as error:
            raise MessageRefused("no_answer", FIRST_PAUSE) from error

    async def _hand_to_slack(self, parcel: Parcel) -> str:
        try:
            if parcel.card:
                await self._messenger.update(parcel.channel, parcel.card.ts, self._card(parcel))
            found = await self._found(parcel)
        except MessageRefused as error:
            if parcel.attempts and error.retry_after is not None and error.reason not in OF_WORKSPACE:
                raise MessageRefused("not_looked_for", error.retry_after) from error
            raise
        return found or await self._post(parcel)

    def _card(self, parcel: Parcel) -> Message:
        """What the standing card shows from now on."""
        now = self._clock()
        is_list = parcel.card is not None and parcel.card.batch is not None
        return self._render_list(parcel.shown, now) if is_list else self._render(parcel.shown[0], now)

    async def _found(self, parcel: Parcel) -> str | None:
        """The message of an earlier attempt whose outcome we do not know. Where we may not look, a second message is the
        lesser evil than none."""
        if not any(map(may_stand, parcel.deliveries)):
            return None
        try:
            for thread in dict.fromkeys((parcel.thread, None)):  # the card that it joins now may be younger than the attempt
                if ts := await self._messenger.find(parcel.channel, parcel.id, parcel.since, thread):
                    return ts
            return None
        except MessageRefused as error:
            if error.retry_after is not None and error.reason not in OF_WORKSPACE:
                raise
            log.warning("cannot look for an earlier message", delivery=parcel.id, reason=error.reason)
            return None

    async def _post(self, parcel: Parcel) -> str:
        message = self._drawn(parcel)
        if parcel.thread:
            return await self._messenger.reply(parcel.channel, parcel.thread, message, parcel.id)
        return await self._messenger.post(parcel.channel, message, parcel.id)

    def _drawn(self, parcel: Parcel) -> Message:
        if parcel.is_list:
            return self._render_list(parcel.facts, self._clock())
        facts = parcel.facts[0]
        is_change = parcel.card is not None and facts.alert.kind is not AlertKind.NEW_BUILD
        return self._render_line(facts) if is_change else self._render(facts, self._clock())

    def _note_sent(self, repositories: Repositories, parcel: Parcel, ts: str) -> None:
        repositories.outbox.mark_all_sent([delivery.id for delivery in parcel.deliveries], ts, parcel.thread, self._clock())
        repositories.quiet.forget(parcel.channel)

    def _note_refusal(self, repositories: Repositories, parcel: Parcel, error: MessageRefused) -> None:
        now, pause = self._clock(), pause_after(parcel.attempts)
        outbox = repositories.outbox
        if error.reason in CARD_IS_GONE:  # somebody deleted it: they do not want to read more of it
            _drop(repositories, parcel, error.reason)
        elif is_accident(error.reason, parcel.deliveries):
            hush(repositories, parcel.channel, parcel.deliveries, error.reason, now, pause)
        elif error.retry_after is None or parcel.attempts + 1 >= MOST_ATTEMPTS:
            for delivery in parcel.deliveries:
                outbox.mark_failed(delivery.id, error.reason)
        else:
            due_at = now + max(error.retry_after, pause)
            for delivery in parcel.deliveries:
                outbox.postpone(delivery.id, due_at, error.reason)
            if error.reason == "ratelimited":
                self._hold_back(repositories, parcel.channel, due_at)

    def _hold_back(self, repositories: Repositories, channel: str, until: datetime) -> None:
        """Slack wants the channel to be left alone, whatever else is due there."""
        for delivery in repositories.outbox.open_in(channel):
            if delivery.state is DeliveryState.PENDING and delivery.due_at < until:
                repositories.outbox.put_off(delivery.id, until)


def _drop(repositories: Repositories, parcel: Parcel, reason: str) -> None:
    for delivery in parcel.deliveries:
        repositories.outbox.drop(delivery.id, reason)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts: doubling, bounded."""
    doublings: int = 2 ** min(attempts, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)
