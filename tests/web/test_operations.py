"""Health, metrics, headers, logs, and what happens when we are the ones who fail."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.domain.errors import StoreUnavailable
from bot.domain.ports import Repositories
from bot.sandbox.server import LoopbackServer
from bot.web.headers import security_headers
from bot.web.health import Readiness
from tests.web.conftest import ANDROID, Door

T = TypeVar("T")


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """Every log line of the test, with what the request bound to it."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
        yield entries


async def logged_lines(logged: list[EventDict], event: str, count: int) -> list[EventDict]:
    """Waits for them: a request's own line comes after its last byte."""
    async with asyncio.timeout(5):
        while True:
            found = [entry for entry in logged if entry["event"] == event]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.001)


async def logged_line(logged: list[EventDict], event: str) -> EventDict:
    return (await logged_lines(logged, event, 1))[0]


async def test_alive(door: Door, client: httpx.AsyncClient) -> None:
    response = await client.get(f"{door.public_url}/healthz")
    assert (response.status_code, response.text) == (200, "ok\n")


async def _well() -> str | None:
    return None


async def _ill() -> str | None:
    return "refused"


async def _hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_ready(door: Door, client: httpx.AsyncClient) -> None:
    door.checks |= {"database": _well, "slack": _well}
    response = await client.get(f"{door.public_url}/readyz")
    assert (response.status_code, response.json()) == (200, {"database": "ok", "slack": "ok"})


async def test_not_ready(door: Door, client: httpx.AsyncClient) -> None:
    door.checks |= {"database": _well, "slack": _ill}
    response = await client.get(f"{door.public_url}/readyz")
    assert (response.status_code, response.json()) == (503, {"database": "ok", "slack": "refused"})


async def test_a_check_that_hangs_is_not_waited_for(client: httpx.AsyncClient) -> None:
    readiness = Readiness({"database": _well, "slack": _hanging}, patience=0.05)
    async with LoopbackServer(Starlette(routes=[Route("/readyz", readiness.show)])) as server:
        response = await client.get(f"{server.url}/readyz")
    assert (response.status_code, response.json()) == (503, {"database": "ok", "slack": "timeout"})


async def test_metrics_count_routes_not_addresses(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    for address in (link, link, f"{link}/file", f"{door.public_url}/d/nonsense", f"{door.public_url}/secret-path"):
        await client.get(address)
    async with asyncio.timeout(10):
        while ("/d/{token}/file", "200") not in (counts := counted(text := await metrics(door, client))):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a transfer is counted a moment after its last byte has left
    counts.pop(("/metrics", "200"), None)
    assert counts == {
        ("/d/{token}", "200"): 2,
        ("/d/{token}/file", "200"): 1,
        ("/d/{token}", "404"): 1,
        ("unmatched", "404"): 1,
    }
    assert link.rpartition("/")[2] not in text


async def metrics(door: Door, client: httpx.AsyncClient) -> str:
    return (await client.get(f"{door.public_url}/metrics")).text


def counted(text: str) -> dict[tuple[str, str], float]:
    """How many requests there were to each route, by how they ended."""
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "purser_http_request_seconds_count"
    }


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/d/nonsense", "/metrics"])
async def test_headers_stand_on_every_answer(door: Door, client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(door.public_url + path)).headers
    for name, value in security_headers(door.public_url).items():
        assert headers[name] == value
    assert "strict-transport-security" not in headers
    assert len(headers["x-request-id"]) == 12


async def test_headers_stand_on_a_file(door: Door, client: httpx.AsyncClient) -> None:
    headers = (await client.get(await door.link(ANDROID) + "/file")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_hsts_belongs_to_https() -> None:
    assert "Strict-Transport-Security" in security_headers("https://purser.example")
    assert "Strict-Transport-Security" not in security_headers(None)


def test_the_policy_allows_no_script_and_no_inline_style_but_ours() -> None:
    policy = security_headers(None)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy


async def test_the_log_knows_the_grant_and_never_the_token(
    door: Door, client: httpx.AsyncClient, logged: list[EventDict]
) -> None:
    link = await door.link(ANDROID)
    token = link.rpartition("/")[2]
    grant_id = (await door.links().look(token)).grant.id
    response = await client.get(f"{link}/file")
    line = await logged_line(logged, "http.request")
    assert line["grant"] == grant_id
    assert line["route"] == "/d/{token}/file"
    assert line["request_id"] == response.headers["x-request-id"]
    assert (line["status"], line["whole"]) == (200, True)
    assert token not in repr(logged)


async def test_the_log_knows_a_broken_transfer(door: Door, client: httpx.AsyncClient, logged: list[EventDict]) -> None:
    link = await door.link(ANDROID)
    door.host.cut_after = 1000
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(f"{link}/file")
    assert (await logged_line(logged, "http.request"))["whole"] is False
    assert (await logged_line(logged, "file.broken"))["reason"] == "broken_off"


async def test_one_request_leaves_nothing_to_the_next_on_its_connection(
    door: Door, client: httpx.AsyncClient, logged: list[EventDict]
) -> None:
    await client.get(await door.link(ANDROID))
    await client.get(f"{door.public_url}/healthz")
    first, second = await logged_lines(logged, "http.request", 2)
    assert "grant" in first
    assert "grant" not in second
    assert first["request_id"] != second["request_id"]


async def test_an_unforeseen_error_is_a_page_with_a_reference(
    door: Door, client: httpx.AsyncClient, logged: list[EventDict]
) -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("inner detail")

    door.slack = broken
    response = await client.post(f"{door.public_url}/slack/events", content=b"x")
    assert response.status_code == 500
    line = await logged_line(logged, "http.unforeseen")
    assert f"<code>{line['request_id']}</code>" in response.text
    assert isinstance(line["exc_info"], ZeroDivisionError)
    assert "Traceback" not in response.text
    assert "inner detail" not in response.text
    assert response.headers["content-security-policy"] == security_headers(None)["Content-Security-Policy"]


async def test_slacks_endpoint_is_mounted_as_it_is(door: Door, client: httpx.AsyncClient) -> None:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    door.slack = echo
    address = f"{door.public_url}/slack/events"
    assert (await client.post(address, content=b"payload")).text == "payload"
    assert (await client.post(address, content=bytes(1024 * 1024 + 1))).status_code == 413
    assert (await client.get(address)).status_code == 405


async def test_without_slack_over_http_there_is_no_endpoint(door: Door, client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{door.public_url}/slack/events", content=b"x")).status_code == 404


class _StoreAway:
    async def read(self, work: Callable[[Repositories], T]) -> T:
        raise StoreUnavailable("gone")

    async def write(self, work: Callable[[Repositories], T]) -> T:
        raise StoreUnavailable("gone")


async def test_a_store_that_is_away_is_said(door: Door, client: httpx.AsyncClient, logged: list[EventDict]) -> None:
    link = await door.link(ANDROID)
    door.store = _StoreAway()
    response = await client.get(link)
    assert response.status_code == 503
    assert "retry-after" in response.headers
