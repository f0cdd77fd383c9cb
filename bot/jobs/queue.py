"""Background work as jobs of Procrastinate in the same PostgreSQL: any number of processes defer, any number work.

Retries after a crash, locks and the waiting line are Procrastinate's: https://procrastinate.readthedocs.io
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.schema import SchemaManager

from bot.domain.errors import PurserError, StoreUnavailable
from bot.jobs.tasks import OTHERS, TAKEOVER, VENDORS, Task, lock_of, queue_of

CONNECTIONS = 5  # of one process, besides the store's; each queue listens on one
CONCURRENCY = {VENDORS: 12, OTHERS: 4}  # jobs of one process at once; they mostly wait for vendors and for Slack
FETCH_EVERY = 1.0  # seconds until a job is noticed whose lock has become free; new jobs announce themselves
GRACE = 3.0  # seconds that running jobs get to finish when the process ends: with the web's, and one to leave, seven of ten
RECONNECT = 1.0  # seconds between two attempts to work again after the database was lost
LOOKS = 4  # signs of life, and looks for dead workers, in the time after which a worker counts as dead

LOCK = 0x7175657565  # any number that nobody else locks in the same database
LOST = (ConnectorException, psycopg.Error, OSError)

log = structlog.get_logger()


class QueuedJobs:
    """The seam for PostgreSQL. `url` is the database's; a worker that gives no sign of life for `takeover` counts as dead."""

    alone = False

    def __init__(self, url: str, takeover: timedelta = TAKEOVER) -> None:
        self._url = url
        self._app = App(connector=PsycopgConnector(conninfo=_conninfo(url), min_size=1, max_size=CONNECTIONS, timeout=5))
        self._stalled = takeover.total_seconds()
        self._look_every = self._stalled / LOOKS
        self._workers: dict[str | None, int] = {}
        self._over: set[int] = set()

    def use(self, tasks: Mapping[str, Task]) -> None:
        for name, task in tasks.items():
            self._app.task(name=name, pass_context=True, retry=_HandedBack())(self._guarded(name, task))

    async def check(self) -> None:
        """Raises StoreUnavailable."""
        await asyncio.to_thread(_require_queue, self._url)

    @asynccontextmanager
    async def running(self, works: bool) -> AsyncIterator[None]:
        """Connected for as long as the block lasts; with `works`, also takes jobs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._app.open_async())
            if works:
                for works_on in ((self._rescue(),), map(self._work, CONCURRENCY)):
                    stack.push_async_callback(_stopped, *map(asyncio.create_task, works_on))
            yield

    async def defer(self, task: str, key: str = "") -> None:
        """Raises StoreUnavailable."""
        job = self._app.configure_task(task, lock=lock_of(task, key), queueing_lock=f"{task}:{key}", queue=queue_of(task))
        try:
            await job.defer_async(key=key, origin=structlog.contextvars.get_contextvars().get("request_id"))
        except AlreadyEnqueued:
            log.debug("already waits", task=task, key=key)
        except ConnectorException as error:
            raise StoreUnavailable("unreachable") from error

    async def depth(self) -> Mapping[str, int]:
        """How many jobs of each task wait. Raises StoreUnavailable."""
        try:
            waiting = await self._app.job_manager.list_jobs_async(status=Status.TODO.value)
        except ConnectorException as error:
            raise StoreUnavailable("unreachable") from error
        return Counter(job.task_name for job in waiting)

    async def _work(self, queue: str) -> None:
        """A worker of one queue, which begins anew when it lost the database."""
        while True:
            try:
                await self._app.run_worker_async(
                    queues=[queue],
                    concurrency=CONCURRENCY[queue],
                    fetch_job_polling_interval=FETCH_EVERY,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=GRACE,
                    update_heartbeat_interval=self._look_every,
                    stalled_worker_timeout=self._stalled,
                    delete_jobs="always",
                )
            except LOST as error:
                _end_if_told()
                log.warning("worker lost the database", reason=type(error).__name__)
            await asyncio.sleep(RECONNECT)

    async def _rescue(self) -> None:
        """Hands on what a dead worker had begun. Every task may run twice: what it tells is unique by fingerprint."""
        while True:
            over = tuple(self._over)  # with a whole interval to be noted as ended
            await asyncio.sleep(self._look_every)
            try:
                await self._give_sign_of_life()
                await self._note_ended(over)
                for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled):
                    await self._hand_on(job)
            except LOST as error:
                log.warning("cannot look for stalled jobs", reason=type(error).__name__)

    async def _give_sign_of_life(self) -> None:
        """Procrastinate gives its own, and stops that for good when the database was away for a moment."""
        for worker in self._workers.values():
            await self._app.job_manager.update_heartbeat(worker)

    async def _note_ended(self, jobs: tuple[int, ...]) -> None:
        """A job whose end could not be written, because the database was away just then, would hold its lock for ever."""
        for id in jobs:
            for job in await self._app.job_manager.list_jobs_async(id=id, status=Status.DOING.value):
                if job.worker_id in self._workers.values():
                    log.warning("end of job noted late", task=job.task_name, key=job.task_kwargs.get("key"))
                    await self._forget(job)
            self._over.discard(id)

    async def _hand_on(self, job: Job) -> None:
        log.warning("job handed on", task=job.task_name, key=job.task_kwargs.get("key"))
        try:
            await self._app.job_manager.retry_job(job)
        except UniqueViolation:  # the same work waits already
            await self._forget(job)

    async def _forget(self, job: Job) -> None:
        await self._app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)

    def _guarded(self, name: str, task: Task) -> Callable[..., Awaitable[None]]:
        """A task as Procrastinate calls it: a known failure is logged, and the next tick tries again. `origin`: the request that
        deferred it, as in the log."""

        async def run(context: JobContext, key: str, origin: str | None = None) -> None:
            if context.job.worker_id is not None:
                self._workers[context.job.queue] = context.job.worker_id
            with structlog.contextvars.bound_contextvars(task=name, key=key, **({"request_id": origin} if origin else {})):
                try:
                    await task(key)
                except PurserError as error:
                    log.warning("task failed", reason=type(error).__name__, error=str(error))
                finally:
                    if context.job.id is not None:
                        self._over.add(context.job.id)

        return run


class _HandedBack(BaseRetryStrategy):
    """What a process that ends could not finish waits for another."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        return RetryDecision(retry_in={"seconds": 0}) if isinstance(exception, asyncio.CancelledError) else None


def prepare_queue(url: str) -> None:
    """Makes Procrastinate's own tables where they are missing. Raises StoreUnavailable."""
    with _connected(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if not _has_queue(connection):
            connection.execute(SchemaManager.get_schema())


def _require_queue(url: str) -> None:
    with _connected(url) as connection:
        if not _has_queue(connection):
            raise StoreUnavailable("not_migrated")


def _connected(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(_conninfo(url), connect_timeout=5)
    except psycopg.OperationalError as error:
        raise StoreUnavailable("unreachable") from error


def _has_queue(connection: psycopg.Connection) -> bool:
    (found,) = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() or (None,)
    return found is not None


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _end_if_told() -> None:
    """Procrastinate answers a cancellation with the database's error when it cannot sign off there."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _stopped(*tasks: asyncio.Task[None]) -> None:
    """Told twice: first to finish, then, when a database that is away holds them up, to leave at once."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=GRACE + 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
