"""The wired bot on loopback, between a pretend workspace and pretend vendors. Nothing polls by itself: tests say when."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from bot.app import Purser, build
from bot.domain.model import DeliveryState
from bot.domain.ports import Repositories
from bot.manifest import scopes
from bot.sandbox.server import LoopbackServer
from bot.sandbox.slack import Message
from bot.sandbox.world import World
from bot.store.migrate import upgrade
from bot.workshop import load_settings

from ..store.migrated import migrated_file

ACCOUNTS = ("acme-apple", "acme-applivery", "acme-store")
asking = pytest.mark.asyncio(loop_scope="module")
BEGUN = datetime.now(UTC)
# What the clock of a new bot defers at once, as its tasks are named.
AT_THE_START = ("poll:", "probe:", "expiries:", "purge:", "remind:", "redraw:", "deliver:")


class Watch:
    """The bot's clock: the real time, moved as far as a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **units: float) -> None:
        self.ahead += timedelta(**units)


@dataclass
class Journey:
    """A world and the bot in it. Ada, a member, acts in #mobile."""

    world: World
    purser: Purser
    clock: Watch

    async def ask(self, line: str) -> Message:
        return await self.world.slack.command(self.world.town.ada, self.world.town.mobile, line)

    async def press(self, message: Message, label: str, near: str = "") -> Message:
        answer = await self.world.slack.press(self.world.town.ada, message, label, near)
        assert isinstance(answer, Message)
        return answer

    async def check(self, *accounts: str) -> None:
        """One check of these accounts, or of all, and the deliveries that follow, whoever makes them."""
        for account in accounts or ACCOUNTS:
            await self.purser.sync.account(account)
        while await self.purser.store.read(self._is_telling):
            await self.purser.alerts.deliver_due()
            await asyncio.sleep(0.01)  # the bot's own work was faster

    def _is_telling(self, repositories: Repositories) -> bool:
        outbox = repositories.outbox
        return bool(outbox.channels_due(self.clock()) or outbox.counts()[DeliveryState.SENDING])

    def in_mobile(self) -> list[Message]:
        return self.world.slack.messages(self.world.town.mobile)


@asynccontextmanager
async def peaceful() -> AsyncIterator[World]:
    """Looks at the end whether anybody did what nobody may."""
    async with World(poll_seconds=3600, agreements_seconds=3600, now=BEGUN) as world:
        world.slack.api.scopes = set(scopes())
        yield world
        assert world.slack.violations == []
        assert list(world.leaked_credentials()) == []


@asynccontextmanager
async def lived_in(world: World, database: bytes | None = None) -> AsyncIterator[Journey]:
    """`database`: the file of a bot that has read this world, or one that is the same, at some time; now it has just done so."""
    clock = Watch()
    if database:
        (world.folder / "purser.db").write_bytes(database)
        with closing(sqlite3.connect(world.folder / "purser.db")) as connection, connection:
            for columns in ("accounts SET checked_at = :now, ok_at = :now", "agreements SET checked_at = :now"):
                connection.execute(f"UPDATE {columns}", {"now": str(clock().replace(tzinfo=None))})
    async with started(world, clock) as purser:
        await first_read(purser)
        yield Journey(world, purser, clock)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def read_before() -> bytes:
    """What a bot knows that has read a world in which nothing happened yet. It is the same for all of them, so that one reads
    for all: reading takes four times as long as all else that a journey begins with."""
    async with peaceful() as world, lived_in(world):
        with closing(sqlite3.connect(world.folder / "purser.db")) as connection:
            return connection.serialize()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with peaceful() as world:
        yield world


@pytest.fixture
async def applivery_is_away(world: World) -> AsyncIterator[None]:
    """Nobody answers at its port, which is kept: the same vendor of another test would know our token."""
    await world.applivery_server.stop()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", world.applivery_server.port))
        yield


@pytest.fixture
async def journey(world: World, read_before: bytes) -> AsyncIterator[Journey]:
    async with lived_in(world, read_before) as journey:
        yield journey


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(read_before: bytes) -> AsyncIterator[Journey]:
    """One for all tests of a module that only ask, marked as `asking`: beginning takes longer than most of what is asked."""
    async with peaceful() as world, lived_in(world, read_before) as journey:
        yield journey


async def first_read(purser: Purser) -> None:
    """Until a bot that has just begun has read every account, and done whatever else it begins with."""
    is_read = False
    while (begun := _begun()) or not is_read:
        await (asyncio.wait(begun) if begun else asyncio.sleep(0.005))
        is_read = all(account.baseline_at for account in await purser.store.read(lambda r: r.catalogue.accounts()))


def _begun() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith(AT_THE_START)]


class started:  # noqa: N801 - used as a function
    """The bot of a world, served until the block ends. May be entered again and again: a restart."""

    def __init__(self, world: World, clock: Watch) -> None:
        self._world = world
        self._clock = clock

    async def __aenter__(self) -> Purser:
        settings = load_settings(self._world.environment, self._world.folder)
        file = self._world.folder / "purser.db"
        if not file.exists():
            migrated_file(file)
        upgrade(settings.environment.database_url)
        purser = build(settings, clock=self._clock)
        await purser.prepare()
        self._server = LoopbackServer(purser.web, self._world.port)
        await self._server.start()
        return purser

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()
