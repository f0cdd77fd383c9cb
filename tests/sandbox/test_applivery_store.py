"""The store of the pretend Applivery workspace, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors import PretendApplivery

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def vendor() -> PretendApplivery:
    return PretendApplivery(lambda: NOON)


@pytest.fixture
async def client(vendor: PretendApplivery) -> AsyncIterator[httpx.AsyncClient]:
    server = LoopbackServer(vendor.app)
    headers = {"authorization": f"Bearer {vendor.service_account_token}"}
    async with server, httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, verify=False) as made:
        yield made


async def test_publications_are_paged_like_every_list(vendor: PretendApplivery, client: httpx.AsyncClient) -> None:
    app = vendor.add_app("Shop", "com.acme.shop")
    made = [vendor.store.publish(app.id, f"shop-{number}") for number in range(3)]
    path = f"/v1/organizations/acme/stores/{vendor.store.id}/pubApps"
    first = (await client.get(path, params={"limit": 2})).json()["data"]
    assert ([item["id"] for item in first["items"]], first["hasNextPage"], first["totalDocs"]) == (
        [m.id for m in made[:2]],
        True,
        3,
    )
    one = (await client.get(f"{path}/{made[0].id}")).json()["data"]
    assert one == first["items"][0]
    assert (one["distributionUrl"], one["visibility"], one["filter"]) == (
        f"{vendor.store.url}/shop-0",
        "active",
        {"type": "last"},
    )


async def test_what_a_publication_says_can_be_said_otherwise(vendor: PretendApplivery, client: httpx.AsyncClient) -> None:
    app = vendor.add_app("Shop", "com.acme.shop")
    made = vendor.store.publish(
        app.id, "shop", kind="builds", ios="b1", security="password", visibility="unlisted", expires_at=NOON
    )
    vendor.store.tells_address, vendor.store.nests_app = False, True
    one = (await client.get(f"/v1/organizations/acme/stores/{vendor.store.id}/pubApps/{made.id}")).json()["data"]
    assert "distributionUrl" not in one
    assert (one["application"]["id"], one["filter"]) == (app.id, {"type": "builds", "ios": "b1"})
    assert (one["security"], one["visibility"], one["expirationDate"]) == ("password", "unlisted", "2026-05-01T12:00:00.000Z")


async def test_the_store_refuses_like_the_rest_of_the_workspace(vendor: PretendApplivery, client: httpx.AsyncClient) -> None:
    path = f"/v1/organizations/acme/stores/{vendor.store.id}/pubApps"
    for unknown in (path.replace(vendor.store.id, "17"), path.replace("acme", "other"), f"{path}/17"):
        answer = await client.get(unknown)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 3001)
    client.headers["authorization"] = f"Bearer {vendor.add_app('Shop', 'com.acme.shop').api_token}"
    assert (await client.get(path)).status_code == 401


async def test_tags_and_retention_are_told(vendor: PretendApplivery, client: httpx.AsyncClient) -> None:
    app = vendor.add_app("Shop", "com.acme.shop")
    vendor.upload(app, "1.0", "1", tags=("qa",), git_tag="v1.0")
    vendor.retention_days = 30
    [listed] = (await client.get("/v1/organizations/acme/apps")).json()["data"]["items"]
    assert listed["buildRetentionDays"] == 30
    [build] = (await client.get(f"/v1/organizations/acme/apps/{app.id}/builds")).json()["data"]["items"]
    assert (build["tags"], build["deployer"]["tag"]) == (["qa"], "v1.0")
