"""The loopback server, and every way in which a pretend server can go wrong, over real connections."""

import asyncio
import io
import plistlib
import socket
import time
import zipfile
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.artefacts import Artefact
from bot.sandbox.misbehaviour import GZIP_BOMB_SIZE, HUGE_BODY_SIZE, Misbehaving, Misbehaviour
from bot.sandbox.server import LoopbackServer

ITEMS = {"items": list(range(2000))}


async def list_items(_request: Request) -> Response:
    return JSONResponse(ITEMS)


entered = asyncio.Event()


async def wait_forever(_request: Request) -> Response:
    entered.set()
    await asyncio.Event().wait()
    return Response()


@pytest.fixture
def app() -> Misbehaving:
    routes = [Route("/items", list_items, methods=["GET", "POST"]), Route("/wait", wait_forever)]
    return Misbehaving(Starlette(routes=routes), bodies={401: b'{"message":"who are you"}'})


@pytest.fixture
async def client(app: Misbehaving) -> AsyncIterator[httpx.AsyncClient]:
    async with LoopbackServer(app) as server, httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False) as client:
        yield client


# --- LoopbackServer ---


async def test_port_is_known_before_start_and_free_after_stop(app: Misbehaving) -> None:
    server = LoopbackServer(app)
    assert server.url == f"http://127.0.0.1:{server.port}"
    async with server, httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(f"{server.url}/items")).json() == ITEMS
    async with LoopbackServer(app, port=server.port) as again, httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(f"{again.url}/items")).status_code == 200


async def test_small_answers_are_not_held_back(client: httpx.AsyncClient) -> None:
    """With Nagle's algorithm on, every answer after the first takes 40 ms."""
    seconds = []
    for _ in range(5):
        before = time.perf_counter()
        await client.get("/items")
        seconds.append(time.perf_counter() - before)
    assert min(seconds[1:]) < 0.03


async def test_a_taken_port_is_an_os_error(app: Misbehaving) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        LoopbackServer(app, port=taken.getsockname()[1])


async def test_stops_at_once_in_spite_of_open_connections_and_running_requests(
    app: Misbehaving, caplog: pytest.LogCaptureFixture
) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        server = LoopbackServer(app)
        await server.start()
        await client.get(f"{server.url}/items")
        entered.clear()
        waiting = asyncio.create_task(client.get(f"{server.url}/wait"))
        await entered.wait()
        before = time.perf_counter()
        await server.stop()
        assert time.perf_counter() - before < 0.3
        with pytest.raises(httpx.RemoteProtocolError):
            await waiting
    assert not caplog.records


# --- misbehaviour ---


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        (Misbehaviour.SERVER_ERROR, 500, None),
        (Misbehaviour.UNAVAILABLE, 503, None),
        (Misbehaviour.HTML_502, 502, "text/html; charset=utf-8"),
        (Misbehaviour.HTML_200, 200, "text/html; charset=utf-8"),
        (Misbehaviour.WRONG_JSON, 200, "application/json"),
        (Misbehaviour.UNAUTHORIZED, 401, "application/json"),
        (Misbehaviour.FORBIDDEN, 403, None),
    ],
)
async def test_a_canned_answer(
    app: Misbehaving, client: httpx.AsyncClient, kind: Misbehaviour, status: int, content_type: str | None
) -> None:
    app.misbehave("^/items$", kind)
    answer = await client.get("/items")
    assert (answer.status_code, answer.headers.get("content-type")) == (status, content_type)
    assert app.requests[-1].status == status


async def test_the_vendors_own_error_body(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.UNAUTHORIZED)
    assert (await client.get("/items")).json() == {"message": "who are you"}


async def test_any_status_and_body(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.STATUS, status=400, body="<h1>Tomcat</h1>", content_type="text/html")
    answer = await client.get("/items")
    assert (answer.status_code, answer.text) == (400, "<h1>Tomcat</h1>")


async def test_rate_limit_with_and_without_retry_after(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.RATE_LIMITED, times=1, retry_after=5)
    app.misbehave("items", Misbehaviour.RATE_LIMITED, times=1)
    first, second, third = [await client.get("/items") for _ in range(3)]
    assert (first.status_code, first.headers["retry-after"]) == (429, "5")
    assert (second.status_code, "retry-after" in second.headers) == (429, False)
    assert third.json() == ITEMS


