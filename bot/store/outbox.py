"""Alerts and their deliveries."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from secrets import token_hex
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from bot.domain.model import Alert, AlertKind, Delivery, DeliveryState, Notice
from bot.store.saving import chunked
from bot.store.tables import alerts, deliveries, quiet_channels
from bot.store.upsert import insert_into, listed

_Waiting = tuple[str, datetime, bool]  # channel, due at, is digest
_FIRST = 1_000_000  # of the numbers that end the ids of what is written together: they sort as text
_FEW_IN_ONE = {"insertmanyvalues_page_size": 50}  # SQLite keeps a statement of a thousand rows and all that it was given
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


def _channels_due() -> Select[str]:
    """Walks an index from one channel that waits to the next: a channel costs the same, however much waits there."""
    pending, now = deliveries.c.state == DeliveryState.PENDING, bindparam("now", type_=deliveries.c.due_at.type)
    waiting = select(func.min(deliveries.c.channel).label("channel")).where(pending).cte("waiting", recursive=True)
    following = select(func.min(deliveries.c.channel)).where(pending, deliveries.c.channel > waiting.c.channel)
    waiting = waiting.union_all(select(following.scalar_subquery()).where(waiting.c.channel.is_not(None)))
    is_due = (
        exists()
        .where(deliveries.c.channel == waiting.c.channel, pending, deliveries.c.due_at <= now)
        .where(deliveries.c.alert_id == alerts.c.id, alerts.c.kind.in_(list(AlertKind)))
    )
    is_quiet = exists().where(quiet_channels.c.channel == waiting.c.channel, quiet_channels.c.probe_at > now)
    return select(waiting.c.channel).where(waiting.c.channel.is_not(None), is_due, ~is_quiet).order_by(waiting.c.channel)


_CHANNELS_DUE = _channels_due()

# Of an UPDATE, a parameter that is called like a column is that column's new value: what is looked for has other names.
_HERE = deliveries.c.channel == bindparam("in_channel")
_IN_ORDER = DELIVERIES.order_by(None).order_by(deliveries.c.sequence)
_OPEN_IN = _IN_ORDER.where(_HERE, deliveries.c.state.in_(OPEN))
_BATCH = _IN_ORDER.where(deliveries.c.batch == bindparam("batch"))
_CLAIM = (
    update(deliveries)
    .where(_HERE, deliveries.c.state == DeliveryState.PENDING, deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .returning(deliveries.c.id)
)
_MINE = (_HERE, deliveries.c.state == DeliveryState.SENDING, deliveries.c.claim == bindparam("by_claim"))
_TRY = update(deliveries).where(*_MINE)
_HELD = _IN_ORDER.where(*_MINE)
_TOLD = update(deliveries).where(
    _HERE, deliveries.c.state.in_(OPEN), or_(deliveries.c.batch == bindparam("message"), deliveries.c.id == bindparam("message"))
)
_COUNTS = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
_OF_FINGERPRINT = select(alerts.c.id).where(alerts.c.fingerprint == bindparam("fingerprint"))


class SqlOutbox:
    """A `bot.domain.ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, alert: Alert, channels: Iterable[str], digests: Mapping[str, datetime] | None = None) -> bool:
        return self.add_all([Notice(alert, frozenset(channels), digests or {})]) == 1

    def add_all(self, notices: Collection[Notice]) -> int:
        """Channel by channel, so that the rows that change together are neighbours. A second writer of the same fingerprint waits
        for the first one's transaction, then finds it there."""
        prefix = token_hex(8)
        named = [(notice.alert.id or f"{prefix}{number}", notice) for number, notice in enumerate(notices, _FIRST)]
        new = self._add_alerts([_alert(id, notice.alert) for id, notice in named])
        self._add_deliveries([(id, notice) for id, notice in named if id in new])
        return len(new)

    def _add_deliveries(self, named: Sequence[tuple[str, Notice]]) -> None:
        """The database makes the rows of a channel from the ids of its alerts: two hundred thousand take half as long, and nobody
        holds them all."""
        adding = _adding(self._connection.dialect.name)
        prefix, number = token_hex(8), _FIRST
        for channel, due_at, is_digest in sorted({waiting for _, notice in named for waiting in _waiting(notice)}):
            alert_ids = [id for id, notice in named if _due_at(notice, channel, is_digest) == due_at]
            facts = {"prefix": prefix, "number": number, "channel": channel, "due_at": due_at, "is_digest": is_digest}
            self._connection.execute(adding, {**facts, "alert_ids": alert_ids})
            number += len(alert_ids)

    def _add_alerts(self, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """The ids of those that were not there."""
        if not rows:
            return frozenset()
        adding = _adding_alerts(self._connection.dialect.name)
        return frozenset(self._connection.scalars(adding, rows, execution_options=_FEW_IN_ONE))

    def has(self, fingerprint: str) -> bool:
        return self._connection.scalar(_OF_FINGERPRINT, {"fingerprint": fingerprint}) is not None

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
        return [read_delivery(row) for row in self._connection.execute(_OPEN_IN, {"in_channel": channel})]

    def batch(self, batch: str) -> Sequence[Delivery]:
        return [read_delivery(row) for row in self._connection.execute(_BATCH, {"batch": batch})]

    def claim(
        self, channel: str, delivery_ids: Iterable[str], at: datetime, claim: str, batch: str | None = None
    ) -> frozenset[str]:
        claimed: set[str] = set()
        values = {"state": DeliveryState.SENDING, "due_at": at, "batch": batch, "claim": claim, "in_channel": channel}
        for chunk in chunked(sorted(delivery_ids)):
            claimed.update(self._connection.scalars(_CLAIM, {**values, "ids": chunk}))
        return frozenset(claimed)

    def begin(self, channel: str, claim: str, at: datetime) -> int:
        facts = {"in_channel": channel, "by_claim": claim, "due_at": at, "tried_at": at}
        return self._connection.execute(_TRY, facts).rowcount

    def held(self, channel: str, claim: str) -> Sequence[Delivery]:
        rows = self._connection.execute(_HELD, {"in_channel": channel, "by_claim": claim})
        return [read_delivery(row) for row in rows]

    def not_taken(self, channel: str, claim: str, before: datetime | None) -> None:
        self._connection.execute(_TRY, {"in_channel": channel, "by_claim": claim, "tried_at": before})

    def hand_back(self, delivery_id: str, due_at: datetime) -> None:
        sending = (DeliveryState.SENDING,)
        self._change(delivery_id, sending, state=DeliveryState.PENDING, due_at=due_at, reason="interrupted")

    def postpone(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        attempts = deliveries.c.attempts + 1
        self._change(delivery_id, OPEN, state=DeliveryState.PENDING, due_at=due_at, attempts=attempts, reason=reason)

    def hold(self, delivery_id: str, due_at: datetime, reason: str) -> None:
        self._change(delivery_id, OPEN, state=DeliveryState.PENDING, due_at=due_at, reason=reason)

    def mark_all_sent(
        self, channel: str, message: str, ts: str, thread: str | None, at: datetime, drawn: str | None = None
    ) -> None:
        values = {
            "state": DeliveryState.SENT,
            "ts": ts,
            "reason": None,
            "thread": thread,
            "sent_at": at,
            "due_at": at,  # what was told lately is found by it
            "tried_at": None,
            "drawn": drawn,
        }
        self._connection.execute(_TOLD, {"in_channel": channel, "message": message, **values})

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
        rows = self._connection.execute(_COUNTS)
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


@cache
def _adding_alerts(dialect: str) -> ReturningInsert[str]:
    return insert_into(dialect, alerts).on_conflict_do_nothing().returning(alerts.c.id)


@cache
def _adding(dialect: str) -> Insert:
    """Deliveries of the alerts whose ids are in a list, in its order; ids that ascend are neighbours in an index, too."""
    alert_id, place = listed(dialect, "alert_ids")
    number = cast(bindparam("number", type_=BigInteger) + place, Text)
    values: dict[str, ColumnElement[Any]] = {
        "id": bindparam("prefix", type_=Text) + number,
        "alert_id": alert_id,
        "channel": bindparam("channel", type_=deliveries.c.channel.type),
        "state": literal(DeliveryState.PENDING, deliveries.c.state.type),
        "due_at": bindparam("due_at", type_=deliveries.c.due_at.type),
        "attempts": literal(0),
        "is_digest": bindparam("is_digest", type_=deliveries.c.is_digest.type),
    }
    return insert(deliveries).from_select([*values], select(*values.values()).order_by(place))


def _alert(id: str, alert: Alert) -> dict[str, Any]:
    return {
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


def _waiting(notice: Notice) -> Iterator[_Waiting]:
    """Where and when it is to be told."""
    made_at = notice.alert.created_at
    yield from ((channel, made_at, False) for channel in notice.channels if channel not in notice.digests)
    yield from ((channel, due_at, True) for channel, due_at in notice.digests.items())


def _due_at(notice: Notice, channel: str, is_digest: bool) -> datetime | None:
    """When it is to be told there; None: not at all, or not so."""
    due_at = notice.digests.get(channel)
    if is_digest or due_at is not None:
        return due_at if is_digest else None
    return notice.alert.created_at if channel in notice.channels else None


def read_delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    id, channel, *rest = row[: len(_DELIVERY)]
    return Delivery(id, Alert(*row[len(_DELIVERY) :]), channel, *rest)
