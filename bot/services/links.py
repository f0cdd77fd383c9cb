"""From the click to the file: who was given which build, and what their link opens."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit
from uuid import uuid4

import jwt

from bot.domain.answers import Blocked, Obstacle, Ticket
from bot.domain.errors import (
    AgreementBlocked,
    Confused,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
    UserMistake,
)
from bot.domain.model import Build, BuildState, Grant, Handover, Link
from bot.domain.ports import (
    BuildFilter,
    ByteRequest,
    Clock,
    FileStream,
    MintsLinks,
    OpensFiles,
    Provider,
    Repositories,
    RereadsBuilds,
    Store,
)

AUDIENCE = "purser/download"
REVOKED = "revoked"
STREAMED = "streamed"
REDIRECTED = "redirected"
VENDOR_LINK = "vendor_link"

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
_REPLACEABLE = frozenset({Obstacle.GONE, Obstacle.FAILED, Obstacle.EXPIRED})


@runtime_checkable
class _Minter(Provider, MintsLinks, Protocol):
    """A provider with links of its own."""


class LinkGone(UserMistake):
    """The link was ours and has ended: expired, used up or revoked. `grant_id` is for the log, never for the page."""

    def __init__(self, grant_id: str) -> None:
        super().__init__("This download link has ended.")
        self.grant_id = grant_id


class LinkUnknown(UserMistake):
    """The link was never ours, or was changed on its way."""

    def __init__(self) -> None:
        super().__init__("This is not a download link that Purser knows.")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a valid link stands for. `product` is the product's name, `title` the provider's, `url` the link's own address."""

    grant: Grant
    build: Build
    product: str
    title: str
    bundle_id: str | None
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Handed:
    """A file on its way: a Link to send the browser to, or a stream to pass on."""

    opened: Opened
    content: Link | FileStream


class _Hindered(Exception):
    """Carries the reason for a Blocked answer out of the steps of a click."""

    def __init__(self, obstacle: Obstacle, reason: str | None = None) -> None:
        super().__init__(obstacle)
        self.obstacle = obstacle
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LinkTokens:
    """Signs grant ids into link tokens. The first key signs, all verify: keys can be changed without an outage."""

    keys: Sequence[str] = field(repr=False)

    def sign(self, grant: Grant) -> str:
        claims = {"aud": AUDIENCE, "exp": grant.expires_at, "jti": grant.id}
        return jwt.encode(claims, self.keys[0], algorithm="HS256")

    def grant_id(self, token: str, now: datetime) -> str:
        """Raises LinkUnknown, and LinkGone when the token's time is over."""
        claims = self._claims(token)
        if claims["exp"] <= now.timestamp():
            raise LinkGone(str(claims["jti"]))
        return str(claims["jti"])

    def _claims(self, token: str) -> Mapping[str, Any]:
        # The expiry is compared in grant_id, because PyJWT reads the system's clock instead of ours.
        options: jwt.types.Options = {"require": ["aud", "exp", "jti"], "verify_exp": False}
        for key in self.keys:
            try:
                return jwt.decode(token, key, algorithms=["HS256"], audience=AUDIENCE, options=options)
            except jwt.InvalidTokenError:
                continue
        raise LinkUnknown


