"""Brings a database to the tables of this version. Alembic is imported only when there is something to do."""

import logging
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from bot.domain.errors import UserMistake
from bot.store.connect import failures_translated, open_engine, parse_url
from bot.store.tables import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x507572736572  # any number that nobody else locks in the same PostgreSQL database


def upgrade(url: str) -> None:
    """Migrates, in one transaction; of two processes that start at once, one waits and then finds it done.

    Raises StoreUnavailable, and UserMistake for a bad address or a database that a newer version has migrated.
    """
    engine = open_engine(parse_url(url), foreign_keys=False)  # Alembic rebuilds SQLite tables one by one
    try:
        with failures_translated(), engine.begin() as connection:
            if not _is_at_head(connection):
                _migrate(connection)
    finally:
        engine.dispose()


def current_matches_head(url: str) -> bool:
    """Whether the database has the tables of this version. Raises StoreUnavailable, and UserMistake for a bad address."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(parsed.database or "").exists():
        return False
    engine = open_engine(parsed, query_only=True)
    try:
        with failures_translated(), engine.begin() as connection:
            return _is_at_head(connection)
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> "Config":
    """What Alembic needs to know, without an alembic.ini."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config


def _is_at_head(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == SCHEMA)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    try:
        command.upgrade(alembic_config(connection), SCHEMA)
    except CommandError as error:
        raise UserMistake(
            "The database was migrated by a newer version of Purser; run that version, or restore a backup."
        ) from error
