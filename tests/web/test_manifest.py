"""The property list that iOS asks for."""

import plistlib
from dataclasses import replace

import httpx
import pytest

from bot.domain.model import Build
from tests.web.conftest import ANDROID, IOS, PAGE, Door


async def test_what_ios_reads(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(IOS)
    response = await client.get(f"{link}/manifest.plist")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    [item] = plistlib.loads(response.content)["items"]
    assert item["assets"] == [{"kind": "software-package", "url": f"{link}/file"}]
    assert item["metadata"] == {
        "kind": "software",
        "bundle-identifier": "com.acme.shop",
        "bundle-version": "3.2.0",
        "title": "Shop",
    }


async def test_the_package_is_the_file(door: Door, client: httpx.AsyncClient) -> None:
    manifest = plistlib.loads((await client.get(await door.link(IOS) + "/manifest.plist")).content)
    package = await client.get(manifest["items"][0]["assets"][0]["url"])
    assert package.content == door.host.path.read_bytes()


async def test_the_builds_own_bundle_id_goes_first(door: Door, client: httpx.AsyncClient) -> None:
    build = replace(IOS, id="beta", bundle_id="com.acme.shop.beta")
    await door.save(build)
    manifest = plistlib.loads((await client.get(await door.link(build) + "/manifest.plist")).content)
    assert manifest["items"][0]["metadata"]["bundle-identifier"] == "com.acme.shop.beta"


async def test_reading_it_is_no_opening(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(IOS)
    await client.get(f"{link}/manifest.plist")
    assert await door.opened(link) == (0, None)


async def test_vendor_text_cannot_break_it(door: Door, client: httpx.AsyncClient) -> None:
    build = replace(IOS, id="evil", version="1.0\x01</string><key>x</key>")
    await door.save(build, product="Shöp & <Co> \u202e")
    manifest = plistlib.loads((await client.get(await door.link(build) + "/manifest.plist")).content)
    metadata = manifest["items"][0]["metadata"]
    assert metadata["title"] == "Shöp & _Co_"
    assert "\x01" not in metadata["bundle-version"]
    assert "x" not in metadata


@pytest.mark.parametrize("build", [ANDROID, PAGE])
async def test_nothing_to_install(door: Door, client: httpx.AsyncClient, build: Build) -> None:
    assert (await client.get(await door.link(build) + "/manifest.plist")).status_code == 404
