"""What the tests of all providers share: a clock that stands still until it is moved, and a list of what was observed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import ASGIApp

from bot.sandbox.server import LoopbackServer
from providers.spec import Observation, Surroundings
from tests.providers.apple import Apple

Serve = Callable[[ASGIApp], Awaitable[str]]


@dataclass(slots=True)
class StillClock:
    now: datetime = field(default_factory=lambda: datetime(2026, 5, 2, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def still_clock() -> StillClock:
    return StillClock()


@pytest.fixture
def observed() -> list[Observation]:
    return []


@pytest.fixture
def surroundings(still_clock: StillClock, observed: list[Observation]) -> Surroundings:
    return Surroundings(still_clock, observed.append)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves an ASGI app on loopback until the test ends; returns its address."""
    async with AsyncExitStack() as servers:

        async def start(app: ASGIApp) -> str:
            return (await servers.enter_async_context(LoopbackServer(app))).url

        yield start


@pytest.fixture
async def apple() -> AsyncIterator[Apple]:
    """A pretend App Store Connect account, served until the test ends."""
    async with AsyncExitStack() as stack:
        apple = Apple(stack)
        apple.url = await apple.serve(apple.pretend.app)
        yield apple
