"""The page of a link with many visitors at once, beside a bare Starlette template."""

from collections.abc import Sequence
from statistics import median

from bot.sandbox.world import World, free_port
from tests.bench.load import Order
from tests.bench.scene import door, link, purser
from tests.bench.servers import Server
from tests.bench.table import Figure

VISITORS = 32
SECONDS, ROUNDS = 1.5, 5
BARE = "bare Starlette template"
PHONE = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"


async def bench() -> Sequence[Figure]:
    async with door() as world, purser(world) as bot, _bare(world) as bare:
        path = (await link(world)).removeprefix(world.public_url)
        bot.order = _visit(world.port, path)
        sides: tuple[tuple[Server, list[float]], ...] = (bot, []), (bare, [])
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both; the middle one counts
            for server, slowest in sides:
                slowest.append((await server.under_load(VISITORS, SECONDS)).slowest * 1000)
    (_, ours), (_, theirs) = sides
    return (Figure(f"page of a link, {VISITORS} visitors: p99", median(ours), BARE, median(theirs), "ms", at_most=4),)


def _bare(world: World) -> Server:
    port = free_port()
    return Server("tests.bench.template", [str(port)], {}, world.folder, _visit(port, "/d/token"))


def _visit(port: int, path: str) -> Order:
    lines = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"User-Agent: {PHONE}", "Accept: text/html", "", "")
    return Order(port, "\r\n".join(lines), "Download APK", 1, 0)
