"""The page of a grant, clicked, tabbed through, looked at and measured in real Chromium."""

import hashlib
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Page

from bot.domain.model import Build
from tests.browser.axe import violations
from tests.browser.conftest import SMALLEST, Chromium, Visit, settled
from tests.web.conftest import ANDROID, IOS, MINTED, PAGE, Door

pytestmark = pytest.mark.asyncio(loop_scope="session")
PICTURES = Path(__file__).parents[2] / "docs"
SHOWN = replace(
    ANDROID,
    size=53_400_000,
    sha256=hashlib.sha256(b"shop").hexdigest(),
    notes="Faster checkout.\nFixes the basket badge: it no longer counts gifts.",
)
SHOWN_IOS = replace(IOS, size=81_250_000, notes=SHOWN.notes)


async def visited(visit: Visit, url: str) -> Page:
    response = await visit.page.goto(url)
    assert response is not None
    assert response.status == 200
    await settled(visit)
    return visit.page


async def downloaded(page: Page, label: str) -> tuple[str, str]:
    """Name and SHA-256 of what a click brings."""
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name=label).click()
    download = await waiting.value
    content = (await download.path()).read_bytes()
    return download.suggested_filename, hashlib.sha256(content).hexdigest()


async def secure_link(door: Door, build: Build) -> str:
    """Where this test reaches the page that people have at an https address. Asked for before anything is opened."""
    door.public_url = "https://purser.example"
    return (await door.link(build)).replace(door.public_url, door.address)


def sha256_of(door: Door) -> str:
    return hashlib.sha256(door.host.path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("build", "label"), [(ANDROID, "Download APK"), (MINTED, "Download APK"), (IOS, "Download IPA")])
async def test_a_tap_on_the_phone_brings_the_file(door: Door, chromium: Chromium, build: Build, label: str) -> None:
    async with chromium.phone() as visit:
        page = await visited(visit, await door.link(build))
        name, found = await downloaded(page, label)
    assert found == sha256_of(door)
    if build is not MINTED:
        assert name == build.file_name


async def test_a_click_at_the_desk_brings_the_file(door: Door, chromium: Chromium) -> None:
    async with chromium.desktop() as visit:
        page = await visited(visit, await door.link(ANDROID))
        assert await downloaded(page, "Download APK") == ("shop-3.2.0.apk", sha256_of(door))


async def test_looking_opens_nothing(door: Door, chromium: Chromium) -> None:
    link = await door.link(MINTED)
    async with chromium.desktop() as visit:
        page = await visited(visit, link)
        await page.reload()
        await page.get_by_role("link", name="Download APK").hover()
    assert door.minter.calls == []
    assert await door.opened(link) == (0, None)


async def test_install_goes_through_our_manifest(door: Door, chromium: Chromium) -> None:
    async with chromium.phone() as visit:
        page = await visited(visit, await secure_link(door, IOS))
        href = await page.get_by_role("link", name="Install").get_attribute("href")
        assert href
        assert href.startswith("itms-services://?action=download-manifest&url=https")
        help_text = page.get_by_text("Unable to install")
        assert not await help_text.is_visible()
        await page.get_by_text("If it does not install").click()
        assert await help_text.is_visible()


async def test_testflight_is_a_button_to_its_page(door: Door, chromium: Chromium) -> None:
    async with chromium.phone() as visit:
        page = await visited(visit, await door.link(PAGE))
        button = page.get_by_role("link", name="Open in TestFlight")
        async with page.expect_request(lambda request: request.url.startswith(door.host.url)):
            await button.click(no_wait_after=True)


async def test_the_qr_code_leads_the_phone_to_the_same_grant(door: Door, chromium: Chromium) -> None:
    link = await door.link(ANDROID)
    async with chromium.desktop() as desk:
        page = await visited(desk, link)
        await page.get_by_text("Scan to open on the phone").scroll_into_view_if_needed()
        (code,) = zxingcpp.read_barcodes(Image.open(BytesIO(await page.screenshot())))
    assert code.text == link
    async with chromium.phone() as visit:
        page = await visited(visit, code.text)
        assert not await page.locator(".qr").is_visible()
        assert (await downloaded(page, "Download APK"))[1] == sha256_of(door)


async def test_the_qr_code_is_read_in_the_dark_too(door: Door, chromium: Chromium) -> None:
    link = await door.link(IOS)
    async with chromium.desktop(color_scheme="dark") as desk:
        page = await visited(desk, link)
        (code,) = zxingcpp.read_barcodes(Image.open(BytesIO(await page.screenshot())))
    assert code.text == link


@pytest.mark.parametrize("build", [ANDROID, IOS])
async def test_a_keyboard_is_enough(door: Door, chromium: Chromium, build: Build) -> None:
    async with chromium.desktop() as visit:
        page = await visited(visit, await secure_link(door, build))
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert await focused.inner_text() in ("Download APK", "Download IPA")
        assert await focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
        async with page.expect_download() as waiting:
            await page.keyboard.press("Enter")
        assert hashlib.sha256((await (await waiting.value).path()).read_bytes()).hexdigest() == sha256_of(door)
        if build is IOS:
            await page.keyboard.press("Tab")
            assert await focused.inner_text() == "Install"
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            assert await page.get_by_text("Untrusted developer").is_visible()


