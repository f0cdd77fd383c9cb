"""What the pretend App Store Connect says of App Store versions, uploads, signing, limits and webhooks, over HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.apple.hooks import EVENT_TYPES, delivered_type, sign_webhook

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOOK = {
    "enabled": True,
    "eventTypes": ["BUILD_UPLOAD_STATE_UPDATED"],
    "name": "bot",
    "secret": "s",
    "url": "https://bot.example/h",
}


class Caller:
    """A person with a good token of the team key, whose clock is the vendor's."""

    def __init__(self, vendor: PretendAppStoreConnect, client: httpx.AsyncClient) -> None:
        self.vendor = vendor
        self.now = NOON
        vendor.clock = lambda: self.now
        self.shop = vendor.add_app("Shop", "com.acme.shop", app_id="1234567890")
        self._client = client

    async def call(self, method: str, path: str, body: Any = None, **params: str | int) -> httpx.Response:
        now = int(self.now.timestamp())
        claims = {"iss": self.vendor.issuer_id, "iat": now, "exp": now + 600, "aud": "appstoreconnect-v1"}
        token = jwt.encode(claims, self.vendor.private_key_pem, algorithm="ES256", headers={"kid": self.vendor.key_id})
        headers = {"Authorization": f"Bearer {token}"}
        return await self._client.request(method, path, headers=headers, json=body, params=params or None)

    async def json(self, path: str, **params: str | int) -> Any:
        response = await self.call("GET", path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    async def code(self, method: str, path: str, body: Any = None, **params: str | int) -> tuple[int, str]:
        response = await self.call(method, path, body, **params)
        return response.status_code, response.json()["errors"][0]["code"]

    async def register(self, **changed: Any) -> httpx.Response:
        app = {"data": {"type": "apps", "id": self.shop.id}}
        attributes = {name: value for name, value in (HOOK | changed).items() if value is not None}
        document = {"type": "webhooks", "attributes": attributes, "relationships": {"app": app}}
        return await self.call("POST", "/v1/webhooks", {"data": document})


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    vendor = PretendAppStoreConnect(lambda: NOON)
    async with LoopbackServer(vendor.app) as server, httpx.AsyncClient(base_url=server.url, verify=False) as client:
        yield Caller(vendor, client)


def about(relationship: str, kind: str, id: str) -> dict[str, Any]:
    return {"data": {"relationships": {relationship: {"data": {"type": kind, "id": id}}}}}


# --- App Store versions -----------------------------------------------------------------------


async def test_versions_ride_along_with_their_apps(caller: Caller) -> None:
    for number in range(3):
        caller.vendor.add_store_version(caller.shop, f"3.{number}.0", state="REPLACED_WITH_NEW_VERSION")
    caller.vendor.add_app("Till", "com.acme.till")
    params: dict[str, str | int] = {
        "include": "appStoreVersions",
        "limit[appStoreVersions]": 2,
        "fields[appStoreVersions]": "versionString",
    }
    document = await caller.json("/v1/apps", **params)
    linked = {app["id"]: app["relationships"]["appStoreVersions"] for app in document["data"]}
    assert linked[caller.shop.id]["meta"] == {"paging": {"total": 3, "limit": 2}}
    assert len(linked[caller.shop.id]["data"]) == len(document["included"]) == 2
    assert [list(version["attributes"]) for version in document["included"]] == [["versionString"]] * 2
    assert await caller.code("GET", "/v1/apps", **{"limit[appStoreVersions]": 51}) == (400, "PARAMETER_ERROR.INVALID")
    assert await caller.code("GET", "/v1/apps", **{"fields[certificates]": "name"}) == (400, "PARAMETER_ERROR.ILLEGAL")


async def test_a_version_with_its_build_and_phase(caller: Caller) -> None:
    build = caller.vendor.upload(caller.shop, "3.2.0", "418")
    made = caller.vendor.add_store_version(caller.shop, "3.2.0", state="READY_FOR_DISTRIBUTION", build=build, platform="tvos")
    caller.vendor.set_phase(made, day=3)
    path = f"/v1/appStoreVersions/{made.id}"
    document = await caller.json(path, include="build,appStoreVersionPhasedRelease", **{"fields[builds]": "version"})
    attributes = document["data"]["attributes"]
    assert (attributes["versionString"], attributes["platform"]) == ("3.2.0", "TV_OS")
    assert (attributes["appVersionState"], attributes["appStoreState"]) == ("READY_FOR_DISTRIBUTION", "READY_FOR_SALE")
    number, phase = document["included"]
    assert number["attributes"] == {"version": "418"}
    assert (phase["attributes"]["phasedReleaseState"], phase["attributes"]["currentDayNumber"]) == ("ACTIVE", 3)
    found = await caller.json("/v1/builds", include="appStoreVersion", **{"filter[appStoreVersion]": made.id})
    assert found["data"][0]["relationships"]["appStoreVersion"]["data"]["id"] == made.id
    assert await caller.code("GET", "/v1/appStoreVersions/none") == (404, "NOT_FOUND")


async def test_versions_of_one_app_take_filters_and_no_sort(caller: Caller) -> None:
    made = caller.vendor.add_store_version(caller.shop, "3.2.0")
    caller.vendor.set_version_state(made, "PENDING_DEVELOPER_RELEASE", old_word="PENDING_CONTRACT")
    caller.vendor.add_store_version(caller.shop, "3.3.0")
    path = f"/v1/apps/{caller.shop.id}/appStoreVersions"
    for name, value in {"appStoreState": "PENDING_CONTRACT", "versionString": "3.2.0", "id": made.id}.items():
        assert [each["id"] for each in (await caller.json(path, **{f"filter[{name}]": value}))["data"]] == [made.id]
    assert await caller.code("GET", path, sort="versionString") == (400, "PARAMETER_ERROR.ILLEGAL")


async def test_what_an_upload_complains_of(caller: Caller) -> None:
    build = caller.vendor.upload(caller.shop, "3.2.0", "418", processed=False)
    caller.vendor.upload(caller.shop, "3.2.0", "417")
    caller.vendor.finish_processing(build, "INVALID", errors=[("90717", "Invalid App Store Icon.")])
    (failed,) = (await caller.json(f"/v1/apps/{caller.shop.id}/buildUploads", **{"filter[state]": "FAILED"}))["data"]
    assert (failed["attributes"]["cfBundleShortVersionString"], failed["attributes"]["cfBundleVersion"]) == ("3.2.0", "418")
    assert failed["attributes"]["state"]["errors"] == [{"code": "90717", "description": "Invalid App Store Icon."}]
    document = await caller.json(f"/v1/builds/{build.id}", include="buildUpload")
    assert document["included"][0]["id"] == failed["id"]
    assert await caller.code("GET", "/v1/builds", **{"fields[buildUploads]": "state"}) == (400, "PARAMETER_ERROR.ILLEGAL")


async def test_profiles_are_signing(caller: Caller) -> None:
    caller.vendor.add_profile("Shop Ad Hoc", "IOS_APP_ADHOC", NOON + timedelta(days=300))
    caller.vendor.add_profile("Broken", "IOS_APP_STORE", NOON, state="INVALID")
    (active,) = (await caller.json("/v1/profiles", **{"filter[profileState]": "ACTIVE"}))["data"]
    assert active["attributes"]["expirationDate"] == "2027-02-25T12:00:00.000+00:00"


async def test_the_minute_is_counted_where_it_is_limited(caller: Caller) -> None:
    caller.vendor.minute_limit = 1
    first = await caller.call("GET", "/v1/apps")
    assert first.headers["x-rate-limit"] == "user-hour-lim:3500;user-hour-rem:3499;user-minute-lim:1;user-minute-rem:0;"
    second = await caller.call("GET", "/v1/apps")
    assert (second.status_code, second.headers["x-rate-limit"]) == (429, first.headers["x-rate-limit"])
    assert caller.vendor.refused_calls == 1
    caller.now += timedelta(minutes=1)
    assert (await caller.call("GET", "/v1/apps")).status_code == 200


# --- Webhooks ---------------------------------------------------------------------------------


async def test_a_webhook_from_birth_to_death(caller: Caller) -> None:
    made = await caller.register()
    assert made.status_code == 201
    webhook = made.json()["data"]
    assert webhook["attributes"] == {name: value for name, value in HOOK.items() if name != "secret"}
    listed = (await caller.json(f"/v1/apps/{caller.shop.id}/webhooks", **{"fields[webhooks]": "name,url"}))["data"]
    assert [(each["id"], each["attributes"]) for each in listed] == [(webhook["id"], {"name": "bot", "url": HOOK["url"]})]
    path = f"/v1/webhooks/{webhook['id']}"
    changed = await caller.call("PATCH", path, {"data": {"attributes": {"url": "https://new.example/h", "secret": "t"}}})
    assert changed.json()["data"]["attributes"]["url"] == "https://new.example/h"
    assert caller.vendor.hooks.registered[webhook["id"]].secret == "t"
    assert (await caller.json(path))["data"]["attributes"]["enabled"] is True
    assert (await caller.call("DELETE", path)).status_code == 204
    assert await caller.code("GET", path) == (404, "NOT_FOUND")
    assert await caller.code("GET", "/v1/webhooks") == (403, "FORBIDDEN_ERROR")


@pytest.mark.parametrize("name", list(HOOK))
async def test_a_webhook_needs_every_attribute(caller: Caller, name: str) -> None:
    response = await caller.register(**{name: None})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (409, "ENTITY_ERROR.ATTRIBUTE.REQUIRED")


@pytest.mark.parametrize("changed", [{"eventTypes": ["AGREEMENT_SIGNED"]}, {"eventTypes": []}, {"enabled": "yes"}, {"url": 7}])
async def test_a_webhook_with_a_bad_attribute_is_refused(caller: Caller, changed: dict[str, Any]) -> None:
    assert (await caller.register(**changed)).status_code == 409


async def test_a_webhook_belongs_to_an_app(caller: Caller) -> None:
    caller.vendor.apps.clear()
    assert (await caller.register()).status_code == 404
    assert await caller.code("POST", "/v1/webhooks", {"data": {"attributes": HOOK}}) == (
        409,
        "ENTITY_ERROR.RELATIONSHIP.REQUIRED",
    )
    assert await caller.code("POST", "/v1/webhooks", []) == (409, "ENTITY_ERROR")


async def test_what_happens_is_sent_to_whoever_asked_for_it(caller: Caller) -> None:
    await caller.register()
    await caller.register(url="https://off.example/h", enabled=False)
    await caller.register(url="https://all.example/h", eventTypes=list(EVENT_TYPES))
    till = caller.vendor.add_app("Till", "com.acme.till")
    caller.vendor.finish_processing(caller.vendor.upload(till, "1.0", "1", processed=False))
    build = caller.vendor.upload(caller.shop, "3.2.0", "418", processed=False)
    caller.vendor.finish_processing(build)
    sent = [(each.url, json.loads(each.call.body)["data"]["type"]) for each in caller.vendor.hooks.outgoing]
    assert sent == [
        ("https://bot.example/h", "buildUploadStateUpdated"),
        ("https://all.example/h", "buildUploadStateUpdated"),
        ("https://all.example/h", "buildBetaDetailExternalBuildStateUpdated"),
    ]
    first, second, _ = caller.vendor.hooks.outgoing
    assert first.call == sign_webhook("s", first.call.body)
    assert first.call.body == second.call.body
    data = json.loads(first.call.body)["data"]
    assert data["attributes"] == {"oldState": "PROCESSING", "newState": "COMPLETE", "timestamp": "2026-05-01T12:00:00.000Z"}
    assert data["relationships"]["instance"]["data"] == {"type": "buildUploads", "id": build.upload_id}


async def test_pings_and_redeliveries(caller: Caller) -> None:
    webhook_id = (await caller.register()).json()["data"]["id"]
    ping = await caller.call("POST", "/v1/webhookPings", about("webhook", "webhooks", webhook_id))
    assert ping.status_code == 201
    (sent,) = caller.vendor.hooks.outgoing
    assert json.loads(sent.call.body)["data"] == {
        "type": "webhookPingCreated",
        "id": ping.json()["data"]["id"],
        "version": 1,
        "attributes": {"timestamp": "2026-05-01T12:00:00.000Z"},
    }
    again = await caller.call("POST", "/v1/webhookDeliveries", about("template", "webhookDeliveries", sent.id))
    assert (again.status_code, again.json()["data"]["attributes"]["redelivery"]) == (201, True)
    assert caller.vendor.hooks.outgoing[1].call == sent.call
    deliveries = await caller.json(f"/v1/webhooks/{webhook_id}/deliveries")
    assert {each["id"] for each in deliveries["data"]} == {each.id for each in caller.vendor.hooks.outgoing}
    assert await caller.code("POST", "/v1/webhookPings", about("webhook", "webhooks", "none")) == (404, "NOT_FOUND")
    assert await caller.code("POST", "/v1/webhookDeliveries", about("template", "x", "none")) == (404, "NOT_FOUND")


def test_names_of_events() -> None:
    assert delivered_type("APP_STORE_VERSION_APP_VERSION_STATE_UPDATED") == "appStoreVersionAppVersionStateUpdated"
