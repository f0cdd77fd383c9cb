"""Runs the services' functions in transactions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine

from bot.domain import ports
from bot.domain.errors import StoreUnavailable
from bot.store.agreements import SqlAgreements
from bot.store.catalogue import SqlCatalogue
from bot.store.connect import failures_translated, one_moment, open_engine, parse_url
from bot.store.expiries import SqlExpiries
from bot.store.grants import SqlGrants
from bot.store.memory import Forgetful, Memory
from bot.store.mutes import SqlMutes
from bot.store.outbox import SqlOutbox
from bot.store.quiet import SqlQuietChannels
from bot.store.subscriptions import SqlSubscriptions
from bot.store.told import SqlTold
from bot.store.waits import SqlWaits

T = TypeVar("T")

POSTGRES_THREADS = 8  # and as many connections per process
ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Transaction:
    """The repositories over one connection. `writing` lets them lock what they read in order to change it; `memory` spares them
    what was read before."""

    def __init__(self, connection: Connection, writing: bool, memory: Forgetful) -> None:
        self.catalogue: ports.Catalogue = SqlCatalogue(connection, writing, memory)
        self.subscriptions: ports.Subscriptions = SqlSubscriptions(connection)
        self.mutes: ports.Mutes = SqlMutes(connection)
        self.outbox: ports.Outbox = SqlOutbox(connection)
        self.told: ports.Told = SqlTold(connection)
        self.quiet: ports.QuietChannels = SqlQuietChannels(connection)
        self.grants: ports.Grants = SqlGrants(connection, memory)
        self.waits: ports.Waits = SqlWaits(connection)
        self.agreements: ports.Agreements = SqlAgreements(connection, writing)
        self.expiries: ports.Expiries = SqlExpiries(connection, writing)


class Database:
    """A `bot.domain.ports.Store`: SQLite files and PostgreSQL.

    SQLite has one writer thread, and reads in the event loop itself: a local read is shorter than the way to a thread and
    back. PostgreSQL reads and writes in a bounded number of threads. Every method raises StoreUnavailable while
    the database is gone and works again when it is back.
    """

    def __init__(self, url: str) -> None:
        """Connects on first use. Raises UserMistake for a bad address, StoreUnavailable when the file's folder cannot be made."""
        parsed = parse_url(url)
        local = parsed.drivername == "sqlite"
        threads = 1 if local else POSTGRES_THREADS
        self._writer = open_engine(parsed, pool_size=threads)
        self._inline = InlineReader(open_engine(parsed, query_only=True)) if local else None
        self._reader = self._writer.execution_options(**ONE_MOMENT)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="store")

    async def read(self, work: Callable[[ports.Repositories], T]) -> T:
        """Everything that `work` reads is of one moment. It cannot write."""
        if self._inline:
            return self._inline.run(work)
        return await self._in_thread(lambda: _run(self._reader, work, writing=False))

    async def write(self, work: Callable[[ports.Repositories], T]) -> T:
        """Commits when `work` returns, rolls back when it raises. A caller that is cancelled does not stop what has begun."""
        return await self._in_thread(lambda: _run(self._writer, work, writing=True))

    async def aclose(self) -> None:
        """Waits for what runs, then disconnects."""
        await asyncio.to_thread(self._executor.shutdown)
        if self._inline:
            self._inline.close()
        self._writer.dispose()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        in_context = partial(copy_context().run, call)  # what is bound to every log line of a request
        return await asyncio.get_running_loop().run_in_executor(self._executor, in_context)


class InlineReader:
    """Reads over one connection that stays open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._memory = Memory()

    def run(self, work: Callable[[ports.Repositories], T]) -> T:
        """Raises StoreUnavailable, and then connects anew the next time."""
        try:
            with failures_translated():
                connection = self._connection = self._connection or self._engine.connect()
                with one_moment(connection) as version:
                    self._memory.turn_to(version)
                    return work(Transaction(connection, writing=False, memory=self._memory))
        except StoreUnavailable:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._memory.turn_to(None)
        self._engine.dispose()


def _run(engine: Engine, work: Callable[[ports.Repositories], T], writing: bool) -> T:
    with failures_translated(), engine.begin() as connection:
        return work(Transaction(connection, writing, Forgetful()))
