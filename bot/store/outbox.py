"""Alerts and their deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection, Row, bindparam, exists, func, insert, select, update

from bot.domain.model import Alert, AlertKind, Delivery, DeliveryState
from bot.store.saving import chunked
from bot.store.tables import alerts, deliveries, quiet_channels
from bot.store.upsert import insert_if_new

OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)

_ALERT = [
    alerts.c[name]
    for name in ("fingerprint", "kind", "account", "created_at", "product_id", "build_key", "facts", "id", "origin")
]
_DELIVERY = [
    deliveries.c[name]
    for name in (
        "id",
        "channel",
        "state",
        "due_at",
        "attempts",
        "ts",
        "reason",
        "thread",
        "batch",
        "is_digest",
        "sent_at",
        "tried_at",
    )
]
DELIVERIES = (
    select(*_DELIVERY, *_ALERT)
    .join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
    .where(alerts.c.kind.in_(list(AlertKind)))  # what a newer version of Purser wrote waits for it
    .order_by(deliveries.c.due_at, deliveries.c.sequence)
)
_CARDS = select(deliveries.c.channel, deliveries.c.ts).join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
_INTERRUPTED = DELIVERIES.where(
    deliveries.c.state == DeliveryState.SENDING, deliveries.c.due_at < bindparam("before", type_=deliveries.c.due_at.type)
)
_CHANNELS_DUE = (
    select(deliveries.c.channel)
    .distinct()
    .join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
    .where(alerts.c.kind.in_(list(AlertKind)), deliveries.c.state == DeliveryState.PENDING)
    .where(deliveries.c.due_at <= bindparam("now", type_=deliveries.c.due_at.type))
    .where(
        ~exists().where(
            quiet_channels.c.channel == deliveries.c.channel,
            quiet_channels.c.probe_at > bindparam("now", type_=quiet_channels.c.probe_at.type),
        )
    )
    .order_by(deliveries.c.channel)
)


class SqlOutbox:
    """A `bot.domain.ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, alert: Alert, channels: Iterable[str], digests: Mapping[str, datetime] | None = None) -> bool:
        """A second writer of the same fingerprint waits for the first one's transaction, then finds it there."""
        id = alert.id or uuid4().hex
        values = {
            "id": id,
            "fingerprint": alert.fingerprint,
            "kind": alert.kind,
            "account": alert.account,
            "created_at": alert.created_at,
            "product_id": alert.product_id,
            "build_key": alert.build_key,
            "facts": dict(alert.facts),
            "origin": alert.origin or structlog.contextvars.get_contextvars().get("request_id"),
        }
        if not insert_if_new(self._connection, alerts, values):
            return False
        digests = digests or {}
        rows = [_pending(id, channel, alert.created_at, digests.get(channel)) for channel in sorted({*channels, *digests})]
        if rows:
            self._connection.execute(insert(deliveries), rows)
        return True

    def has(self, fingerprint: str) -> bool:
        return self._connection.scalar(select(alerts.c.id).where(alerts.c.fingerprint == fingerprint)) is not None

    def first_messages(self, fingerprints: Iterable[str]) -> Mapping[str, str]:
        told = alerts.c.fingerprint.in_(list(fingerprints)) & deliveries.c.ts.is_not(None)
        rows = self._connection.execute(_CARDS.where(told).order_by(deliveries.c.sequence.desc()))
        return {channel: ts for channel, ts in rows if ts}

    def stale_cards(self, fingerprints: Iterable[str], drawn: str) -> Mapping[str, str]:
        told = alerts.c.fingerprint.in_(list(fingerprints)) & deliveries.c.ts.is_not(None)
        rows = self._connection.execute(_CARDS.add_columns(deliveries.c.drawn).where(told).order_by(deliveries.c.sequence.desc()))
        first = {channel: (ts, shown) for channel, ts, shown in rows}
        return {channel: ts for channel, (ts, shown) in first.items() if ts and shown != drawn}

    def note_drawn(self, channel: str, ts: str, drawn: str) -> None:
        this = (deliveries.c.channel == channel) & (deliveries.c.ts == ts)
        self._connection.execute(update(deliveries).where(this).values(drawn=drawn))

    def interrupted(self, before: datetime) -> Sequence[Delivery]:
        return [read_delivery(row) for row in self._connection.execute(_INTERRUPTED, {"before": before})]

    def channels_due(self, now: datetime) -> Sequence[str]:
        return self._connection.scalars(_CHANNELS_DUE, {"now": now}).all()

    def open_in(self, channel: str) -> Sequence[Delivery]:
        here = DELIVERIES.where(deliveries.c.channel == channel, deliveries.c.state.in_(OPEN))
        return [read_delivery(row) for row in self._connection.execute(here.order_by(None).order_by(deliveries.c.sequence))]

    def batch(self, batch: str) -> Sequence[Delivery]:
        together = DELIVERIES.where(deliveries.c.batch == batch).order_by(None).order_by(deliveries.c.sequence)
        return [read_delivery(row) for row in self._connection.execute(together)]

    def claim(self, delivery_ids: Iterable[str], at: datetime, batch: str | None = None, claim: str = "") -> frozenset[str]:
        claimed: set[str] = set()
        values = {"state": DeliveryState.SENDING, "due_at": at, "batch": batch, "claim": claim}
        for chunk in chunked(sorted(delivery_ids)):
            these = deliveries.c.id.in_(chunk) & (deliveries.c.state == DeliveryState.PENDING)
            taking = update(deliveries).where(these).values(values)
            claimed.update(self._connection.scalars(taking.returning(deliveries.c.id)))
        return frozenset(claimed)

    def begin(self, delivery_ids: Iterable[str], claim: str, at: datetime) -> bool:
        held = (deliveries.c.state == DeliveryState.SENDING) & (deliveries.c.claim == claim)
        trying = update(deliveries).where(held).values(due_at=at, tried_at=at)
        chunks = [*chunked(sorted(delivery_ids))]
        begun = sum(self._connection.execute(trying.where(deliveries.c.id.in_(chunk))).rowcount for chunk in chunks)
        return begun == sum(map(len, chunks))

    def held(self, delivery_ids: Iterable[str], claim: str) -> frozenset[str]:
        mine = (deliveries.c.state == DeliveryState.SENDING) & (deliveries.c.claim == claim)
        query = select(deliveries.c.id).where(mine)
        chunks = chunked(delivery_ids)
        return frozenset(id for chunk in chunks for id in self._connection.scalars(query.where(deliveries.c.id.in_(chunk))))

    def not_taken(self, delivery_ids: Iterable[str], before: datetime | None) -> None:
        for chunk in chunked(delivery_ids):
            self._connection.execute(update(deliveries).where(deliveries.c.id.in_(chunk)).values(tried_at=before))

    def hand_back(self, delivery_id: str, due_at: datetime) -> None:
        sending = (DeliveryState.SENDING,)
        self._change(delivery_id, sending, state=DeliveryState.PENDING, due_at=due_at, reason="interrupted")

    def postpone(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        attempts = deliveries.c.attempts + 1
        self._change(delivery_id, OPEN, state=DeliveryState.PENDING, due_at=due_at, attempts=attempts, reason=reason)

    def hold(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.PENDING, due_at=due_at, reason=reason)

    def mark_all_sent(
        self, delivery_ids: Iterable[str], ts: str, thread: str | None, at: datetime, drawn: str | None = None
    ) -> None:
        values = {
            "state": DeliveryState.SENT,
            "ts": ts,
            "reason": None,
            "thread": thread,
            "sent_at": at,
            "tried_at": None,
            "drawn": drawn,
        }
        for chunk in chunked(delivery_ids):
            these = deliveries.c.id.in_(chunk) & deliveries.c.state.in_(OPEN)
            self._connection.execute(update(deliveries).where(these).values(values))

    def put_off(self, delivery_id: str, due_at: datetime) -> None:
        self._change(delivery_id, (DeliveryState.PENDING,), due_at=due_at)

    def drop(self, delivery_id: str, reason: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.DROPPED, reason=reason)

    def mark_failed(self, delivery_id: str, reason: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.FAILED, reason=reason)

    def forget_message(self, channel: str, ts: str) -> None:
        this = (deliveries.c.channel == channel) & (deliveries.c.ts == ts)
        self._connection.execute(update(deliveries).where(this).values(ts=None))

    def failures(self, limit: int) -> Sequence[Delivery]:
        failed = DELIVERIES.where(deliveries.c.state == DeliveryState.FAILED)
        rows = self._connection.execute(failed.order_by(None).order_by(deliveries.c.sequence.desc()).limit(limit))
        return [read_delivery(row) for row in rows]

    def counts(self) -> Mapping[str, int]:
        rows = self._connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
        counts: dict[str, int] = dict.fromkeys(DeliveryState, 0)
        for state, count in rows:
            counts[state] += count
        return counts

    def oldest_open(self, now: datetime) -> datetime | None:
        is_open, digest = deliveries.c.state.in_(OPEN), deliveries.c.is_digest
        made = select(func.min(alerts.c.created_at)).join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
        due = select(func.min(deliveries.c.due_at)).where(is_open, digest, deliveries.c.due_at <= now)
        moments = (self._connection.scalar(made.where(is_open, ~digest)), self._connection.scalar(due))
        return min((moment for moment in moments if moment), default=None)

    def _change(self, delivery_id: str, only_from: Sequence[DeliveryState], **values: Any) -> None:
        """Nothing happens when the delivery is in none of these states: SENT and FAILED stay what they are."""
        this = (deliveries.c.id == delivery_id) & deliveries.c.state.in_(only_from)
        self._connection.execute(update(deliveries).where(this).values(values))


def _pending(alert_id: str, channel: str, at: datetime, digest_at: datetime | None) -> dict[str, Any]:
    return {
        "id": uuid4().hex,
        "alert_id": alert_id,
        "channel": channel,
        "state": DeliveryState.PENDING,
        "due_at": digest_at or at,
        "attempts": 0,
        "is_digest": digest_at is not None,
    }


def read_delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    id, channel, *rest = row[: len(_DELIVERY)]
    return Delivery(id, Alert(*row[len(_DELIVERY) :]), channel, *rest)
