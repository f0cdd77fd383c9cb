"""The audit log: who was given which link, when."""

from sqlalchemy import Connection, insert, select, update

from bot.domain.model import Grant
from bot.store.tables import grants

_GRANT = select(
    grants.c.id,
    grants.c.build_key,
    grants.c.user,
    grants.c.channel,
    grants.c.created_at,
    grants.c.expires_at,
    grants.c.opened,
    grants.c.outcome,
)


class SqlGrants:
    """A `bot.domain.ports.Grants`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, grant: Grant) -> None:
        self._connection.execute(
            insert(grants).values(
                id=grant.id,
                build_key=grant.build_key,
                user=grant.user,
                channel=grant.channel,
                created_at=grant.created_at,
                expires_at=grant.expires_at,
                opened=grant.opened,
                outcome=grant.outcome,
            )
        )

    def get(self, grant_id: str) -> Grant | None:
        row = self._connection.execute(_GRANT.where(grants.c.id == grant_id)).first()
        return Grant(*row) if row else None

    def record_open(self, grant_id: str, outcome: str) -> None:
        opened = grants.c.opened + 1
        self._connection.execute(update(grants).where(grants.c.id == grant_id).values(opened=opened, outcome=outcome))
