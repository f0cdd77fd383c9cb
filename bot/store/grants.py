"""The audit log: who was given which link, when."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    true,
    tuple_,
    update,
)

from bot.domain.model import OPENING, VENDOR_LINK, Build, Grant
from bot.domain.ports import AuditLine, Beside, GrantFilter
from bot.store.memory import Forgetful
from bot.store.saving import BUILD, chunked
from bot.store.tables import builds, grants, products

_COLUMNS = (
    grants.c.id,
    grants.c.build_key,
    grants.c.user,
    grants.c.channel,
    grants.c.created_at,
    grants.c.expires_at,
    grants.c.opened,
    grants.c.outcome,
    grants.c.given,
    grants.c.revoked_at,
    grants.c.revoked_by,
    grants.c.sent_at,
    grants.c.asked,
)
_GRANT = select(*_COLUMNS)
_BY_ID = _GRANT.where(grants.c.id == bindparam("id"))
_HOLD = text("SELECT pg_advisory_xact_lock(:room, hashtext(:user))")
LONGEST_TRANSFER = timedelta(days=1)  # of a process that died with a file on its way, nobody hears
_ROOM = 0x677261  # of the two numbers of an advisory lock, the one that keeps ours apart from others: "gra"
_WITH_BUILD = grants.outerjoin(builds, builds.c.key == grants.c.build_key)
_LINES = select(*_COLUMNS, products.c.name, *BUILD).select_from(
    _WITH_BUILD.outerjoin(products, products.c.id == builds.c.product_id)
)
_ADD = insert(grants)
_LATELY = (grants.c.user == bindparam("user"), grants.c.created_at > bindparam("since", type_=grants.c.created_at.type))
_NTH_NEWEST = (
    select(grants.c.created_at)
    .where(*_LATELY, grants.c.given.is_(true()))
    .order_by(grants.c.created_at.desc())
    .offset(bindparam("newer", type_=Integer))
    .limit(1)
)
_ASKED = select(func.sum(grants.c.asked), func.min(grants.c.created_at)).where(*_LATELY, grants.c.asked > 0)
_COUNT = select(func.count(grants.c.id)).select_from(_WITH_BUILD)


class SqlGrants:
    """A `bot.domain.ports.Grants`."""

    def __init__(self, connection: Connection, memory: Forgetful) -> None:
        self._connection = connection
        self._memory = memory

    def hold(self, user: str) -> None:
        """SQLite has one writer at a time already."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(_HOLD, {"room": _ROOM, "user": user})

    def add(self, grant: Grant) -> None:
        self._connection.execute(_ADD, {"id": grant.id, **_values(grant)})

    def get(self, grant_id: str) -> Grant | None:
        return self._memory.recall(("grant", grant_id), lambda: self._get(grant_id))

    def _get(self, grant_id: str) -> Grant | None:
        row = self._connection.execute(_BY_ID, {"id": grant_id}).first()
        return Grant(*row) if row else None

    def waiting(self, user: str, build_key: str, outcomes: Collection[str], since: datetime) -> Grant | None:
        theirs = (grants.c.user == user) & (grants.c.build_key == build_key) & (grants.c.created_at > since)
        waits = theirs & grants.c.given.is_not(true()) & grants.c.outcome.in_(outcomes)
        row = self._connection.execute(_GRANT.where(waits).order_by(grants.c.created_at.desc()).limit(1)).first()
        return Grant(*row) if row else None

    def settle(self, grant: Grant) -> bool:
        this = (grants.c.id == grant.id) & grants.c.given.is_not(true())
        return self._connection.execute(update(grants).where(this).values(_values(grant))).rowcount == 1

    def nth_newest(self, user: str, since: datetime, n: int) -> datetime | None:
        return self._connection.scalar(_NTH_NEWEST, {"user": user, "since": since, "newer": n - 1})

    def asked(self, user: str, since: datetime) -> tuple[int, datetime | None]:
        found = self._connection.execute(_ASKED, {"user": user, "since": since}).one()
        return found[0] or 0, found[1]

    def open_once(self, grant_id: str, outcome: str, most: int, now: datetime) -> bool:
        """One statement, so that of many openings at once no more than allowed get through."""
        this = (grants.c.id == grant_id) & (grants.c.opened < most) & _live(now)
        opened = grants.c.opened + 1
        return self._connection.execute(update(grants).where(this).values(opened=opened, outcome=outcome)).rowcount == 1

    def close_again(self, grant_id: str, outcome: str | None) -> None:
        this = grants.c.id == grant_id
        self._connection.execute(update(grants).where(this).values(opened=grants.c.opened - 1, outcome=outcome))

    def note(self, grant_id: str, outcome: str) -> None:
        self._connection.execute(update(grants).where(grants.c.id == grant_id).values(outcome=outcome))

    def mark_sent(self, grant_id: str, at: datetime | None) -> bool:
        this = grants.c.id == grant_id
        if at is not None:
            this &= grants.c.sent_at.is_(None)
        return self._connection.execute(update(grants).where(this).values(sent_at=at)).rowcount == 1

    def revoke(self, grant_ids: Iterable[str], by: str, at: datetime) -> int:
        return sum(self._revoke(ids, by, at) for ids in chunked(grant_ids))

    def find(self, wanted: GrantFilter, offset: int = 0, limit: int = 100) -> Sequence[AuditLine]:
        upwards = wanted.beside is not None and wanted.beside.newer
        order = [column.asc() if upwards else column.desc() for column in (grants.c.created_at, grants.c.id)]
        nearest = _LINES.where(*_conditions(wanted)).order_by(*order).offset(offset).limit(limit)
        lines = [_line(row) for row in self._connection.execute(nearest)]
        return lines[::-1] if upwards else lines

    def count(self, wanted: GrantFilter) -> int:
        return self._connection.scalar(_COUNT.where(*_conditions(wanted))) or 0

    def purge(self, before: datetime) -> int:
        return self._connection.execute(delete(grants).where(grants.c.created_at < before)).rowcount

    def _revoke(self, ids: Sequence[str], by: str, at: datetime) -> int:
        these = grants.c.id.in_(ids) & grants.c.revoked_at.is_(None)
        return self._connection.execute(update(grants).where(these).values(revoked_at=at, revoked_by=by)).rowcount


