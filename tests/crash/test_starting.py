"""Which processes may work side by side, and what those say that may not."""

import asyncio

import pytest

from bot.migrating import prepare_database
from bot.sandbox.world import free_port
from bot.store.migrate import upgrade

from ..journeys.terminal import Terminal
from ..store.postgres import Postgres
from .conftest import Scene
from .crew import Member, ready, working

SEVERAL = ("web", "worker", "clock")
NOT_MIGRATED = "purser: the database cannot be used (not_migrated); run `purser migrate`\n"


@pytest.fixture
def terminal(on_sqlite: Scene) -> Terminal:
    return Terminal(on_sqlite.world.folder, on_sqlite.environment)


async def test_one_of_several_wants_postgresql(terminal: Terminal) -> None:
    outcomes = await asyncio.gather(*map(terminal.purser, SEVERAL))
    assert [outcome.code for outcome in outcomes] == [2, 2, 2]
    for command, outcome in zip(SEVERAL, outcomes, strict=True):
        assert outcome.err == (
            f"purser: `purser {command}` is one of several processes, and those need DATABASE_URL=postgresql://…; "
            "with SQLite, `purser run` does everything in one\n"
        )


async def test_an_sqlite_file_has_one_process(on_sqlite: Scene, terminal: Terminal) -> None:
    first = Member("run", on_sqlite.environment, on_sqlite.world.folder)
    async with working(first):
        await ready(on_sqlite.world.public_url)
        outcome = await terminal.purser("run")
        assert outcome.code == 1
        assert outcome.err == (
            "purser: another `purser run` works on purser.db already; end that one, or let DATABASE_URL name another database\n"
        )
        first.kill()  # a killed process blocks nobody: the next one starts
        await ready(on_sqlite.world.public_url)
    assert first.ended == [0]


async def test_a_database_without_tables_is_one_sentence(terminal: Terminal, postgres: Postgres) -> None:
    url = postgres.create()
    outcomes = await asyncio.gather(
        *(terminal.purser(command, DATABASE_URL=url, PORT=str(free_port())) for command in ("web", "clock"))
    )
    assert {(outcome.code, outcome.err) for outcome in outcomes} == {(1, NOT_MIGRATED)}


async def test_a_database_without_the_queue_is_the_same_sentence_and_migrate_mends_it(
    terminal: Terminal, postgres: Postgres
) -> None:
    url = postgres.create()
    upgrade(url)
    outcome = await terminal.purser("worker", DATABASE_URL=url)
    assert (outcome.code, outcome.err) == (1, NOT_MIGRATED)
    for _ in range(2):
        prepare_database(url)  # what `purser migrate` does
    async with terminal.started("worker", until="working", DATABASE_URL=url) as started:
        assert await started.end() < 5
    assert started.code == 0
