"""Accounts, apps, products and builds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Insert, Row, Select, bindparam, func, insert, literal, select, update

from bot.domain.model import NOT_LISTED, PENDING_CONTRACT, AccountHealth, App, AppTrouble, Build, BuildState, Product
from bot.domain.ports import BuildFilter, BuildPage, Stamp
from bot.store import finding, saving
from bot.store.memory import Forgetful
from bot.store.tables import accounts, apps, builds, products, revision
from bot.store.types import UtcDateTime, storable
from bot.store.upsert import insert_into

UNSETTLED = (BuildState.PROCESSING, BuildState.IN_REVIEW)
NEVER_ENDS = tuple(state for state in BuildState if not state.ends)

_HEALTH = [
    accounts.c[name]
    for name in (
        "name",
        "provider",
        "checked_at",
        "ok_at",
        "baseline_at",
        "failing_since",
        "reason",
        "failures",
        "refused_since",
        "next_at",
        "full_at",
    )
]
_COUNTS = [
    select(func.count()).select_from(apps).where(apps.c.account == accounts.c.name).scalar_subquery(),
    select(func.count())
    .select_from(builds)
    .where(builds.c.account == accounts.c.name, builds.c.gone_at.is_(None))
    .scalar_subquery(),
]
_APP_FACTS = (apps.c.account, apps.c.id, apps.c.name, apps.c.bundle_id)
_NOW = bindparam("now", type_=UtcDateTime)

_REVISION = select(revision.c.value)
_CHECKS = select(func.coalesce(func.sum(accounts.c.checks + 1), 0)).scalar_subquery()
_STAMP = select(revision.c.value, _CHECKS)
_BUMP = update(revision).values(value=revision.c.value + 1)
_ALL_HEALTH = select(*_HEALTH).order_by(accounts.c.name)
_ALL_ACCOUNTS = select(*_HEALTH, *_COUNTS).order_by(accounts.c.name)
_ACCOUNT = select(*_HEALTH, *_COUNTS).where(accounts.c.name == bindparam("account"))
_PRODUCTS = select(products.c.id, products.c.name, products.c.aliases)
_APPS = select(*_APP_FACTS, apps.c.product_id).order_by(apps.c.account, apps.c.name, apps.c.id)
_OF_ACCOUNT = select(apps.c.product_id).where(apps.c.account == bindparam("account"))
_PRODUCTS_OF = _PRODUCTS.where(products.c.id.in_(_OF_ACCOUNT))
_APPS_BESIDE = _APPS.where(apps.c.product_id.in_(_OF_ACCOUNT))
_OF_PRODUCT = _APPS.where(apps.c.product_id == bindparam("product_id"))
_IN_ACCOUNT = _APPS.where(apps.c.account == bindparam("account"))
_THIS_APP = (apps.c.account == bindparam("account"), apps.c.id == bindparam("id"))
_APP = _APPS.where(*_THIS_APP)
_PRODUCT_OF = select(apps.c.product_id).where(*_THIS_APP)
_PRODUCT = _PRODUCTS.where(products.c.id == bindparam("id"))
_ADD_PRODUCT = insert(products)
_TROUBLES = (
    select(apps.c.account, apps.c.id, apps.c.name, apps.c.trouble, apps.c.trouble_since)
    .where(apps.c.trouble.is_not(None))
    .order_by(apps.c.account, apps.c.name, apps.c.id)
)
_TROUBLES_IN = _TROUBLES.where(apps.c.account == bindparam("account"))
_HERE = (builds.c.account == bindparam("account"), builds.c.gone_at.is_(None))
_IDS = select(builds.c.id).where(*_HERE)
_KEYS = select(builds.c.key, builds.c.app_id).where(*_HERE)
_BUILDS = select(*saving.BUILD).where(*_HERE).order_by(*finding.NEWEST_FIRST)
_UNSETTLED = _BUILDS.where(builds.c.state.in_(UNSETTLED))
_ENDED = _BUILDS.where(builds.c.expires_at <= _NOW, builds.c.state.not_in(NEVER_ENDS))
_AWAITS_CONTRACT = select(builds.c.key).where(*_HERE, builds.c.detail == PENDING_CONTRACT).limit(1)
_TRACKS = select(builds.c.track).distinct().order_by(builds.c.track)

_SUCCESS = (
    update(accounts)
    .where(accounts.c.name == bindparam("account"))
    .values(
        checked_at=_NOW,
        ok_at=_NOW,
        baseline_at=func.coalesce(accounts.c.baseline_at, _NOW),
        failing_since=None,
        reason=None,
        failures=0,
        refused_since=None,
        next_at=None,
        full_at=func.coalesce(bindparam("full", type_=UtcDateTime), accounts.c.full_at),
        checks=accounts.c.checks + 1,
    )
)


@cache
def _registering(dialect: str) -> Insert:
    statement = insert_into(dialect, accounts)
    return statement.on_conflict_do_update(index_elements=[accounts.c.name], set_={"provider": statement.excluded.provider})


@cache
def _saving_app(dialect: str) -> Insert:
    statement = insert_into(dialect, apps)
    new = {name: statement.excluded[name] for name in ("name", "bundle_id", "product_id", "seen_at")}
    return statement.on_conflict_do_update(index_elements=[apps.c.account, apps.c.id], set_=new)


class SqlCatalogue:
    """A `bot.domain.ports.Catalogue`."""

    def __init__(self, connection: Connection, writing: bool, memory: Forgetful) -> None:
        self._connection = connection
        self._writing = writing
        self._memory = memory

    def revision(self) -> int:
        return self._memory.recall("revision", lambda: self._connection.execute(_REVISION).scalar_one())

    def stamp(self) -> Stamp:
        return self._memory.recall("stamp", lambda: Stamp(*self._connection.execute(_STAMP).one()))

    # --- Accounts

    def register_account(self, name: str, provider: str) -> None:
        facts = {"name": name, "provider": provider, "failures": 0}
        self._connection.execute(_registering(self._connection.dialect.name), facts)

    def accounts(self) -> Sequence[AccountHealth]:
        return [AccountHealth(*row) for row in self._connection.execute(_ALL_ACCOUNTS)]

    def health(self) -> Sequence[AccountHealth]:
        return [AccountHealth(*row) for row in self._connection.execute(_ALL_HEALTH)]

    def account(self, name: str) -> AccountHealth | None:
        row = self._connection.execute(_ACCOUNT, {"account": name}).first()
        return AccountHealth(*row) if row else None

    def record_success(self, account: str, at: datetime, *, full: bool = False) -> None:
        self._connection.execute(_SUCCESS, {"account": account, "now": at, "full": at if full else None})

    def record_failure(
        self, account: str, at: datetime, reason: str, *, refused: bool = False, next_at: datetime | None = None
    ) -> None:
        refused_at = literal(at if refused else None, UtcDateTime)
        self._connection.execute(
            update(accounts)
            .where(accounts.c.name == account)
            .values(
                checked_at=at,
                failing_since=func.coalesce(accounts.c.failing_since, literal(at, UtcDateTime)),
                reason=reason,
                failures=accounts.c.failures + 1,
                refused_since=func.coalesce(accounts.c.refused_since, refused_at),
                next_at=next_at,
                checks=accounts.c.checks + 1,
            )
        )

    def stop_waiting(self, account: str) -> None:
        again = {"next_at": None, "checks": accounts.c.checks + 1}
        self._connection.execute(update(accounts).where(accounts.c.name == account).values(again))

    # --- Products and their apps

    def products(self) -> Sequence[Product]:
        """In a write, nobody else changes products until it ends: two checks at once would make the same product twice."""
        self._keep_products()
        with_apps = _with_apps(self._connection.execute(_PRODUCTS), self._connection.execute(_APPS))
        return sorted(with_apps, key=lambda product: (product.name.casefold(), product.id))

    def products_of(self, account: str) -> Mapping[str, Product]:
        """In a write, see `products`."""
        self._keep_products()
        facts = {"account": account}
        found = _with_apps(self._connection.execute(_PRODUCTS_OF, facts), self._connection.execute(_APPS_BESIDE, facts))
        return {app.id: product for product in found for app in product.apps if app.account == account}

    def _keep_products(self) -> None:
        if self._writing:
            self._connection.execute(_REVISION.with_for_update())

    def product(self, product_id: str) -> Product | None:
        row = self._connection.execute(_PRODUCT, {"id": product_id}).first()
        if row is None:
            return None
        found = _by_product(self._connection.execute(_OF_PRODUCT, {"product_id": product_id}))
        return Product(row.id, row.name, tuple(row.aliases), found.get(product_id, ()))

    def add_product(self, name: str, aliases: Sequence[str] = ()) -> Product:
        product = Product(uuid4().hex, name, tuple(aliases))
        self._connection.execute(_ADD_PRODUCT, {"id": product.id, "name": name, "aliases": list(aliases)})
        self._bump()
        return product

    def update_product(self, product_id: str, name: str, aliases: Sequence[str]) -> None:
        self._connection.execute(update(products).where(products.c.id == product_id).values(name=name, aliases=list(aliases)))
        self._bump()

    def apps(self, account: str) -> Sequence[App]:
        return [_app(row) for row in self._connection.execute(_IN_ACCOUNT, {"account": account})]

    def save_app(self, app: App, product_id: str, at: datetime) -> None:
        """A bundle id that was known once is kept when a later reading does not tell it."""
        this = {"account": app.account, "id": app.id}
        before = self._connection.execute(_APP, this).first()
        bundle_id = app.bundle_id or (before.bundle_id if before else None)
        values = {"name": storable(app.name), "bundle_id": bundle_id, "product_id": product_id}
        self._connection.execute(_saving_app(self._connection.dialect.name), {**this, **values, "seen_at": at})
        if before is None or any(before._mapping[name] != value for name, value in values.items()):
            self._bump()

    def troubles(self, account: str | None = None) -> Sequence[AppTrouble]:
        execute = self._connection.execute
        rows = execute(_TROUBLES) if account is None else execute(_TROUBLES_IN, {"account": account})
        return [AppTrouble(account, id, name, reason, since) for account, id, name, reason, since in rows if reason and since]

    def note_troubles(self, account: str, reasons: Mapping[str, str], at: datetime) -> None:
        """Being read badly and not being listed are two things: each has a beginning of its own."""
        before = {trouble.app_id: trouble for trouble in self.troubles(account)}
        for app_id in before.keys() - reasons.keys():
            self._note_trouble(account, app_id, None, None)
        for app_id, reason in reasons.items():
            old = before.get(app_id)
            lasts = old is not None and (old.reason == NOT_LISTED) == (reason == NOT_LISTED)
            if old is None or old.reason != reason:
                self._note_trouble(account, app_id, reason, old.since if old and lasts else at)

    def _note_trouble(self, account: str, app_id: str, reason: str | None, since: datetime | None) -> None:
        this = (apps.c.account == account) & (apps.c.id == app_id)
        if self._connection.execute(update(apps).where(this).values(trouble=reason, trouble_since=since)).rowcount:
            self._bump()

    def product_of(self, account: str, app_id: str) -> Product | None:
        product_id = self._connection.scalar(_PRODUCT_OF, {"account": account, "id": app_id})
        return self.product(product_id) if product_id is not None else None

    # --- Builds

    def known_build_ids(self, account: str) -> frozenset[str]:
        return frozenset(self._connection.scalars(_IDS, {"account": account}))

    def unsettled(self, account: str) -> Sequence[Build]:
        return self._builds(_UNSETTLED, {"account": account})

    def ended(self, account: str, now: datetime) -> Sequence[Build]:
        return self._builds(_ENDED, {"account": account, "now": now})

    def _builds(self, query: Select[*tuple[Any, ...]], facts: Mapping[str, Any]) -> Sequence[Build]:
        return [Build(*row) for row in self._connection.execute(query, facts)]

    def tracks(self) -> Sequence[str]:
        return self._connection.scalars(_TRACKS).all()

    def being_changed(self, keys: Iterable[str]) -> frozenset[str]:
        return saving.being_changed(self._connection, keys) if self._writing else frozenset()

    def builds_by_key(self, keys: Iterable[str]) -> Mapping[str, Build]:
        return saving.builds_by_key(self._connection, keys)

    def save_builds(self, builds: Iterable[Build], at: datetime) -> None:
        if saving.save_builds(self._connection, builds, at):
            self._bump()

    def awaits_contract(self, account: str) -> bool:
        return self._connection.scalar(_AWAITS_CONTRACT, {"account": account}) is not None

    def keys_of(self, account: str) -> Mapping[str, str]:
        return {row.key: row.app_id for row in self._connection.execute(_KEYS, {"account": account})}

    def mark_gone(self, keys: Iterable[str], at: datetime) -> None:
        if saving.mark_gone(self._connection, keys, at):
            self._bump()

    def heads(self, product_id: str) -> Sequence[Build]:
        return finding.heads(self._connection, product_id)

    def find_builds(self, product_id: str, wanted: BuildFilter, offset: int = 0, limit: int = 10) -> BuildPage:
        return finding.find_builds(self._connection, product_id, wanted, offset, limit)

    def newest(self, product_id: str, wanted: BuildFilter, limit: int) -> Sequence[Build]:
        return finding.newest(self._connection, product_id, wanted, limit)

    def near_versions(self, product_id: str, wanted: BuildFilter, label: str, limit: int) -> Sequence[str]:
        return finding.near_versions(self._connection, product_id, wanted, label, limit)

    def oldest_first(self, keys: Iterable[str]) -> Sequence[str]:
        return finding.oldest_first(self._connection, keys)

    def _bump(self) -> None:
        self._connection.execute(_BUMP)


def _with_apps(
    rows: Iterable[Row[str, str, list[str]]], apps_of_all: Iterable[Row[str, str, str, str | None, str]]
) -> Iterator[Product]:
    """The products that have any."""
    found = _by_product(apps_of_all)
    return (Product(id, name, tuple(aliases), found[id]) for id, name, aliases in rows if id in found)


def _by_product(rows: Iterable[Row[str, str, str, str | None, str]]) -> Mapping[str, tuple[App, ...]]:
    """Product id -> its apps."""
    found: dict[str, tuple[App, ...]] = defaultdict(tuple)
    for row in rows:
        found[row.product_id] += (_app(row),)
    return found


def _app(row: Row[str, str, str, str | None, str]) -> App:
    return App(row.account, row.id, row.name, row.bundle_id)
