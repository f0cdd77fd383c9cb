"""What both ways of running background work promise: asyncio tasks, and Procrastinate on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import psycopg
import pytest
import structlog

from bot.domain.errors import StoreUnavailable, UserMistake
from bot.jobs.inprocess import InProcessJobs
from bot.jobs.queue import QueuedJobs, prepare_queue

from ..store.postgres import Postgres

Seam = InProcessJobs | QueuedJobs


@dataclass
class Work:
    """Tasks that note what they do; `gate` holds them up."""

    begun: list[tuple[str, str]] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    def task(self, name: str) -> Callable[[str], object]:
        async def run(key: str) -> None:
            self.begun.append((name, key))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await self.gate.wait()
            self.at_once -= 1
            self.ended.append((name, key))

        return run

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - conditions span two processes' worth of state
                await asyncio.sleep(0.01)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(params=["in process", "queued"])
async def jobs(request: pytest.FixtureRequest, work: Work) -> AsyncIterator[Seam]:
    seam: Seam
    if request.param == "queued":
        url = request.getfixturevalue("postgres").create()
        prepare_queue(url)
        prepare_queue(url)  # a second time changes nothing
        seam = QueuedJobs(url)
    else:
        seam = InProcessJobs()

    async def mistaken(key: str) -> None:
        work.begun.append(("mistaken", key))
        raise UserMistake("an expected failure")

    async def origin(key: str) -> None:
        work.begun.append(("origin", structlog.contextvars.get_contextvars().get("request_id", "")))

    seam.use({**{name: work.task(name) for name in ("poll", "sync", "deliver")}, "mistaken": mistaken, "origin": origin})  # type: ignore[dict-item]
    async with seam.running(works=True):
        yield seam
        work.gate.set()


async def test_deferred_work_runs(jobs: Seam, work: Work) -> None:
    work.gate.set()
    await jobs.defer("sync", "acme-apple")
    await work.until(lambda: work.ended == [("sync", "acme-apple")])


async def test_what_waits_is_not_queued_twice(jobs: Seam, work: Work) -> None:
    await jobs.defer("sync", "acme-apple")
    await work.until(lambda: len(work.begun) == 1)
    for _ in range(5):
        await jobs.defer("sync", "acme-apple")
    work.gate.set()
    await work.until(lambda: len(work.ended) == 2)
    await jobs.defer("deliver")
    await work.until(lambda: ("deliver", "") in work.ended)
    assert work.ended.count(("sync", "acme-apple")) == 2


async def test_an_account_is_never_read_by_two_checks_at_once(jobs: Seam, work: Work) -> None:
    await jobs.defer("sync", "acme-apple")
    await jobs.defer("poll", "acme-apple")
    await work.until(lambda: len(work.begun) == 1)
    await jobs.defer("deliver")
    await work.until(lambda: ("deliver", "") in work.begun)
    assert len(work.begun) == 2
    work.gate.set()
    await work.until(lambda: len(work.ended) == 3)


async def test_different_accounts_do_not_wait_for_each_other(jobs: Seam, work: Work) -> None:
    for account in ("a", "b", "c"):
        await jobs.defer("sync", account)
    await work.until(lambda: work.most_at_once == 3)


async def test_vendors_that_hang_take_no_room_from_messages(jobs: Seam, work: Work) -> None:
    for number in range(30):
        await jobs.defer("sync", f"account-{number}")
    await work.until(lambda: len(work.begun) >= 10)
    await jobs.defer("deliver")
    await work.until(lambda: ("deliver", "") in work.begun)


async def test_a_failure_stops_nothing(jobs: Seam, work: Work) -> None:
    work.gate.set()
    await jobs.defer("mistaken", "x")
    await jobs.defer("sync", "x")
    await work.until(lambda: ("mistaken", "x") in work.begun and ("sync", "x") in work.ended)
    await jobs.defer("mistaken", "x")
    await work.until(lambda: work.begun.count(("mistaken", "x")) == 2)


async def test_who_defers_need_not_work(postgres: Postgres, work: Work) -> None:
    url = postgres.create()
    prepare_queue(url)
    web, worker = QueuedJobs(url), QueuedJobs(url)
    for seam in (web, worker):
        seam.use({"sync": work.task("sync")})  # type: ignore[dict-item]
    work.gate.set()
    async with web.running(works=False):
        await web.defer("sync", "acme-apple")
        assert work.begun == []
        async with worker.running(works=True):
            await work.until(lambda: work.ended == [("sync", "acme-apple")])


async def test_a_database_that_is_gone_is_one_known_error(postgres: Postgres, work: Work) -> None:
    url = postgres.create()
    prepare_queue(url)
    seam = QueuedJobs(url)
    seam.use({"sync": work.task("sync")})  # type: ignore[dict-item]
    async with seam.running(works=False):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE procrastinate_jobs CASCADE")
        with pytest.raises(StoreUnavailable):
            await seam.defer("sync", "acme-apple")
    with pytest.raises(StoreUnavailable):
        prepare_queue("postgresql://127.0.0.1:1/nothing")


async def test_work_is_logged_under_the_request_that_deferred_it(jobs: Seam, work: Work) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc123"):
        await jobs.defer("origin")
    await work.until(lambda: bool(work.begun))
    assert work.begun == [("origin", "abc123")]
