"""`python -m tests.bench`: one table; exit 1 when a bound is missed or nothing could be measured. Takes about a minute."""

import asyncio
import sys

import structlog

from tests.bench import command, poll, start
from tests.bench.errand import BenchFailed
from tests.bench.load import WrongAnswer
from tests.bench.scene import stocked_world
from tests.bench.table import Figure, report

MOST_SECONDS = 90


async def measured() -> list[Figure]:
    """Every figure. Raises BenchFailed, WrongAnswer, and TimeoutError when it takes too long."""
    async with asyncio.timeout(MOST_SECONDS), stocked_world() as world:
        return [*await poll.bench(), *await command.bench(world), *await start.bench(world)]


def main() -> int:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the syncs in this process have nothing to say
    try:
        figures = asyncio.run(measured())
    except (BenchFailed, WrongAnswer, TimeoutError) as error:
        print(f"No figures: {error or 'it took too long'}", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if report(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
