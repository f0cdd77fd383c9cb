"""A poll of one Apple account in which nothing has happened, beside the first reading of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import populate
from bot.sandbox.world import APPLE, World
from bot.store.migrate import upgrade
from bot.workshop import Workshop, load_settings
from tests.bench.errand import BenchFailed
from tests.bench.scene import HOUR
from tests.bench.table import Figure

APPS, BUILDS_EACH = 45, 40
FIRST = "first reading"


async def bench() -> Sequence[Figure]:
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        world.apple.remove_app(world.in_apple.shop)
        apps = populate(world.apple, APPS, BUILDS_EACH, utc_now())
        upgrade(world.database_url)
        async with Workshop(load_settings(world.environment, world.folder)) as workshop:
            await workshop.register()
            first = await _poll(world, workshop)
            quiet = await _poll(world, workshop)
            world.apple.upload(apps[0], "9.0.0", "900", processed=False)
            await _poll(world, workshop)
            waiting = await _poll(world, workshop)
    name = f"poll of {APPS} Apple apps"
    return (
        Figure(f"{name}: requests", quiet.requests, FIRST, first.requests, "", at_most=3, absolute=True),
        Figure(f"{name}, a build in processing", waiting.requests, FIRST, first.requests, "", at_most=3, absolute=True),
        Figure(f"{name}: time", quiet.seconds * 1000, FIRST, first.seconds * 1000, "ms"),
    )


@dataclass(frozen=True, slots=True)
class _Poll:
    requests: int
    seconds: float


async def _poll(world: World, workshop: Workshop) -> _Poll:
    """Raises BenchFailed when the account could not be read."""
    before, started = len(world.apple.requests), time.perf_counter()
    report = await workshop.sync.account(APPLE)
    if report.failure or report.apps != APPS:
        raise BenchFailed(f"the poll found {report.apps} apps: {report.failure}")
    return _Poll(len(world.apple.requests) - before, time.perf_counter() - started)
