"""The pretend vendors keep the promises of the vendors' pages, over real HTTP."""

import hmac
import io
import json
import plistlib
import time
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from bot.sandbox.misbehaviour import Misbehaviour, RecordedRequest
from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors import PretendAppcircle, PretendApplivery, PretendAppStoreConnect
from bot.sandbox.vendors.app_store_connect import PROVISIONING, TOMCAT_400, sign_webhook
from bot.sandbox.vendors.appcircle import BETA, LIVE, NOT_PUBLISHED, StoreVersion
from bot.sandbox.vendors.apple.documents import Paging
from bot.sandbox.vendors.apple.model import AgreementCode, KeyProblem
from bot.sandbox.vendors.applivery import AppliveryBuild
from bot.sandbox.vendors.base import PretendVendor
from bot.sandbox.vendors.bulk import populate

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until told to move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def serve(vendor: PretendVendor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running vendor. Loopback has no certificates: loading them would take longer than most tests."""
    server = LoopbackServer(vendor.app)
    async with server, httpx.AsyncClient(base_url=server.url, trust_env=False, verify=False) as client:
        yield client


class Caller:
    """A client with a bearer token of its own."""

    def __init__(self, client: httpx.AsyncClient, token: str = "") -> None:
        self.client = client
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.request(more.pop("method", "GET"), path, headers=headers, **more)

    async def json(self, path: str, **params: str | int) -> Any:
        answer = await self.get(path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refusal(self, path: str, **params: str | int) -> tuple[int, Any]:
        answer = await self.get(path, params=params or None)
        return answer.status_code, answer.json() if answer.content else None


def package_url(manifest: httpx.Response) -> str:
    (item,) = plistlib.loads(manifest.content)["items"]
    (asset,) = item["assets"]
    assert asset["kind"] == "software-package"
    return str(asset["url"])


def authorized(requests: Iterable[RecordedRequest]) -> list[str]:
    return [request.credential for request in requests if request.credential]


# --- Appcircle ---


class Store:
    """An Appcircle organisation with one app, and callers with and without an access token."""

    def __init__(self, vendor: PretendAppcircle, client: httpx.AsyncClient) -> None:
        self.vendor = vendor
        self.client = client
        self.shop = vendor.add_app("Shop", "com.acme.shop")
        self.versions = f"/store/v2/profiles/{self.shop.id}/app-versions"
        self.caller = Caller(client)

    async def sign_in(self, secret: str | None = None) -> Caller:
        form = {"pat": secret or self.vendor.personal_api_token}
        answer = (await self.client.post("/auth/v1/token", data=form)).json()
        return Caller(self.client, answer["access_token"])

    def download(self, version: StoreVersion) -> str:
        return f"/api/profile/{self.shop.id}/appversions/{version.id}/download-update"


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[Store]:
    vendor = PretendAppcircle(clock)
    async with serve(vendor) as client:
        scene = Store(vendor, client)
        scene.caller = await scene.sign_in()
        yield scene


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/auth/v1/token", ("pat",)),
        ("/auth/v2/token", ("pat",)),
        ("/auth/v1/token", ("personal-access-key",)),
        ("/auth/v3/token", ("personalAccessKey",)),
    ],
)
async def test_appcircle_exchanges_a_personal_token(store: Store, path: str, names: tuple[str, ...]) -> None:
    good = await store.client.post(path, data=dict.fromkeys(names, store.vendor.personal_api_token))
    assert (good.json()["expires_in"], good.json()["token_type"]) == (14400, "Bearer")
    assert await Caller(store.client, good.json()["access_token"]).json("/store/v2/profiles")
    bad = await store.client.post(path, data=dict.fromkeys(names, "wrong"))
    assert bad.status_code == 401


async def test_appcircle_exchanges_an_api_key(store: Store) -> None:
    form = {"name": store.vendor.api_key_name, "secret": store.vendor.api_key_secret}
    assert (await store.client.post("/auth/v1/api-key/token", data=form)).status_code == 200
    assert (await store.client.post("/auth/v1/api-key/token", data={**form, "secret": "x"})).status_code == 401


async def test_appcircle_access_tokens_expire_and_can_be_revoked(store: Store, clock: Clock) -> None:
    store.vendor.token_lifetime = timedelta(minutes=1)
    caller = await store.sign_in()
    assert (await caller.get("/store/v2/profiles")).status_code == 200
    clock.forward(minutes=1)
    assert await caller.refusal("/store/v2/profiles") == (401, None)
    assert store.vendor.requests[-1].credential == "expired access token"
    renewed = await store.sign_in()
    store.vendor.revoke_access_tokens()
    assert await renewed.refusal("/store/v2/profiles") == (401, None)


async def test_appcircle_takes_the_personal_token_at_the_auth_host_only(store: Store) -> None:
    caller = Caller(store.client, store.vendor.personal_api_token)
    assert await caller.refusal("/store/v2/profiles") == (401, None)
    assert store.vendor.requests[-1].credential == "personal api token"


async def test_appcircle_lists_profiles_as_a_bare_array(store: Store) -> None:
    assert [profile["name"] for profile in await store.caller.json("/store/v2/profiles")] == ["Shop"]
    store.vendor.upload(store.shop, "3.2.0", "320")
    (profile,) = await store.caller.json("/store/v1/profiles")
    assert profile["version"] == "3.2.0"
    assert profile["lastBinaryReceivedDate"] == "2026-05-01T12:00:00.0000007+00:00"


async def test_appcircle_describes_a_version_in_its_own_types(store: Store) -> None:
    store.vendor.upload(store.shop, "3.2.0", "320", platform="ios", notes="Faster\nSmaller", size=5000)
    (version,) = await store.caller.json(store.versions)
    wanted = {
        "version": "3.2.0",
        "versionCode": "320",
        "platformType": 1,
        "publishType": 2,
        "fileSize": 5000,
        "fileName": "Shop-3.2.0-320.ipa",
        "uniqueName": "com.acme.shop",
        "summary": "Faster",
        "releaseNotes": "Faster\nSmaller",
        "createDate": "2026-05-01T12:00:00.0000007+00:00",
        "publishDate": "2026-05-01T12:00:00Z",
    }
    assert wanted.items() <= version.items()


async def test_appcircle_lists_versions_in_no_useful_order(store: Store) -> None:
    for number in range(8):
        store.vendor.upload(store.shop, "3.2.0", str(number), uploaded_at=NOON + timedelta(hours=number))
    numbers = [version["versionCode"] for version in await store.caller.json(store.versions)]
    assert sorted(numbers) == list("01234567")
    assert numbers not in (sorted(numbers), sorted(numbers, reverse=True))
    assert numbers == [version["versionCode"] for version in await store.caller.json(store.versions)]


async def test_appcircle_shows_suborganisation_versions_when_asked(store: Store) -> None:
    store.vendor.upload(store.shop, "3.2.0", "1")
    store.vendor.upload(store.shop, "3.2.0", "2", suborganisation=True)
    assert len(await store.caller.json(store.versions)) == 1
    assert len(await store.caller.json(store.versions, suborg="all")) == 2
    store.vendor.suborg_on_v2 = False
    assert (await store.caller.refusal(store.versions, suborg="all"))[0] == 400
    assert len(await store.caller.json(store.versions.replace("v2", "v1"), suborg="all")) == 2


async def test_appcircle_filters_by_publish_type(store: Store) -> None:
    beta, live, _ = [
        store.vendor.upload(store.shop, "3.2.0", str(kind), publish_type=kind) for kind in (BETA, LIVE, NOT_PUBLISHED)
    ]
    assert [version["id"] for version in await store.caller.json(store.versions, publishtype="Beta")] == [beta.id]
    assert [version["id"] for version in await store.caller.json(store.versions, publishtype="Live")] == [live.id]
    store.vendor.publish(beta, LIVE)
    assert await store.caller.json(store.versions, publishtype="Beta") == []


async def test_appcircle_hands_out_an_apk_for_a_bearer(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320")
    answer = await store.caller.get(store.download(build))
    assert answer.content == build.artefact.content()
    assert answer.headers["content-type"] == "application/vnd.android.package-archive"
    assert "Shop-3.2.0-320.apk" in answer.headers["content-disposition"]
    assert (await store.client.get(store.download(build))).status_code == 401


async def test_appcircle_serves_ranges_and_validators(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320", size=10_000)
    path, content = store.download(build), build.artefact.content()
    whole = await store.caller.get(path, method="HEAD")
    assert (whole.headers["content-length"], whole.headers["accept-ranges"], whole.content) == ("10000", "bytes", b"")
    assert whole.headers["last-modified"] == "Fri, 01 May 2026 12:00:00 GMT"
    part = await store.caller.get(path, headers={"range": "bytes=100-199", "if-range": whole.headers["etag"]})
    assert (part.status_code, part.headers["content-range"]) == (206, "bytes 100-199/10000")
    assert part.content == content[100:200]
    assert (await store.caller.get(path, headers={"range": "bytes=-10"})).content == content[-10:]
    assert (await store.caller.get(path, headers={"range": "bytes=9990-"})).content == content[9990:]
    changed = await store.caller.get(path, headers={"range": "bytes=100-199", "if-range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, 10_000)
    beyond = await store.caller.get(path, headers={"range": "bytes=10000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10000")
    assert (await store.caller.get(path, headers={"if-none-match": whole.headers["etag"]})).status_code == 304


async def test_appcircle_ios_gets_a_manifest_whose_package_needs_the_bearer(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320", platform="ios")
    manifest = await store.caller.get(store.download(build))
    address = package_url(manifest)
    assert (await store.client.get(address)).status_code == 401
    assert (await store.caller.get(address)).content == build.artefact.content()


async def test_appcircle_redirects_to_storage_that_wants_no_bearer(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320")
    storage = store.vendor.storage
    async with LoopbackServer(storage.app) as server:
        store.vendor.storage_url = server.url
        answer = await store.caller.get(store.download(build))
        address = answer.headers["location"]
        assert (answer.status_code, address.startswith(server.url)) == (302, True)
        assert (await store.client.get(address)).content == build.artefact.content()
        assert not storage.received_authorization
        leaked = await store.caller.get(address)
    assert leaked.status_code == 400
    assert storage.received_authorization
    assert authorized(storage.requests) == ["bearer"]


async def test_appcircle_can_keep_packages_on_storage(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320", platform="ios")
    store.vendor.packages_on_storage = True
    async with LoopbackServer(store.vendor.storage.app) as server:
        store.vendor.storage_url = server.url
        address = package_url(await store.caller.get(store.download(build)))
        assert (await store.client.get(address, headers={"range": "bytes=0-3"})).content == b"PK\x03\x04"


async def test_storage_links_expire_and_cannot_be_forged(store: Store, clock: Clock) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320")
    address = await store.caller.json(f"{store.versions}/{build.id}", action="download")
    assert (await store.client.get(address)).status_code == 200
    assert (await store.client.get(address[:-4] + "beef")).status_code == 403
    clock.forward(hours=1)
    assert (await store.client.get(address)).status_code == 403


async def test_appcircle_refuses_downloads_in_its_own_words(store: Store) -> None:
    build = store.vendor.upload(store.shop, "3.2.0", "320")
    suborganisation = await store.sign_in(store.vendor.suborganisation_token)
    assert await suborganisation.json(store.versions)
    assert (await suborganisation.refusal(store.download(build)))[0] == 403
    store.vendor.expire(build)
    assert (await store.caller.refusal(store.download(build)))[0] == 403
    store.vendor.remove(build)
    assert await store.caller.refusal(store.download(build)) == (404, {"message": "App version not found."})
    store.vendor.remove_app(store.shop)
    assert await store.caller.refusal(store.versions) == (404, {"message": "Profile not found."})


def test_appcircle_signs_webhooks_over_the_raw_body() -> None:
    vendor = PretendAppcircle()
    build = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "3.2.0", "320")
    hook = vendor.webhook("test", build=build)
    assert hook.headers["ac_signature"] == hmac.new(b"test", hook.body, "sha256").hexdigest()
    facts = json.loads(hook.body)
    assert (facts["action"].split("|")[0], facts["item"]["id"]) == ("StoreSubmit", build.id)


# --- Applivery ---


class Workspace:
    """An Applivery workspace with one app, and a caller with the Service Account token."""

    def __init__(self, vendor: PretendApplivery, client: httpx.AsyncClient) -> None:
        self.vendor = vendor
        self.client = client
        self.shop = vendor.add_app("Shop", "com.acme.shop")
        self.apps = "/v1/organizations/acme/apps"
        self.builds = f"{self.apps}/{self.shop.id}/builds"
        self.caller = Caller(client, vendor.service_account_token)
        self.app_caller = Caller(client, self.shop.api_token)

    async def mint(self, build: AppliveryBuild, kind: str = "auto") -> dict[str, str]:
        answer: dict[str, Any] = await self.caller.json(f"{self.builds}/{build.id}/downloadToken", type=kind)
        minted: dict[str, str] = answer["data"]
        return minted


@pytest.fixture
async def workspace(clock: Clock) -> AsyncIterator[Workspace]:
    vendor = PretendApplivery(clock)
    async with serve(vendor) as client:
        yield Workspace(vendor, client)


def failure(code: int, message: str) -> dict[str, Any]:
    return {"status": False, "error": {"code": code, "message": message}}


async def test_applivery_tells_its_two_kinds_of_token_apart(workspace: Workspace) -> None:
    assert await workspace.app_caller.refusal(workspace.apps) == (401, failure(4002, "Invalid Token"))
    assert workspace.vendor.requests[-1].credential == "app token"
    assert await Caller(workspace.client).refusal(workspace.apps) == (401, failure(4002, "No auth token"))
    assert await workspace.caller.refusal("/v1/integrations/builds") == (401, failure(4004, "App token not valid"))
    workspace.vendor.service_account_on_integrations = True
    assert (await workspace.caller.json("/v1/integrations/builds"))["status"] is True


async def test_applivery_lists_workspaces_and_apps(workspace: Workspace) -> None:
    organizations = await workspace.caller.json("/v1/organizations")
    assert organizations["data"]["items"][0]["slug"] == "acme"
    by_id = await workspace.caller.json(f"/v1/organizations/{workspace.vendor.organization_id}/apps")
    assert by_id == await workspace.caller.json(workspace.apps)
    assert by_id["data"]["items"][0]["name"] == "Shop"
    one = await workspace.caller.json(f"{workspace.apps}/{workspace.shop.id}")
    assert one["data"]["id"] == workspace.shop.id
    assert await workspace.caller.refusal("/v1/organizations/other/apps") == (404, failure(3001, "Entity not found"))


async def test_applivery_pages_newest_first_with_has_next_page(workspace: Workspace) -> None:
    for number in range(25):
        workspace.vendor.upload(workspace.shop, "1.0", str(number), uploaded_at=NOON + timedelta(minutes=number))
    pages = [(await workspace.caller.json(workspace.builds, page=page))["data"] for page in (1, 2, 3, 4)]
    assert [(len(page["items"]), page["hasNextPage"]) for page in pages] == [(10, True), (10, True), (5, False), (0, False)]
    assert (pages[0]["totalDocs"], pages[0]["totalPages"], pages[0]["nextPage"]) == (25, 3, 2)
    assert pages[0]["items"][0]["createdAt"] == "2026-05-01T12:24:00.000Z"
    workspace.vendor.page_size_max = 20
    assert len((await workspace.caller.json(workspace.builds, limit=1000))["data"]["items"]) == 20


async def test_applivery_sorts_and_filters_builds(workspace: Workspace) -> None:
    android = workspace.vendor.upload(workspace.shop, "1.0", "1")
    ios = workspace.vendor.upload(workspace.shop, "1.0", "2", platform="ios", label="RC-2", uploaded_at=NOON + timedelta(hours=1))
    pending = workspace.vendor.upload(workspace.shop, "1.1", "3", processed=False, uploaded_at=NOON + timedelta(hours=2))

    async def ids(**params: str) -> list[str]:
        return [build["id"] for build in (await workspace.caller.json(workspace.builds, **params))["data"]["items"]]

    assert await ids(sort="createdAt:asc") == [android.id, ios.id, pending.id]
    assert await ids(os="ios") == await ids(versionName="RC-2") == [ios.id]
    assert await ids(status="pending") == [pending.id]
    assert (await workspace.caller.refusal(workspace.builds, sort="a b"))[0] == 400
    assert (await workspace.caller.refusal(workspace.builds, page=0))[0] == 400


async def test_applivery_keeps_the_true_version_in_info_once_processed(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", processed=False, label="Friday build")
    listed = (await workspace.caller.json(workspace.builds))["data"]["items"][0]
    assert (listed["status"], listed["info"], listed["versionName"]) == ("pending", None, "Friday build")
    workspace.vendor.finish_processing(build)
    listed = (await workspace.caller.json(workspace.builds))["data"]["items"][0]
    assert listed["info"]["android"]["versionName"] == "3.2.0"
    assert listed["versionName"] == "Friday build"
    workspace.vendor.fail_processing(build)
    assert (await workspace.caller.json(f"{workspace.builds}/{build.id}"))["data"]["errorCode"] == 5006


async def test_applivery_ios_info_is_the_property_list(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", platform="ios")
    facts = (await workspace.caller.json(f"{workspace.builds}/{build.id}"))["data"]["info"]["ios"]["plist"]
    assert (facts["CFBundleShortVersionString"], facts["CFBundleVersion"]) == ("3.2.0", "320")


async def test_applivery_routes_disagree_about_types(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", size=5000)
    listed = (await workspace.caller.json(workspace.builds))["data"]["items"][0]
    detailed = (await workspace.caller.json(f"{workspace.builds}/{build.id}"))["data"]
    assert (listed["size"], detailed["size"]) == (5000, "5000")
    assert (listed["application"], detailed["application"]["id"]) == (workspace.shop.id, workspace.shop.id)


async def test_applivery_integrations_show_one_app(workspace: Workspace) -> None:
    other = workspace.vendor.add_app("Bank", "com.acme.bank")
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320")
    foreign = workspace.vendor.upload(other, "1.0", "1")
    listed = await workspace.app_caller.json("/v1/integrations/builds")
    assert [item["id"] for item in listed["data"]["items"]] == [build.id]
    assert (await workspace.app_caller.json(f"/v1/integrations/builds/{build.id}"))["data"]["id"] == build.id
    assert (await workspace.app_caller.refusal(f"/v1/integrations/builds/{foreign.id}"))[0] == 404


async def test_applivery_mints_for_processed_builds_only(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", processed=False)
    mint = f"{workspace.builds}/{build.id}/downloadToken"
    assert await workspace.caller.refusal(mint, type="auto") == (400, failure(5014, "Build Not Processed"))
    workspace.vendor.start_processing(build)
    assert (await workspace.caller.refusal(mint, type="auto"))[1]["error"]["code"] == 5014
    workspace.vendor.finish_processing(build)
    assert (await workspace.mint(build))["expiresAt"] == "2026-05-01T12:05:00.000Z"
    assert (await workspace.caller.refusal(mint))[0] == 400
    assert await workspace.app_caller.refusal(mint, type="auto") == (401, failure(4002, "Invalid Token"))
    workspace.vendor.tells_expiry = False
    assert "expiresAt" not in await workspace.mint(build)
    workspace.vendor.remove(build)
    assert await workspace.caller.refusal(mint, type="auto") == (404, failure(3001, "Entity not found"))


async def test_applivery_download_tokens_work_once(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320")
    path = f"/v1/download/{(await workspace.mint(build))['token']}"
    first = await workspace.client.get(path)
    assert first.status_code == 302
    assert (await workspace.client.get(first.headers["location"])).content == build.artefact.content()
    second = await workspace.client.get(path)
    assert (second.status_code, second.json()) == (401, failure(4005, "Token Expired"))
    workspace.vendor.spent_tokens_vanish = True
    assert (await workspace.client.get(path)).json() == failure(3001, "Entity not found")
    assert (await workspace.client.get("/v1/download/never-minted")).status_code == 404


async def test_applivery_download_tokens_are_spent_by_a_probe_and_by_time(workspace: Workspace, clock: Clock) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320")
    probed = f"/v1/download/{(await workspace.mint(build))['token']}"
    assert (await workspace.client.head(probed)).status_code == 302
    assert (await workspace.client.get(probed)).status_code == 401
    late = f"/v1/download/{(await workspace.mint(build))['token']}"
    clock.forward(minutes=5)
    assert (await workspace.client.get(late)).json() == failure(4005, "Token Expired")


async def test_applivery_files_need_no_credential_and_serve_ranges(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320")
    minted = await workspace.client.get(f"/v1/download/{(await workspace.mint(build, 'file'))['token']}")
    part = await workspace.client.get(minted.headers["location"], headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, build.artefact.content()[10:20])
    assert (await workspace.caller.get(minted.headers["location"])).status_code == 400


async def test_applivery_auto_means_a_manifest_for_ios(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", platform="ios")
    auto = await workspace.client.get(f"/v1/download/{(await workspace.mint(build))['token']}", follow_redirects=True)
    assert (await workspace.client.get(package_url(auto))).content == build.artefact.content()
    file = await workspace.client.get(f"/v1/download/{(await workspace.mint(build, 'file'))['token']}", follow_redirects=True)
    assert zipfile.is_zipfile(io.BytesIO(file.content))


async def test_applivery_manifest_path_of_the_sdk(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320", platform="ios")
    path = f"/v1/download/{(await workspace.mint(build))['token']}/manifest.plist"
    assert (await workspace.client.get(package_url(await workspace.client.get(path)))).content == build.artefact.content()
    assert (await workspace.client.get(path)).status_code == 401


async def test_applivery_files_can_live_on_another_origin(workspace: Workspace) -> None:
    build = workspace.vendor.upload(workspace.shop, "3.2.0", "320")
    async with LoopbackServer(workspace.vendor.storage.app) as server:
        workspace.vendor.storage_url = server.url
        minted = await workspace.client.get(f"/v1/download/{(await workspace.mint(build))['token']}")
        assert minted.headers["location"].startswith(server.url)
        assert (await workspace.client.get(minted.headers["location"])).content == build.artefact.content()


def test_applivery_webhooks_are_unsigned_hints() -> None:
    vendor = PretendApplivery()
    build = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "3.2.0", "320")
    hook = vendor.webhook(build=build)
    assert json.loads(hook.body) == {"action": "build_processed", "data": {"id": build.id, "application": build.app.id}}
    assert list(hook.headers) == ["content-type"]


# --- App Store Connect ---


class Connect:
    """An App Store Connect account with one app, and a caller with a good token of the team key."""

    def __init__(self, vendor: PretendAppStoreConnect, client: httpx.AsyncClient, clock: Clock) -> None:
        self.vendor = vendor
        self.client = client
        self.clock = clock
        self.shop = vendor.add_app("Shop", "com.acme.shop", app_id="1234567890")
        self.caller = self.with_token()

    def token(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A good token, but for what is said otherwise; a claim of None is left out."""
        now = int(self.clock().timestamp())
        facts = {"iss": self.vendor.issuer_id, "iat": now - 60, "exp": now + 600, "aud": "appstoreconnect-v1", **claims}
        facts = {name: value for name, value in facts.items() if value is not None}
        headers = header or {"kid": self.vendor.key_id}
        return jwt.encode(facts, key or self.vendor.private_key_pem, algorithm="ES256", headers=headers)

    def with_token(self, **details: Any) -> Caller:
        return Caller(self.client, self.token(**details))

    def individual(self, **claims: Any) -> Caller:
        key = self.vendor.individual_key
        facts = {"iss": None, "sub": "user", **claims}
        return self.with_token(header={"kid": key.key_id}, key=key.private_key_pem, **facts)

    async def code(self, path: str, **params: str | int) -> tuple[int, str]:
        status, body = await self.caller.refusal(path, **params)
        return status, body["errors"][0]["code"]


@pytest.fixture
async def connect(clock: Clock) -> AsyncIterator[Connect]:
    vendor = PretendAppStoreConnect(clock)
    async with serve(vendor) as client:
        yield Connect(vendor, client, clock)


async def test_apple_takes_team_and_individual_tokens(connect: Connect) -> None:
    assert (await connect.caller.json("/v1/apps"))["data"][0]["id"] == "1234567890"
    assert (await connect.individual().json("/v1/apps"))["data"][0]["attributes"]["bundleId"] == "com.acme.shop"
    assert authorized(connect.vendor.requests) == ["team key", "individual key"]


@pytest.mark.parametrize(
    ("spoiled", "problem"),
    [
        ({"header": {"kid": "NOBODY0000"}}, "unknown key id"),
        ({"key": generate_private_key(SECP256R1())}, "Signature verification failed"),
        ({"aud": "appstoreconnect-v2"}, "Audience doesn't match"),
        ({"exp": int(NOON.timestamp())}, "expired"),
        ({"exp": int(NOON.timestamp()) + 1201, "iat": int(NOON.timestamp())}, "lives longer than 20 minutes"),
        ({"iat": int(NOON.timestamp()) + 5}, "issued in the future"),
        ({"iat": None}, 'Token is missing the "iat" claim'),
        ({"iss": None}, "iss and sub do not fit the key"),
        ({"sub": "user"}, "iss and sub do not fit the key"),
        ({"iss": "another-issuer"}, "iss and sub do not fit the key"),
    ],
)
async def test_apple_refuses_a_spoiled_token(connect: Connect, spoiled: dict[str, Any], problem: str) -> None:
    status, body = await connect.with_token(**spoiled).refusal("/v1/apps")
    assert (status, body["errors"][0]["code"], body["errors"][0]["status"]) == (401, "NOT_AUTHORIZED", "401")
    assert connect.vendor.requests[-1].credential == f"bad token: {problem}"


async def test_apple_takes_a_token_of_exactly_twenty_minutes(connect: Connect) -> None:
    now = int(NOON.timestamp())
    assert (await connect.with_token(iat=now, exp=now + 1200).get("/v1/apps")).status_code == 200


async def test_apple_refuses_individual_keys_with_an_issuer_and_after_revocation(connect: Connect) -> None:
    assert (await connect.individual(iss=connect.vendor.issuer_id).get("/v1/apps")).status_code == 401
    connect.vendor.revoke_keys()
    assert (await connect.caller.get("/v1/apps")).status_code == 401
    assert (await connect.client.get("/v1/apps")).status_code == 401


async def test_apple_counts_requests_in_a_rolling_hour(connect: Connect, clock: Clock) -> None:
    connect.vendor.rate_limit = 2
    first, second, third = [await connect.caller.get("/v1/apps") for _ in range(3)]
    assert first.headers["x-rate-limit"] == "user-hour-lim:2;user-hour-rem:1;"
    assert second.headers["x-rate-limit"] == "user-hour-lim:2;user-hour-rem:0;"
    assert (third.status_code, third.json()["errors"][0]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    clock.forward(hours=1)
    assert (await connect.with_token().get("/v1/apps")).status_code == 200


async def test_apple_build_version_is_the_number_and_its_train_the_version(connect: Connect) -> None:
    build = connect.vendor.upload(connect.shop, "3.2.0", "320")
    document = await connect.caller.json(f"/v1/builds/{build.id}", include="preReleaseVersion,app,buildBetaDetail")
    assert document["data"]["attributes"]["version"] == "320"
    assert document["data"]["attributes"]["uploadedDate"] == "2026-05-01T05:00:00-07:00"
    included = {item["type"]: item for item in document["included"]}
    assert included["preReleaseVersions"]["attributes"] == {"version": "3.2.0", "platform": "IOS"}
    assert included["apps"]["id"] == "1234567890"
    assert included["buildBetaDetails"]["attributes"]["externalBuildState"] == "IN_BETA_TESTING"
    linkage = document["data"]["relationships"]["preReleaseVersion"]["data"]
    assert linkage == {"type": "preReleaseVersions", "id": included["preReleaseVersions"]["id"]}


async def test_apple_links_only_what_is_included_and_asked_for(connect: Connect) -> None:
    connect.vendor.upload(connect.shop, "3.2.0", "320")
    bare = (await connect.caller.json("/v1/builds"))["data"][0]
    assert "data" not in bare["relationships"]["app"]
    params = {"include": "app,preReleaseVersion", "fields[builds]": "version,app", "fields[apps]": "name"}
    document = await connect.caller.json("/v1/builds", **params)
    assert document["data"][0]["attributes"] == {"version": "320"}
    assert list(document["data"][0]["relationships"]) == ["app"]
    assert [item["attributes"] for item in document["included"] if item["type"] == "apps"] == [{"name": "Shop"}]


async def test_apple_builds_of_many_apps_newest_first(connect: Connect) -> None:
    apps = populate(connect.vendor, apps=45, builds=4, newest=NOON)
    wanted = ",".join(app.id for app in apps)
    document = await connect.caller.json(
        "/v1/builds", **{"filter[app]": wanted, "sort": "-uploadedDate", "limit": 200, "include": "app"}
    )
    dates = [datetime.fromisoformat(build["attributes"]["uploadedDate"]) for build in document["data"]]
    assert (len(dates), dates[0]) == (180, NOON)
    assert dates == sorted(dates, reverse=True)
    assert len(document["included"]) == 45
    assert "next" not in document["links"]


@pytest.mark.parametrize("drops_limit", [False, True])
async def test_apple_pages_by_absolute_cursor_links(connect: Connect, drops_limit: bool) -> None:
    populate(connect.vendor, apps=1, builds=25, newest=NOON)
    connect.vendor.paging = Paging(drops_limit=drops_limit)
    document = await connect.caller.json("/v1/builds", limit=10, sort="-uploadedDate")
    ids = [build["id"] for build in document["data"]]
    assert document["meta"]["paging"].items() >= {"total": 25, "limit": 10}.items()
    while address := document["links"].get("next"):
        assert ("limit=10" in address) is not drops_limit
        document = await connect.caller.json(address)
        ids += [build["id"] for build in document["data"]]
    assert (len(ids), set(ids)) == (25, set(connect.vendor.builds))


async def test_apple_can_page_without_end(connect: Connect) -> None:
    connect.vendor.upload(connect.shop, "3.2.0", "320")
    connect.vendor.paging = Paging(endless=True)
    address, seen, sizes = "/v1/builds?limit=1", set(), []
    for _ in range(5):
        document = await connect.caller.json(address)
        sizes.append(len(document["data"]))
        address = document["links"]["next"]
        seen.add(address)
    assert (sizes, len(seen)) == ([1, 0, 0, 0, 0], 5)


async def test_apple_filters_builds(connect: Connect) -> None:
    vendor = connect.vendor
    ready = vendor.upload(connect.shop, "3.2.0", "320")
    waiting = vendor.upload(connect.shop, "3.2.1", "321", processed=False)
    mac = vendor.upload(connect.shop, "1.0", "9", platform="macos")
    old = vendor.upload(connect.shop, "3.0.0", "300")
    vendor.expire(old)
    group = vendor.add_group(connect.shop, every_build=False)
    vendor.add_to_group(ready, group)

    async def ids(name: str, value: str) -> set[str]:
        return {build["id"] for build in (await connect.caller.json("/v1/builds", **{f"filter[{name}]": value}))["data"]}

    assert await ids("version", "320,321") == {ready.id, waiting.id}
    assert await ids("processingState", "PROCESSING") == {waiting.id}
    assert await ids("expired", "true") == {old.id}
    assert await ids("preReleaseVersion.version", "3.2.0") == {ready.id}
    assert await ids("preReleaseVersion.platform", "MAC_OS") == {mac.id}
    assert await ids("betaGroups", group.id) == {ready.id}
    assert await ids("app", "999") == set()


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/v1/builds", {"limit": 201}, "PARAMETER_ERROR.INVALID"),
        ("/v1/builds", {"limit": 0}, "PARAMETER_ERROR.INVALID"),
        ("/v1/builds", {"sort": "-bundleId"}, "PARAMETER_ERROR.INVALID"),
        ("/v1/builds", {"include": "apps"}, "PARAMETER_ERROR.INVALID"),
        ("/v1/builds", {"filter[colour]": "red"}, "PARAMETER_ERROR.ILLEGAL"),
        ("/v1/builds", {"cursor": "nonsense"}, "PARAMETER_ERROR.INVALID"),
        ("/v1/builds", {"limit[betaGroups]": 51}, "PARAMETER_ERROR.INVALID"),
        ("/v1/apps/1234567890/builds", {"sort": "-uploadedDate"}, "PARAMETER_ERROR.ILLEGAL"),
        ("/v1/apps/1234567890/builds", {"filter[version]": "1"}, "PARAMETER_ERROR.ILLEGAL"),
        ("/v1/apps/1234567890/builds", {"include": "app"}, "PARAMETER_ERROR.ILLEGAL"),
    ],
)
async def test_apple_refuses_parameters_that_a_route_does_not_take(
    connect: Connect, path: str, params: dict[str, str | int], code: str
) -> None:
    assert await connect.code(path, **params) == (400, code)


