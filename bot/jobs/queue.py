"""Background work as jobs of Procrastinate in the same PostgreSQL: any number of processes defer, any number work.

Retries after a crash, locks and the waiting line are Procrastinate's: https://procrastinate.readthedocs.io
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.schema import SchemaManager

from bot.domain.errors import PurserError, StoreUnavailable
from bot.jobs.tasks import Task, lock_of

CONNECTIONS = 4  # of one process, besides the store's
CONCURRENCY = 16  # jobs of one worker at once; they mostly wait for vendors and for Slack
FETCH_EVERY = 1.0  # seconds until a job is noticed whose lock has become free; new jobs announce themselves
GRACE = 8.0  # seconds that running jobs get to finish when the process ends
STALLED = 30.0  # seconds without a sign of life after which a worker's jobs are handed to another
LOOK_EVERY = 10.0  # seconds between two looks for stalled jobs, and between two attempts to reach a lost database

LOCK = 0x7175657565  # any number that nobody else locks in the same database

log = structlog.get_logger()


class QueuedJobs:
    """The seam for PostgreSQL. `url` is the database's."""

    def __init__(self, url: str) -> None:
        self._app = App(connector=PsycopgConnector(conninfo=_conninfo(url), min_size=1, max_size=CONNECTIONS, timeout=5))

    def use(self, tasks: Mapping[str, Task]) -> None:
        for name, task in tasks.items():
            self._app.task(name=name)(_guarded(name, task))

    @asynccontextmanager
    async def running(self, works: bool) -> AsyncIterator[None]:
        """Connected for as long as the block lasts; with `works`, also takes jobs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._app.open_async())
            if works:
                for work in (self._work(), self._rescue()):
                    stack.push_async_callback(_stopped, asyncio.create_task(work))
            yield

    async def defer(self, task: str, key: str = "") -> None:
        """Raises StoreUnavailable."""
        job = self._app.configure_task(task, lock=lock_of(task, key), queueing_lock=f"{task}:{key}")
        try:
            await job.defer_async(key=key)
        except AlreadyEnqueued:
            log.debug("already waits", task=task, key=key)
        except ConnectorException as error:
            raise StoreUnavailable("unreachable") from error

    async def _work(self) -> None:
        """A worker that begins anew when it lost the database."""
        while True:
            try:
                await self._app.run_worker_async(
                    concurrency=CONCURRENCY,
                    fetch_job_polling_interval=FETCH_EVERY,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=GRACE,
                    stalled_worker_timeout=STALLED,
                    delete_jobs="always",
                )
            except (ConnectorException, psycopg.Error, OSError) as error:
                log.warning("worker lost the database", reason=type(error).__name__)
                await asyncio.sleep(LOOK_EVERY)

    async def _rescue(self) -> None:
        """Hands on what a dead worker had begun. Every task may run twice: what it tells is unique by fingerprint."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
                    log.warning("job handed on", task=job.task_name, key=job.task_kwargs.get("key"))
                    await self._app.job_manager.retry_job(job)
            except (ConnectorException, psycopg.Error, OSError) as error:
                log.warning("cannot look for stalled jobs", reason=type(error).__name__)


def prepare_queue(url: str) -> None:
    """Makes Procrastinate's own tables where they are missing. Raises StoreUnavailable."""
    try:
        with psycopg.connect(_conninfo(url), connect_timeout=5) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            (found,) = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() or (None,)
            if found is None:
                connection.execute(SchemaManager.get_schema())
    except psycopg.OperationalError as error:
        raise StoreUnavailable("unreachable") from error


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _guarded(name: str, task: Task) -> Callable[[str], Awaitable[None]]:
    """A task as Procrastinate calls it: a known failure is logged, and the next tick tries again."""

    async def run(key: str) -> None:
        with structlog.contextvars.bound_contextvars(task=name, key=key):
            try:
                await task(key)
            except PurserError as error:
                log.warning("task failed", reason=type(error).__name__, error=str(error))

    return run


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