async def test_nothing_comes_from_elsewhere_and_nothing_is_blocked(door: Door, chromium: Chromium) -> None:
    for build in (SHOWN, SHOWN_IOS, PAGE):
        await door.save(build)
        async with chromium.desktop() as visit:
            await visited(visit, await door.link(build))
            assert visit.complaints == []
            assert [url for url in visit.requests if not url.startswith((f"{door.public_url}/d/", "data:"))] == []


LONG = replace(
    ANDROID,
    id="long",
    version="3.2.0-" + "release" * 12,
    track="Enterprise store with a very long name " * 2,
    notes="https://example.com/" + "a" * 300,
    file_name=None,
)
TALKATIVE = replace(SHOWN_IOS, id="talkative", notes="Faster checkout, and fewer taps. " * 60)


@pytest.mark.parametrize("build", [SHOWN, TALKATIVE, LONG])
async def test_a_narrow_screen_needs_no_scrolling_sideways(door: Door, chromium: Chromium, build: Build) -> None:
    await door.save(build)
    async with chromium.phone(viewport=SMALLEST, screen=SMALLEST) as visit:
        page = await visited(visit, await door.link(build))
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        box = await page.locator(".button").bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= SMALLEST["height"], "the button is seen without scrolling" if build is not LONG else ""


async def test_text_of_twice_the_size_fits(door: Door, chromium: Chromium) -> None:
    """WCAG 1.4.4, as a browser's setting for larger text does it."""
    async with chromium.phone() as visit:
        page = await visited(visit, await door.link(SHOWN))
        await page.evaluate("document.documentElement.style.fontSize = '32px'")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_without_scripts_all_works(door: Door, chromium: Chromium) -> None:
    async with chromium.desktop(java_script_enabled=False) as visit:
        page = await visited(visit, await door.link(ANDROID))
        assert (await downloaded(page, "Download APK"))[1] == sha256_of(door)


async def test_an_ended_link_says_so_and_nothing_else(door: Door, chromium: Chromium) -> None:
    link = await ended_link(door)
    async with chromium.phone() as visit:
        response = await visit.page.goto(link)
        assert response is not None
        assert response.status == 410
        assert await visit.page.get_by_role("heading", name="This link was taken back").is_visible()
        assert "Shop" not in await visit.page.content()
        assert await violations(visit.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_to_complain_of(door: Door, chromium: Chromium, scheme: str) -> None:
    """The page with all that it can hold; in the light the one with the warning, in the dark the one that installs."""
    await door.save(TALKATIVE)
    link = await secure_link(door, TALKATIVE) if scheme == "dark" else await door.link(TALKATIVE)
    for visiting in (chromium.phone(color_scheme=scheme), chromium.desktop(color_scheme=scheme)):
        async with visiting as visit:
            page = await visited(visit, link)
            for details in await page.locator("summary").all():
                await details.click()
            assert await violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures(door: Door, chromium: Chromium, scheme: str) -> None:
    """Light and dark differ. With UPDATE_PICTURES=1 they are kept in docs/, to be looked at."""
    for build in (SHOWN, SHOWN_IOS, PAGE):
        await door.save(build)
    phone, desk = {"color_scheme": scheme, "device_scale_factor": 2}, {"color_scheme": scheme}
    shown = await secure_link(door, SHOWN)
    scenes = [("phone", chromium.phone(**phone), shown), ("desktop", chromium.desktop(**desk), shown)]
    if scheme == "light" and os.environ.get("UPDATE_PICTURES"):
        scenes += [
            ("ios-phone", chromium.phone(**phone), await secure_link(door, SHOWN_IOS)),
            ("ios-desktop", chromium.desktop(**desk), await secure_link(door, SHOWN_IOS)),
            ("testflight-phone", chromium.phone(**phone), await secure_link(door, PAGE)),
            ("ended-phone", chromium.phone(**phone), await ended_link(door)),
        ]
    for name, visiting, link in scenes:
        async with visiting as visit:
            await visit.page.goto(link)
            await settled(visit)
            picture = Image.open(BytesIO(await visit.page.screenshot())).convert("RGB")
        brightness = sum(picture.getpixel((4, picture.height - 4))) / 3  # type: ignore[arg-type]
        assert (brightness > 200) is (scheme == "light")
        if os.environ.get("UPDATE_PICTURES"):
            picture.quantize(128).save(PICTURES / f"download-page-{name}-{scheme}.png", optimize=True)


async def ended_link(door: Door) -> str:
    link = (await door.link(ANDROID)).replace(door.public_url, door.address)
    grant_id = (await door.links().look(link.rpartition("/")[2])).grant.id
    await door.store.write(lambda repos: repos.grants.revoke([grant_id], "U9", door.clock.now))
    return link
