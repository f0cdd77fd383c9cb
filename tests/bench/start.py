"""The start of `purser run`: on a migrated database to the first whole answer; on its first day, the memory it ends up with."""

from collections.abc import Sequence
from statistics import median

from bot.sandbox.world import World, free_port
from tests.bench.command import STOCK, memory
from tests.bench.scene import new_purser, purser, settled, stock, stocked_world
from tests.bench.servers import Server
from tests.bench.table import Figure

STARTS = 5


async def bench() -> Sequence[Figure]:
    ours, theirs = [], []
    async with stocked_world() as world:
        for _ in range(STARTS):
            ours.append(await _seconds(purser(world)))
            theirs.append(await _seconds(stock(world, free_port())))
        first_day = await _first_day(world)
    return (
        Figure("from start to first answer", median(ours), STOCK, median(theirs), "s", at_most=2, absolute=True),
        first_day,
    )


async def _first_day(world: World) -> Figure:
    async with stock(world, free_port()) as theirs, new_purser(world) as ours:
        await settled(world)
        return memory("memory after the first reading of all", ours.resident, theirs.resident)


async def _seconds(server: Server) -> float:
    async with server:
        return server.seconds
