"""The web app on a loopback port, over a real database, with two small vendors: one streams, one mints single-use links."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.domain.answers import Ticket
from bot.domain.errors import Confused, ProviderError, Refused, Unreachable
from bot.domain.model import OPENING, App, Build, BuildState, Handover, Link, LinkKind, Platform
from bot.domain.ports import ByteRequest, FileStream, Provider, Repositories, Store, WebhookHint, WebhookRequest
from bot.sandbox.server import LoopbackServer
from bot.services.door import Door as Doorkeeper
from bot.services.links import Links
from bot.services.minting import OPENING_PATIENCE
from bot.store.engine import Database
from bot.web.app import SlackEndpoint, build_web

from ..store.migrated import migrated_file

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
KEY = "k" * 40
CHUNK = 64 * 1024
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no certificates: reading them takes longer than most tests


class SettableClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class FileHost:
    """A vendor's file server. `cut_after` breaks off after that many bytes; `/endless` runs until the client leaves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = ""
        self.content_type = "application/octet-stream"
        self.cut_after: int | None = None
        self.understate = 0
        self.sent = 0
        self.left = asyncio.Event()
        self.asked = asyncio.Event()
        self.tokens: set[str] = set()
        self.app = Starlette(
            routes=[
                Route("/file", self.file),
                Route("/endless", self.endless),
                Route("/silent", self.silent),
                Route("/stuck", self.stuck),
                Route("/once/{token}", self.once),
            ]
        )

    async def file(self, request: Request) -> Response:
        if self.cut_after is None:
            return FileResponse(self.path, media_type=self.content_type)
        size = str(self.path.stat().st_size)
        return StreamingResponse(self._cut(self.cut_after), headers={"Content-Length": size})

    async def _cut(self, count: int) -> AsyncIterator[bytes]:
        yield self.path.read_bytes()[:count]
        raise ConnectionAbortedError

    async def endless(self, request: Request) -> Response:
        return StreamingResponse(self._forever())

    async def _forever(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(CHUNK)
                self.sent += CHUNK
                await asyncio.sleep(0)
        finally:
            self.left.set()

    async def silent(self, request: Request) -> Response:
        """Does not even begin to answer."""
        self.asked.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left.set()
        return PlainTextResponse("nobody is there")

    async def stuck(self, request: Request) -> Response:
        """Begins, and goes no further."""
        return StreamingResponse(self._one_chunk())

    async def _one_chunk(self) -> AsyncIterator[bytes]:
        try:
            yield bytes(CHUNK)
            await asyncio.Event().wait()
        finally:
            self.left.set()

    async def once(self, request: Request) -> Response:
        if request.path_params["token"] not in self.tokens:
            return PlainTextResponse("spent", 401)
        self.tokens.remove(request.path_params["token"])
        return FileResponse(self.path)


class Vendor:
    """What both vendors have in common. `trouble` is raised instead of an answer."""

    provider = "vendor"

    def __init__(self, account: str, host: FileHost) -> None:
        self.account = account
        self.host = host
        self.trouble: type[ProviderError] | None = None
        self.reason = "told_to"
        self.calls: list[str] = []

    async def aclose(self) -> None:
        return None

    def _call(self, operation: str) -> None:
        self.calls.append(operation)
        if self.trouble is not None:
            raise self.trouble(self.provider, self.account, operation, self.reason)


class Streamer(Vendor):
    """Wants a header with each file, like Appcircle."""

    path = "/file"

    @asynccontextmanager
    async def open_file(self, build: Build, wanted: ByteRequest) -> AsyncIterator[FileStream]:
        self._call("open file")
        pairs = {"Range": wanted.range, "If-Range": wanted.if_range, "Accept-Encoding": "identity"}
        headers = {name: value for name, value in pairs.items() if value is not None}
        async with (
            httpx.AsyncClient(verify=NO_TLS) as client,
            client.stream("GET", self.host.url + self.path, headers=headers) as response,
        ):
            yield self._stream(response)

    def _stream(self, response: httpx.Response) -> FileStream:
        length = response.headers.get("content-length")
        return FileStream(
            response.status_code,
            self._chunks(response),
            length=int(length) + self.host.understate if length else None,
            content_type=response.headers.get("content-type"),
            content_range=response.headers.get("content-range"),
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
        )

    async def _chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            raise Unreachable(self.provider, self.account, "read file", "broken_off") from error


class Minter(Vendor):
    """Hands out addresses that work once, like Applivery. Also calls us."""

    link_scheme = ""

    async def mint_link(self, build: Build) -> Link:
        self._call("mint link")
        token = uuid4().hex
        self.host.tokens.add(token)
        return Link(self.link_scheme or f"{self.host.url}/once/{token}", LinkKind.FILE)

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        self.calls.append(f"webhook {request.path}")
        if request.headers.get("x-signature") != "right":
            raise Refused(self.provider, self.account, "webhook", "bad_signature")
        if not request.body:
            raise Confused(self.provider, self.account, "webhook", "empty")
        return None if request.body == b"ping" else WebhookHint(request.body.decode(), "build")


@dataclass
class RecordingJobs:
    deferred: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False

    async def defer(self, task: str, key: str = "") -> None:
        if self.broken:
            raise ConnectionError("no queue")
        self.deferred.append((task, key))


ANDROID = Build(
    account="stream",
    app_id="a1",
    id="b1",
    version="3.2.0",
    number="418",
    platform=Platform.ANDROID,
    track="Enterprise store (Live)",
    state=BuildState.LIVE,
    handover=Handover.FILE,
    uploaded_at=NOW - timedelta(days=2),
    expires_at=NOW + timedelta(days=60),
    size=300_000,
    sha256="ab" * 32,
    notes="Faster start.",
    file_name="shop-3.2.0.apk",
)
IOS = replace(ANDROID, id="b2", platform=Platform.IOS, file_name="Shop.ipa", min_os="15.0")
MINTED = replace(ANDROID, account="mint", id="b3", track="App Distribution")
PAGE = replace(IOS, account="mint", id="b4", track="TestFlight", handover=Handover.PAGE, size=None, sha256=None, file_name=None)


class Door:
    """Everything behind one public address."""

    def __init__(self, store: Database, host: FileHost, clock: SettableClock, public_url: str) -> None:
        self.store: Store = store
        self.host = host
        self.clock = clock
        self.public_url = public_url
        self.address = public_url  # where it really is, whatever people are told
        self.streamer = Streamer("stream", host)
        self.minter = Minter("mint", host)
        self.providers: dict[str, Provider] = {"stream": self.streamer, "mint": self.minter}
        self.jobs = RecordingJobs()
        self.registry = CollectorRegistry()
        self.checks: dict[str, Callable[[], Awaitable[str | None]]] = {}
        self.openings = 25
        self.opening_patience = OPENING_PATIENCE
        self.homes = {"mint": [host.url], "acme-applivery": ["http://127.0.0.1"]}
        self.doorkeeper: Doorkeeper | None = None
        self.slack: SlackEndpoint | None = None

    def links(self) -> Links:
        titles = {"stream": "Appcircle", "mint": "Applivery"}
        return Links(
            self.store,
            self.providers,
            self.clock,
            keys=[KEY],
            public_url=self.public_url,
            titles=titles,
            homes=self.homes,
            door=self.doorkeeper,
            openings=self.openings,
            opening_patience=self.opening_patience,
        )

    def app(self) -> Starlette:
        return build_web(
            links=self.links(),
            providers=self.providers,
            jobs=self.jobs,
            checks=self.checks,
            registry=self.registry,
            clock=self.clock,
            public_url=self.public_url,
            slack=self.slack,
        )

    async def save(self, build: Build, product: str = "Shop", bundle_id: str | None = "com.acme.shop") -> None:
        await self.store.write(lambda repos: _save(repos, build, product, bundle_id))

    async def link(self, build: Build) -> str:
        """The address that a click on the build gives."""
        ticket = await self.links().grant("U1", "C1", build.key)
        assert isinstance(ticket, Ticket)
        return ticket.url

    async def opened(self, url: str) -> tuple[int, str | None]:
        """How often the grant behind `url` was opened, and how the last opening ended; waits for that a little."""
        grant_id = (await self.links().look(url.rpartition("/")[2])).grant.id
        for _ in range(500):
            grant = await self.store.read(lambda repos: repos.grants.get(grant_id))
            assert grant is not None
            if grant.outcome != OPENING:
                break
            await asyncio.sleep(0.01)
        return grant.opened, grant.outcome


def _save(repos: Repositories, build: Build, name: str, bundle_id: str | None) -> None:
    repos.catalogue.register_account(build.account, "vendor")
    found = [product for product in repos.catalogue.products() if product.name == name]
    product = found[0] if found else repos.catalogue.add_product(name)
    repos.catalogue.save_app(App(build.account, build.app_id, name, bundle_id), product.id, NOW)
    repos.catalogue.save_builds([build], NOW)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_store(tmp_path) as database:
        yield database


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[FileHost]:
    async with served_host(tmp_path) as files:
        yield files


@pytest.fixture
async def door(store: Database, host: FileHost, clock: SettableClock) -> AsyncIterator[Door]:
    async with served_door(store, host, clock) as behind:
        yield behind


@asynccontextmanager
async def opened_store(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(migrated_file(tmp_path / "purser.db"))
    yield database
    await database.aclose()


@asynccontextmanager
async def served_host(tmp_path: Path) -> AsyncIterator[FileHost]:
    path = tmp_path / "artefact.bin"
    path.write_bytes(bytes(range(250)) * 1200)
    files = FileHost(path)
    async with LoopbackServer(files.app) as server:
        files.url = server.url
        yield files


@asynccontextmanager
async def served_door(store: Database, host: FileHost, clock: SettableClock) -> AsyncIterator[Door]:
    """A Door at a loopback address; its app is made at the first request, so that a test can arrange it before."""
    made: list[Starlette] = []

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        if not made:
            made.append(behind.app())
        await made[0](scope, receive, send)

    server = LoopbackServer(late)
    behind = Door(store, host, clock, server.url)
    async with server:
        for build in (ANDROID, IOS, MINTED, PAGE):
            await behind.save(build)
        yield behind


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Like a browser that has not decided to follow."""
    async with httpx.AsyncClient(timeout=10, verify=NO_TLS) as client:
        yield client