async def test_apple_app_builds_have_no_order(connect: Connect) -> None:
    populate(connect.vendor, apps=1, builds=12, newest=NOON)
    app_id = next(build.app.id for build in connect.vendor.builds.values())
    numbers = [int(build["attributes"]["version"]) for build in (await connect.caller.json(f"/v1/apps/{app_id}/builds"))["data"]]
    assert sorted(numbers) == list(range(1, 13))
    assert numbers not in (sorted(numbers), sorted(numbers, reverse=True))


async def test_apple_bundle_id_filters_also_find_longer_identifiers(connect: Connect) -> None:
    connect.vendor.add_app("Shop Watch", "com.acme.shop.watch")
    for path, name in (("/v1/apps", "bundleId"), ("/v1/bundleIds", "identifier")):
        document = await connect.caller.json(path, **{f"filter[{name}]": "com.acme.shop"})
        assert len(document["data"]) == 2


async def test_apple_a_build_lives_as_a_person_makes_it(connect: Connect, clock: Clock) -> None:
    build = connect.vendor.upload(connect.shop, "3.2.0", "320", processed=False)

    async def states() -> tuple[str, bool, str]:
        document = await connect.caller.json(f"/v1/builds/{build.id}", include="buildBetaDetail")
        facts, detail = document["data"]["attributes"], document["included"][0]["attributes"]
        return facts["processingState"], facts["expired"], detail["externalBuildState"]

    assert await states() == ("PROCESSING", False, "PROCESSING")
    connect.vendor.finish_processing(build)
    assert await states() == ("VALID", False, "IN_BETA_TESTING")
    connect.vendor.set_external_state(build, "BETA_REJECTED", "REJECTED")
    assert await states() == ("VALID", False, "BETA_REJECTED")
    connect.vendor.expire(build)
    assert await states() == ("VALID", True, "EXPIRED")
    connect.vendor.remove(build)
    assert await connect.code(f"/v1/builds/{build.id}") == (404, "NOT_FOUND")


