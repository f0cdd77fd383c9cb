"""Products that a channel does not want to hear about."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from bot.domain.model import Mute
from bot.store.tables import mutes
from bot.store.upsert import insert_if_new

_ALL = select(mutes.c.channel, mutes.c.product_id, mutes.c.by, mutes.c.at).order_by(mutes.c.at, mutes.c.product_id)


class SqlMutes:
    """A `bot.domain.ports.Mutes`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, mute: Mute) -> bool:
        values = {"channel": mute.channel, "product_id": mute.product_id, "by": mute.by, "at": mute.at}
        return insert_if_new(self._connection, mutes, values)

    def remove(self, channel: str, product_id: str | None) -> int:
        here = delete(mutes).where(mutes.c.channel == channel)
        return self._connection.execute(here if product_id is None else here.where(mutes.c.product_id == product_id)).rowcount

    def of_channel(self, channel: str) -> Sequence[Mute]:
        return [Mute(*row) for row in self._connection.execute(_ALL.where(mutes.c.channel == channel))]

    def channels(self, product_id: str) -> frozenset[str]:
        return frozenset(self._connection.scalars(select(mutes.c.channel).where(mutes.c.product_id == product_id)))