def _values(grant: Grant) -> Mapping[str, Any]:
    return {
        "build_key": grant.build_key,
        "user": grant.user,
        "channel": grant.channel,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        "opened": grant.opened,
        "outcome": grant.outcome,
        "given": grant.given,
        "revoked_at": grant.revoked_at,
        "revoked_by": grant.revoked_by,
        "sent_at": grant.sent_at,
        "asked": grant.asked,
    }


def _live(now: datetime) -> ColumnElement[bool]:
    return grants.c.given.is_(true()) & grants.c.revoked_at.is_(None) & (grants.c.expires_at > now)


def _on_its_way(now: datetime) -> ColumnElement[bool]:
    """A file may take longer than its link lives."""
    return _live(now - LONGEST_TRANSFER) & (grants.c.outcome == OPENING)


def _conditions(wanted: GrantFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.user is not None:
        conditions.append(grants.c.user == wanted.user)
    if wanted.product is not None:
        conditions.append(builds.c.product_id == wanted.product)
    if wanted.since is not None:
        conditions.append(grants.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(grants.c.created_at < wanted.until)
    if wanted.live_at is not None:
        conditions += [_live(wanted.live_at) | _on_its_way(wanted.live_at), grants.c.outcome.is_distinct_from(VENDOR_LINK)]
    if wanted.given is not None:
        conditions.append(grants.c.given.is_(wanted.given))
    if wanted.beside is not None:
        conditions.append(_on_that_side(wanted.beside))
    return conditions


def _on_that_side(place: Beside) -> ColumnElement[bool]:
    here, there = tuple_(grants.c.created_at, grants.c.id), tuple_(place.at, place.id)
    return here > there if place.newer else here < there


def _line(row: Row[*tuple[Any, ...]]) -> AuditLine:
    """`account` is a build's first fact; without one there is no build."""
    grant, product, build = row[: len(_COLUMNS)], row[len(_COLUMNS)], row[len(_COLUMNS) + 1 :]
    return AuditLine(Grant(*grant), Build(*build) if build[0] is not None else None, product)
