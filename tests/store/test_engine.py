"""Transactions: whole or not at all, one after the other, and a database that comes and goes."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import literal, select

from bot.domain.errors import StoreUnavailable, UserMistake
from bot.domain.model import App
from bot.domain.ports import Repositories
from bot.store import Database
from bot.store.connect import open_engine, parse_url
from bot.store.migrate import upgrade

from .facts import APPLE, NOW, add_shop, deliveries_due, ios, new_build_alert
from .migrated import migrated_file
from .postgres import Postgres


class Interrupted(Exception):
    """Something went wrong in the middle."""


async def test_work_that_raises_leaves_nothing_behind(store: Database) -> None:
    def work(r: Repositories) -> None:
        add_shop(r)
        r.catalogue.save_builds([ios("1")], NOW)
        r.outbox.add(new_build_alert(), ["C1"])
        raise Interrupted

    revision = await store.read(lambda r: r.catalogue.revision())
    with pytest.raises(Interrupted):
        await store.write(work)
    assert await store.read(lambda r: r.catalogue.products()) == []
    assert await store.read(lambda r: deliveries_due(r, NOW)) == []
    assert await store.read(lambda r: r.catalogue.revision()) == revision
    await store.write(add_shop)


async def test_a_read_that_raises_does_not_spoil_the_next(store: Database) -> None:
    def work(r: Repositories) -> None:
        r.catalogue.revision()
        raise Interrupted

    for _ in range(10):
        with pytest.raises(Interrupted):
            await store.read(work)
    assert await store.read(lambda r: r.catalogue.health()) == []


def test_what_one_file_needed_compiled_is_there_for_the_next(tmp_path: Path) -> None:
    compiled = []
    for name in ("one", "two"):
        engine = open_engine(parse_url(f"sqlite:///{tmp_path}/{name}.db"))
        with engine.connect() as connection:
            result = connection.execute(select(literal("only here")))
            assert result.scalar() == "only here"
            assert result.context is not None
            compiled.append(result.context.compiled)
        engine.dispose()
    assert compiled[0] is compiled[1]


async def test_a_read_cannot_write(store: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|25006"):
        await store.read(lambda r: r.catalogue.add_product("Shop"))
    await store.write(add_shop)


async def test_writes_do_not_overlap(store: Database) -> None:
    """Each reads what it then changes; one lost update would show."""

    def work(r: Repositories) -> None:
        names = [product.name for product in r.catalogue.products()]
        product = r.catalogue.add_product(f"Product {len(names)}")
        r.catalogue.save_app(App(APPLE, f"app-{len(names)}", "Shop"), product.id, NOW)

    await store.write(lambda r: r.catalogue.register_account(APPLE, "app_store_connect"))
    await asyncio.gather(*(store.write(work) for _ in range(10)))
    names = [product.name for product in await store.read(lambda r: r.catalogue.products())]
    assert names == [f"Product {n}" for n in range(10)]


async def test_a_read_sees_one_moment(url: str) -> None:
    """What another process commits in the middle of a read belongs to the next."""
    here, there = Database(url), Database(url)
    started, written = threading.Event(), threading.Event()

    def read(r: Repositories) -> tuple[int, int]:
        before = r.catalogue.revision()
        started.set()
        assert written.wait(10)
        return before, r.catalogue.revision()

    async def write() -> None:
        await asyncio.to_thread(started.wait, 10)
        await there.write(lambda r: r.catalogue.add_product("Shop"))
        written.set()

    writer = asyncio.to_thread(asyncio.run, write())
    reader = asyncio.to_thread(asyncio.run, here.read(read))
    _, (before, after) = await asyncio.gather(writer, reader)
    assert before == after
    await here.aclose()
    await there.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "purser.db",
        "mysql://user:hunter2@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:hunter2@host:port/db",
    ],
)
def test_an_address_of_something_else_is_a_mistake_that_can_be_read(url: str) -> None:
    with pytest.raises(UserMistake, match="DATABASE_URL") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)


async def test_a_database_without_tables_says_so(empty_url: str) -> None:
    store = Database(empty_url)
    with pytest.raises(StoreUnavailable) as caught:
        await store.read(lambda r: r.catalogue.revision())
    assert caught.value.reason == "not_migrated"
    with pytest.raises(StoreUnavailable):
        await store.write(lambda r: r.catalogue.add_product("Shop"))
    await asyncio.to_thread(upgrade, empty_url)
    await store.write(add_shop)
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    await store.aclose()


async def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "purser.db"
    path.mkdir()
    store = Database(f"sqlite:///{path}")
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            await store.read(lambda r: r.catalogue.revision())
        assert caught.value.reason == "cantopen"
        with pytest.raises(StoreUnavailable):
            await store.write(add_shop)
    path.rmdir()
    upgrade(f"sqlite:///{path}")
    await store.write(add_shop)
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    await store.aclose()


def restore(path: Path) -> None:
    """As https://www.sqlite.org/howtocorrupt.html has it: a backup and the old -wal do not mix."""
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    migrated_file(path)


async def test_a_restored_backup_is_noticed_before_anything_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "purser.db"
    store = Database(migrated_file(path))
    await store.write(add_shop)
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    restore(path)
    for use in (store.read, store.write):
        with pytest.raises(StoreUnavailable) as caught:
            await use(lambda r: r.catalogue.products())
        assert caught.value.reason == "moved"
    assert await store.read(lambda r: r.catalogue.products()) == []
    await store.write(add_shop)
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    await store.aclose()


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "purser.db"
    path.write_text("this is a letter to my aunt " * 100)
    store = Database(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable) as caught:
        await store.read(lambda r: r.catalogue.revision())
    assert caught.value.reason == "notadb"
    await store.aclose()


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreUnavailable) as caught:
        Database(f"sqlite:///{tmp_path}/data/purser.db")
    assert caught.value.reason == "folder"


async def test_a_server_that_went_away_is_used_again_when_it_is_back(postgres: Postgres, migrated_postgres: str) -> None:
    store = Database(postgres.create(migrated_postgres))
    await store.write(add_shop)
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                await store.read(lambda r: r.catalogue.revision())
            assert caught.value.reason == "unreachable"
            with pytest.raises(StoreUnavailable):
                await store.write(add_shop)
    finally:
        postgres.start()
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    await store.write(lambda r: r.catalogue.record_success(APPLE, NOW))
    await store.aclose()


async def test_a_server_that_drops_its_connections_is_not_even_noticed(postgres: Postgres, migrated_postgres: str) -> None:
    store = Database(postgres.create(migrated_postgres))
    await store.write(add_shop)
    postgres.stop()
    postgres.start()
    assert len(await store.read(lambda r: r.catalogue.products())) == 1
    await store.aclose()


async def test_sqlite_is_kept_the_way_we_promise(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/down/purser.db"
    upgrade(url)
    store = Database(url)
    await store.write(add_shop)
    with sqlite3.connect(tmp_path / "deep/down/purser.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await store.write(lambda r: r.catalogue.save_app(App(APPLE, "app-2", "Shop"), "no such product", NOW))
    await store.aclose()


async def test_closing_waits_for_what_has_begun(url: str) -> None:
    store = Database(url)
    writing = asyncio.create_task(store.write(add_shop))
    await asyncio.sleep(0)
    await store.aclose()
    assert (await writing).name == "Shop"
