"""Vendors' calls: signature, size, repetition."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.web.webhooks import Recent
from tests.web.conftest import Door

SIGNED = {"X-Signature": "right"}


@pytest.fixture
def hook(door: Door) -> str:
    return f"{door.public_url}/webhooks/mint"


async def test_an_authentic_call_starts_a_check(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    response = await client.post(hook, content=b"d1", headers=SIGNED)
    assert response.status_code == 200
    assert door.jobs.deferred == [("sync", "mint")]


async def test_a_secret_may_stand_in_the_path(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    for address in ("the-secret", "the%2Fsecret", "the/secret"):
        assert (await client.post(f"{hook}/{address}", content=b"d1", headers=SIGNED)).status_code == 200
    assert door.minter.calls == ["webhook the-secret", "webhook the/secret", "webhook the/secret"]


async def test_a_repetition_starts_nothing(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    for delivery in (b"d1", b"d1", b"d2"):
        assert (await client.post(hook, content=delivery, headers=SIGNED)).status_code == 200
    assert door.jobs.deferred == [("sync", "mint")] * 2


async def test_a_failure_of_ours_is_mended_by_the_repetition(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    door.jobs.broken = True
    assert (await client.post(hook, content=b"d1", headers=SIGNED)).status_code == 500
    door.jobs.broken = False
    assert (await client.post(hook, content=b"d1", headers=SIGNED)).status_code == 200
    assert door.jobs.deferred == [("sync", "mint")]


async def test_a_ping_starts_nothing(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    assert (await client.post(hook, content=b"ping", headers=SIGNED)).status_code == 200
    assert door.jobs.deferred == []


@pytest.mark.parametrize(
    ("headers", "body", "status"), [({"X-Signature": "wrong"}, b"d1", 401), ({}, b"d1", 401), (SIGNED, b"", 400)]
)
async def test_rejected(
    door: Door, client: httpx.AsyncClient, hook: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert (await client.post(hook, content=body, headers=headers)).status_code == status
    assert door.jobs.deferred == []


@pytest.mark.parametrize("account", ["stream", "nobody", "..%2fmint"])
async def test_accounts_without_webhooks(door: Door, client: httpx.AsyncClient, account: str) -> None:
    response = await client.post(f"{door.public_url}/webhooks/{account}", content=b"d1", headers=SIGNED)
    assert response.status_code == 404


async def test_too_large_by_its_own_word(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    response = await client.post(hook, content=bytes(1024 * 1024 + 1), headers=SIGNED)
    assert response.status_code == 413


async def test_too_large_without_saying_so(door: Door, client: httpx.AsyncClient, hook: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield bytes(64 * 1024)

    response = await client.post(hook, content=body(), headers=SIGNED)
    assert response.status_code == 413
    assert door.jobs.deferred == []


async def test_get_is_no_webhook(client: httpx.AsyncClient, hook: str) -> None:
    assert (await client.get(hook)).status_code == 405


def test_memory_is_bounded() -> None:
    recent = Recent(2)
    for delivery in ("one", "two", "three"):
        recent.add(("mint", delivery))
    assert [("mint", delivery) in recent for delivery in ("one", "two", "three")] == [False, True, True]
