"""Alerts and their deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from bot.domain.model import Alert, AlertKind, Delivery, DeliveryState
from bot.store.tables import alerts, deliveries
from bot.store.upsert import insert_if_new

ABOUT_BUILDS = (AlertKind.NEW_BUILD, AlertKind.BUILD_CHANGED)
OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)

_ALERT = [alerts.c[name] for name in ("fingerprint", "kind", "account", "created_at", "product_id", "build_key", "facts", "id")]
_DELIVERY = [deliveries.c[name] for name in ("id", "channel", "state", "due_at", "attempts", "ts", "reason")]
_DELIVERIES = (
    select(*_DELIVERY, *_ALERT)
    .join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
    .where(alerts.c.kind.in_(list(AlertKind)))  # what a newer version of Purser wrote waits for it
    .order_by(deliveries.c.due_at, deliveries.c.sequence)
)
_CARDS = select(deliveries.c.channel, deliveries.c.ts).join_from(deliveries, alerts, deliveries.c.alert_id == alerts.c.id)
_DUE = _DELIVERIES.where(
    deliveries.c.state == DeliveryState.PENDING, deliveries.c.due_at <= bindparam("now", type_=deliveries.c.due_at.type)
).limit(bindparam("most"))
_INTERRUPTED = _DELIVERIES.where(
    deliveries.c.state == DeliveryState.SENDING, deliveries.c.due_at < bindparam("before", type_=deliveries.c.due_at.type)
)


class SqlOutbox:
    """A `bot.domain.ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, alert: Alert, channels: Iterable[str]) -> bool:
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
        }
        if not insert_if_new(self._connection, alerts, values):
            return False
        rows = [_pending(id, channel, alert.created_at) for channel in sorted(set(channels))]
        if rows:
            self._connection.execute(insert(deliveries), rows)
        return True

    def has(self, fingerprint: str) -> bool:
        return self._connection.scalar(select(alerts.c.id).where(alerts.c.fingerprint == fingerprint)) is not None

    def cards(self, build_key: str) -> Mapping[str, str]:
        """The first message about a build is its card; later ones stand in its thread."""
        about = (alerts.c.build_key == build_key) & alerts.c.kind.in_(ABOUT_BUILDS) & deliveries.c.ts.is_not(None)
        rows = self._connection.execute(_CARDS.where(about).order_by(deliveries.c.sequence.desc()))
        return {channel: ts for channel, ts in rows if ts}

    def due(self, now: datetime, limit: int = 100) -> Sequence[Delivery]:
        return [_delivery(row) for row in self._connection.execute(_DUE, {"now": now, "most": limit})]

    def interrupted(self, before: datetime) -> Sequence[Delivery]:
        return [_delivery(row) for row in self._connection.execute(_INTERRUPTED, {"before": before})]

    def mark_sending(self, delivery_id: str, at: datetime) -> bool:
        return self._change(delivery_id, (DeliveryState.PENDING,), state=DeliveryState.SENDING, due_at=at)

    def mark_sent(self, delivery_id: str, ts: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.SENT, ts=ts, reason=None)

    def postpone(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        attempts = deliveries.c.attempts + 1
        self._change(delivery_id, OPEN, state=DeliveryState.PENDING, due_at=due_at, attempts=attempts, reason=reason)

    def mark_failed(self, delivery_id: str, reason: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.FAILED, reason=reason)

    def counts(self) -> Mapping[str, int]:
        rows = self._connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
        counts: dict[str, int] = dict.fromkeys(DeliveryState, 0)
        for state, count in rows:
            counts[state] += count
        return counts

    def _change(self, delivery_id: str, only_from: Sequence[DeliveryState], **values: Any) -> bool:
        """False when the delivery is in none of these states: SENT and FAILED stay what they are."""
        this = (deliveries.c.id == delivery_id) & deliveries.c.state.in_(only_from)
        return self._connection.execute(update(deliveries).where(this).values(values)).rowcount > 0


def _pending(alert_id: str, channel: str, due_at: datetime) -> dict[str, Any]:
    return {
        "id": uuid4().hex,
        "alert_id": alert_id,
        "channel": channel,
        "state": DeliveryState.PENDING,
        "due_at": due_at,
        "attempts": 0,
    }


def _delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    id, channel, *rest = row[: len(_DELIVERY)]
    return Delivery(id, Alert(*row[len(_DELIVERY) :]), channel, *rest)
