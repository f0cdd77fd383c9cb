"""`python -m tests.bench [NAME ...]`: one table; exit 1 when a bound is missed or nothing could be measured. All take minutes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from bot.domain.errors import PurserError
from tests.bench import alerts, command, decode, first_sync, fleet, page, poll, start, stream
from tests.bench.errand import BenchFailed
from tests.bench.load import WrongAnswer
from tests.bench.table import Figure, report

MOST_SECONDS = 180  # each

BENCHES: Mapping[str, Callable[[], Awaitable[Sequence[Figure]]]] = {
    "command": command.bench,
    "start": start.bench,
    "poll": poll.bench,
    "first-sync": first_sync.bench,
    "fleet": fleet.bench,
    "decode": decode.bench,
    "alerts": alerts.bench,
    "page": page.bench,
    "stream": stream.bench,
}


async def measured(name: str) -> Sequence[Figure]:
    """Raises what the bench raises, and BenchFailed when it takes too long."""
    try:
        async with asyncio.timeout(MOST_SECONDS) as limit:
            return await BENCHES[name]()
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise BenchFailed(f"it took more than {MOST_SECONDS} s") from error


def main(names: Sequence[str]) -> int:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the syncs in this process have nothing to say
    if unknown := set(names) - set(BENCHES):
        return complain(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    figures: list[Figure] = []
    failed = 0
    for name in names or BENCHES:
        try:
            figures += asyncio.run(measured(name))
        except (BenchFailed, WrongAnswer, PurserError, OSError) as error:
            failed |= complain(f"no figures of {name}: {str(error) or repr(error)}")
    kept = report(figures)
    return 0 if kept and not failed else 1


def complain(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
