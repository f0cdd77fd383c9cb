"""`/versions shop` over HTTP beside a Bolt app that only says "ok": one user, then many; and the memory it takes."""

from collections.abc import Sequence
from statistics import median

from bot.sandbox.world import free_port
from tests.bench.scene import purser, settled, stock, stocked_world
from tests.bench.servers import Server
from tests.bench.table import Figure

ROUNDS = 11
USERS = 32
ALONE_SECONDS, TOGETHER_SECONDS = 0.5, 1.0
STOCK = "stock Bolt app"


async def bench() -> Sequence[Figure]:
    async with stocked_world() as world, purser(world) as ours, stock(world, free_port()) as theirs:
        await settled(world)
        before = ours.resident, theirs.resident
        sides = _Side(ours), _Side(theirs)
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both
            for side in sides:
                await side.round()
        after = ours.resident, theirs.resident
    our, their = sides
    return (
        Figure("/versions shop, 1 user: latency", our.latency, STOCK, their.latency, "ms", at_most=0.25),
        Figure(f"/versions shop, {USERS} users: rate", our.rate, STOCK, their.rate, "/s", at_least=0.5),
        memory("memory after the start", before[0], before[1]),
        memory(f"memory after {our.answers:,.0f} answers", after[0], after[1]),
    )


def memory(what: str, ours: float, theirs: float) -> Figure:
    """`ours` and `theirs` in MiB."""
    return Figure(what, ours, STOCK, theirs, "MiB", at_most=130, absolute=True)


class _Side:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._latencies: list[float] = []
        self._rates: list[float] = []

    async def round(self) -> None:
        self._latencies.append((await self._server.under_load(1, ALONE_SECONDS)).latency)
        self._rates.append((await self._server.under_load(USERS, TOGETHER_SECONDS)).rate)

    @property
    def latency(self) -> float:
        """Milliseconds."""
        return median(self._latencies) * 1000

    @property
    def rate(self) -> float:
        """Answers a second."""
        return median(self._rates)

    @property
    def answers(self) -> float:
        """Roughly how many there were."""
        return sum(self._rates) * TOGETHER_SECONDS
