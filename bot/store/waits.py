"""Who wants to hear when a build is ready."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.domain.model import Wait
from bot.store.saving import chunked
from bot.store.tables import waits
from bot.store.upsert import insert_if_new

_ANY = select(waits.c.build_key).limit(1)
_COLUMNS = (waits.c.build_key, waits.c.user, waits.c.channel, waits.c.created_at)


class SqlWaits:
    """A `bot.domain.ports.Waits`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, wait: Wait) -> bool:
        values = {"build_key": wait.build_key, "user": wait.user, "channel": wait.channel, "created_at": wait.created_at}
        return insert_if_new(self._connection, waits, values)

    def take(self, build_keys: Iterable[str]) -> Sequence[Wait]:
        if self._connection.scalar(_ANY) is None:
            return ()
        return [wait for keys in chunked(build_keys) for wait in self._take(keys)]

    def purge(self, before: datetime) -> int:
        return self._connection.execute(delete(waits).where(waits.c.created_at < before)).rowcount

    def _take(self, keys: Sequence[str]) -> Sequence[Wait]:
        taken = delete(waits).where(waits.c.build_key.in_(keys)).returning(*_COLUMNS)
        return [Wait(*row) for row in self._connection.execute(taken)]