class Links:
    """Grants downloads and opens them. Knows no HTTP.

    `keys` as in LinkTokens; `titles` maps account -> provider's title; `openings` is how often one grant hands out its file;
    `patience` how long a click waits for the vendor.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        clock: Clock,
        *,
        keys: Sequence[str],
        public_url: str | None,
        titles: Mapping[str, str],
        valid_for: timedelta = timedelta(minutes=10),
        openings: int = 25,
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self._store = store
        self._providers = providers
        self._clock = clock
        self._tokens = LinkTokens(keys)
        self._public_url = public_url.rstrip("/") if public_url else None
        self._titles = titles
        self._valid_for = valid_for
        self._openings = openings
        self._patience = patience

    async def grant(self, person_id: str, channel: str, build_key: str) -> Ticket | Blocked:
        """The click: what the vendor says now decides, and a link that leads somewhere is recorded and handed out."""
        build = await self._store.read(partial(_find_build, key=build_key))
        if build is None:
            return Blocked(Obstacle.GONE, reason="unknown_build")
        try:
            fresh, link = await self._ask(build)
        except _Hindered as hindered:
            return await self._blocked(hindered, build)
        return await self._ticket(person_id, channel, fresh, link)

    async def look(self, token: str) -> Opened:
        """What the link stands for; asks no vendor. Raises LinkGone and LinkUnknown."""
        grant_id = self._tokens.grant_id(token, self._clock())
        if self._public_url is None:
            raise LinkUnknown
        return await self._store.read(partial(self._opened, grant_id=grant_id, url=self._address(token)))

    @asynccontextmanager
    async def open(self, token: str, wanted: ByteRequest) -> AsyncIterator[Handed]:
        """The file itself. A vendor's single-use link is minted here and nowhere before, and never for a HEAD.

        Raises LinkGone, LinkUnknown and ProviderError. Leaving closes the vendor's connection.
        """
        opened = await self.look(token)
        async with AsyncExitStack() as stack:
            try:
                content = await stack.enter_async_context(self._content(opened, wanted))
            except ProviderError as error:
                await self._record(opened.grant, error.reason)
                raise
            if not wanted.head:
                await self._record(opened.grant, REDIRECTED if isinstance(content, Link) else STREAMED)
            yield Handed(opened, content)

    # --- The click ----------------------------------------------------------------------------

    async def _ask(self, build: Build) -> tuple[Build, Link | None]:
        """The build as the vendor describes it now, and the vendor's link where one is needed. Raises _Hindered."""
        provider = self._providers.get(build.account)
        if provider is None:
            raise _Hindered(Obstacle.GONE, "unknown_account")
        self._refuse_known(provider, build)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await self._ask_vendor(provider, build)
        except TimeoutError as error:
            raise _Hindered(Obstacle.VENDOR_DOWN, "timeout") from error
        except ProviderError as error:
            raise _Hindered(_obstacle_of(error), error.reason) from error

    async def _ask_vendor(self, provider: Provider, build: Build) -> tuple[Build, Link | None]:
        fresh = await provider.reread_build(build) if isinstance(provider, RereadsBuilds) else build
        if obstacle := self._obstacle(provider, fresh):
            raise _Hindered(obstacle)
        if self._public_url is not None and fresh.handover is Handover.FILE:
            return fresh, None
        if not isinstance(provider, _Minter):
            raise _Hindered(Obstacle.NO_PUBLIC_URL)
        return fresh, await _mint(provider, fresh)

    def _refuse_known(self, provider: Provider, build: Build) -> None:
        """Spares the vendor what the store knows to be hopeless; only processing may have ended since."""
        obstacle = self._obstacle(provider, build)
        if obstacle is Obstacle.PROCESSING and isinstance(provider, RereadsBuilds):
            return
        if obstacle is not None:
            raise _Hindered(obstacle)

    def _obstacle(self, provider: Provider, build: Build) -> Obstacle | None:
        if not _hands_out(provider, build):
            return Obstacle.NO_FILE
        if build.is_expired(self._clock()):
            return Obstacle.EXPIRED
        return _UNFINISHED.get(build.state)

    async def _blocked(self, hindered: _Hindered, build: Build) -> Blocked:
        down = hindered.obstacle is Obstacle.VENDOR_DOWN
        find = partial(self._find_instead, build=build)
        return Blocked(
            hindered.obstacle,
            build,
            title=self._titles.get(build.account, ""),
            account=build.account,
            since=await self._store.read(partial(_failing_since, account=build.account)) if down else None,
            instead=await self._store.read(find) if hindered.obstacle in _REPLACEABLE else None,
            reason=hindered.reason,
        )

    def _find_instead(self, repos: Repositories, build: Build) -> Build | None:
        """The newest build of the same product, platform and track that can be had."""
        product = repos.catalogue.product_of(build.account, build.app_id)
        if product is None:
            return None
        page = repos.catalogue.find_builds(product.id, BuildFilter(platform=build.platform, track=build.track), limit=50)
        others = (other for other in page.builds if other.key != build.key)
        return next(filter(self._can_be_had, others), None)

    def _can_be_had(self, build: Build) -> bool:
        provider = self._providers.get(build.account)
        return provider is not None and self._obstacle(provider, build) is None

    async def _ticket(self, person_id: str, channel: str, build: Build, link: Link | None) -> Ticket:
        now = self._clock()
        direct = link if self._public_url is None else None
        expires_at = (direct and direct.expires_at) or now + self._valid_for
        grant = Grant(uuid4().hex, build.key, person_id, channel, now, expires_at)
        await self._store.write(partial(_add_grant, grant=grant, outcome=VENDOR_LINK if direct else None))
        url = direct.url if direct else self._address(self._tokens.sign(grant))
        return Ticket(grant, build, self._titles.get(build.account, ""), url, expires_at - now)

    def _address(self, token: str) -> str:
        return f"{self._public_url}/d/{token}"

    # --- The opening --------------------------------------------------------------------------

    def _opened(self, repos: Repositories, grant_id: str, url: str) -> Opened:
        grant = repos.grants.get(grant_id)
        if grant is None:
            raise LinkUnknown
        self._refuse_ended(grant)
        build = _find_build(repos, grant.build_key)
        if build is None:
            raise LinkGone(grant.id)
        product = repos.catalogue.product_of(build.account, build.app_id)
        if product is None:
            raise LinkGone(grant.id)
        apps = {(app.account, app.id): app.bundle_id for app in product.apps}
        bundle_id = build.bundle_id or apps.get((build.account, build.app_id))
        return Opened(grant, build, product.name, self._titles.get(build.account, ""), bundle_id, url)

    def _refuse_ended(self, grant: Grant) -> None:
        if grant.expires_at <= self._clock() or grant.outcome == REVOKED or grant.opened >= self._openings:
            raise LinkGone(grant.id)

    def _content(self, opened: Opened, wanted: ByteRequest) -> AbstractAsyncContextManager[Link | FileStream]:
        build = opened.build
        provider = self._providers.get(build.account)
        if provider is None:
            raise LinkGone(opened.grant.id)
        if build.handover is Handover.FILE and isinstance(provider, OpensFiles):
            return provider.open_file(build, wanted)
        if not isinstance(provider, _Minter):
            raise LinkGone(opened.grant.id)
        if wanted.head:
            return nullcontext(FileStream(200, _no_chunks(), length=build.size))
        return _minted(provider, build)

    async def _record(self, grant: Grant, outcome: str) -> None:
        await self._store.write(partial(self._count, grant_id=grant.id, outcome=outcome))

    def _count(self, repos: Repositories, grant_id: str, outcome: str) -> None:
        """Checked again where it is counted: of many openings at once no more than allowed get through."""
        grant = repos.grants.get(grant_id)
        if grant is None:
            raise LinkGone(grant_id)
        self._refuse_ended(grant)
        repos.grants.record_open(grant_id, outcome)