async def test_apple_builds_expire_after_ninety_days(connect: Connect, clock: Clock) -> None:
    build = connect.vendor.upload(connect.shop, "3.2.0", "320", uploaded_at=NOON - timedelta(days=90))
    assert (await connect.caller.json(f"/v1/builds/{build.id}"))["data"]["attributes"]["expired"] is True


async def test_apple_passes_on_platforms_of_the_future(connect: Connect) -> None:
    connect.vendor.upload(connect.shop, "1.0", "1", platform="fridge_os")
    document = await connect.caller.json("/v1/preReleaseVersions")
    assert document["data"][0]["attributes"]["platform"] == "FRIDGE_OS"


async def test_apple_groups_carry_public_links(connect: Connect) -> None:
    vendor = connect.vendor
    public = vendor.add_group(connect.shop)
    internal = vendor.add_group(connect.shop, "Staff", internal=True, every_build=False)
    build = vendor.upload(connect.shop, "3.2.0", "320")
    params = {"filter[app]": connect.shop.id, "filter[builds]": build.id, "filter[publicLinkEnabled]": "true"}
    (group,) = (await connect.caller.json("/v1/betaGroups", **params))["data"]
    assert group["attributes"]["publicLink"] == f"https://testflight.apple.com/join/{public.link_id}"
    staff = (await connect.caller.json(f"/v1/betaGroups/{internal.id}"))["data"]
    assert (staff["attributes"]["isInternalGroup"], staff["attributes"]["publicLink"]) == (True, None)
    served = await connect.caller.json(f"/v1/betaGroups/{public.id}/builds")
    assert [item["id"] for item in served["data"]] == [build.id]
    assert len((await connect.caller.json(f"/v1/apps/{connect.shop.id}/betaGroups"))["data"]) == 2


