"""What ends, and what people were told of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, delete, func, or_, select

from bot.domain.model import Build, BuildState, Expiry, ExpiryNotice
from bot.store.saving import BUILD, chunked
from bot.store.tables import NEWEST, builds, expiries, expiry_notices, revision
from bot.store.types import UtcDateTime
from bot.store.upsert import insert_into

NEVER_USABLE = (BuildState.PROCESSING, BuildState.FAILED)

_KEY = ("account", "kind", "id")
_EXPIRIES = select(*(expiries.c[name] for name in (*_KEY, "name", "expires_at"))).order_by(
    expiries.c.expires_at, expiries.c.account, expiries.c.kind, expiries.c.id
)
_NOTICES = select(*(expiry_notices.c[name] for name in (*_KEY, "expires_at", "days", "told_at")))
_LOCK = select(revision.c.value).with_for_update()

_now, _ended_after = bindparam("now", type_=UtcDateTime), bindparam("ended_after", type_=UtcDateTime)
_is_usable = (builds.c.state != BuildState.EXPIRED) & (builds.c.expires_at > _now)
_place = func.row_number().over(
    partition_by=(builds.c.product_id, builds.c.line),
    order_by=(case((_is_usable, 0), else_=1), *(builds.c[name].desc() for name in NEWEST)),
)
_PLACED = (
    select(builds.c.key, _place.label("place"))
    .where(
        builds.c.expires_at > _ended_after,
        builds.c.gone_at.is_(None),
        builds.c.state.not_in(NEVER_USABLE),
        or_(builds.c.state != BuildState.EXPIRED, builds.c.expires_at <= _now),  # not those that were ended by hand
    )
    .subquery()
)
_BUILDS = select(*BUILD).join_from(_PLACED, builds, builds.c.key == _PLACED.c.key).where(_PLACED.c.place == 1)


class SqlExpiries:
    """A `bot.domain.ports.Expiries`."""

    def __init__(self, connection: Connection, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def replace_all(self, account: str, found: Iterable[Expiry], at: datetime) -> None:
        rows = {
            (expiry.kind, expiry.id): {
                "account": account,
                "kind": expiry.kind,
                "id": expiry.id,
                "name": expiry.name,
                "expires_at": expiry.expires_at,
                "seen_at": at,
            }
            for expiry in found
        }
        self._connection.execute(delete(expiries).where(expiries.c.account == account))
        if rows:
            insert = insert_into(self._connection.dialect.name, expiries)
            facts = {name: insert.excluded[name] for name in ("name", "expires_at", "seen_at")}
            replacing = insert.on_conflict_do_update(index_elements=[expiries.c[name] for name in _KEY], set_=facts)
            self._connection.execute(replacing, [rows[key] for key in sorted(rows)])

    def all(self) -> Sequence[Expiry]:
        return [Expiry(*row) for row in self._connection.execute(_EXPIRIES)]

    def builds(self, now: datetime, ended_after: datetime) -> Sequence[Build]:
        return [Build(*row) for row in self._connection.execute(_BUILDS, {"now": now, "ended_after": ended_after})]

    def notices(self) -> Mapping[tuple[str, str, str], ExpiryNotice]:
        """The lock is a row that every database has, held for the moment in which a digest is written."""
        if self._writing:
            self._connection.execute(_LOCK)
        found = (ExpiryNotice(*row) for row in self._connection.execute(_NOTICES))
        return {(notice.account, notice.kind, notice.id): notice for notice in found}

    def note(self, notices: Iterable[ExpiryNotice]) -> None:
        insert = insert_into(self._connection.dialect.name, expiry_notices)
        facts = {name: insert.excluded[name] for name in ("expires_at", "days", "told_at")}
        replacing = insert.on_conflict_do_update(index_elements=[expiry_notices.c[name] for name in _KEY], set_=facts)
        for some in chunked(notices):
            self._connection.execute(replacing, [_row(notice) for notice in some])

    def forget(self, before: datetime) -> int:
        return self._connection.execute(delete(expiry_notices).where(expiry_notices.c.expires_at < before)).rowcount


def _row(notice: ExpiryNotice) -> dict[str, object]:
    return {
        "account": notice.account,
        "kind": notice.kind,
        "id": notice.id,
        "expires_at": notice.expires_at,
        "days": notice.days,
        "told_at": notice.told_at,
    }
