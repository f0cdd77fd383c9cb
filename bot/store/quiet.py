"""Channels into which Slack does not let us write."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bot.domain.model import QuietChannel
from bot.store.tables import quiet_channels
from bot.store.upsert import insert_into

_ALL = select(quiet_channels.c.channel, quiet_channels.c.reason, quiet_channels.c.since, quiet_channels.c.probe_at)
_ONE = _ALL.where(quiet_channels.c.channel == bindparam("channel"))


class SqlQuietChannels:
    """A `bot.domain.ports.QuietChannels`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, channel: str) -> QuietChannel | None:
        row = self._connection.execute(_ONE, {"channel": channel}).first()
        return QuietChannel(*row) if row else None

    def all(self) -> Sequence[QuietChannel]:
        rows = self._connection.execute(_ALL.order_by(quiet_channels.c.since, quiet_channels.c.channel))
        return [QuietChannel(*row) for row in rows]

    def note(self, channel: str, reason: str, at: datetime, probe_at: datetime) -> None:
        latest = {"reason": reason, "probe_at": probe_at}
        statement = insert_into(self._connection.dialect.name, quiet_channels).values(channel=channel, since=at, **latest)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[quiet_channels.c.channel], set_=latest))

    def forget(self, channel: str) -> bool:
        return self._connection.execute(delete(quiet_channels).where(quiet_channels.c.channel == channel)).rowcount > 0
