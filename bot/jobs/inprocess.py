"""Background work as asyncio tasks of this process.

What must survive a restart is in the store (deliveries); a lost poll is made up for by the next tick.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import structlog

from bot.domain.errors import PurserError
from bot.jobs.tasks import Task

log = structlog.get_logger()


class InProcessJobs:
    """Runs each (task, key) one at a time; deferring one that already waits adds nothing."""

    def __init__(self) -> None:
        self._tasks: Mapping[str, Task] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: set[tuple[str, str]] = set()
        self._running: set[asyncio.Task[None]] = set()

    def use(self, tasks: Mapping[str, Task]) -> None:
        """The tasks themselves defer others, so the table comes after the seam."""
        self._tasks = tasks

    async def defer(self, task: str, key: str = "") -> None:
        job = (task, key)
        if job in self._waiting:
            return
        self._waiting.add(job)
        running = asyncio.create_task(self._run(job), name=f"{task}:{key}")
        self._running.add(running)
        running.add_done_callback(self._done)

    async def aclose(self, grace: float = 8.0) -> None:
        """Lets what runs finish, for at most `grace` seconds, then stops it."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, job: tuple[str, str]) -> None:
        async with self._locks[job]:
            self._waiting.discard(job)
            name, key = job
            with structlog.contextvars.bound_contextvars(task=name, key=key):
                try:
                    await self._tasks[name](key)
                except PurserError as error:
                    log.warning("task failed", reason=type(error).__name__, error=str(error))

    def _done(self, task: asyncio.Task[None]) -> None:
        """A defect in a task is logged with its traceback; the next tick tries again."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("task broke", task=task.get_name(), exc_info=error)
