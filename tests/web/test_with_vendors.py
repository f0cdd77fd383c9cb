"""From the click to the bytes with the real providers, against vendors that demand the right credentials."""

import hashlib
import plistlib
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from bot.domain.model import Build
from bot.domain.ports import ListsApps, ListsBuilds, Provider
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors.appcircle import PretendAppcircle
from bot.sandbox.vendors.applivery import PretendApplivery
from providers.appcircle import AppcircleSettings
from providers.appcircle import connect as connect_appcircle
from providers.applivery import AppliverySettings
from providers.applivery import connect as connect_applivery
from providers.spec import Surroundings
from tests.web.conftest import Door, SettableClock


@pytest.fixture
async def appcircle(door: Door, clock: SettableClock) -> AsyncIterator[PretendAppcircle]:
    """A vendor with its files on a host of their own."""
    vendor = PretendAppcircle(clock)
    async with LoopbackServer(vendor.app) as server, LoopbackServer(vendor.storage.app) as storage:
        vendor.storage_url = storage.url
        settings = AppcircleSettings(
            name="acme-store",
            provider="appcircle",
            personal_api_token=SecretStr(vendor.personal_api_token),
            store_url=server.url,
            api_url=server.url,
            auth_url=server.url,
        )
        provider = connect_appcircle(settings, Surroundings(clock, lambda observation: None))
        door.providers["acme-store"] = provider
        yield vendor
        await provider.aclose()


@pytest.fixture
async def applivery(door: Door, clock: SettableClock) -> AsyncIterator[PretendApplivery]:
    vendor = PretendApplivery(clock)
    async with LoopbackServer(vendor.app) as server:
        settings = AppliverySettings(
            name="acme-applivery",
            provider="applivery",
            organization=vendor.organization,
            token=SecretStr(vendor.service_account_token),
            api_url=server.url,
            download_url=server.url,
        )
        provider = connect_applivery(settings, Surroundings(clock, lambda observation: None))
        door.providers["acme-applivery"] = provider
        yield vendor
        await provider.aclose()


async def newest(door: Door, account: str) -> Build:
    """The newest build of the account, stored as a check would store it."""
    provider: Provider = door.providers[account]
    assert isinstance(provider, ListsApps)
    assert isinstance(provider, ListsBuilds)
    apps = await provider.list_apps()
    build = (await provider.list_builds(apps))[0]
    await door.save(build, bundle_id=apps[0].bundle_id)
    return build


async def test_appcircle_android(door: Door, appcircle: PretendAppcircle, client: httpx.AsyncClient) -> None:
    uploaded = appcircle.upload(appcircle.add_app("Shop", "com.acme.shop"), "3.2.0", "418", size=300_000)
    link = await door.link(await newest(door, "acme-store"))
    response = await client.get(f"{link}/file")
    assert hashlib.sha256(response.content).hexdigest() == uploaded.artefact.sha256
    assert response.headers["content-length"] == "300000"
    assert not appcircle.storage.received_authorization


async def test_appcircle_resumed(door: Door, appcircle: PretendAppcircle, client: httpx.AsyncClient) -> None:
    uploaded = appcircle.upload(appcircle.add_app("Shop", "com.acme.shop"), "3.2.0", "418")
    link = await door.link(await newest(door, "acme-store"))
    head = await client.head(f"{link}/file")
    assert (head.status_code, head.content) == (200, b"")
    whole = await client.get(f"{link}/file")
    rest = await client.get(f"{link}/file", headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    assert rest.content == uploaded.artefact.content()[1000:]


async def test_appcircle_ios_over_our_manifest(door: Door, appcircle: PretendAppcircle, client: httpx.AsyncClient) -> None:
    uploaded = appcircle.upload(appcircle.add_app("Shop", "com.acme.shop"), "3.2.0", "418", platform="ios")
    link = await door.link(await newest(door, "acme-store"))
    [item] = plistlib.loads((await client.get(f"{link}/manifest.plist")).content)["items"]
    assert item["metadata"]["bundle-identifier"] == "com.acme.shop"
    package = await client.get(item["assets"][0]["url"])
    assert hashlib.sha256(package.content).hexdigest() == uploaded.artefact.sha256


async def test_appcircle_breaks_off(door: Door, appcircle: PretendAppcircle, client: httpx.AsyncClient) -> None:
    appcircle.upload(appcircle.add_app("Shop", "com.acme.shop"), "3.2.0", "418")
    link = await door.link(await newest(door, "acme-store"))
    appcircle.storage.misbehave("/artifacts/", Misbehaviour.DROP_MID_BODY)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(f"{link}/file")


@pytest.mark.parametrize("platform", ["android", "ios"])
async def test_applivery(door: Door, applivery: PretendApplivery, client: httpx.AsyncClient, platform: str) -> None:
    uploaded = applivery.upload(applivery.add_app("Shop", "com.acme.shop"), "3.2.0", "418", platform=platform)
    link = await door.link(await newest(door, "acme-applivery"))
    response = await client.get(f"{link}/file", follow_redirects=True)
    assert hashlib.sha256(response.content).hexdigest() == uploaded.artefact.sha256


async def test_previews_burn_no_applivery_token(door: Door, applivery: PretendApplivery, client: httpx.AsyncClient) -> None:
    applivery.upload(applivery.add_app("Shop", "com.acme.shop"), "3.2.0", "418")
    link = await door.link(await newest(door, "acme-applivery"))
    for path in ("", "/file", "/qr.svg"):
        await client.head(link + path)
    await client.get(link)
    assert not [request for request in applivery.requests if "downloadToken" in request.path]
    await client.get(f"{link}/file", follow_redirects=True)
    assert len([request for request in applivery.requests if "downloadToken" in request.path]) == 1
