from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.store import Database
from bot.store.migrate import upgrade

from .migrated import migrated_file
from .postgres import Emptied, Postgres


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of a migrated database to copy."""
    url = postgres.create()
    upgrade(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def emptied(postgres: Postgres, migrated_postgres: str) -> Emptied:
    return Emptied(postgres, migrated_postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which nobody has made a table yet."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/data/purser.db"
    return request.getfixturevalue("postgres").create()


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of this test's own."""
    if backend == "sqlite":
        return migrated_file(tmp_path / "purser.db")
    emptied: Emptied = request.getfixturevalue("emptied")
    return emptied.url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.aclose()
