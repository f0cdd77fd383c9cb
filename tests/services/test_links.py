"""The click and the opening: every way in which there is no link, and the one in which there is."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import jwt
import pytest

from bot.domain.answers import Blocked, Denial, Denied, Limited, Obstacle, Ticket
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
from bot.domain.model import App, Build, BuildState, Grant, Handover, Link, LinkKind, Platform, Product
from bot.domain.ports import ByteRequest, FileStream, GrantFilter, Provider, Repositories
from bot.services.door import Door
from bot.services.links import ASKED_PER_LINK, Links
from bot.services.tokens import LinkGone, LinkRefused, LinkUnknown
from bot.store import Database
from tests.services.conftest import NOON, StoppedClock

OLD_KEY, KEY = "o" * 40, "k" * 40
PUBLIC_URL = "https://purser.example"

APP = App("acme", "a1", "Shop", "com.acme.shop")
BUILD = Build(
    account="acme",
    app_id="a1",
    id="b1",
    version="3.2.0",
    number="418",
    platform=Platform.ANDROID,
    track="Live",
    state=BuildState.LIVE,
    handover=Handover.FILE,
    uploaded_at=NOON - timedelta(days=1),
    size=5,
)
PAGE = replace(BUILD, handover=Handover.PAGE)


@dataclass
class Lister:
    """A provider that hands nothing out."""

    account: str = "acme"
    provider: str = "vendor"
    calls: list[str] = field(default_factory=list)
    failure: Exception | None = None

    async def aclose(self) -> None: ...

    def answer(self, operation: str) -> None:
        self.calls.append(operation)
        if self.failure:
            raise self.failure


@dataclass
class Streamer(Lister):
    closed: int = 0

    @asynccontextmanager
    async def open_file(self, build: Build, wanted: ByteRequest) -> AsyncIterator[FileStream]:
        self.answer("open file")
        yield FileStream(200, _bytes(b"hello"), length=5)
        self.closed += 1


@dataclass
class Minter(Lister):
    url: str = "https://vendor.example/once/1"
    expires_in: timedelta | None = None

    async def mint_link(self, build: Build) -> Link:
        self.answer("mint link")
        return Link(self.url, LinkKind.FILE, NOON + self.expires_in if self.expires_in else None)


@dataclass
class RereadingStreamer(Streamer):
    now: Mapping[str, object] = field(default_factory=dict)
    hangs: bool = False

    async def reread_build(self, build: Build) -> Build:
        self.answer("reread build")
        if self.hangs:
            await asyncio.Event().wait()
        return replace(build, **self.now)  # type: ignore[arg-type]


async def _bytes(content: bytes) -> AsyncIterator[bytes]:
    yield content


@dataclass
class Desk:
    """Links over a real store, and what a test wants to know of it."""

    store: Database
    clock: StoppedClock

    def links(
        self,
        *providers: Provider,
        keys: tuple[str, ...] = (KEY,),
        public_url: str | None = PUBLIC_URL,
        patience: float = 5,
        per_hour: int = 30,
        door: Door | None = None,
    ) -> Links:
        return Links(
            self.store,
            {provider.account: provider for provider in providers},
            self.clock,
            keys=keys,
            public_url=public_url,
            titles={"acme": "Acme Store"},
            patience=timedelta(seconds=patience),
            per_hour=per_hour,
            door=door,
        )

    async def save(self, *builds: Build, app: App = APP) -> None:
        await self.store.write(lambda repos: _save(repos, app, builds))

    async def log(self) -> list[Grant]:
        return [line.grant for line in await self.store.read(lambda repos: repos.grants.find(GrantFilter()))]

    async def grant_row(self, grant_id: str) -> Grant | None:
        return await self.store.read(lambda repos: repos.grants.get(grant_id))


def _save(repos: Repositories, app: App, builds: tuple[Build, ...]) -> None:
    repos.catalogue.register_account(app.account, "vendor")
    products = repos.catalogue.products()
    product = products[0] if products else repos.catalogue.add_product("Shop")
    repos.catalogue.save_app(app, product.id, NOON)
    repos.catalogue.save_builds(builds, NOON)


@pytest.fixture
async def desk(store: Database, clock: StoppedClock) -> Desk:
    desk = Desk(store, clock)
    await desk.save(BUILD)
    return desk


async def ticket_for(links: Links, build: Build = BUILD) -> Ticket:
    ticket = await links.grant("U1", "C1", build.key)
    assert isinstance(ticket, Ticket)
    return ticket


async def blocked_for(links: Links, build: Build = BUILD) -> Blocked:
    blocked = await links.grant("U1", "C1", build.key)
    assert isinstance(blocked, Blocked)
    return blocked


def token_of(ticket: Ticket) -> str:
    return ticket.url.removeprefix(f"{PUBLIC_URL}/d/")


# --- The click: a link


async def test_a_ticket_is_a_recorded_grant(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(Streamer()))
    assert ticket.build == BUILD
    assert ticket.title == "Acme Store"
    assert ticket.valid_for == timedelta(minutes=10)
    assert ticket.url.startswith(f"{PUBLIC_URL}/d/")
    expected = Grant(ticket.grant.id, BUILD.key, "U1", "C1", NOON, NOON + timedelta(minutes=10))
    assert await desk.grant_row(ticket.grant.id) == expected


async def test_each_click_is_its_own_grant(desk: Desk) -> None:
    links = desk.links(Streamer())
    assert (await ticket_for(links)).grant.id != (await ticket_for(links)).grant.id


async def test_the_token_says_nothing_but_the_grant(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(Streamer()))
    claims = jwt.decode(token_of(ticket), options={"verify_signature": False})
    assert claims == {"aud": "purser/download", "exp": int(ticket.grant.expires_at.timestamp()), "jti": ticket.grant.id}


async def test_the_address_stays_out_of_reprs(desk: Desk) -> None:
    links = desk.links(Streamer())
    ticket = await ticket_for(links)
    opened = await links.look(token_of(ticket))
    assert token_of(ticket) not in repr(ticket) + repr(opened)


async def test_a_slash_after_the_public_url_does_no_harm(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(Streamer(), public_url=f"{PUBLIC_URL}/"))
    assert ticket.url.startswith(f"{PUBLIC_URL}/d/")


async def test_a_click_mints_no_single_use_link(desk: Desk) -> None:
    minter = Minter()
    await ticket_for(desk.links(minter))
    assert minter.calls == []


async def test_what_the_vendor_says_now_is_what_the_ticket_shows(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(RereadingStreamer(now={"size": 7})))
    assert ticket.build.size == 7


async def test_processing_that_has_ended_since_the_last_check(desk: Desk) -> None:
    await desk.save(replace(BUILD, state=BuildState.PROCESSING))
    ticket = await ticket_for(desk.links(RereadingStreamer(now={"state": BuildState.READY})))
    assert ticket.build.state is BuildState.READY


# --- The click: without a PUBLIC_URL


async def test_without_public_url_the_vendors_own_link(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(Minter(expires_in=timedelta(minutes=3)), public_url=None))
    assert ticket.url == "https://vendor.example/once/1"
    assert ticket.valid_for == timedelta(minutes=3)
    row = await desk.grant_row(ticket.grant.id)
    assert row is not None
    assert (row.opened, row.outcome) == (1, "vendor_link")


async def test_without_public_url_and_without_links(desk: Desk) -> None:
    assert (await blocked_for(desk.links(Streamer(), public_url=None))).obstacle is Obstacle.NO_PUBLIC_URL


# --- The click: no link


async def test_a_build_that_nobody_knows(desk: Desk) -> None:
    blocked = await desk.links(Streamer()).grant("U1", "C1", "0123456789abcdef")
    assert blocked == Blocked(Obstacle.GONE, reason="unknown_build")


async def test_an_account_that_is_no_longer_configured(desk: Desk) -> None:
    blocked = await blocked_for(desk.links())
    assert (blocked.obstacle, blocked.build, blocked.account) == (Obstacle.GONE, BUILD, "acme")


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        (BuildState.PROCESSING, Obstacle.PROCESSING),
        (BuildState.FAILED, Obstacle.FAILED),
        (BuildState.EXPIRED, Obstacle.EXPIRED),
    ],
)
async def test_states_in_the_store(desk: Desk, state: BuildState, obstacle: Obstacle) -> None:
    streamer = Streamer()
    await desk.save(replace(BUILD, state=state))
    blocked = await blocked_for(desk.links(streamer))
    assert blocked.obstacle is obstacle
    assert streamer.calls == []


async def test_an_expiry_that_has_passed_since_the_last_check(desk: Desk) -> None:
    await desk.save(replace(BUILD, expires_at=NOON + timedelta(hours=1)))
    links = desk.links(Streamer())
    await ticket_for(links)
    desk.clock.advance(hours=2)
    assert (await blocked_for(links)).obstacle is Obstacle.EXPIRED


@pytest.mark.parametrize(
    ("now", "obstacle"),
    [
        ({"state": BuildState.EXPIRED}, Obstacle.EXPIRED),
        ({"expires_at": NOON}, Obstacle.EXPIRED),
        ({"state": BuildState.PROCESSING}, Obstacle.PROCESSING),
        ({"state": BuildState.FAILED}, Obstacle.FAILED),
        ({"handover": Handover.NONE}, Obstacle.NO_FILE),
    ],
)
async def test_what_the_vendor_says_now(desk: Desk, now: Mapping[str, object], obstacle: Obstacle) -> None:
    assert (await blocked_for(desk.links(RereadingStreamer(now=now)))).obstacle is obstacle


@pytest.mark.parametrize(
    ("build", "provider"),
    [
        (replace(BUILD, handover=Handover.NONE), Streamer()),
        (BUILD, Lister()),
        (PAGE, Streamer()),
    ],
)
async def test_nothing_to_hand_out(desk: Desk, build: Build, provider: Lister) -> None:
    await desk.save(build)
    assert (await blocked_for(desk.links(provider))).obstacle is Obstacle.NO_FILE


@pytest.mark.parametrize(
    ("kind", "obstacle"),
    [
        (NotFound, Obstacle.GONE),
        (NotReady, Obstacle.PROCESSING),
        (AgreementBlocked, Obstacle.AGREEMENT),
        (Unreachable, Obstacle.VENDOR_DOWN),
        (RateLimited, Obstacle.VENDOR_BUSY),
        (Refused, Obstacle.REFUSED),
        (Confused, Obstacle.CONFUSED),
    ],
)
async def test_each_error_of_a_vendor(desk: Desk, kind: type[ProviderError], obstacle: Obstacle) -> None:
    blocked = await blocked_for(desk.links(RereadingStreamer(failure=kind("vendor", "acme", "reread build", "why"))))
    assert (blocked.obstacle, blocked.reason) == (obstacle, "why")
    assert (blocked.build, blocked.title, blocked.account) == (BUILD, "Acme Store", "acme")


async def test_since_when_a_vendor_is_down(desk: Desk) -> None:
    await desk.store.write(lambda repos: repos.catalogue.record_failure("acme", NOON - timedelta(hours=2), "refused"))
    failure = Unreachable("vendor", "acme", "reread build", "connect")
    blocked = await blocked_for(desk.links(RereadingStreamer(failure=failure)))
    assert blocked.since == NOON - timedelta(hours=2)


async def test_when_a_vendor_was_well_that_is_down_for_the_first_time(desk: Desk) -> None:
    await desk.store.write(lambda repos: repos.catalogue.record_success("acme", NOON - timedelta(minutes=4)))
    blocked = await blocked_for(desk.links(RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))))
    assert (blocked.since, blocked.well_at) == (None, NOON - timedelta(minutes=4))


async def test_a_vendor_that_does_not_answer_in_time(desk: Desk) -> None:
    blocked = await blocked_for(desk.links(RereadingStreamer(hangs=True), patience=0.05))
    assert (blocked.obstacle, blocked.reason) == (Obstacle.VENDOR_DOWN, "timeout")


async def test_a_page_that_does_not_exist_is_said_at_the_click(desk: Desk) -> None:
    await desk.save(PAGE)
    minter = Minter(failure=NotFound("vendor", "acme", "mint link", "no_public_link"))
    assert (await blocked_for(desk.links(minter))).obstacle is Obstacle.NO_FILE
    minter.failure = None
    await ticket_for(desk.links(minter))
    assert minter.calls == ["mint link"] * 2


async def test_the_newest_that_can_be_had_instead(desk: Desk) -> None:
    def other(id: str, age: int, **facts: object) -> Build:
        return replace(BUILD, id=id, uploaded_at=NOON - timedelta(days=age), **facts)  # type: ignore[arg-type]

    wanted = other("good", 4)
    await desk.save(
        replace(BUILD, state=BuildState.EXPIRED),
        other("processing", 1, state=BuildState.PROCESSING),
        other("ios", 1, platform=Platform.IOS),
        other("beta", 1, track="Beta"),
        other("stale", 2, expires_at=NOON),
        other("listed", 3, handover=Handover.NONE),
        wanted,
        other("older", 5),
    )
    assert (await blocked_for(desk.links(Streamer()))).instead == wanted


async def test_nothing_instead(desk: Desk) -> None:
    await desk.save(replace(BUILD, state=BuildState.EXPIRED))
    assert (await blocked_for(desk.links(Streamer()))).instead is None


# --- The click: recorded, and not too often


async def test_a_click_that_leads_nowhere_waits_and_the_next_takes_its_place(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor)
    for _ in range(3):
        await blocked_for(links)
        desk.clock.advance(minutes=1)
    (waiting,) = await desk.log()
    assert (waiting.given, waiting.outcome, waiting.user, waiting.channel) == (False, "vendor_down", "U1", "C1")
    vendor.failure = None
    ticket = await ticket_for(links)
    until = desk.clock.now + timedelta(minutes=10)
    assert ticket.grant == Grant(waiting.id, BUILD.key, "U1", "C1", desk.clock.now, until, asked=4)
    assert await desk.log() == [ticket.grant]
    assert (await ticket_for(links)).grant.id != waiting.id


async def test_somebody_elses_waiting_click_is_theirs(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor)
    await blocked_for(links)
    vendor.failure = None
    await links.grant("U2", "C1", BUILD.key)
    assert sorted((grant.user, grant.given) for grant in await desk.log()) == [("U1", False), ("U2", True)]


@pytest.mark.parametrize(("state", "later"), [(BuildState.FAILED, timedelta()), (BuildState.PROCESSING, timedelta(hours=1))])
async def test_a_click_that_has_ended_stays_in_the_log(desk: Desk, state: BuildState, later: timedelta) -> None:
    """What failed for good is over; what waited is over after an hour."""
    await desk.save(replace(BUILD, state=state))
    links = desk.links(Streamer())
    for _ in range(2):
        await blocked_for(links)
        desk.clock.now += later
    assert [(grant.given, grant.outcome) for grant in await desk.log()] == [(False, state)] * 2


async def test_clicks_without_an_answer_are_recorded_too(desk: Desk) -> None:
    links = desk.links(Streamer(), per_hour=1)
    await links.grant("U1", "C1", "0123456789abcdef")
    await links.refuse("U1", "C1", BUILD.key, Denial.GUEST)
    await ticket_for(links)
    await links.grant("U1", "C1", BUILD.key)
    outcomes = sorted((str(grant.outcome), grant.given) for grant in await desk.log())
    assert outcomes == [("None", True), ("denied_guest", False), ("limited", False), ("unknown_build", False)]


async def test_a_waiting_click_opens_nothing(desk: Desk) -> None:
    links = desk.links(Lister())
    await blocked_for(links)
    (waiting,) = await desk.log()
    forged = jwt.encode({"aud": "purser/download", "exp": NOON + timedelta(minutes=5), "jti": waiting.id}, KEY, algorithm="HS256")
    with pytest.raises(LinkGone):
        await links.look(forged)


async def test_so_many_links_an_hour(desk: Desk) -> None:
    links = desk.links(Streamer(), per_hour=3)
    for _ in range(3):
        await ticket_for(links)
        desk.clock.advance(minutes=10)
    assert await links.grant("U1", "C1", BUILD.key) == Limited(3, NOON + timedelta(hours=1))
    assert isinstance(await links.grant("U2", "C1", BUILD.key), Ticket)
    desk.clock.advance(minutes=30)
    await ticket_for(links)
    assert await links.grant("U1", "C1", BUILD.key) == Limited(3, NOON + timedelta(hours=1, minutes=10))


async def test_clicks_that_lead_nowhere_do_not_count(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor, per_hour=1)
    for _ in range(3):
        await blocked_for(links)
    vendor.failure = None
    await ticket_for(links)


async def test_a_vendor_is_not_asked_without_end(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor, per_hour=1)
    for _ in range(ASKED_PER_LINK):
        await blocked_for(links)
    expected = Limited(ASKED_PER_LINK, NOON + timedelta(hours=1), of_clicks=True)
    assert [await links.grant("U1", "C1", BUILD.key) for _ in range(2)] == [expected] * 2
    assert len(vendor.calls) == ASKED_PER_LINK
    desk.clock.advance(hours=1)
    vendor.failure = None
    await ticket_for(links)


# --- The link


@dataclass
class Shut:
    """A door that lets nobody through."""

    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        return Denied(Denial.GUEST)


async def test_the_door_is_asked_whenever_a_link_is_opened(desk: Desk) -> None:
    streamer = Streamer()
    token = token_of(await ticket_for(desk.links(streamer)))
    links = desk.links(streamer, door=Shut())
    with pytest.raises(LinkRefused) as caught:
        await links.look(token)
    assert caught.value.reason == "guest"
    with pytest.raises(LinkRefused):
        async with links.open(await links.look(token), ByteRequest()):
            pass
    assert streamer.calls == []


async def test_a_ticket_once_more_for_its_owner_alone(desk: Desk) -> None:
    links = desk.links(Streamer())
    ticket = await ticket_for(links)
    assert await links.ticket(ticket.grant.id, "U1") == ticket
    for grant_id, person in ((ticket.grant.id, "U2"), ("f" * 32, "U1")):
        with pytest.raises(LinkUnknown):
            await links.ticket(grant_id, person)
    desk.clock.advance(hours=1)
    with pytest.raises(LinkGone):
        await links.ticket(ticket.grant.id, "U1")


async def test_a_page_shows_what_the_store_has_learned_since(desk: Desk) -> None:
    links = desk.links(Streamer())
    token = token_of(await ticket_for(links))
    assert (await links.look(token)).build.notes is None
    await desk.save(replace(BUILD, notes="Faster start."))
    assert (await links.look(token)).build.notes == "Faster start."


async def test_what_a_link_stands_for(desk: Desk) -> None:
    links = desk.links(Streamer())
    ticket = await ticket_for(links)
    opened = await links.look(token_of(ticket))
    assert (opened.grant, opened.build, opened.product, opened.title) == (ticket.grant, BUILD, "Shop", "Acme Store")
    assert (opened.bundle_id, opened.url) == ("com.acme.shop", ticket.url)


async def test_keys_rotate(desk: Desk) -> None:
    ticket = await ticket_for(desk.links(Streamer(), keys=(OLD_KEY,)))
    rotated = desk.links(Streamer(), keys=(KEY, OLD_KEY))
    assert (await rotated.look(token_of(ticket))).grant == ticket.grant
    assert (await desk.links(Streamer(), keys=(KEY,)).look(token_of(await ticket_for(rotated)))).build == BUILD
    with pytest.raises(LinkUnknown):
        await desk.links(Streamer(), keys=(KEY,)).look(token_of(ticket))


async def test_a_link_ends(desk: Desk) -> None:
    links = desk.links(Streamer())
    token = token_of(await ticket_for(links))
    desk.clock.advance(minutes=10, seconds=-1)
    await links.look(token)
    desk.clock.advance(seconds=1)
    with pytest.raises(LinkGone):
        await links.look(token)


async def test_a_grant_can_be_revoked(desk: Desk) -> None:
    links = desk.links(Streamer())
    ticket = await ticket_for(links)
    await desk.store.write(lambda repos: repos.grants.revoke([ticket.grant.id], "U9", NOON))
    with pytest.raises(LinkGone) as caught:
        await links.look(token_of(ticket))
    assert caught.value.grant_id == ticket.grant.id


async def test_errors_of_links_tell_nothing(desk: Desk) -> None:
    links = desk.links(Streamer())
    ticket = await ticket_for(links)
    desk.clock.advance(hours=1)
    with pytest.raises(LinkGone) as caught:
        await links.look(token_of(ticket))
    assert ticket.grant.id not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ü" * 10, "\x00"])
async def test_what_is_no_token(desk: Desk, token: str) -> None:
    with pytest.raises(LinkUnknown):
        await desk.links(Streamer()).look(token)


async def test_a_signed_token_of_a_grant_that_was_never_written(desk: Desk) -> None:
    claims = {"aud": "purser/download", "exp": NOON + timedelta(minutes=5), "jti": "f" * 32}
    with pytest.raises(LinkUnknown):
        await desk.links(Streamer()).look(jwt.encode(claims, KEY, algorithm="HS256"))


# --- The opening


async def test_a_stream(desk: Desk) -> None:
    streamer = Streamer()
    links = desk.links(streamer)
    ticket = await ticket_for(links)
    async with links.open(await links.look(token_of(ticket)), ByteRequest()) as handed:
        assert isinstance(handed.content, FileStream)
        assert [chunk async for chunk in handed.content.chunks] == [b"hello"]
        assert handed.opened.build == BUILD
        assert streamer.closed == 0
    assert streamer.closed == 1
    row = await desk.grant_row(ticket.grant.id)
    assert row is not None
    assert (row.opened, row.outcome) == (1, "streamed")


async def test_a_single_use_link_is_minted_at_the_opening(desk: Desk) -> None:
    minter = Minter()
    links = desk.links(minter)
    token = token_of(await ticket_for(links))
    await links.look(token)
    async with links.open(await links.look(token), ByteRequest(head=True)) as handed:
        assert isinstance(handed.content, FileStream)
        assert handed.content.length == 5
    assert minter.calls == []
    async with links.open(await links.look(token), ByteRequest()) as handed:
        assert handed.content == Link("https://vendor.example/once/1", LinkKind.FILE)
    assert minter.calls == ["mint link"]


async def test_a_page_is_a_link_even_where_files_are_streamed(desk: Desk) -> None:
    @dataclass
    class Both(Streamer, Minter):
        pass

    await desk.save(PAGE)
    links = desk.links(Both())
    async with links.open(await links.look(token_of(await ticket_for(links))), ByteRequest()) as handed:
        assert isinstance(handed.content, Link)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "intent://x", "", "http://127.0.0.1:80/x"])
async def test_an_address_that_is_no_web_address(desk: Desk, address: str) -> None:
    minter = Minter()
    links = desk.links(minter)
    token = token_of(await ticket_for(links))
    minter.url = address
    with pytest.raises(Confused) as caught:
        async with links.open(await links.look(token), ByteRequest()):
            pass
    assert caught.value.reason == "bad_link"


async def test_a_failed_opening_is_recorded_and_can_be_repeated(desk: Desk) -> None:
    streamer = Streamer(failure=Unreachable("vendor", "acme", "open file", "connect"))
    links = desk.links(streamer)
    ticket = await ticket_for(links)
    with pytest.raises(Unreachable):
        async with links.open(await links.look(token_of(ticket)), ByteRequest()):
            pass
    row = await desk.grant_row(ticket.grant.id)
    assert row is not None
    assert (row.opened, row.outcome) == (1, "connect")
    streamer.failure = None
    async with links.open(await links.look(token_of(ticket)), ByteRequest()) as handed:
        assert isinstance(handed.content, FileStream)


async def test_a_build_that_lost_its_provider_after_the_click(desk: Desk) -> None:
    token = token_of(await ticket_for(desk.links(Streamer())))
    with pytest.raises(LinkGone):
        async with desk.links().open(await desk.links().look(token), ByteRequest()):
            pass
