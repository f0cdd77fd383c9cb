"""For every test."""

import gc
import os
from collections.abc import Iterator, Mapping

import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from pytest_asyncio.plugin import LoopFactory

from .store.postgres import Postgres, postgres_running

EXAMPLES = int(os.environ.get("PURSER_EXAMPLES") or 100)  # that Hypothesis tries, others in every run; `make soak` tries more
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


def pytest_collection_finish(session: pytest.Session) -> None:
    """The tests themselves stay to the end: the collector need not look through thousands of them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One for all: starting it takes two seconds. Who stops it starts it again."""
    with postgres_running() as server:
        yield server
