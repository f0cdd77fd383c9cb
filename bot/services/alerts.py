"""Pending deliveries into Slack, each exactly once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.answers import AlertFacts, Untold
from bot.domain.errors import MessageRefused, PurserError
from bot.domain.message import Message
from bot.domain.model import Card, Delivery, DeliveryState
from bot.domain.ports import Messenger, Repositories, Store
from bot.services.access import Rules
from bot.services.parcels import Packer, Parcel
from bot.services.quiet import IS_EXT_SHARED, OF_WORKSPACE, hush, is_accident

PACE = 1.0  # seconds between two messages in one channel: what Slack permits
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 30  # that Slack refused or left without an answer; with the pauses above about seven hours
AT_A_TIME = 2  # channels whose next message is decided
ON_THE_WAY = 25  # messages in Slack's hands at once: it takes some five a second of a whole workspace
LOOK_EVERY = 0.5  # seconds between two looks for channels that became due while others are at work
CARD_IS_GONE = frozenset(("message_not_found", "thread_not_found"))
CARD_STAYS = frozenset(("cant_update_message", "edit_window_closed"))  # a workspace may forbid edits after a while
# Where the bot may not read what is in a channel it may write to: a second message is the lesser evil than none.
CANNOT_LOOK = frozenset(
    ("not_in_channel", "missing_scope", "no_permission", "not_allowed_token_type", "method_not_supported_for_channel_type")
)
TOLD_TO_WAIT = frozenset(("ratelimited", "updates_ratelimited"))

log = structlog.get_logger()


class AlertDelivery:
    """Hands deliveries to Slack, one after the other in each channel, channels side by side.

    `render` draws an alert's card, `render_line` what a change adds to the thread of its card, `render_list` many builds in one
    message; `rules` say what may be told where, `may_hear` whether a person may still be told what they asked to be told, and
    `is_shared` whether a channel has readers who may not; both raise MessageRefused while nobody knows. A delivery that may
    already have reached Slack (we died, or Slack never answered) is first looked for by the id in its message's metadata. What
    another process took up meanwhile is left to it.
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
        is_shared: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._render = render
        self._render_line = render_line
        self._render_list = render_list
        self._packer = Packer(rules or Rules(), titles, clock)
        self._may_hear = may_hear
        self._is_shared = is_shared
        self._clock = clock
        self._pace = pace
        self._lease = lease
        self._taking = asyncio.Semaphore(AT_A_TIME)
        self._telling = asyncio.Semaphore(ON_THE_WAY)
        self._updates_from: datetime | None = None  # Slack limits chat.update for the whole workspace

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
        """Delivers until nothing is due. Returns how many messages Slack took. A channel that becomes due meanwhile does not wait
        for the others; one that had nothing to give, or broke, is left to the next call."""
        at_work: dict[str, asyncio.Task[int]] = {}
        left: set[str] = set()
        ended: list[asyncio.Task[int]] = []
        try:
            while True:
                due = await self._store.read(lambda r: r.outbox.channels_due(self._clock()))
                for channel in due:
                    if channel not in at_work and channel not in left:
                        at_work[channel] = asyncio.create_task(self._one_channel(channel, left))
                if not at_work:
                    return sum(task.result() for task in ended)
                await asyncio.wait(at_work.values(), timeout=LOOK_EVERY)
                ended += [at_work.pop(channel) for channel, task in [*at_work.items()] if task.done()]
        finally:
            await _stopped(at_work.values())
            self._packer.forget()

    async def _one_channel(self, channel: str, left: set[str]) -> int:
        """What is due there, one after the other. `left` has the channel unless all went well."""
        left.add(channel)
        sent = taken = 0
        while (outcome := await self._next(channel)) is not None:
            taken += 1
            sent += outcome
            await asyncio.sleep(self._pace)
        if taken:
            left.discard(channel)
        return sent

    async def _next(self, channel: str) -> bool | None:
        """Whether Slack took what is due there next; None: nothing is."""
        async with self._telling:
            parcel = await self._take(channel)
            return None if parcel is None else await self._attempt(parcel)

    async def _take(self, channel: str) -> Parcel | None:
        """A few at a time: what was taken must not wait long behind the takings of two hundred channels."""
        async with self._taking:
            return await self._store.write(lambda r: self._packer.take(r, channel))

    async def _attempt(self, parcel: Parcel) -> bool:
        """A defect of ours is an attempt like another: it is tried again for hours, and then it has failed."""
        (outcome,) = await asyncio.gather(self._deliver(parcel), return_exceptions=True)
        if isinstance(outcome, bool):
            return outcome
        if isinstance(outcome, PurserError) or not isinstance(outcome, Exception):
            raise outcome
        log.error("delivery broke", delivery=parcel.id, channel=parcel.channel, exc_info=outcome)
        await self._store.write(partial(self._note_refusal, parcel=parcel, error=MessageRefused("defect", FIRST_PAUSE)))
        return False

    async def _deliver(self, parcel: Parcel) -> bool:
        with structlog.contextvars.bound_contextvars(**parcel.origin):
            try:
                if not await self._is_wanted(parcel):
                    await self._store.write(lambda r: _drop(r, r.outbox.held(parcel.channel, parcel.claim), Untold.RESTRICTED))
                    return False
                told = await self._within_lease(parcel)
            except MessageRefused as error:
                log.warning("alert not delivered", delivery=parcel.id, channel=parcel.channel, reason=error.reason)
                await self._store.write(partial(self._note_refusal, parcel=parcel, error=error))
                return False
            if told is None:
                log.warning("alert taken up by another process", delivery=parcel.id, channel=parcel.channel)
                return False
            await self._store.write(lambda r: self._note_sent(r, parcel, told))
            first = parcel.facts[-1].alert.fingerprint
            log.info("alert delivered", delivery=parcel.id, channel=parcel.channel, alert=first, alerts=parcel.number)
            return True

    async def _is_wanted(self, parcel: Parcel) -> bool:
        """Raises MessageRefused where the channel has readers who may not, and while nobody knows."""
        try:
            async with asyncio.timeout(self._lease.total_seconds() / 4):
                if self._is_shared and await self._is_shared(parcel.channel):
                    raise MessageRefused(IS_EXT_SHARED)
                return self._may_hear is None or await self._may_hear(parcel.facts[0], parcel.channel)
        except TimeoutError as error:
            raise MessageRefused("no_answer", FIRST_PAUSE) from error

    async def _within_lease(self, parcel: Parcel) -> Card | None:
        """Where the message stands, in half the time after which somebody else may take this delivery up."""
        try:
            async with asyncio.timeout(self._lease.total_seconds() / 2):
                return await self._hand_to_slack(parcel)
        except TimeoutError as error:
            raise MessageRefused("no_answer", FIRST_PAUSE) from error

    async def _hand_to_slack(self, parcel: Parcel) -> Card | None:
        """Where the message stands; None: it is not ours any more."""
        if parcel.card:
            if not await self._store.read(lambda r: len(r.outbox.held(parcel.channel, parcel.claim)) == parcel.number):
                return None
            if parcel.is_silent:
                return await self._silently(parcel, parcel.card)
            parcel = await self._with_its_card(parcel, parcel.card)
        return await self._found(parcel) or await self._post(parcel)

    async def _silently(self, parcel: Parcel, card: Card) -> Card:
        """What the vendor says once more adds no line. It counts as told in the thread, where it would have stood."""
        await self._with_its_card(parcel, card)
        return Card(card.ts, card.root)

    async def _with_its_card(self, parcel: Parcel, card: Card) -> Parcel:
        """Brings the card up to date. Where Slack does not let us change it, the line in its thread says enough; where somebody
        deleted an incident's, there is a new one."""
        try:
            await self._update(parcel.channel, card.ts, self._card(parcel))
        except MessageRefused as error:
            if error.reason in CARD_STAYS:
                log.info("card stays as it is", delivery=parcel.id, channel=parcel.channel, reason=error.reason)
                return parcel
            if error.reason not in CARD_IS_GONE or not parcel.is_about_incident:
                raise
            await self._store.write(lambda r: r.outbox.forget_message(parcel.channel, card.ts))
            return replace(parcel, card=None, thread=None)
        return parcel

    async def _update(self, channel: str, ts: str, message: Message) -> None:
        """Slack counts updates of the whole workspace: when it wants fewer, no channel's is tried before."""
        now = self._clock()
        if self._updates_from and now < self._updates_from:
            raise MessageRefused("updates_ratelimited", self._updates_from - now)
        try:
            await self._messenger.update(channel, ts, message)
        except MessageRefused as error:
            if error.reason != "ratelimited" or error.retry_after is None:
                raise
            self._updates_from = now + error.retry_after
            raise MessageRefused("updates_ratelimited", error.retry_after) from error

    def _card(self, parcel: Parcel) -> Message:
        """What the standing card shows from now on."""
        now = self._clock()
        is_list = parcel.card is not None and parcel.card.batch is not None
        return self._render_list(parcel.shown, now) if is_list else self._render(parcel.shown[0], now)

    async def _found(self, parcel: Parcel) -> Card | None:
        """The message of an earlier attempt whose outcome we do not know."""
        tried_at = parcel.tried_at
        if tried_at is None:
            return None
        try:
            for thread in dict.fromkeys((parcel.thread, None)):  # the card that it joins now may be younger than the attempt
                if ts := await self._messenger.find(parcel.channel, parcel.id, tried_at, tried_at + self._lease, thread):
                    return Card(ts, thread)
        except MessageRefused as error:
            if error.reason not in CANNOT_LOOK:
                raise
            log.warning("cannot look for an earlier message", delivery=parcel.id, reason=error.reason)
        return None

    async def _post(self, parcel: Parcel) -> Card | None:
        """Asks once more whether it is still ours: a process may have stood still since it took it."""
        begun = await self._store.write(lambda r: r.outbox.begin(parcel.channel, parcel.claim, self._clock()))
        if begun < parcel.number:
            return None
        try:
            return await self._posted(parcel)
        except MessageRefused as error:
            if not _may_stand(error):
                await self._store.write(lambda r: r.outbox.not_taken(parcel.channel, parcel.claim, parcel.tried_at))
            raise

    async def _posted(self, parcel: Parcel) -> Card:
        """In the thread where it belongs. Whoever deleted that thread's first message did not mean what is new."""
        if parcel.thread:
            try:
                ts = await self._messenger.reply(parcel.channel, parcel.thread, self._drawn(parcel), parcel.id)
                return Card(ts, parcel.thread)
            except MessageRefused as error:
                if error.reason != "thread_not_found" or (parcel.is_change and not parcel.is_about_incident):
                    raise
            parcel = replace(parcel, card=None, thread=None)
        return Card(await self._messenger.post(parcel.channel, self._drawn(parcel), parcel.id))

    def _drawn(self, parcel: Parcel) -> Message:
        if parcel.is_list:
            return self._render_list(parcel.facts, self._clock())
        facts = parcel.facts[0]
        return self._render_line(facts) if parcel.is_change else self._render(facts, self._clock())

    def _note_sent(self, repositories: Repositories, parcel: Parcel, told: Card) -> None:
        look = parcel.look
        repositories.outbox.mark_all_sent(parcel.channel, parcel.id, told.ts, told.thread, self._clock(), look)
        if parcel.card and look:
            repositories.outbox.note_drawn(parcel.channel, parcel.card.ts, look)
        repositories.quiet.forget(parcel.channel)

    def _note_refusal(self, repositories: Repositories, parcel: Parcel, error: MessageRefused) -> None:
        tried = repositories.outbox.held(parcel.channel, parcel.claim)
        now, outbox = self._clock(), repositories.outbox
        if error.reason in CARD_IS_GONE:  # somebody deleted it: they do not want to read more of it
            _drop(repositories, tried, error.reason)
        elif is_accident(error.reason, tried):
            hush(repositories, parcel.channel, tried, error.reason, now)
        elif error.retry_after is not None and error.reason in TOLD_TO_WAIT:
            self._wait(repositories, parcel.channel, tried, error.reason, now + error.retry_after)
        elif error.retry_after is None or parcel.attempts + 1 >= MOST_ATTEMPTS:
            for delivery in tried:
                outbox.mark_failed(delivery.id, error.reason)
        else:
            for delivery in tried:
                outbox.postpone(delivery.id, now + max(error.retry_after, pause_after(parcel.attempts)), error.reason)

    def _wait(self, repositories: Repositories, channel: str, tried: Sequence[Delivery], reason: str, until: datetime) -> None:
        """Slack says for how long. When it means the channel's posts, whatever else is due there waits, too."""
        for delivery in tried:
            repositories.outbox.hold(delivery.id, until, reason)
        if reason != "ratelimited":
            return
        for delivery in repositories.outbox.open_in(channel):
            if delivery.state is DeliveryState.PENDING and delivery.due_at < until:
                repositories.outbox.put_off(delivery.id, until)


def _drop(repositories: Repositories, dropped: Iterable[Delivery], reason: str) -> None:
    for delivery in dropped:
        repositories.outbox.drop(delivery.id, reason)


async def _stopped(tasks: Collection[asyncio.Task[int]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _may_stand(error: MessageRefused) -> bool:
    """Whether Slack may have taken the message all the same: it answered nothing, or with an error of its own."""
    return error.retry_after is not None and error.reason not in TOLD_TO_WAIT | OF_WORKSPACE


def pause_after(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts: doubling, bounded."""
    doublings: int = 2 ** min(attempts, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)
