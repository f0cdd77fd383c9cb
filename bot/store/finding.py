"""What people ask for: what is newest of a product, which builds fit a description, and which versions stand near another."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from sqlalchemy import CTE, ColumnElement, Connection, ScalarSelect, bindparam, func, literal, select

from bot.domain.model import Build
from bot.domain.ports import BuildFilter, BuildPage
from bot.store.ranks import rank, rank_prefix
from bot.store.saving import BUILD
from bot.store.tables import NEWEST, accounts, builds
from bot.store.types import CleanText

NEWEST_FIRST = [builds.c[name].desc() for name in NEWEST]
_OLDEST_FIRST = select(builds.c.key).order_by(*(builds.c[name] for name in NEWEST))


def heads(connection: Connection, product_id: str) -> Sequence[Build]:
    """The newest build of each line (account, platform, track)."""
    return [Build(*row) for row in connection.execute(_HEADS, {"product_id": product_id})]


def find_builds(connection: Connection, product_id: str, wanted: BuildFilter, offset: int, limit: int) -> BuildPage:
    total = connection.scalar(select(func.count()).select_from(builds).where(*_here(product_id, wanted))) or 0
    return BuildPage(tuple(newest(connection, product_id, wanted, limit, offset)), total)


def newest(connection: Connection, product_id: str, wanted: BuildFilter, limit: int, offset: int = 0) -> Sequence[Build]:
    page = select(*BUILD).where(*_here(product_id, wanted)).order_by(*NEWEST_FIRST).offset(offset).limit(limit)
    return [Build(*row) for row in connection.execute(page)]


def near_versions(connection: Connection, product_id: str, wanted: BuildFilter, label: str, limit: int) -> Sequence[str]:
    place, here = rank(label), _here(product_id, replace(wanted, version=None, number=None))
    order = builds.c.version_rank  # one label of each rank: in the order of an index, so that the first few end the search
    found = select(func.min(builds.c.version)).where(*here).group_by(order).limit(limit)
    below = connection.scalars(found.where(order < place).order_by(order.desc())).all()
    above = connection.scalars(found.where(order > place).order_by(order)).all()
    in_turn = (version for pair in zip_longest(below, above) for version in pair if version is not None)
    return list(in_turn)[:limit]


def oldest_first(connection: Connection, keys: Iterable[str]) -> Sequence[str]:
    return connection.scalars(_OLDEST_FIRST.where(builds.c.key.in_(list(keys)))).all()


def _here(product_id: str, wanted: BuildFilter) -> list[ColumnElement[bool]]:
    there = [builds.c.product_id == product_id, builds.c.gone_at.is_(None)]
    return [*there, *_conditions(wanted), *_exceptions(wanted)]


def _conditions(wanted: BuildFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.platform is not None:
        conditions.append(builds.c.platform == wanted.platform)
    if wanted.track is not None:
        conditions.append(func.lower(builds.c.track) == func.lower(literal(wanted.track, CleanText)))
    if wanted.provider is not None:
        conditions.append(builds.c.account.in_(select(accounts.c.name).where(accounts.c.provider == wanted.provider)))
    if wanted.accounts is not None:
        conditions.append(builds.c.account.in_(wanted.accounts))
    if wanted.version is not None:
        exact = builds.c.version_rank == rank(wanted.version)
        conditions.append(exact if wanted.is_exact else _version_is(wanted.version))
    if wanted.number is not None:
        conditions.append(builds.c.number == wanted.number)
    return conditions


def _exceptions(wanted: BuildFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.not_version is not None:
        conditions.append(builds.c.version_rank != rank(wanted.not_version))
    if wanted.not_number is not None:
        conditions.append(builds.c.number.is_distinct_from(wanted.not_number))
    return conditions


def _version_is(version: str) -> ColumnElement[bool]:
    prefix = rank_prefix(version)
    if not prefix:
        return builds.c.version == version
    return (builds.c.version_rank >= prefix) & (builds.c.version_rank < f"{prefix}~")


def _line_after(line: ColumnElement[str] | None) -> ScalarSelect[str]:
    """One step down an index: finding the lines costs the same for ten thousand builds as for ten."""
    each = builds.alias()
    query = select(func.max(each.c.line)).where(each.c.product_id == bindparam("product_id"))
    return (query if line is None else query.where(each.c.line < line)).scalar_subquery()


def _lines() -> CTE:
    first = select(_line_after(None).label("line")).cte("lines", recursive=True)
    return first.union_all(select(_line_after(first.c.line)).where(first.c.line.is_not(None)))


def _head_of(line: ColumnElement[str]) -> ScalarSelect[str]:
    each = builds.alias()
    here = (each.c.product_id == bindparam("product_id"), each.c.line == line, each.c.gone_at.is_(None))
    return select(each.c.key).where(*here).order_by(*(each.c[name].desc() for name in NEWEST)).limit(1).scalar_subquery()


_LINES = _lines()
_HEADS = select(*BUILD).select_from(_LINES).join(builds, builds.c.key == _head_of(_LINES.c.line)).order_by(*NEWEST_FIRST)
