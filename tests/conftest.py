"""For every test."""

import gc
from collections.abc import Mapping

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from pytest_asyncio.plugin import LoopFactory

# How long an example takes says more of the machine than of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The event loop that `purser` runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_finish(session: pytest.Session) -> None:
    """The tests themselves stay to the end: the collector need not look through thousands of them again and again."""
    gc.collect()
    gc.freeze()
