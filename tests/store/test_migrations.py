"""From nothing to the present tables and back, on both databases."""

import asyncio
import logging
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from bot.domain.errors import UserMistake
from bot.store.migrate import alembic_config, current_matches_head, upgrade
from bot.store.tables import SCHEMA, with_partial_indexes

from .facts import connected
from .migrated import migrated_file


def test_the_tables_are_those_of_the_models(empty_url: str) -> None:
    upgrade(empty_url)
    with connected(empty_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, with_partial_indexes()) == []


def test_down_leaves_nothing_and_up_works_again(empty_url: str) -> None:
    upgrade(empty_url)
    with connected(empty_url) as connection:
        command.downgrade(alembic_config(connection), "base")
    with connected(empty_url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert not current_matches_head(empty_url)
    upgrade(empty_url)
    assert current_matches_head(empty_url)


def test_what_an_earlier_version_kept_stays(empty_url: str) -> None:
    with connected(empty_url) as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(text("INSERT INTO accounts (name, provider, failures) VALUES ('acme-apple', 'app_store_connect', 3)"))
    assert not current_matches_head(empty_url)
    upgrade(empty_url)
    with connected(empty_url) as connection:
        assert connection.execute(text("SELECT name, failures, checks FROM accounts")).all() == [("acme-apple", 3, 0)]
        command.downgrade(alembic_config(connection), "0001")
        assert connection.execute(text("SELECT name, failures FROM accounts")).all() == [("acme-apple", 3)]


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(files("migrations"))).get_heads() == [SCHEMA]


def test_matching_head_makes_no_file(tmp_path: Path) -> None:
    assert not current_matches_head(f"sqlite:///{tmp_path}/purser.db")
    assert list(tmp_path.iterdir()) == []


def test_again_is_nothing_to_do(url: str) -> None:
    upgrade(url)
    assert current_matches_head(url)


async def test_two_processes_may_start_at_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, empty_url) for _ in range(3)))
    assert current_matches_head(empty_url)


def test_a_newer_database_is_left_alone(url: str) -> None:
    with connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not current_matches_head(url)
    with pytest.raises(UserMistake, match="newer version"):
        upgrade(url)


def test_a_migration_that_breaks_off_leaves_nothing_behind(empty_url: str) -> None:
    with connected(empty_url) as connection:
        connection.execute(text("CREATE TABLE revision (id INTEGER)"))  # in the way of the last table
    with pytest.raises(Exception, match="already exists"):
        upgrade(empty_url)
    with connected(empty_url) as connection:
        assert inspect(connection).get_table_names() == ["revision"]


def test_nothing_is_logged(empty_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    upgrade(empty_url)
    assert caplog.messages == []


START = """
import sys
from bot.store import Database
from bot.store.migrate import upgrade
upgrade(sys.argv[1])
Database(sys.argv[1])
print({"alembic", "sqlalchemy.dialects.postgresql"} & {*sys.modules} or "neither")
"""


def test_neither_alembic_nor_postgresql_is_imported_where_nothing_asks_for_it(tmp_path: Path) -> None:
    command_line = [sys.executable, "-c", START, migrated_file(tmp_path / "purser.db")]
    assert subprocess.run(command_line, capture_output=True, text=True, check=True).stdout == "neither\n"


def test_what_alembic_needs_is_beside_the_code() -> None:
    assert (files("migrations") / "env.py").is_file()
    assert (files("migrations") / "script.py.mako").is_file()
