"""When background work is due: ticks in code, in UTC. Two clocks do no harm, because waiting work is not queued twice."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.domain.errors import StoreUnavailable
from bot.domain.ports import Jobs

DELIVER_EVERY = timedelta(seconds=5)  # finds what is due again after a pause; new alerts are delivered at once
REDRAW_EVERY = timedelta(seconds=30)  # cards of incidents that show something else than the store; a click draws at once
REMIND_EVERY = timedelta(hours=1)  # which incidents have lasted for days
PURGE_EVERY = timedelta(days=1)  # of the audit log; also at each start, because a process may never live that long
EXPIRIES_EVERY = timedelta(days=1)  # read
EXPIRIES_TOLD_EVERY = timedelta(minutes=15)  # the first time when what a new process reads is there; at most one digest a day
JITTER = 0.1  # of the interval, so that accounts do not ask in step

log = structlog.get_logger()


class Ticker:
    """APScheduler with one job a tick."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def every(self, interval: timedelta, task: str, keys: Iterable[str] = ("",), *, at_once: bool = True) -> None:
        """Defers the task for every key at this interval, with jitter; the first time now unless `at_once` is False."""
        seconds = interval.total_seconds()
        for key in keys:
            self._scheduler.add_job(
                self._defer,
                IntervalTrigger(seconds=max(1, round(seconds)), jitter=seconds * JITTER if seconds > 10 else None, timezone=UTC),
                args=(task, key),
                id=f"{task}:{key}",
                **({"next_run_time": datetime.now(UTC)} if at_once else {}),
            )

    async def _defer(self, task: str, key: str) -> None:
        """APScheduler would log either of these as a defect, with its traceback."""
        try:
            await self._jobs.defer(task, key)
        except StoreUnavailable as error:
            log.warning("tick lost", task=task, key=key, reason=error.reason)
        except asyncio.CancelledError:
            log.debug("tick lost", task=task, key=key, reason="stopping")

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
