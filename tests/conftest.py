"""For every test."""

import gc
import os
from collections.abc import Generator, Iterator, Mapping
from itertools import chain, groupby, zip_longest

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from pytest_asyncio.plugin import LoopFactory

from .store.postgres import Postgres, postgres_running

EXAMPLES = int(os.environ.get("PURSER_EXAMPLES") or 100)  # that Hypothesis tries, others in every run; `make soak` tries more
WAITING = ("crash", "jobs", "journeys")  # folders whose tests wait for other processes, or for time to pass, more than they work
# How long an example takes says more of the machine than of the code.
settings.register_profile("unhurried", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# As it is by itself, but for its pictures of tracebacks: they take longer than the tests that cause them.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The event loop that `purser` runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: the garbage collector need not look through thousands of tests, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)  # rarely: little of what a test leaves behind holds itself
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file whose tests wait, one whose tests work, and so on: while some workers wait, others have something to do."""
    waiting, working = list[list[pytest.Item]](), list[list[pytest.Item]]()
    for path, file in groupby(items, key=lambda item: item.path):
        (waiting if path.parent.name in WAITING else working).append(list(file))
    files = chain.from_iterable(zip_longest(waiting, working, fillvalue=[]))
    items[:] = chain.from_iterable(files)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One for all: starting it takes two seconds. Who stops it starts it again."""
    with postgres_running() as server:
        yield server
