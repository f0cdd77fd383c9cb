"""Pending deliveries into Slack, each exactly once."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.domain.answers import AlertFacts
from bot.domain.errors import MessageRefused
from bot.domain.message import Message
from bot.domain.model import Alert, AlertKind, Delivery
from bot.domain.ports import Messenger, Repositories, Store

PACE = 1.0  # seconds between two messages in one channel: what Slack permits
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 30  # with the pauses above: about seven hours

log = structlog.get_logger()


class AlertDelivery:
    """Hands deliveries to Slack, one after the other in each channel, channels side by side.

    `render` draws an alert's card, `render_line` what a change adds to the thread of its build's card. A delivery that may
    already have reached Slack (we died, or Slack never answered) is first looked for by the id in its message's metadata.
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
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._render = render
        self._render_line = render_line
        self._titles = titles
        self._clock = clock
        self._pace = pace

    async def resume(self, older_than: timedelta = LEASE) -> int:
        """Makes due again what was half-way for longer than any sending takes. Returns how many.

        A process that is the only one may pass zero when it starts: nobody else can be sending.
        """

        def work(repositories: Repositories) -> int:
            now = self._clock()
            interrupted = repositories.outbox.interrupted(now - older_than)
            for delivery in interrupted:
                repositories.outbox.postpone(delivery.id, now, "interrupted")
            return len(interrupted)

        return await self._store.write(work)

    async def deliver_due(self) -> int:
        """Delivers until nothing is due. Returns how many messages Slack took."""
        sent = 0
        while due := await self._store.read(lambda r: r.outbox.due(self._clock())):
            by_channel: dict[str, list[Delivery]] = defaultdict(list)
            for delivery in due:
                by_channel[delivery.channel].append(delivery)
            sent += sum(await asyncio.gather(*(self._one_channel(deliveries) for deliveries in by_channel.values())))
        return sent

    async def _one_channel(self, deliveries: Sequence[Delivery]) -> int:
        sent = 0
        for delivery in deliveries:
            if await self._claim(delivery):
                sent += await self._deliver(delivery)
                await asyncio.sleep(self._pace)
        return sent

    async def _claim(self, delivery: Delivery) -> bool:
        """False when another worker was faster."""
        return await self._store.write(lambda r: r.outbox.mark_sending(delivery.id, self._clock()))

    async def _deliver(self, delivery: Delivery) -> bool:
        try:
            card = await self._card(delivery)
            ts = await self._found(delivery, card) or await self._post(delivery, card)
        except MessageRefused as error:
            await self._refused(delivery, error)
            return False
        await self._store.write(lambda r: r.outbox.mark_sent(delivery.id, ts))
        log.info("alert delivered", delivery=delivery.id, channel=delivery.channel, alert=delivery.alert.fingerprint)
        return True

    async def _card(self, delivery: Delivery) -> str | None:
        """The ts of the message whose thread this belongs into, brought up to date; None: it stands for itself."""
        key = delivery.alert.build_key
        if delivery.alert.kind is not AlertKind.BUILD_CHANGED or key is None:
            return None
        card = (await self._store.read(lambda r: r.outbox.cards(key))).get(delivery.channel)
        if card:
            await self._messenger.update(delivery.channel, card, self._render(await self._facts(delivery), self._clock()))
        return card

    async def _found(self, delivery: Delivery, card: str | None) -> str | None:
        """The message of an earlier attempt whose outcome we do not know. Where we may not look, a second message is the
        lesser evil than none."""
        if not delivery.attempts or delivery.reason == "ratelimited":
            return None
        try:
            return await self._messenger.find(delivery.channel, delivery.id, delivery.alert.created_at, card)
        except MessageRefused as error:
            if error.retry_after is not None:
                raise
            log.warning("cannot look for an earlier message", delivery=delivery.id, reason=error.reason)
            return None

    async def _post(self, delivery: Delivery, card: str | None) -> str:
        facts = await self._facts(delivery)
        if card:
            return await self._messenger.reply(delivery.channel, card, self._render_line(facts), delivery.id)
        return await self._messenger.post(delivery.channel, self._render(facts, self._clock()), delivery.id)

    async def _facts(self, delivery: Delivery) -> AlertFacts:
        return await self._store.read(lambda r: gather(r, delivery.alert, self._titles))

    async def _refused(self, delivery: Delivery, error: MessageRefused) -> None:
        log.warning("alert not delivered", delivery=delivery.id, channel=delivery.channel, reason=error.reason)
        if error.retry_after is None or delivery.attempts + 1 >= MOST_ATTEMPTS:
            await self._store.write(lambda r: r.outbox.mark_failed(delivery.id, error.reason))
            return
        due_at = self._clock() + max(error.retry_after, pause_after(delivery.attempts))
        await self._store.write(lambda r: r.outbox.postpone(delivery.id, due_at, error.reason))


def pause_after(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts: doubling, bounded."""
    doublings: int = 2 ** min(attempts, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def gather(repositories: Repositories, alert: Alert, titles: Mapping[str, str]) -> AlertFacts:
    """What an alert's card shows, as the store knows it now."""
    catalogue = repositories.catalogue
    build = catalogue.builds_by_key([alert.build_key]).get(alert.build_key) if alert.build_key else None
    return AlertFacts(
        alert=alert,
        event=alert.kind.event,
        product=catalogue.product(alert.product_id) if alert.product_id else None,
        build=build,
        title=titles.get(alert.account, alert.account),
        agreement=repositories.agreements.current(alert.account),
    )