async def test_apple_release_notes_are_localizations(connect: Connect) -> None:
    build = connect.vendor.upload(connect.shop, "3.2.0", "320", notes="Faster")
    build.notes["de-DE"] = "Schneller"
    everywhere = await connect.caller.json("/v1/betaBuildLocalizations", **{"filter[build]": build.id, "filter[locale]": "de-DE"})
    assert [item["attributes"]["whatsNew"] for item in everywhere["data"]] == ["Schneller"]
    own = await connect.caller.json(f"/v1/builds/{build.id}/betaBuildLocalizations")
    assert {item["attributes"]["locale"] for item in own["data"]} == {"en-US", "de-DE"}


@pytest.mark.parametrize("code", list(AgreementCode))
async def test_apple_agreements_block_everything_until_signed(connect: Connect, code: AgreementCode) -> None:
    assert await connect.code("/v1/agreements") == (404, "NOT_FOUND")
    connect.vendor.block_agreements(code)
    for path in ("/v1/apps", "/v1/certificates", "/v1/agreements"):
        assert await connect.code(path) == (403, code.value)
    connect.vendor.clear_agreements()
    assert (await connect.caller.get("/v1/apps")).status_code == 200
    assert await connect.code("/v1/agreements") == (404, "NOT_FOUND")


async def test_apple_agreements_can_block_signing_alone(connect: Connect) -> None:
    connect.vendor.block_agreements(AgreementCode.PLA_NOT_ACCEPTED, paths=PROVISIONING)
    assert (await connect.caller.get("/v1/apps")).status_code == 200
    assert await connect.code("/v1/certificates") == (403, "FORBIDDEN_ERROR.PLA_NOT_ACCEPTED")