async def test_misbehaves_on_matching_paths_until_told_to_behave(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("^/nothing", Misbehaviour.SERVER_ERROR)
    assert (await client.get("/items")).status_code == 200
    app.misbehave("^/items", Misbehaviour.SERVER_ERROR)
    assert [(await client.get("/items")).status_code for _ in range(3)] == [500, 500, 500]
    app.behave()
    assert (await client.get("/items")).status_code == 200


async def test_truncated_json_is_half_of_the_truth(app: Misbehaving, client: httpx.AsyncClient) -> None:
    whole = (await client.get("/items")).content
    app.misbehave("items", Misbehaviour.TRUNCATED_JSON)
    half = (await client.get("/items")).content
    assert half == whole[: len(whole) // 2]


async def test_slow_drip_is_the_truth_in_pieces(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.SLOW_DRIP, pause=0.01)
    before = time.perf_counter()
    assert (await client.get("/items")).json() == ITEMS
    assert time.perf_counter() - before >= 0.09


async def test_hang_says_nothing_and_ends_with_the_client(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.HANG)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/items", timeout=0.05)
    assert app.requests[-1].status is None


async def test_drop_before_headers(app: Misbehaving, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    app.misbehave("items", Misbehaviour.DROP_BEFORE_HEADERS, times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.get("/items")
    assert app.requests[-1].status is None
    assert (await client.get("/items")).status_code == 200
    assert not caplog.records


async def test_drop_mid_body(app: Misbehaving, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    app.misbehave("items", Misbehaviour.DROP_MID_BODY)
    received = bytearray()
    async with client.stream("GET", "/items") as answer:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            await collect(answer, received)
    assert 0 < len(received) < int(answer.headers["content-length"])
    assert not caplog.records


async def collect(answer: httpx.Response, received: bytearray) -> None:
    async for chunk in answer.aiter_bytes():
        received += chunk


async def test_redirect_loop(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.REDIRECT_LOOP)
    with pytest.raises(httpx.TooManyRedirects):
        await client.get("/items?page=2", follow_redirects=True)
    assert app.requests[-1].query == "page=2"


async def test_redirect_elsewhere(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.REDIRECT_ELSEWHERE, url="https://elsewhere.test/x")
    answer = await client.get("/items")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.test/x")


async def test_huge_body(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.HUGE_BODY)
    async with client.stream("GET", "/items") as answer:
        assert int(answer.headers["content-length"]) == HUGE_BODY_SIZE
        size = sum([len(chunk) async for chunk in answer.aiter_bytes()])
    assert size == HUGE_BODY_SIZE


async def test_gzip_bomb(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.misbehave("items", Misbehaviour.GZIP_BOMB)
    async with client.stream("GET", "/items") as answer:
        assert int(answer.headers["content-length"]) < 1_000_000
        size = sum([len(chunk) async for chunk in answer.aiter_bytes()])
    assert size == GZIP_BOMB_SIZE


async def test_latency(app: Misbehaving, client: httpx.AsyncClient) -> None:
    app.latency = 0.05
    before = time.perf_counter()
    await client.get("/items")
    assert time.perf_counter() - before >= 0.05


async def test_the_log_of_requests_keeps_secrets_out_of_its_repr(app: Misbehaving, client: httpx.AsyncClient) -> None:
    await client.post("/items?a=1", headers={"authorization": "Bearer s3cret"}, content=b"hello")
    (record,) = app.requests
    assert (record.method, record.path, record.query, record.status) == ("POST", "/items", "a=1", 200)
    assert (record.credential, record.authorization) == ("bearer", "Bearer s3cret")
    assert "s3cret" not in repr(record)


# --- artefacts ---


def test_an_apk_is_a_zip_of_the_promised_size() -> None:
    apk = Artefact("shop.apk", "com.acme.shop", "3.2.0", "320", size=12_345)
    with zipfile.ZipFile(io.BytesIO(apk.content())) as archive:
        assert archive.testzip() is None
        assert b'package="com.acme.shop"' in archive.read("AndroidManifest.xml")
    assert len(apk.content()) == 12_345


def test_an_ipa_names_its_bundle() -> None:
    ipa = Artefact("shop.ipa", "com.acme.shop", "3.2.0", "320", ios=True)
    with zipfile.ZipFile(io.BytesIO(ipa.content())) as archive:
        facts = plistlib.loads(archive.read("Payload/App.app/Info.plist"))
    assert (facts["CFBundleIdentifier"], facts["CFBundleShortVersionString"]) == ("com.acme.shop", "3.2.0")


def test_artefacts_are_the_same_every_time_and_differ_between_builds() -> None:
    one = Artefact("shop.apk", "com.acme.shop", "3.2.0", "320")
    other = Artefact("shop.apk", "com.acme.shop", "3.2.0", "321")
    assert one.sha256 == "2db744774db1f55a5a792170c8e809dd23a855cda388dd88180ea47153cbd0a0"
    assert one.sha256 != other.sha256


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        Artefact("shop.apk", "com.acme.shop", "3.2.0", "320", size=100).content()
