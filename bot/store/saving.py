"""Builds into their table: in bulk, and nothing for what is already there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Insert, bindparam, func, select, update

from bot.domain.model import Build
from bot.store.ranks import rank
from bot.store.tables import apps, builds
from bot.store.types import storable
from bot.store.upsert import insert_into

T = TypeVar("T")

CHUNK = 500  # values in one IN (...): far below the parameter limits of both databases
FACTS = tuple(field.name for field in fields(Build))
KEPT = ("key", "first_seen_at")  # never changed after the insert

BUILD = [builds.c[name] for name in FACTS]  # in the order of Build's fields
_STORED = select(builds.c.key, builds.c.gone_at, *BUILD).where(builds.c.key.in_(bindparam("keys", expanding=True)))
_PRODUCT_IDS = select(apps.c.account, apps.c.id, apps.c.product_id).where(
    apps.c.account.in_(bindparam("accounts", expanding=True))
)
_BY_KEY = select(builds.c.key, *BUILD).where(builds.c.key.in_(bindparam("keys", expanding=True)))


def chunked(items: Iterable[T]) -> Iterator[list[T]]:
    """Lists of at most CHUNK items."""
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def builds_by_key(connection: Connection, keys: Iterable[str]) -> Mapping[str, Build]:
    return {
        key: Build(*facts)
        for chunk in chunked(dict.fromkeys(keys))
        for key, *facts in connection.execute(_BY_KEY, {"keys": chunk})
    }


def being_changed(connection: Connection, keys: Iterable[str]) -> frozenset[str]:
    """Locks the others against changes. SQLite has one writer at a time, so that nothing is being changed."""
    if connection.dialect.name == "sqlite":
        return frozenset()
    found: set[str] = set()
    for chunk in chunked(sorted(keys)):
        these = select(builds.c.key).where(builds.c.key.in_(chunk)).order_by(builds.c.key)
        found.update(connection.scalars(these))
        found.difference_update(connection.scalars(these.with_for_update(read=True, skip_locked=True)))
    return frozenset(found)


def save_builds(connection: Connection, wanted: Iterable[Build], at: datetime) -> bool:
    """Whether anything differed. The builds' apps must have been saved."""
    facts = {build.key: _facts(build) for build in wanted}
    stored = _stored(connection, facts)
    changed = {key: values for key, values in sorted(facts.items()) if stored.get(key) != values}
    if changed:
        _write(connection, changed, at)
    return bool(changed)


def mark_gone(connection: Connection, keys: Iterable[str], at: datetime) -> bool:
    """Whether any of them was there."""
    gone = update(builds).where(builds.c.gone_at.is_(None)).values(gone_at=at, updated_at=at)
    counts = [connection.execute(gone.where(builds.c.key.in_(chunk))).rowcount for chunk in chunked(sorted(keys))]
    return any(counts)


def _facts(build: Build) -> tuple[Any, ...]:
    """The values of the build's fields as a database will give them back."""
    values = (getattr(build, name) for name in FACTS)
    return tuple(storable(value) if type(value) is str else value for value in values)


def _stored(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Builds that were marked as gone are left out: seeing one again is a change."""
    rows = (row for chunk in chunked(keys) for row in connection.execute(_STORED, {"keys": chunk}))
    return {key: tuple(facts) for key, gone_at, *facts in rows if gone_at is None}


def _write(connection: Connection, changed: Mapping[str, tuple[Any, ...]], at: datetime) -> None:
    product_ids = _product_ids(connection, {values[:2] for values in changed.values()})
    rows = [_row(key, dict(zip(FACTS, values, strict=True)), product_ids, at) for key, values in changed.items()]
    connection.execute(_saving(connection.dialect.name), rows)


@cache
def _saving(dialect: str) -> Insert:
    insert = insert_into(dialect, builds)
    new: dict[str, ColumnElement[Any]] = {column.name: column for column in insert.excluded if column.name not in KEPT}
    # Apple tells the notes of an App Store version later than the version itself; what is known already stays meanwhile.
    new["notes"] = func.coalesce(insert.excluded.notes, builds.c.notes)
    new["ordered_at"] = func.coalesce(insert.excluded.uploaded_at, builds.c.first_seen_at)
    return insert.on_conflict_do_update(index_elements=[builds.c.key], set_=new)


def _row(key: str, facts: dict[str, Any], product_ids: Mapping[tuple[str, str], str], at: datetime) -> dict[str, Any]:
    return {
        **facts,
        "key": key,
        "line": _line(facts["account"], facts["platform"], facts["track"]),
        "product_id": product_ids[facts["account"], facts["app_id"]],
        "ordered_at": facts["uploaded_at"] or at,
        "version_rank": rank(facts["version"]),
        "number_rank": rank(facts["number"] or ""),
        "first_seen_at": at,
        "updated_at": at,
        "gone_at": None,
    }


def _line(*words: str) -> str:
    """Account, platform and track as one short text that an index can step through."""
    return blake2b("\x1f".join(words).encode(), digest_size=8).hexdigest()


def _product_ids(connection: Connection, ids: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    accounts = sorted({account for account, _ in ids})
    rows = connection.execute(_PRODUCT_IDS, {"accounts": accounts})
    return {(account, app_id): product_id for account, app_id, product_id in rows}
