"""A large file through Purser, beside the same file from the vendor's host directly."""

from collections.abc import Sequence
from statistics import median

from bot.sandbox.world import World, free_port
from tests.bench.bigfile import READY, SIZE
from tests.bench.errand import errand
from tests.bench.load import Order
from tests.bench.memory import Peak
from tests.bench.scene import door, link, purser
from tests.bench.servers import Server
from tests.bench.table import Figure

ROUNDS = {1: 3, 20: 1}  # by clients
DIRECT = "vendor directly"
MOST_GROWTH = 24  # MiB
MEGA = 1_000_000


async def bench() -> Sequence[Figure]:
    async with door() as world, _file_host(world) as files, purser(world, core=None) as bot:
        world.appcircle.storage_url = f"http://127.0.0.1:{files.order.port}"
        through = f"{await link(world)}/file"
        direct = f"{world.appcircle.storage_url}/any"
        figures: list[Figure] = []
        for users, rounds in ROUNDS.items():
            figures += await _compared(bot, through, direct, users, rounds)
    return figures


async def _compared(bot: Server, through: str, direct: str, users: int, rounds: int) -> Sequence[Figure]:
    ours, theirs = [], []
    async with Peak(bot) as peak:
        for _ in range(rounds):  # in turns, so that a busy moment of the machine hits both
            theirs.append(await _rate(direct, users))
            ours.append(await _rate(through, users))
    name = f"{SIZE // 2**20} MB through Purser, {users} client{'s' if users > 1 else ''}"
    return (
        Figure(f"{name}: rate", median(ours), DIRECT, median(theirs), "MB/s", at_least=0.5),
        Figure(f"{name}: memory growth", peak.most - peak.before, "held before", peak.before, "MiB", MOST_GROWTH, absolute=True),
    )


async def _rate(url: str, users: int) -> float:
    """Megabytes a second, of all clients together."""
    found = await errand("tests.bench.fetching", {"url": url, "users": users, "size": SIZE})
    return users * SIZE / found["seconds"] / MEGA


def _file_host(world: World) -> Server:
    port = free_port()
    request = f"GET {READY} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    return Server(
        "tests.bench.bigfile", [str(port), str(world.folder)], {}, world.folder, Order(port, request, "ok", 1, 0), core=None
    )
