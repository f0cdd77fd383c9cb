"""What a vendor says of a build at the moment of a click, and what it hands out when the file is opened."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol, runtime_checkable

from bot.domain.answers import Obstacle
from bot.domain.errors import (
    AgreementBlocked,
    Confused,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
)
from bot.domain.inside import may_lead_to
from bot.domain.model import Build, BuildState, Handover, Link
from bot.domain.ports import ByteRequest, Clock, FileStream, MintsLinks, OpensFiles, Provider, RereadsBuilds

# Below what proxies wait for: https://devcenter.heroku.com/articles/request-timeout
OPENING_PATIENCE = timedelta(seconds=25)

_OBSTACLES: Mapping[type[ProviderError], Obstacle] = {
    AgreementBlocked: Obstacle.AGREEMENT,
    NotFound: Obstacle.GONE,
    NotReady: Obstacle.PROCESSING,
    RateLimited: Obstacle.VENDOR_BUSY,
    Refused: Obstacle.REFUSED,
    Unreachable: Obstacle.VENDOR_DOWN,
}
_UNFINISHED: Mapping[BuildState, Obstacle] = {
    BuildState.PROCESSING: Obstacle.PROCESSING,
    BuildState.FAILED: Obstacle.FAILED,
    BuildState.EXPIRED: Obstacle.EXPIRED,
}


@runtime_checkable
class _Minter(Provider, MintsLinks, Protocol):
    """A provider with links of its own."""


@runtime_checkable
class _Opener(Provider, OpensFiles, Protocol):
    """A provider that streams files."""


class Hindered(Exception):
    """Carries the reason for a Blocked answer out of the steps of a click."""

    def __init__(self, obstacle: Obstacle, reason: str | None = None) -> None:
        super().__init__(obstacle)
        self.obstacle = obstacle
        self.reason = reason


Opening = Callable[[ByteRequest], AbstractAsyncContextManager[Link | FileStream]]


@dataclass(frozen=True, slots=True)
class Vendors:
    """All accounts. `homes`: account -> its configured addresses; `patience`: how long a click waits for a vendor, and
    `opening_patience` a browser that has nothing to show meanwhile."""

    providers: Mapping[str, Provider]
    clock: Clock
    homes: Mapping[str, Collection[str]] = field(default_factory=dict)
    patience: timedelta = timedelta(seconds=5)
    opening_patience: timedelta = OPENING_PATIENCE

    async def ask(self, build: Build, *, direct: bool) -> tuple[Build, Link | None]:
        """The build as its vendor describes it now, and with `direct` also the vendor's own link. A page's link is asked for in
        any case: whether there is one shows only then. Raises Hindered."""
        provider = self.providers.get(build.account)
        if provider is None:
            raise Hindered(Obstacle.GONE, "unknown_account")
        self._refuse_known(provider, build)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                return await self._ask(provider, build, direct)
        except TimeoutError as error:
            raise Hindered(Obstacle.VENDOR_DOWN, "timeout") from error
        except ProviderError as error:
            raise Hindered(_obstacle_of(error), error.reason) from error

    def can_be_had(self, build: Build) -> bool:
        """As far as the store knows."""
        provider = self.providers.get(build.account)
        return provider is not None and self._obstacle(provider, build) is None

    def opening(self, build: Build) -> Opening | None:
        """How the build's content is opened: the vendor is asked when the block is entered, and a single-use link is minted then.
        A HEAD is answered from what the store knows: whoever only looks must cost no vendor's call. Entering raises
        ProviderError. None: the account hands out nothing (any more)."""
        provider = self.providers.get(build.account)
        match provider:
            case _Opener() if build.handover is Handover.FILE:
                return partial(_streamed, provider, build)
            case _Minter():
                return partial(self._handed_on, provider, build)
            case _:
                return None

    async def enter(self, opening: Opening, build: Build, wanted: ByteRequest, stack: AsyncExitStack) -> Link | FileStream:
        """Opens the content, and leaves it open until the stack is closed. Raises ProviderError (Unreachable: timeout)."""
        try:
            async with asyncio.timeout(self.opening_patience.total_seconds()):
                return await stack.enter_async_context(opening(wanted))
        except TimeoutError as error:
            provider = self.providers[build.account].provider
            raise Unreachable(provider, build.account, "open content", "timeout") from error

    async def _ask(self, provider: Provider, build: Build, direct: bool) -> tuple[Build, Link | None]:
        fresh = await provider.reread_build(build) if isinstance(provider, RereadsBuilds) else build
        if obstacle := self._obstacle(provider, fresh):
            raise Hindered(obstacle)
        if not direct and fresh.handover is Handover.FILE:
            return fresh, None
        if not isinstance(provider, _Minter):
            raise Hindered(Obstacle.NO_PUBLIC_URL)
        return fresh, await self._mint(provider, fresh)

    def _refuse_known(self, provider: Provider, build: Build) -> None:
        """Spares the vendor what the store knows to be hopeless; only processing may have ended since."""
        obstacle = self._obstacle(provider, build)
        if obstacle is Obstacle.PROCESSING and isinstance(provider, RereadsBuilds):
            return
        if obstacle is not None:
            raise Hindered(obstacle)

    def _obstacle(self, provider: Provider, build: Build) -> Obstacle | None:
        if not _hands_out(provider, build):
            return Obstacle.NO_FILE
        if build.is_expired(self.clock()):
            return Obstacle.EXPIRED
        return _UNFINISHED.get(build.state)

    async def _mint(self, provider: _Minter, build: Build) -> Link:
        """Refuses what a vendor's answer must never make a browser open: file:, javascript:, a host inside of our network, ...
        Raises ProviderError."""
        link = await provider.mint_link(build)
        if not may_lead_to(link.url, self.homes.get(build.account, ())):
            raise Confused(provider.provider, provider.account, "mint link", "bad_link")
        return link

    @asynccontextmanager
    async def _handed_on(self, provider: _Minter, build: Build, wanted: ByteRequest) -> AsyncIterator[Link | FileStream]:
        yield _described(build) if wanted.head else await self._mint(provider, build)


@asynccontextmanager
async def _streamed(provider: _Opener, build: Build, wanted: ByteRequest) -> AsyncIterator[Link | FileStream]:
    if wanted.head:
        yield _described(build)
        return
    async with provider.open_file(build, wanted) as stream:
        yield stream


def _hands_out(provider: Provider, build: Build) -> bool:
    if build.handover is Handover.FILE:
        return isinstance(provider, (OpensFiles, MintsLinks))
    return build.handover is Handover.PAGE and isinstance(provider, MintsLinks)


def _obstacle_of(error: ProviderError) -> Obstacle:
    if error.reason == "no_public_link":
        return Obstacle.NO_FILE
    return next((obstacle for kind, obstacle in _OBSTACLES.items() if isinstance(error, kind)), Obstacle.CONFUSED)


def _described(build: Build) -> FileStream:
    return FileStream(200, _no_chunks(), length=build.size)


async def _no_chunks() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk
