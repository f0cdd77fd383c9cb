"""A real store, a clock that stands still until it is moved, and accounts to fill it with."""

from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import ProviderError
from bot.domain.listing import Listing, gaps_of
from bot.domain.model import App, Build, BuildState, Handover, Person, Platform
from bot.store import Database

from ..store.migrated import migrated_file

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class StoppedClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        self.now += timedelta(**units)


@dataclass
class Shelf:
    """An account whose apps and builds are whatever the test puts there."""

    account: str
    provider: str
    apps: list[App] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    failure: ProviderError | None = None
    gaps: dict[str, ProviderError] = field(default_factory=dict)
    page: int | None = None  # so many builds are listed where all those are known
    asked_with: list[Container[str]] = field(default_factory=list)
    reread: list[str] = field(default_factory=list)

    async def list_apps(self) -> Sequence[App]:
        if self.failure:
            raise self.failure
        return Listing(self.apps, gaps_of(self.apps))

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        self.asked_with.append(known)
        first = self.builds[: self.page]
        listed = first if all(build.id in known for build in first) else self.builds
        return Listing((build for build in listed if build.app_id not in self.gaps), self.gaps)

    async def reread_build(self, build: Build) -> Build:
        self.reread.append(build.id)
        return next(each for each in self.builds if each.id == build.id)

    async def aclose(self) -> None: ...


class Everyone:
    """People without surprises: ids that begin with G are guests, with X external."""

    async def person(self, user: str, team: str | None) -> Person:
        return Person(user, is_guest=user.startswith("G"), is_external=user.startswith("X"))


class Deferred:
    """Notes what was deferred."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    async def defer(self, task: str, key: str = "") -> None:
        self.calls.append((task, key))


def make_build(app: App, id: str, **facts: object) -> Build:
    standard: dict[str, object] = {
        "version": "3.2.0",
        "number": id,
        "platform": Platform.IOS,
        "track": "TestFlight",
        "state": BuildState.READY,
        "handover": Handover.PAGE,
        "uploaded_at": NOON,
    }
    return Build(account=app.account, app_id=app.id, id=id, **(standard | facts))  # type: ignore[arg-type]


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def jobs() -> Deferred:
    return Deferred()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(migrated_file(tmp_path / "purser.db"))
    yield database
    await database.aclose()


@pytest.fixture
async def apple(store: Database) -> Shelf:
    return await shelf(store, "acme-apple", "app_store_connect", App("acme-apple", "1", "Shop", "com.acme.shop"))


@pytest.fixture
async def applivery(store: Database) -> Shelf:
    return await shelf(store, "acme-applivery", "applivery", App("acme-applivery", "a1", "Shop Android", "com.acme.shop"))


async def shelf(store: Database, account: str, provider: str, *apps: App) -> Shelf:
    await store.write(lambda r: r.catalogue.register_account(account, provider))
    return Shelf(account, provider, list(apps))