def _find_build(repos: Repositories, key: str) -> Build | None:
    return repos.catalogue.builds_by_key([key]).get(key)


def _failing_since(repos: Repositories, account: str) -> datetime | None:
    health = repos.catalogue.account(account)
    return health.failing_since if health else None


def _add_grant(repos: Repositories, grant: Grant, outcome: str | None) -> None:
    repos.grants.add(grant)
    if outcome is not None:
        repos.grants.record_open(grant.id, outcome)


def _hands_out(provider: Provider, build: Build) -> bool:
    if build.handover is Handover.FILE:
        return isinstance(provider, (OpensFiles, MintsLinks))
    return build.handover is Handover.PAGE and isinstance(provider, MintsLinks)


def _obstacle_of(error: ProviderError) -> Obstacle:
    if error.reason == "no_public_link":
        return Obstacle.NO_FILE
    return next((obstacle for kind, obstacle in _OBSTACLES.items() if isinstance(error, kind)), Obstacle.CONFUSED)


async def _mint(provider: _Minter, build: Build) -> Link:
    """Refuses what a vendor's answer must never make a browser open (file:, javascript:, ...). Raises ProviderError."""
    link = await provider.mint_link(build)
    if urlsplit(link.url).scheme not in ("http", "https"):
        raise Confused(provider.provider, provider.account, "mint link", "bad_link")
    return link


@asynccontextmanager
async def _minted(provider: _Minter, build: Build) -> AsyncIterator[Link]:
    yield await _mint(provider, build)


async def _no_chunks() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk
