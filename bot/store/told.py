"""What was told where: the messages about builds, and how each delivery ended."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, or_, select

from bot.domain.model import ABOUT_BUILDS, AlertKind, Card, Delivery, DeliveryState
from bot.store.outbox import DELIVERIES, read_delivery
from bot.store.saving import chunked
from bot.store.tables import alerts, builds, deliveries

_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_FROM = deliveries.join(alerts, deliveries.c.alert_id == alerts.c.id)
_NEWEST = deliveries.c.sequence.desc()
_BEGUN = or_(
    deliveries.c.ts.is_not(None),
    deliveries.c.state == DeliveryState.SENDING,
    (deliveries.c.state == DeliveryState.PENDING) & deliveries.c.tried_at.is_not(None),
)
_BEGUN_IN = (
    select(alerts.c.build_key, deliveries.c.channel)
    .select_from(_FROM)
    .where(alerts.c.build_key.in_(_KEYS), alerts.c.kind.in_(ABOUT_BUILDS), _BEGUN)
)
_GONE = select(builds.c.key).where(builds.c.key.in_(_KEYS), builds.c.gone_at.is_not(None))
_SENT_AT = func.min(deliveries.c.sent_at, type_=deliveries.c.sent_at.type)
_MESSAGES_SINCE = (
    select(_SENT_AT)
    .select_from(_FROM)
    .where(deliveries.c.channel == bindparam("channel"), deliveries.c.state == DeliveryState.SENT)
    .where(deliveries.c.due_at > bindparam("moment", type_=deliveries.c.due_at.type))
    .where(deliveries.c.thread.is_(None), alerts.c.kind.in_(ABOUT_BUILDS))
    .group_by(deliveries.c.ts)
    .order_by(_SENT_AT)
)
_CARDS = (
    select(alerts.c.build_key, deliveries.c.ts, deliveries.c.thread, deliveries.c.batch)
    .select_from(_FROM)
    .where(alerts.c.build_key.in_(_KEYS), alerts.c.kind.in_(ABOUT_BUILDS), deliveries.c.ts.is_not(None))
    .where(deliveries.c.channel == bindparam("channel"))
    .order_by(_NEWEST)
)
_wanted, _first = builds.alias("wanted"), builds.alias("first")
_VERSION_CARDS = (
    select(_wanted.c.key, deliveries.c.ts, deliveries.c.thread, deliveries.c.batch)
    .select_from(
        _FROM.join(_first, _first.c.key == alerts.c.build_key).join(
            _wanted, (_wanted.c.product_id == _first.c.product_id) & (_wanted.c.version_rank == _first.c.version_rank)
        )
    )
    .where(_wanted.c.key.in_(_KEYS), deliveries.c.channel == bindparam("channel"))
    .where(_wanted.c.version == _first.c.version)  # what has the same rank, an index finds; what is spelled alike is the same
    .where(or_(_wanted.c.platform != _first.c.platform, _wanted.c.account != _first.c.account))
    .where(alerts.c.kind == AlertKind.NEW_BUILD, deliveries.c.ts.is_not(None), _wanted.c.version != "")
    .where(deliveries.c.sent_at > bindparam("since", type_=deliveries.c.sent_at.type))
    .order_by(_NEWEST)
)


class SqlTold:
    """A `bot.domain.ports.Told`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begun(self, build_keys: Iterable[str]) -> Mapping[str, Collection[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for chunk in chunked(build_keys):
            for key, channel in self._connection.execute(_BEGUN_IN, {"keys": chunk}):
                found[key or ""].add(channel)
        return found

    def cards(self, channel: str, build_keys: Iterable[str]) -> Mapping[str, Card]:
        return self._first_of(_CARDS, build_keys, {"channel": channel})

    def version_cards(self, channel: str, build_keys: Iterable[str], since: datetime) -> Mapping[str, Card]:
        return self._first_of(_VERSION_CARDS, build_keys, {"channel": channel, "since": since})

    def gone(self, build_keys: Iterable[str]) -> frozenset[str]:
        return frozenset(key for chunk in chunked(build_keys) for key in self._connection.scalars(_GONE, {"keys": chunk}))

    def messages_since(self, channel: str, moment: datetime) -> Sequence[datetime]:
        return [at for at in self._connection.scalars(_MESSAGES_SINCE, {"channel": channel, "moment": moment}) if at]

    def last(self, channel: str, limit: int, product_id: str | None = None) -> Sequence[Delivery]:
        here = DELIVERIES.where(deliveries.c.channel == channel)
        if product_id is not None:
            here = here.where(alerts.c.product_id == product_id)
        return [read_delivery(row) for row in self._connection.execute(here.order_by(None).order_by(_NEWEST).limit(limit))]

    def about(self, channel: str, build_keys: Iterable[str]) -> Mapping[str, Delivery]:
        here = DELIVERIES.where(deliveries.c.channel == channel, alerts.c.build_key.in_(list(build_keys)))
        rows = self._connection.execute(here.order_by(None).order_by(_NEWEST))
        return {delivery.alert.build_key or "": delivery for delivery in map(read_delivery, rows)}

    def announced(self, build_keys: Iterable[str]) -> Mapping[str, datetime]:
        about = alerts.c.build_key.in_(list(build_keys)) & alerts.c.kind.in_(ABOUT_BUILDS)
        rows = self._connection.execute(
            select(alerts.c.build_key, func.min(alerts.c.created_at)).where(about).group_by(alerts.c.build_key)
        )
        return {key: at for key, at in rows if key}

    def first_seen(self, build_keys: Iterable[str]) -> Mapping[str, datetime]:
        rows = self._connection.execute(select(builds.c.key, builds.c.first_seen_at).where(builds.c.key.in_(list(build_keys))))
        return {row.key: row.first_seen_at for row in rows}

    def _first_of(
        self, query: Select[*tuple[Any, ...]], build_keys: Iterable[str], facts: Mapping[str, Any]
    ) -> Mapping[str, Card]:
        """The first message about a build is its card: read last, it stays."""
        rows = (row for chunk in chunked(build_keys) for row in self._connection.execute(query, {"keys": chunk, **facts}))
        return {key: Card(*card) for key, *card in rows}
