"""A world whose accounts are read every second, its subscribed channels, and a PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.domain.errors import StoreUnavailable
from bot.domain.model import DeliveryState
from bot.manifest import scopes
from bot.migrating import prepare_database
from bot.sandbox.slack import Channel
from bot.sandbox.world import World
from bot.store import Database

from ..store.migrated import migrated_file
from ..store.postgres import Postgres
from .chaos import KILLS, Uploads, stale, told, told_of_papers

ACCOUNTS = 3
PATIENCE = 60.0 + 2 * KILLS  # seconds until everything that was begun has ended: pauses grow with each refusal


@dataclass
class Scene:
    """A world, the database's address, and who hears about what."""

    world: World
    url: str
    uploads: Uploads

    def __post_init__(self) -> None:
        ada = self.world.town.ada
        self.outside = self.world.slack.workspace.add_channel("outside", ada, with_bot=False)

    @property
    def listeners(self) -> list[tuple[Channel, str | None]]:
        town = self.world.town
        return [(town.mobile, None), (town.general, "Shop"), (town.releases, "Courier"), (self.outside, "Scanner")]

    @property
    def readers(self) -> list[Channel]:
        """Those that hear about agreements."""
        return [self.world.town.releases, self.outside]

    @property
    def environment(self) -> dict[str, str]:
        return {**self.world.environment, "DATABASE_URL": self.url}

    async def subscribe(self) -> None:
        await self.until_read()
        for channel, product in self.listeners:
            await self.world.slack.command(self.world.town.ada, channel, f"/purser subscribe {product or 'all'} new-builds")
        for channel in self.readers:
            await self.world.slack.command(self.world.town.ada, channel, "/purser subscribe all agreements")

    async def until_read(self) -> None:
        """Until every account was read for the first time: what is there already is announced to nobody."""
        await self._until(_all_read)

    async def until_told(self) -> None:
        """Until every build was told in every channel that subscribed, and nothing waits to be told."""

        async def all_told(store: Database) -> bool:
            return not self.missing and not self.stale and not await _open(store)

        await self._until(all_told)

    async def until_all_is_known(self) -> None:
        """Also that an agreement blocked and, the Account Holder having read of it, does not any more."""

        async def blocked(_: Database) -> bool:
            return any(cards for cards, _, _ in self.papers)

        async def cleared(_: Database) -> bool:
            return all(lines and is_over for _, lines, is_over in self.papers)

        await self._until(blocked)
        self.world.apple.clear_agreements()
        await self._until(cleared)
        await self.until_told()

    async def until_pending(self) -> None:
        """Until something waits to be told."""

        async def waits(store: Database) -> bool:
            return bool(await _open(store))

        await self._until(waits)

    async def _until(self, condition: Callable[[Database], Awaitable[bool]]) -> None:
        """Looks into the database, which may be away for a while. Raises TimeoutError."""
        store = Database(self.url)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(StoreUnavailable):
                        if await condition(store):
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise AssertionError(await self._state(store)) from error
        finally:
            await store.aclose()

    async def _state(self, store: Database) -> str:
        """What is to be known when it takes too long."""
        channels = {channel.id for channel, _ in self.listeners}
        told = [d for id in channels for d in await store.read(lambda r, id=id: r.told.last(id, 200))]
        lines = [
            f"{d.id} {d.channel} {d.state} {d.ts} due {d.due_at} attempts {d.attempts} {d.reason} {d.batch} {d.alert.build_key}"
            for d in told
        ]
        logs = [f"{log.name}:\n{_tail(log)}" for log in sorted(self.world.folder.glob("*.log"))]
        accounts = [f"{account}" for account in await store.read(lambda r: r.catalogue.accounts())]
        return "\n".join([f"missing: {self.missing}, stale: {self.stale}, papers: {self.papers}", *lines, *accounts, *logs])

    @property
    def papers(self) -> list[tuple[int, int, bool]]:
        """In each channel that hears about agreements: cards, lines in their threads, whether the cards say that it is over."""
        return [told_of_papers(channel) for channel in self.readers]

    @property
    def missing(self) -> list[tuple[str, str]]:
        return [(name, number) for name, number, times in self.counts() if times == 0]

    def owed(self) -> int:
        """How many builds are still to be told somewhere."""
        return len({number for _, number in self.missing})

    @property
    def stale(self) -> list[str]:
        """Builds whose card does not show how they ended."""
        return [number for channel, product in self.listeners for number in stale(channel, self.uploads.rejected)]

    @property
    def wrong(self) -> list[tuple[str, str, int]]:
        """Every build that was not told exactly once in a channel: channel, number, how often."""
        return [(name, number, times) for name, number, times in self.counts() if times != 1]

    def counts(self) -> Iterator[tuple[str, str, int]]:
        for channel, product in self.listeners:
            for number, times in told(channel, self.uploads.of(product)).items():
                yield channel.name, number, times


def _tail(log: Path, lines: int = 25) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


async def _all_read(store: Database) -> bool:
    accounts = await store.read(lambda r: r.catalogue.accounts())
    return sum(account.baseline_at is not None for account in accounts) == ACCOUNTS


async def _open(store: Database) -> int:
    counts = await store.read(lambda r: r.outbox.counts())
    return counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING]


@pytest.fixture(scope="session")
def another_postgres(postgres: Postgres) -> Callable[[], str]:
    """Makes databases as `purser migrate` leaves them."""
    url = postgres.create()
    prepare_database(url)
    return partial(postgres.create, str(make_url(url).database))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(poll_seconds=1, agreements_seconds=1) as world:
        world.slack.api.scopes = set(scopes())
        migrated_file(world.folder / "purser.db")
        file = world.folder / "purser.toml"
        file.write_text(file.read_text().replace("[purser]", '[purser]\ntakeover_after = "2s"', 1))
        yield world
        assert world.slack.violations == []


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """On either database."""
    found: Scene = request.getfixturevalue("on_sqlite" if request.param == "SQLite" else "on_postgres")
    return found


@pytest.fixture
def on_sqlite(world: World) -> Scene:
    return Scene(world, world.database_url, Uploads(world))


@pytest.fixture
def on_postgres(world: World, another_postgres: Callable[[], str]) -> Scene:
    return Scene(world, another_postgres(), Uploads(world))
