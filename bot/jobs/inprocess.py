"""Background work as asyncio tasks of this process, for SQLite.

What must survive a restart is in the store (deliveries); a lost poll is made up for by the next tick.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from bot.domain.errors import PurserError
from bot.jobs.tasks import Task, lock_of

GRACE = 3.0  # seconds that running work gets to finish; a process that is told to end has ten in all

log = structlog.get_logger()


class InProcessJobs:
    """Runs work with the same lock one at a time; deferring what already waits adds nothing."""

    alone = True

    def __init__(self) -> None:
        self._tasks: Mapping[str, Task] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: set[tuple[str, str]] = set()
        self._running: set[asyncio.Task[None]] = set()

    def use(self, tasks: Mapping[str, Task]) -> None:
        """The tasks themselves defer others, so the table comes after the seam."""
        self._tasks = tasks

    async def check(self) -> None:
        """Needs nothing."""

    @asynccontextmanager
    async def running(self, works: bool) -> AsyncIterator[None]:
        """Lets what runs finish when the block ends, for GRACE seconds, then stops it. A process of its own always works."""
        try:
            yield
        finally:
            now = asyncio.get_running_loop().time
            deadline = now() + GRACE
            while self._running and now() < deadline:  # what ends may have deferred more
                await asyncio.wait(self._running, timeout=deadline - now())
            for task in tuple(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def depth(self) -> Mapping[str, int]:
        return Counter(task for task, _ in self._waiting)

    async def defer(self, task: str, key: str = "") -> None:
        job = (task, key)
        if job in self._waiting:
            return
        self._waiting.add(job)
        running = asyncio.create_task(self._run(task, key), name=f"{task}:{key}")
        self._running.add(running)
        running.add_done_callback(self._done)

    async def _run(self, task: str, key: str) -> None:
        async with self._locks[lock_of(task, key)]:
            self._waiting.discard((task, key))
            with structlog.contextvars.bound_contextvars(task=task, key=key):
                try:
                    await self._tasks[task](key)
                except PurserError as error:
                    log.warning("task failed", reason=type(error).__name__, error=str(error))

    def _done(self, task: asyncio.Task[None]) -> None:
        """A defect in a task is logged with its traceback; the next tick tries again."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("task broke", task=task.get_name(), exc_info=error)
