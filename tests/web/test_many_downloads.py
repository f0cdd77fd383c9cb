"""A release day: many downloads at once, large files, slow phones. With the real Appcircle client."""

import asyncio
import gc
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors.appcircle import PretendAppcircle
from providers.appcircle import AppcircleSettings
from providers.appcircle import connect as connect_appcircle
from providers.spec import Surroundings
from tests.web.conftest import ANDROID, NO_TLS, Door, SettableClock
from tests.web.test_with_vendors import newest

AT_ONCE = 200
EACH_ITS_OWN = httpx.Limits(max_connections=None, max_keepalive_connections=0)
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
MEGA = 1024**2
BIG = 2 * 1024**3
MEMORY = 48 * 1024**2  # bytes that a transfer of any length may cost, with client and vendor in this process


STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that this process holds now: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html"""
    return int(STATM.read_text().split()[1]) * PAGE_SIZE


class Gate:
    """Lets requests through to `app` only when `wanted` of them are there at once."""

    def __init__(self, app: ASGIApp, wanted: int) -> None:
        self._app = app
        self._wanted = wanted
        self._inside = 0
        self._open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._inside += 1
            if self._inside >= self._wanted:
                self._open.set()
            await self._open.wait()
        await self._app(scope, receive, send)


def settings_for(url: str, token: str) -> AppcircleSettings:
    return AppcircleSettings(
        name="acme-store", provider="appcircle", personal_api_token=SecretStr(token), store_url=url, api_url=url, auth_url=url
    )


async def test_two_hundred_at_once(door: Door, clock: SettableClock) -> None:
    """None waits for another: the file host answers nobody before all are there."""
    vendor = PretendAppcircle(clock)
    async with LoopbackServer(vendor.app) as server, LoopbackServer(Gate(vendor.storage.app, AT_ONCE)) as storage:
        vendor.storage_url = storage.url
        provider = connect_appcircle(
            settings_for(server.url, vendor.personal_api_token), Surroundings(clock, lambda observation: None)
        )
        door.providers["acme-store"] = provider
        door.openings = AT_ONCE
        uploaded = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "3.2.0", "418", size=20_000)
        link = await door.link(await newest(door, "acme-store")) + "/file"
        async with httpx.AsyncClient(timeout=40, verify=NO_TLS, limits=EACH_ITS_OWN) as browsers:
            answers = await asyncio.gather(*(browsers.get(link) for _ in range(AT_ONCE)))
        await provider.aclose()
    assert {hashlib.sha256(answer.content).hexdigest() for answer in answers} == {uploaded.artefact.sha256}


@pytest.fixture
async def big(door: Door, clock: SettableClock) -> AsyncIterator[str]:
    """The address of a file of 2 GB behind the real client."""
    chunk = bytes(MEGA)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(BIG // len(chunk)):
            yield chunk

    async def token(request: Request) -> Response:
        return Response('{"access_token": "t", "expires_in": 3600}', media_type="application/json")

    async def profile(request: Request) -> Response:
        return RedirectResponse("/big", 302)

    async def file(request: Request) -> Response:
        return StreamingResponse(body(), headers={"Content-Length": str(BIG)})

    routes = [
        Route("/auth/v1/token", token, methods=["POST"]),
        Route("/api/profile/{path:path}", profile),
        Route("/big", file),
    ]
    link = await door.link(ANDROID)
    async with LoopbackServer(Starlette(routes=routes)) as server:
        provider = connect_appcircle(settings_for(server.url, "pat"), Surroundings(clock, lambda observation: None))
        door.providers["stream"] = provider
        yield f"{link}/file"
        await provider.aclose()


@pytest.mark.skipif(not STATM.exists(), reason="this system does not tell a process's memory in /proc")
async def test_two_gigabytes_cost_no_memory(big: str) -> None:
    gc.collect()
    before, most, count = resident(), 0, 0
    url = httpx.URL(big)
    reader, writer = await asyncio.open_connection(url.host, url.port)  # a client that costs less than what is measured
    writer.write(f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert f"content-length: {BIG}\r\n" in head.decode().lower()
    while piece := await reader.read(MEGA):
        count, measured = count + len(piece), count // (32 * MEGA)
        if count // (32 * MEGA) > measured:
            most = max(most, resident())
    writer.close()
    assert count == BIG
    assert most - before < MEMORY
