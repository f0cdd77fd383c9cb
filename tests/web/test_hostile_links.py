"""Tokens that are not, are no longer, or never were ours."""

from datetime import timedelta

import httpx
import jwt
import pytest

from bot.domain.answers import Denial, Denied
from bot.domain.model import Grant, Product
from bot.services.tokens import AUDIENCE
from tests.web.conftest import ANDROID, KEY, NOW, Door

PATHS = ["", "/file", "/manifest.plist", "/qr.svg"]
FACTS = ["Shop", "3.2.0", "(418)", "Android", "Appcircle", "com.acme"]


def forged(key: str = KEY, algorithm: str = "HS256", **claims: object) -> str:
    facts = {"aud": AUDIENCE, "exp": NOW + timedelta(minutes=5), "jti": "f" * 32}
    return jwt.encode({**facts, **claims}, key, algorithm=algorithm)


def assert_silent(response: httpx.Response, status: int) -> None:
    assert response.status_code == status
    assert "Go back to Slack" in response.text
    assert not [fact for fact in FACTS if fact in response.text]


@pytest.mark.parametrize("path", PATHS)
async def test_expired(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    door.clock.now += timedelta(minutes=10)
    assert_silent(await client.get(link + path), 410)


@pytest.mark.parametrize("path", PATHS)
async def test_revoked(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    grant_id = (await door.links().look(link.rpartition("/")[2])).grant.id
    await door.store.write(lambda repos: repos.grants.revoke([grant_id], "U9", NOW))
    assert_silent(await client.get(link + path), 410)


@pytest.mark.parametrize("path", PATHS)
async def test_tampered(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    head, payload, signature = link.rpartition("/")[2].split(".")
    swapped = payload[:-3] + ("abc" if not payload.endswith("abc") else "abd")
    for token in (f"{head}.{swapped}.{signature}", f"{head}.{payload}", f"{head}.{payload}.", f"{head}.{payload}.{signature}x"):
        assert_silent(await client.get(f"{door.public_url}/d/{token}{path}"), 404)


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a" * 5000,
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%F0%9F%98%80.x.y",
        forged(),
        forged(key="f" * 40),
        forged(aud="purser/other"),
        forged(key="", algorithm="none"),
        forged(exp=NOW - timedelta(days=1), key="f" * 40),
        jwt.encode({"aud": AUDIENCE, "jti": "f"}, KEY),
    ],
)
async def test_foreign(door: Door, client: httpx.AsyncClient, token: str) -> None:
    assert_silent(await client.get(f"{door.public_url}/d/{token}"), 404)


@pytest.mark.parametrize("path", ["/d/", "/d", "/", "/d/../metricz", "/d/a/b", "/d/a/file/", "/static/x"])
async def test_other_paths(door: Door, client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(door.public_url + path)
    assert_silent(response, 404)


async def test_no_redirect_repeats_a_token(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    assert (await client.get(link + "/")).status_code == 404


@pytest.mark.parametrize("path", PATHS)
async def test_other_methods(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    response = await client.post(link + path, content=b"x")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


class Shut:
    """A door that lets nobody through any more."""

    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        return Denied(Denial.GUEST)


@pytest.mark.parametrize("path", PATHS)
async def test_of_somebody_who_may_no_longer(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    door.doorkeeper = Shut()
    response = await client.get(link + path)
    assert response.status_code == 410
    assert "ask Purser again" in response.text
    assert not [fact for fact in FACTS if fact in response.text]
    assert door.streamer.calls == []


@pytest.mark.parametrize("path", PATHS)
async def test_replayed_after_it_was_used_up(door: Door, client: httpx.AsyncClient, path: str) -> None:
    door.openings = 1
    link = await door.link(ANDROID)
    assert (await client.get(link + "/file")).status_code == 200
    assert_silent(await client.get(link + path), 410)


async def test_a_token_of_another_installation(door: Door, client: httpx.AsyncClient) -> None:
    """Signed with our key, by a Purser with another database."""
    assert_silent(await client.get(f"{door.public_url}/d/{forged(jti='e' * 32)}"), 404)


@pytest.mark.parametrize("path", ["/file%2f..%2fmanifest.plist", "/..", "/%2e%2e/healthz", "//file", "/file;x=1", "/FILE"])
async def test_path_tricks(door: Door, client: httpx.AsyncClient, path: str) -> None:
    link = await door.link(ANDROID)
    response = await client.send(
        client.build_request("GET", httpx.URL(link).copy_with(raw_path=f"/d/{link.rpartition('/')[2]}{path}".encode()))
    )
    assert response.status_code == 404
    assert door.streamer.calls == []
