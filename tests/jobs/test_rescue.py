"""Jobs of workers that died, and of workers whose database went away, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from bot.domain.errors import StoreUnavailable
from bot.jobs.queue import QueuedJobs, prepare_queue

from ..store.postgres import Postgres
from .test_seam import Work

SOON = timedelta(seconds=1)


@pytest.fixture
def url(postgres: Postgres) -> str:
    url = postgres.create()
    prepare_queue(url)
    return url


@pytest.fixture
async def dead(url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A worker died an hour ago; it had begun `sync` of acme-apple."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        await connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id) "
            "SELECT 'default', 'sync', 'account:acme-apple', '{\"key\": \"acme-apple\"}', 'doing', id FROM procrastinate_workers"
        )
        yield connection


def working_on(url: str, work: Work) -> QueuedJobs:
    work.gate.set()
    jobs = QueuedJobs(url, SOON)
    jobs.use({"sync": work.task("sync")})  # type: ignore[dict-item]
    return jobs


async def test_a_dead_workers_job_is_done_by_another(url: str, dead: psycopg.AsyncConnection) -> None:
    work = Work()
    async with working_on(url, work).running(works=True):
        await work.until(lambda: work.ended == [("sync", "acme-apple")])


async def test_a_dead_workers_job_does_not_hold_up_the_same_that_waits(url: str, dead: psycopg.AsyncConnection) -> None:
    """The waiting one has the queueing lock, so the dead one cannot be put back in line: it is forgotten."""
    work = Work()
    jobs = working_on(url, work)
    await dead.execute("UPDATE procrastinate_jobs SET queueing_lock = 'sync:acme-apple'")
    async with jobs.running(works=False):
        await jobs.defer("sync", "acme-apple")
    async with working_on(url, work).running(works=True):
        await work.until(lambda: work.ended == [("sync", "acme-apple")])
    rows = await (await dead.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")).fetchone()
    assert rows == (0,)


async def test_a_job_whose_end_could_not_be_written_frees_its_lock(url: str) -> None:
    """As when the database goes away just between a job's work and the note that it ended."""
    work = Work()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        jobs = working_on(url, work)
        async with jobs.running(works=True):
            await connection.execute("ALTER FUNCTION procrastinate_finish_job_v1 RENAME TO away")
            await jobs.defer("sync", "acme-apple")
            await work.until(lambda: len(work.ended) == 1)
            await asyncio.sleep(0.5)  # the note is tried, and fails; were this too short, there would be nothing to mend
            await connection.execute("ALTER FUNCTION away RENAME TO procrastinate_finish_job_v1")
            await jobs.defer("sync", "acme-apple")
            await work.until(lambda: len(work.ended) == 2)


async def test_without_its_tables_the_queue_says_so(postgres: Postgres) -> None:
    jobs = QueuedJobs(postgres.create())
    with pytest.raises(StoreUnavailable, match="not_migrated"):
        await jobs.check()
