"""From the click to the file: who was given which build, and what their link opens."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import structlog

from bot.domain.answers import Blocked, Limited, Obstacle, Ticket
from bot.domain.errors import ProviderError, StoreUnavailable
from bot.domain.model import OPENING, VENDOR_LINK, Build, Grant, Link
from bot.domain.ports import BuildFilter, ByteRequest, Clock, FileStream, Provider, Repositories, Store
from bot.services.door import Door, OpenDoor
from bot.services.minting import OPENING_PATIENCE, Hindered, Vendors
from bot.services.shelf import Shelf, Shelved
from bot.services.tokens import Ending, LinkGone, LinkRefused, LinkRevoked, LinkTokens, LinkUnknown
from bot.services.transfers import Transfers

STREAMED = "streamed"
LEFT = "left"
BROKEN_OFF = "broken_off"
TAKEN_BACK = "taken_back"
REDIRECTED = "redirected"
LIMITED = "limited"
HOUR = timedelta(hours=1)
ASKED_PER_LINK = 4  # a vendor's trouble is no reason to ask it without end: so many clicks for each link that one may have
INSTEAD_WITHIN = 50  # builds among which one is looked for that can be had instead

log = structlog.get_logger()

_WAITS = frozenset({Obstacle.PROCESSING, Obstacle.VENDOR_DOWN, Obstacle.VENDOR_BUSY, Obstacle.CONFUSED})  # until Try again
_REPLACEABLE = frozenset({Obstacle.GONE, Obstacle.FAILED, Obstacle.EXPIRED})


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


class Links:
    """Grants downloads and opens them. Knows no HTTP.

    `keys` as in LinkTokens; `titles` maps account -> provider's title; `homes` account -> its configured addresses; `openings` is
    how often one grant hands out its file, `per_hour` how many links a person gets in an hour; `patience` how long a click waits
    for the vendor, `opening_patience` a browser. `door` is asked whenever a link is opened.
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
        homes: Mapping[str, Collection[str]] | None = None,
        door: Door | None = None,
        valid_for: timedelta = timedelta(minutes=10),
        openings: int = 25,
        per_hour: int = 30,
        patience: timedelta = timedelta(seconds=5),
        opening_patience: timedelta = OPENING_PATIENCE,
    ) -> None:
        self._store = store
        self._vendors = Vendors(providers, clock, homes or {}, patience, opening_patience)
        self._clock = clock
        self._tokens = LinkTokens(keys)
        self._public_url = public_url.rstrip("/") if public_url else None
        self._titles = titles
        self._door = door or OpenDoor()
        self._valid_for = valid_for
        self._openings = openings
        self._per_hour = per_hour
        self._shelf = Shelf()
        self._transfers = Transfers(store, clock)

    # --- The click ----------------------------------------------------------------------------

    async def grant(self, person_id: str, channel: str, build_key: str) -> Ticket | Blocked | Limited:
        """What the vendor says now decides. Every click on a build is recorded. One that a vendor's trouble or a build's
        processing leads nowhere waits, and for an hour the next of the same person on the same build takes its place."""
        asked = self._clicked(person_id, channel, build_key)
        build = await self._store.read(partial(_find_build, key=build_key))
        if build is None:
            await self._record(replace(asked, outcome="unknown_build", asked=0))
            return Blocked(Obstacle.GONE, reason="unknown_build")
        if limited := await self._store.read(partial(self._limit, asked=asked)):
            await self._record(replace(asked, outcome=LIMITED, asked=0))
            return limited
        try:
            fresh, link = await self._vendors.ask(build, direct=self._public_url is None)
        except Hindered as hindered:
            return await self._store.write(partial(self._blocked, asked=asked, build=build, hindered=hindered))
        return await self._ticket(asked, fresh, link)

    async def refuse(self, person_id: str, channel: str, build_key: str, reason: str) -> None:
        """Records the click of somebody who may not have the build; `reason` is a stable code."""
        await self._record(replace(self._clicked(person_id, channel, build_key), outcome=f"denied_{reason}", asked=0))

    async def shelved(self, build_key: str) -> Shelved | None:
        """A build with its product; None: the store has no such build."""
        return await self._store.read(lambda repos: self._shelf.find(repos, build_key))

    async def ticket(self, grant_id: str, person_id: str) -> Ticket:
        """A ticket once more, for the person to whom it was given. Raises LinkGone, LinkUnknown."""
        grant, shelved = await self._store.read(partial(self._live, grant_id=grant_id))
        if grant.user != person_id or self._public_url is None:
            raise LinkUnknown
        url = self._address(self._tokens.sign(grant))
        return self._as_ticket(grant, shelved.build, url)

    def _clicked(self, person_id: str, channel: str, build_key: str) -> Grant:
        return Grant(uuid4().hex, build_key, person_id, channel, self._clock(), self._clock(), given=False)

    async def _record(self, grant: Grant) -> None:
        await self._store.write(lambda repos: repos.grants.add(grant))

    def _limit(self, repos: Repositories, asked: Grant) -> Limited | None:
        if limited := self._limit_of_links(repos, asked):
            return limited
        count, first = repos.grants.asked(asked.user, asked.created_at - HOUR)
        most = self._per_hour * ASKED_PER_LINK
        return Limited(most, first + HOUR, of_clicks=True) if first and count >= most else None

    def _limit_of_links(self, repos: Repositories, asked: Grant) -> Limited | None:
        first = repos.grants.nth_newest(asked.user, asked.created_at - HOUR, self._per_hour)
        return Limited(self._per_hour, first + HOUR) if first is not None else None

    def _blocked(self, repos: Repositories, asked: Grant, build: Build, hindered: Hindered) -> Blocked:
        repos.grants.hold(asked.user)
        _keep(repos, replace(asked, outcome=str(hindered.obstacle)))
        down = hindered.obstacle is Obstacle.VENDOR_DOWN
        return Blocked(
            hindered.obstacle,
            build,
            title=self._titles.get(build.account, ""),
            account=build.account,
            since=_failing_since(repos, build.account) if down else None,
            instead=self._find_instead(repos, build) if hindered.obstacle in _REPLACEABLE else None,
            reason=hindered.reason,
            well_at=_well_at(repos, build.account) if down else None,
        )

    def _find_instead(self, repos: Repositories, build: Build) -> Build | None:
        """The newest build of the same product, platform and track that can be had."""
        product = repos.catalogue.product_of(build.account, build.app_id)
        if product is None:
            return None
        wanted = BuildFilter(build.platform, build.track, accounts=frozenset(self._vendors.providers))
        newest = repos.catalogue.newest(product.id, wanted, INSTEAD_WITHIN)
        others = (other for other in newest if other.key != build.key)
        return next(filter(self._vendors.can_be_had, others), None)

    async def _ticket(self, asked: Grant, build: Build, link: Link | None) -> Ticket | Limited:
        now = self._clock()
        direct = link if self._public_url is None else None
        expires_at = (direct and direct.expires_at) or now + self._valid_for
        given = replace(asked, given=True, created_at=now, expires_at=expires_at, outcome=VENDOR_LINK if direct else None)
        grant = await self._store.write(partial(self._give, given=replace(given, opened=1 if direct else 0)))
        if isinstance(grant, Limited):
            return grant
        return self._as_ticket(grant, build, direct.url if direct else self._address(self._tokens.sign(grant)))

    def _give(self, repos: Repositories, given: Grant) -> Grant | Limited:
        """The limit is checked again here, where a person's clicks at once come one after the other."""
        repos.grants.hold(given.user)
        if limited := self._limit_of_links(repos, given):
            repos.grants.add(replace(given, given=False, opened=0, outcome=LIMITED))
            return limited
        return _keep(repos, given)

    def _as_ticket(self, grant: Grant, build: Build, url: str) -> Ticket:
        title = self._titles.get(build.account, "")
        return Ticket(grant, build, title, url, grant.expires_at - self._clock())

    def _address(self, token: str) -> str:
        return f"{self._public_url}/d/{token}"

    # --- The opening --------------------------------------------------------------------------

    async def look(self, token: str) -> Opened:
        """What the link stands for; asks no vendor. Raises LinkGone, LinkRefused and LinkUnknown."""
        grant_id = self._tokens.grant_id(token, self._clock())
        if self._public_url is None:
            raise LinkUnknown
        grant, shelved = await self._store.read(partial(self._live, grant_id=grant_id))
        if denied := await self._door.denial(grant, shelved.product):
            raise LinkRefused(grant.id, denied.denial)
        title = self._titles.get(shelved.build.account, "")
        return Opened(grant, shelved.build, shelved.product.name, title, shelved.bundle_id, self._address(token))

    @asynccontextmanager
    async def open(self, opened: Opened, wanted: ByteRequest) -> AsyncIterator[Handed]:
        """The file itself. A vendor's single-use link is minted here and nowhere before, and never for a HEAD.

        Raises LinkGone and ProviderError. Leaving closes the vendor's connection; how the block is left is how the opening ended.
        The stream's chunks raise LinkRevoked when the link is taken back meanwhile.
        """
        opening = self._vendors.opening(opened.build)
        if opening is None:
            raise LinkGone(opened.grant.id, Ending.NOTHING_THERE)
        if not wanted.head:
            await self._store.write(partial(self._count, grant_id=opened.grant.id))
        async with AsyncExitStack() as stack:
            try:
                content = await self._vendors.enter(opening, opened.build, wanted, stack)
            except ProviderError as error:
                await self._note(opened.grant, error.reason)
                raise
            async with self._watched(opened.grant, content, wanted):
                yield Handed(opened, self._until_revoked(opened.grant, content))

    def _until_revoked(self, grant: Grant, content: Link | FileStream) -> Link | FileStream:
        if isinstance(content, Link):
            return content
        return replace(content, chunks=self._transfers.until_revoked(grant.id, content.chunks))

    @asynccontextmanager
    async def _watched(self, grant: Grant, content: Link | FileStream, wanted: ByteRequest) -> AsyncIterator[None]:
        """Keeps how an opening ends. One that brings nothing, because the part wanted lies beyond the end, is none."""
        if wanted.head:
            yield
        elif isinstance(content, Link):
            await self._note(grant, REDIRECTED)
            yield
        elif content.status == 416:
            await self._store.write(lambda repos: repos.grants.close_again(grant.id, grant.outcome))
            yield
        else:
            async with self._noted(grant):
                yield

    @asynccontextmanager
    async def _noted(self, grant: Grant) -> AsyncIterator[None]:
        outcome = BROKEN_OFF
        try:
            yield
            outcome = STREAMED
        except asyncio.CancelledError:
            outcome = LEFT
            raise
        except LinkRevoked:
            outcome = TAKEN_BACK
            raise
        finally:
            await self._note(grant, outcome)

    def _live(self, repos: Repositories, grant_id: str) -> tuple[Grant, Shelved]:
        grant = repos.grants.get(grant_id)
        if grant is None:
            raise LinkUnknown
        shelved = self._shelf.find(repos, grant.build_key)
        if ending := self._ending(grant):
            raise LinkGone(grant.id, ending)
        if shelved is None:
            raise LinkGone(grant.id, Ending.NOTHING_THERE)
        return grant, shelved

    def _ending(self, grant: Grant) -> Ending | None:
        if grant.revoked_at is not None:
            return Ending.REVOKED
        if grant.expires_at <= self._clock() or not grant.given:
            return Ending.EXPIRED
        return Ending.USED_UP if grant.opened >= self._openings else None

    def _count(self, repos: Repositories, grant_id: str) -> None:
        """Before the vendor is asked: of many openings at once no more than allowed get that far."""
        if not repos.grants.open_once(grant_id, OPENING, self._openings, self._clock()):
            grant = repos.grants.get(grant_id)
            raise LinkGone(grant_id, (grant and self._ending(grant)) or Ending.EXPIRED)

    async def _note(self, grant: Grant, outcome: str) -> None:
        """A store that is away costs nobody a download: the audit log then knows no more than that it began."""
        try:
            await self._store.write(lambda repos: repos.grants.note(grant.id, outcome))
        except StoreUnavailable as error:
            log.warning("outcome not kept", grant=grant.id, outcome=outcome, reason=error.reason)


def _find_build(repos: Repositories, key: str) -> Build | None:
    return repos.catalogue.builds_by_key([key]).get(key)


def _failing_since(repos: Repositories, account: str) -> datetime | None:
    health = repos.catalogue.account(account)
    return health.failing_since if health else None


def _well_at(repos: Repositories, account: str) -> datetime | None:
    health = repos.catalogue.account(account)
    return health.ok_at if health else None


def _keep(repos: Repositories, asked: Grant) -> Grant:
    """In the place of the click that waits, where one does."""
    waiting = repos.grants.waiting(asked.user, asked.build_key, _WAITS, asked.created_at - HOUR)
    if waiting is not None and repos.grants.settle(kept := replace(asked, id=waiting.id, asked=waiting.asked + 1)):
        return kept
    repos.grants.add(asked)
    return asked
