"""The first reading of an Apple account, beside the published client that lists the same."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import populate
from bot.sandbox.world import APPLE, World
from tests.bench.errand import BenchFailed, errand
from tests.bench.published import YARDSTICK
from tests.bench.scene import HOUR
from tests.bench.table import Figure
from tests.bench.vendor import remember_answers

APPS, BUILDS_EACH = 45, 40
LATENCY = 0.1  # seconds
ROUNDS = 3
PUBLISHED = "codemagic-cli-tools"
LESS = "  the same beside its apps and builds alone"

Read = Callable[[], Awaitable[Mapping[str, Any]]]


async def bench() -> Sequence[Figure]:
    """What the published client can ask only build by build (TestFlight's state, notes) is spared it."""
    if not YARDSTICK.is_dir():
        raise BenchFailed(f"the published client is not in {YARDSTICK}: `make bench` installs it there")
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        _fill(world)
        everything = APPS * BUILDS_EACH + APPS
        ours = await _measured(world, everything, _Purser(world).read, ROUNDS)
        theirs = await _measured(world, everything, partial(_published, world, store_versions=True))
        less = await _measured(world, APPS * BUILDS_EACH, partial(_published, world, store_versions=False))
    name = f"first reading of {APPS} Apple apps x {BUILDS_EACH} builds"
    return (
        Figure(f"{name}: time", ours.seconds, PUBLISHED, theirs.seconds, "s", at_most=0.2),
        Figure(f"{name}: requests", ours.requests, PUBLISHED, theirs.requests, "", at_most=0.2),
        Figure(f"{LESS}: time", ours.seconds, PUBLISHED, less.seconds, "s"),
        Figure(f"{LESS}: requests", ours.requests, PUBLISHED, less.requests, ""),
    )


def _fill(world: World) -> None:
    """Every app has a version in the App Store, too."""
    world.apple.remove_app(world.in_apple.shop)
    for app in populate(world.apple, APPS, BUILDS_EACH, utc_now()):
        newest = max((build for build in world.apple.builds.values() if build.app is app), key=lambda build: build.uploaded_at)
        world.apple.add_store_version(app, newest.version, state="READY_FOR_DISTRIBUTION", build=newest)
    remember_answers(world.apple)


@dataclass(frozen=True, slots=True)
class _Reading:
    seconds: float
    requests: int


async def _measured(world: World, builds: int, read: Read, rounds: int = 1) -> _Reading:
    """Once without latency, so that the vendor's answers are ready; then with it, and the fastest counts: whatever else the
    machine does only adds to it."""
    world.apple.latency = 0
    await _counted(world, builds, read)
    world.apple.latency = LATENCY
    readings = [await _counted(world, builds, read) for _ in range(rounds)]
    return _Reading(min(reading.seconds for reading in readings), max(reading.requests for reading in readings))


async def _counted(world: World, builds: int, read: Read) -> _Reading:
    """Raises BenchFailed when not everything was found."""
    before = len(world.apple.requests)
    found = await read()
    if (found["apps"], found["builds"]) != (APPS, builds):
        raise BenchFailed(f"{found['apps']} apps and {found['builds']} builds were found")
    return _Reading(found["seconds"], len(world.apple.requests) - before)


class _Purser:
    """Each time with an empty database."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = count(1)

    async def read(self) -> Mapping[str, Any]:
        folder = self._world.folder.as_posix()
        empty = {"DATABASE_URL": f"sqlite:///{folder}/first-{next(self._numbers)}.db"}
        return await errand("tests.bench.reading", {"folder": folder, "account": APPLE}, {**self._world.environment, **empty})


async def _published(world: World, *, store_versions: bool) -> Mapping[str, Any]:
    order = {
        "url": world.apple_server.url,
        "key_id": world.apple.key_id,
        "issuer_id": world.apple.issuer_id,
        "private_key": world.apple.private_key_pem,
        "store_versions": store_versions,
    }
    return await errand("tests.bench.published", order, paths=[YARDSTICK])