async def test_apple_keeps_individual_keys_from_provisioning(connect: Connect) -> None:
    connect.vendor.add_certificate("Apple Distribution: Acme", "DISTRIBUTION", NOON + timedelta(days=300))
    (certificate,) = (await connect.caller.json("/v1/certificates", limit=1))["data"]
    assert certificate["attributes"]["expirationDate"] == "2027-02-25T12:00:00.000+00:00"
    status, body = await connect.individual().refusal("/v1/certificates")
    assert (status, body["errors"][0]["code"]) == (403, "FORBIDDEN_ERROR")


@pytest.mark.parametrize("problem", list(KeyProblem))
async def test_apple_key_problems_are_no_agreement_problems(connect: Connect, problem: KeyProblem) -> None:
    connect.vendor.restrict_key(problem, paths="^/v1/builds")
    status, body = await connect.caller.refusal("/v1/builds")
    assert (status, body["errors"][0]["detail"]) == (403, problem.value.detail)
    assert body["errors"][0]["code"] not in set(AgreementCode)
    assert (await connect.caller.get("/v1/apps")).status_code == 200
    connect.vendor.restore_key()
    assert (await connect.caller.get("/v1/builds")).status_code == 200


async def test_apple_webhooks_are_not_listed_across_apps(connect: Connect) -> None:
    assert await connect.code("/v1/webhooks") == (403, "FORBIDDEN_ERROR")


