"""DATABASE_URL -> SQLAlchemy engines, and what their failures mean."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import LRUCache

from bot.domain.errors import StoreUnavailable, UserMistake

WRITER_PATIENCE = 10  # seconds that SQLite waits for another process
READER_PATIENCE = 1  # seconds; in WAL mode it waits only while another process opens or closes the file
POSTGRES_DRIVER = "postgresql+psycopg"
POSTGRES_NAMES = ("postgres", "postgresql", POSTGRES_DRIVER)
# Most alerts have no facts of their own, and thousands are read at once.
COMMON: Mapping[str, Any] = {"hide_parameters": True, "json_deserializer": lambda text: {} if text == "{}" else json.loads(text)}
# https://www.postgresql.org/docs/current/libpq-connect.html: a host that went away is noticed in seconds, not minutes
POSTGRES_DEFAULTS = {"connect_timeout": "5", "tcp_user_timeout": "10000"}

OUR_MISTAKES = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


class SqliteDialect(SQLiteDialect_pysqlite):
    """All files are spoken to alike: what was compiled for the writer is there for the reader, and for every engine after them.
    Compiling a statement takes longer than most of what they do."""

    supports_statement_cache = True
    statements: LRUCache[Any, Any] = LRUCache(500)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SqliteDialect)

    def __hash__(self) -> int:
        return hash(SqliteDialect)


registry.register("sqlite.purser", __name__, SqliteDialect.__name__)


def parse_url(url: str) -> URL:
    """Raises UserMistake for anything but a SQLite file or PostgreSQL; the address may hold a password and is not repeated."""
    try:
        return checked_url(url)
    except ValueError as error:
        raise UserMistake(f"DATABASE_URL {error}.") from None


def checked_url(url: str) -> URL:
    """Raises ValueError with what is wrong, as a sentence's tail."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("is not an address like sqlite:///data/purser.db or postgresql://host/name") from None
    if parsed.drivername in POSTGRES_NAMES:
        _check_options(parsed)
        return parsed.set(drivername=POSTGRES_DRIVER, query={**POSTGRES_DEFAULTS, **parsed.query})
    if parsed.drivername != "sqlite" or parsed.host or not parsed.database or parsed.database == ":memory:":
        raise ValueError("must be sqlite:/// with a file, or postgresql://")
    if parsed.query:
        raise ValueError("must be sqlite:/// with a file alone, without ? and options")
    return parsed


def open_engine(url: URL, *, pool_size: int = 1, query_only: bool = False, foreign_keys: bool = True) -> Engine:
    """Connects on first use. Raises StoreUnavailable when the SQLite file's folder cannot be made."""
    if url.drivername == POSTGRES_DRIVER:
        return _open_postgres(url, pool_size)
    _make_folder(url)
    patience = READER_PATIENCE if query_only else WRITER_PATIENCE
    connect_args = {"check_same_thread": False, "isolation_level": None, "timeout": patience}
    engine = create_engine(
        url.set(drivername="sqlite+purser"),
        connect_args=connect_args,
        pool_size=pool_size,
        max_overflow=0,
        execution_options={"compiled_cache": SqliteDialect.statements},
        **COMMON,
    )
    _prepare_sqlite(engine, query_only, foreign_keys)
    return engine


@contextmanager
def failures_translated() -> Iterator[None]:
    """Raises StoreUnavailable for what is the database's trouble, and lets our own mistakes through."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("busy") from error
    except DBAPIError as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise StoreUnavailable(reason) from error


def _open_postgres(url: URL, pool_size: int) -> Engine:
    try:
        return create_engine(url, pool_size=pool_size, max_overflow=0, pool_timeout=10, pool_pre_ping=True, **COMMON)
    except ModuleNotFoundError as error:
        raise UserMistake("PostgreSQL needs the psycopg package: pip install 'purser[postgres]'.") from error


def _check_options(url: URL) -> None:
    """The client library takes only what it knows: https://www.postgresql.org/docs/current/libpq-connect.html"""
    options: dict[str, str | int | None] = {
        name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()
    }
    try:
        from psycopg import ProgrammingError as Unknown
        from psycopg import conninfo
    except ImportError:
        return  # needs the postgres extra, says whoever connects
    try:
        conninfo.make_conninfo("", **options)
        conninfo.timeout_from_conninfo(options)
    except Unknown:
        raise ValueError("has an option after ? that PostgreSQL does not take") from None


def _make_folder(url: URL) -> None:
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable("folder") from error


def _prepare_sqlite(engine: Engine, query_only: bool, foreign_keys: bool) -> None:
    path = Path(engine.url.database or "")
    settings = (
        "synchronous = NORMAL",  # safe with WAL: https://www.sqlite.org/pragma.html#pragma_synchronous
        f"foreign_keys = {foreign_keys:d}",
        f"query_only = {query_only:d}",
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info["path"], record.info["file"] = path, _identity(path)
        _use_wal(connection)
        for setting in settings:
            connection.execute(f"PRAGMA {setting}").close()

    if not query_only:
        event.listen(engine, "begin", _begin_writing)


def _begin_writing(connection: Connection) -> None:
    """A writer waits here, where waiting is allowed, or not at all."""
    _check_file(connection)
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def one_moment(connection: Connection) -> Iterator[int]:
    """What is read of a file within the block is of one moment. Gives the version of the file at that moment, as this connection
    counts it: https://www.sqlite.org/pragma.html#pragma_data_version. Raises StoreUnavailable.

    SQLAlchemy's own transactions cost more than most of what is read in one: as far as it knows, one lasts as long as the
    connection.
    """
    _check_file(connection)
    raw = connection.connection
    try:
        yield _begin_reading(raw)
    finally:
        with suppress(sqlite3.Error):  # a connection that broke has nothing to end
            if raw.is_valid:
                raw.rollback()


def _begin_reading(raw: PoolProxiedConnection) -> int:
    cursor = raw.cursor()
    try:
        cursor.execute("BEGIN")  # locks nothing
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])
    except sqlite3.Error as error:  # SQLAlchemy, which tells others apart, is not asked here
        raise StoreUnavailable(_sqlite_reason(error) or "unreadable") from error


def _check_file(connection: Connection) -> None:
    if _identity(connection.info["path"]) != connection.info["file"]:
        connection.invalidate()
        raise StoreUnavailable("moved")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Readers then do not wait for the writer. The file keeps the mode, and when two switch at once the second fails at once."""
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL").close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Tells a file from another that takes its place, say a restored backup: SQLite would go on writing to the old one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _reason(error: DBAPIError) -> str | None:
    """A stable code, or None for a mistake of ours."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _sqlite_reason(cause)
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate == "42P01":  # undefined_table
        return "not_migrated"
    return None if isinstance(error, OUR_MISTAKES) else sqlstate or "unreachable"


def _sqlite_reason(cause: sqlite3.Error) -> str | None:
    """https://www.sqlite.org/rescode.html, in lower case and without the prefix ("cantopen", "full", "busy")."""
    if str(cause).startswith("no such table"):
        return "not_migrated"
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None or code & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH):
        return None
    return cause.sqlite_errorname.removeprefix("SQLITE_").lower()
