"""The pretend Appcircle beside its store: Testing Distribution, Publish, and every kind of credential."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors import PretendAppcircle
from bot.sandbox.vendors.appcircle_modules import FAILED

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
GUID = "6fbd094c-18cb-4bcd-bc6f-cf2aee752982"


@pytest.fixture
def vendor() -> PretendAppcircle:
    return PretendAppcircle(lambda: NOON)


@pytest.fixture
async def client(vendor: PretendAppcircle) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in."""
    server = LoopbackServer(vendor.app)
    async with server, httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False) as made:
        token = (await made.post("/auth/v1/token", data={"pat": vendor.personal_api_token})).json()["access_token"]
        made.headers["authorization"] = f"Bearer {token}"
        yield made


async def get(client: httpx.AsyncClient, path: str, **params: str) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_versions_to_test_stand_inside_their_profile(vendor: PretendAppcircle, client: httpx.AsyncClient) -> None:
    profile = vendor.distribution.add_profile("Shop", "com.acme.shop")
    vendor.distribution.upload(profile, "1.0", "1", platform="ios", uploaded_at=NOON - timedelta(days=1))
    vendor.distribution.upload(profile, "1.1", "2", platform="ios")
    [listed] = await get(client, "/distribution/v2/profiles")
    assert (listed["name"], listed["iOSVersion"], listed["androidVersion"]) == ("Shop", "1.1", None)
    assert "appVersions" not in listed
    found = await get(client, f"/distribution/v2/profiles/{profile.id}")
    assert {(version["version"], version["createdAt"]) for version in found["appVersions"]} == {
        ("1.0", "2026-04-30T12:00:00Z"),
        ("1.1", "2026-05-01T12:00:00Z"),
    }
    assert (await client.get(f"/distribution/v2/profiles/{GUID}")).status_code == 404


async def test_submissions_are_of_one_platform(vendor: PretendAppcircle, client: httpx.AsyncClient) -> None:
    profile = vendor.publishing.add_profile("Shop", "com.acme.shop", "ios")
    version = vendor.publishing.upload(profile, "1.0", "1", notes="Faster")
    [listed] = await get(client, "/publish/v2/profiles/ios")
    assert (listed["appUniqueId"], listed["platformType"], listed["lastUploadVersion"]) == ("com.acme.shop", 1, "1.0")
    assert await get(client, "/publish/v2/profiles/android") == []
    path = f"/publish/v2/profiles/ios/{profile.id}/app-versions"
    [submission] = await get(client, path)
    assert (submission["latestFlowStatus"], submission["summary"], submission["versionCode"]) == (200, "Faster", "1")
    vendor.publishing.set_flow_status(version, FAILED)
    assert (await get(client, f"{path}/{version.id}"))["latestFlowStatus"] == 1
    assert (await client.get(path.replace("ios", "android"))).status_code == 404
    assert (await client.get("/publish/v2/profiles/windows")).status_code == 404
    vendor.publishing.remove(version)
    assert await get(client, path) == []


async def test_a_submitted_file_is_on_the_storage(vendor: PretendAppcircle, client: httpx.AsyncClient) -> None:
    profile = vendor.publishing.add_profile("Shop", "com.acme.shop", "ios")
    version = vendor.publishing.upload(profile, "1.0", "1")
    address = await get(client, f"/publish/v2/profiles/ios/{profile.id}/app-versions/{version.id}", action="download")
    assert (await client.get(address)).status_code == 400  # it wants no credential
    del client.headers["authorization"]
    assert (await client.get(address)).content == version.artefact.content()


@pytest.mark.parametrize("path", ["/distribution/v2/profiles", f"/distribution/v2/profiles/{GUID}", "/publish/v2/profiles/ios"])
async def test_every_module_wants_an_access_token(client: httpx.AsyncClient, path: str) -> None:
    client.headers["authorization"] = "Bearer nonsense"
    assert (await client.get(path)).status_code == 401


async def test_a_plan_may_lack_a_module(vendor: PretendAppcircle, client: httpx.AsyncClient) -> None:
    vendor.misbehave("^/publish/", Misbehaviour.FORBIDDEN)
    assert (await client.get("/publish/v2/profiles/ios")).status_code == 403
    assert await get(client, "/distribution/v2/profiles") == []


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/auth/v3/token", {"personalAccessKey": "own", "subOrganization": "below"}, 200),
        ("/auth/v3/token", {"personalAccessKey": "own", "subOrganization": GUID}, 403),
        ("/auth/v3/token", {"personalAccessKey": "wrong"}, 401),
        ("/auth/v1/api-key/token", {"name": "purser", "secret": "key", "organizationId": "above"}, 200),
        ("/auth/v1/api-key/token", {"name": "purser", "secret": "key", "organizationId": "acme"}, 400),
        ("/auth/v1/api-key/token", {"name": "purser", "secret": "key", "organizationId": GUID}, 403),
        ("/auth/v1/api-key/token", {"name": "purser", "secret": "wrong", "organizationId": "acme"}, 401),
    ],
)
async def test_credentials_of_organisations(
    vendor: PretendAppcircle, client: httpx.AsyncClient, path: str, form: dict[str, str], status: int
) -> None:
    words = {
        "own": vendor.personal_api_token,
        "key": vendor.api_key_secret,
        "below": vendor.suborganization_id,
        "above": vendor.organization_id,
    }
    answer = await client.post(path, data={name: words.get(value, value) for name, value in form.items()})
    assert answer.status_code == status


async def test_a_token_for_an_organisation_below_lists_and_downloads_nothing(
    vendor: PretendAppcircle, client: httpx.AsyncClient
) -> None:
    build = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    form = {"personalAccessKey": vendor.personal_api_token, "subOrganization": vendor.suborganization_id}
    token = (await client.post("/auth/v3/token", data=form)).json()["access_token"]
    client.headers["authorization"] = f"Bearer {token}"
    assert len(await get(client, f"/store/v2/profiles/{build.app.id}/app-versions")) == 1
    assert (await client.get(f"/api/profile/{build.app.id}/appversions/{build.id}/download-update")).status_code == 403