async def test_apple_front_answers_html_at_times(connect: Connect) -> None:
    connect.vendor.misbehave("apps", Misbehaviour.STATUS, times=1, status=400, body=TOMCAT_400, content_type="text/html")
    connect.vendor.misbehave("apps", Misbehaviour.HTML_502, times=1)
    connect.vendor.misbehave("apps", Misbehaviour.UNAUTHORIZED, times=1)
    tomcat, gateway, vendor = [await connect.caller.get("/v1/apps") for _ in range(3)]
    assert (tomcat.status_code, tomcat.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert (gateway.status_code, "Correlation Key" in gateway.text) == (502, True)
    assert vendor.json()["errors"][0]["code"] == "NOT_AUTHORIZED"


def test_apple_signs_webhooks_as_its_test_vector_says() -> None:
    hook = sign_webhook("This is my secret", b"Hello, World!")
    expected = "7f062172b01cb00b53ca068614674a3d982a34062a0f5d37687d5e3377e54657"
    assert hook.headers["x-apple-signature"] == f"hmacsha256={expected}"


def test_apple_webhooks_name_an_instance_except_pings() -> None:
    vendor = PretendAppStoreConnect()
    upload = json.loads(vendor.webhook("secret").body)["data"]
    assert (upload["type"], upload["attributes"]["newState"]) == ("buildUploadStateUpdated", "COMPLETE")
    assert upload["relationships"]["instance"]["data"]["type"] == "buildUploads"
    ping = json.loads(vendor.webhook("secret", "webhookPingCreated", {}).body)["data"]
    assert "relationships" not in ping
    assert list(ping["attributes"]) == ["timestamp"]


# --- all of them ---


@pytest.mark.parametrize("kind", [PretendAppcircle, PretendApplivery, PretendAppStoreConnect])
def test_ten_thousand_builds_are_cheap(kind: type[Any]) -> None:
    vendor = kind()
    before = time.perf_counter()
    apps = populate(vendor, apps=10, builds=1000, newest=NOON)
    assert time.perf_counter() - before < 2
    assert len(apps) == 10
