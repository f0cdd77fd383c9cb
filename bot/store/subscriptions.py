"""What channels hear about."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, select, update

from bot.domain.digest import Digest, parse
from bot.domain.model import EventKind, Subscription
from bot.store.tables import subscriptions
from bot.store.upsert import insert_if_new

_ALL = select(
    subscriptions.c.id,
    subscriptions.c.channel,
    subscriptions.c.kinds,
    subscriptions.c.created_by,
    subscriptions.c.created_at,
    subscriptions.c.product_id,
    subscriptions.c.platform,
    subscriptions.c.track,
    subscriptions.c.provider,
    subscriptions.c.digest,
).order_by(subscriptions.c.created_at, subscriptions.c.id)


class SqlSubscriptions:
    """A `bot.domain.ports.Subscriptions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._all: Sequence[Subscription] | None = None  # read once in a transaction, for its thousand new builds

    def add(self, subscription: Subscription) -> bool:
        self._all = None
        values = {
            "id": subscription.id,
            "channel": subscription.channel,
            "scope": _scope(subscription),
            "kinds": sorted(subscription.kinds),
            "created_by": subscription.created_by,
            "created_at": subscription.created_at,
            "product_id": subscription.product_id,
            "platform": subscription.platform,
            "track": subscription.track,
            "provider": subscription.provider,
            "digest": _text(subscription.digest),
        }
        added = insert_if_new(self._connection, subscriptions, values)
        if not added:
            self._unite(subscription)
        return added

    def remove(self, subscription_id: str) -> bool:
        self._all = None
        return self._connection.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id)).rowcount > 0

    def of_channel(self, channel: str) -> Sequence[Subscription]:
        return [_subscription(*row) for row in self._connection.execute(_ALL.where(subscriptions.c.channel == channel))]

    def all(self) -> Sequence[Subscription]:
        if self._all is None:
            self._all = [_subscription(*row) for row in self._connection.execute(_ALL)]
        return self._all

    def _unite(self, wanted: Subscription) -> None:
        same = (subscriptions.c.channel == wanted.channel) & (subscriptions.c.scope == _scope(wanted))
        kinds = self._connection.execute(select(subscriptions.c.kinds).where(same).with_for_update()).scalar_one()
        values = {"kinds": sorted({*kinds, *wanted.kinds}), "digest": _text(wanted.digest)}
        self._connection.execute(update(subscriptions).where(same).values(values))


def _scope(subscription: Subscription) -> str:
    """Product and filters as one text: a unique constraint over columns would take every NULL for another value."""
    return json.dumps([subscription.product_id, subscription.platform, subscription.track, subscription.provider])


def _text(digest: Digest | None) -> str | None:
    return str(digest) if digest else None


def _subscription(id: str, channel: str, kinds: Iterable[str], *rest: Any) -> Subscription:
    """Kinds that another version of Purser knows are left out."""
    *facts, digest = rest
    known = frozenset(EventKind(kind) for kind in kinds if kind in set(EventKind))
    return replace(Subscription(id, channel, known, *facts), digest=parse(digest) if digest else None)
