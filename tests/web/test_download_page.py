"""The page behind a link: what it says, and that looking at it costs nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from bot.domain.model import Build, Platform
from tests.web.conftest import ANDROID, IOS, MINTED, PAGE, Door

Secure = Callable[[Build], Awaitable[tuple[str, str]]]
PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"}


class _Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._href: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._href = dict(attrs).get("href") if tag == "a" else None

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.found[data.strip()] = self._href
            self._href = None


def links_of(response: httpx.Response) -> dict[str, str]:
    """Texts of the page's links -> absolute addresses."""
    return {text: urljoin(str(response.url), href) for text, href in _Links(response.text).found.items()}


async def test_facts_of_the_build(door: Door, client: httpx.AsyncClient) -> None:
    response = await client.get(await door.link(ANDROID))
    assert response.status_code == 200
    text = unescape(response.text)
    for fact in ("Shop", "3.2.0", "418", "Android", "Enterprise store (Live)", "300.0 kB", "2 May 2026, 09:00 UTC"):
        assert fact in text
    for fact in ("3 July 2026, 09:00 UTC", "Faster start.", "ab" * 32, "Appcircle", "10 more minutes"):
        assert fact in text


async def test_the_page_says_how_long_it_lives(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    door.clock.now += timedelta(minutes=9, seconds=10)
    assert "1 more minute<" in (await client.get(link)).text


async def test_vendor_text_cannot_become_markup(door: Door, client: httpx.AsyncClient) -> None:
    hostile = replace(ANDROID, id="evil", version='"><script>alert(1)</script>', notes="<img src=x onerror=alert(1)>")
    await door.save(hostile, product="<b>Shop</b>")
    page = (await client.get(await door.link(hostile))).text
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("build", "label"),
    [
        (ANDROID, "Download APK"),
        (MINTED, "Download APK"),
        (IOS, "Download IPA"),
        (PAGE, "Open in TestFlight"),
        (replace(ANDROID, id="mac", platform=Platform.MACOS), "Download"),
        (replace(ANDROID, id="odd", platform=Platform.OTHER), "Download"),
    ],
)
async def test_the_button_leads_to_the_file(door: Door, client: httpx.AsyncClient, build: object, label: str) -> None:
    assert isinstance(build, type(ANDROID))
    await door.save(build)
    link = await door.link(build)
    assert links_of(await client.get(link))[label] == f"{link}/file"


@pytest.fixture
def secure(door: Door) -> Secure:
    """The https address that a person gets, and the one at which this test reaches it."""

    async def addresses(build: Build) -> tuple[str, str]:
        here, door.public_url = door.public_url, "https://purser.example"
        link = await door.link(build)
        return link, link.replace(door.public_url, here)

    return addresses


async def test_ios_installs_over_the_manifest(secure: Secure, client: httpx.AsyncClient) -> None:
    link, reached = await secure(IOS)
    page = await client.get(reached, headers=PHONE)
    install = links_of(page)["Install"]
    assert install.startswith("itms-services://?action=download-manifest&url=https%3A%2F%2F")
    assert parse_qs(urlsplit(install).query)["url"] == [f"{link}/manifest.plist"]
    assert page.text.index("Install") < page.text.index("If it does not install") < page.text.index("About this build")


@pytest.mark.parametrize(("headers", "main"), [(PHONE, "Install"), ({}, "Download IPA")])
async def test_install_is_the_main_button_where_it_works(
    secure: Secure, client: httpx.AsyncClient, headers: dict[str, str], main: str
) -> None:
    _, reached = await secure(IOS)
    found = list(links_of(await client.get(reached, headers=headers)))
    assert found[0] == main
    assert set(found) == {"Install", "Download IPA"}, "an iPad calls itself a Mac"


async def test_over_http_the_main_button_does_not_promise_to_install(door: Door, client: httpx.AsyncClient) -> None:
    assert list(links_of(await client.get(await door.link(IOS), headers=PHONE))) == ["Download IPA", "Install"]


async def test_whose_link_it_is(door: Door, client: httpx.AsyncClient) -> None:
    page = (await client.get(await door.link(ANDROID))).text
    assert "Do not pass it on: whoever has it can use it until" in page
    assert ">09:10 UTC<" in page


@pytest.mark.parametrize(("length", "cut"), [(10_000, False), (10_001, True)])
async def test_long_notes_are_folded_and_cut_with_a_sign(door: Door, client: httpx.AsyncClient, length: int, cut: bool) -> None:
    build = replace(ANDROID, id="long", notes="x" * length)
    await door.save(build)
    page = (await client.get(await door.link(build))).text
    assert "Show all 10,000 characters" in page
    assert ("x…" in page) is cut
    assert "Show all" not in (await client.get(await door.link(ANDROID))).text


async def test_ios_without_a_known_bundle_id_cannot_be_installed_but_downloaded(door: Door, client: httpx.AsyncClient) -> None:
    build = replace(IOS, account="mint", app_id="a9", id="b9")
    await door.save(build, product="Nameless", bundle_id=None)
    found = links_of(await client.get(await door.link(build)))
    assert "Download IPA" in found
    assert "Install" not in found


@pytest.mark.parametrize(("public_url", "warns"), [("http://purser.example", True), ("https://purser.example", False)])
async def test_ios_wants_https(door: Door, client: httpx.AsyncClient, public_url: str, warns: bool) -> None:
    here, door.public_url = door.public_url, public_url
    link = (await door.link(IOS)).replace(public_url, here)
    page = (await client.get(link)).text
    assert ("iOS installs only from an https address" in page) is warns
    assert ("Press Install on the iPhone" in page) is not warns


async def test_a_code_for_the_phone_on_a_desktop_alone(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(ANDROID)
    assert "/qr.svg" in (await client.get(link)).text
    assert "/qr.svg" not in (await client.get(link, headers=PHONE)).text


async def test_no_code_for_a_build_that_no_phone_runs(door: Door, client: httpx.AsyncClient) -> None:
    build = replace(ANDROID, id="win", platform=Platform.WINDOWS)
    await door.save(build)
    assert "/qr.svg" not in (await client.get(await door.link(build))).text


async def test_looking_mints_and_counts_nothing(door: Door, client: httpx.AsyncClient) -> None:
    link = await door.link(MINTED)
    for path in ("", "/qr.svg"):
        await client.get(link + path)
        await client.head(link + path)
    assert door.minter.calls == []
    assert await door.opened(link) == (0, None)


async def test_head_of_the_page(door: Door, client: httpx.AsyncClient) -> None:
    response = await client.head(await door.link(ANDROID))
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 1000
    assert response.content == b""


async def test_the_page_loads_nothing_from_elsewhere(door: Door, client: httpx.AsyncClient) -> None:
    page = (await client.get(await door.link(ANDROID))).text
    assert "<script" not in page
    assert "src=" in page
    assert 'src="http' not in page
    assert "url(" not in page
