"""A provider and its pretend vendor, served until the test ends."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote, unquote

import pytest
from starlette.types import ASGIApp

from bot.domain.errors import ProviderError, RateLimited
from bot.domain.ports import Step
from bot.sandbox.server import LoopbackServer
from providers.spec import Observation, Surroundings
from tests.contracts.contract import ACCOUNT, FACTS, LESS, OTHER, Clock, Limits, Subject, System, Target
from tests.contracts.doctored import Doctored

# What tells one cause from another must not change with a vendor's mood: a code, and after a colon the name of a field.
STABLE_REASON = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z_]+)?|[A-Z_]+(\.[A-Z_]+)*")

SHORTEST_SECRET = 16


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that a traceback would show behind it."""
    while error:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class Stage:
    """One system, served. `clock` is ours; the vendor has its own, which shows the same until one of them is moved."""

    def __init__(self, system: type[System], stack: AsyncExitStack) -> None:
        self.clock = Clock()
        self.system = system(Clock())
        self.vendor = self.system.vendor
        self.doctored = Doctored(self.vendor.app)
        self.observations: list[Observation] = []
        self.steps: list[Step] = []
        self._stack = stack
        self._url: str | None = None

    def calm(self) -> None:
        """What was done to the vendor is undone, and what was asked of it forgotten. What it has stays."""
        self.vendor.behave()
        self.vendor.requests.clear()
        self.doctored.leave_alone()

    async def serve(self, app: ASGIApp) -> str:
        return (await self._stack.enter_async_context(LoopbackServer(app))).url

    async def client(self, limits: Limits | None = None) -> Any:
        if self._url is None:
            self._url = await self.serve(self.doctored)
        surroundings = Surroundings(self.clock, self.observations.append, self.steps.append)
        client = self.system.client(self._url, surroundings, limits or Limits())
        self._stack.push_async_callback(client.aclose)
        return client

    async def subject(self) -> Subject:
        """What is known before anything goes wrong."""
        client = await self.client()
        apps = await client.list_apps()
        builds = await client.list_builds(apps)
        return Subject(apps, builds, self.system.chosen(builds))

    async def healthy(self, target: Target, subject: Subject, limits: Limits | None = None) -> Any:
        client = await self.client(limits)
        if target.late:
            await client.list_apps()
            self.clock.now += target.late
        return await target.run(client, subject)

    async def outcome(self, target: Target, subject: Subject, healthy: Any, limits: Limits | None = None) -> str:
        """What a fresh client makes of it: "the facts" (those of `healthy`), another result in a word, or the error's class and
        reason."""
        try:
            result = await self.healthy(target, subject, limits)
        except ProviderError as error:
            self.check_error(error)
            wait = error.retry_after if isinstance(error, RateLimited) else None
            return f"{type(error).__name__}: {error.reason}" + (f", {wait.total_seconds():.0f} s" if wait else "")
        if isinstance(result, str):
            return result
        if result == healthy:
            return FACTS
        return LESS if isinstance(healthy, list) and set(result) < set(healthy) else OTHER

    def check_error(self, error: ProviderError) -> None:
        """An error names its account and a stable reason, and nothing in it or behind it is a secret."""
        assert (error.provider, error.account) == (self.system.name, ACCOUNT)
        assert error.operation
        assert STABLE_REASON.fullmatch(error.reason)
        told = "".join(f"{each} {each!r}" for each in _chain(error))
        assert [secret for secret in self.secrets() if secret in told] == []

    def secrets(self) -> Iterator[str]:
        """Those that the system was given, and those that it sent along."""
        sent = {
            value
            for request in self.vendor.requests
            for name, value in request.headers.items()
            if name in ("authorization", "access-token", "cookie") or name.startswith("x-csrf-")
        }
        parts = {part.partition("=")[2] or part for value in sent for part in value.replace(";", " ").split()}
        for secret in (*self.system.secrets, *sent, *(part for part in parts if len(part) >= SHORTEST_SECRET)):
            yield from {secret, quote(secret), unquote(secret)}


MakeStage = Callable[[type[System]], Stage]


@pytest.fixture
async def stage() -> AsyncIterator[MakeStage]:
    async with AsyncExitStack() as stack:
        yield lambda system: Stage(system, stack)
