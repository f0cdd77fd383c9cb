"""Apple's answers into facts: how fast, and whether a hundred times as many builds take more than a hundred times as long."""

from collections.abc import Sequence

from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import populate
from bot.sandbox.world import APPLE, World
from tests.bench.errand import BenchFailed, errand
from tests.bench.scene import HOUR
from tests.bench.table import Figure
from tests.bench.vendor import remember_answers

FEW, MANY, ALL = 1_000, 10_000, 100_000
TURNS = (*[FEW] * 5, MANY, ALL, MANY, *[FEW] * 5)  # few before and after, because machines have moods
NOTES = "Checkout in two steps. Fixes the rounding of “from” prices, and a crash when old orders are opened."


async def bench() -> Sequence[Figure]:
    seconds = await errand("tests.bench.decoding", {"page": await _page(), "sizes": TURNS})
    few, many = (builds / seconds[str(builds)] for builds in (FEW, MANY))
    each = {builds: seconds[str(builds)] / builds * 1_000_000 for builds in (FEW, MANY, ALL)}
    return (
        Figure(f"decoding {MANY:,} Apple builds: rate", many, f"{FEW:,}", few, "/s"),
        Figure(f"decoding {ALL:,} Apple builds: time of one", each[ALL], f"{FEW:,}", each[FEW], "us", at_most=1.2),
    )


async def _page() -> str:
    """A full page of builds as Purser asks for it, every build with notes."""
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        populate(world.apple, 45, 5, utc_now())
        for build in world.apple.builds.values():
            build.notes = {"en-US": NOTES}
        answers = remember_answers(world.apple)
        await errand("tests.bench.reading", {"folder": world.folder.as_posix(), "account": APPLE}, world.environment)
    for (_, path, _), messages in answers.items():
        if path == "/v1/builds":
            return b"".join(message.get("body", b"") for message in messages).decode()
    raise BenchFailed("no builds were asked for")
