import hashlib
import plistlib
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Message, View

from .conftest import Journey, asking

PHONE = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"}


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(follow_redirects=True, timeout=10, verify=False) as client:
        yield client


def opened(message: Message | View) -> str:
    """The address behind Open."""
    (url,) = [button.url for button in message.buttons if button.label == "Open"]
    assert url
    return url


async def granted(journey: Journey, line: str) -> str:
    answer = await journey.ask(line)
    assert answer.is_ephemeral
    return opened(answer)


async def test_android_through_applivery_is_a_redirect_minted_when_the_file_is_opened(
    journey: Journey, browser: httpx.AsyncClient
) -> None:
    world = journey.world
    url = await granted(journey, "/download shop applivery")
    page = await browser.get(url)
    assert page.status_code == 200
    assert "3.1.0" in page.text
    assert not [r for r in world.applivery.requests if "downloadToken" in r.path]
    file = await browser.get(f"{url}/file")
    artefact = world.in_applivery.newest.artefact
    assert hashlib.sha256(file.content).hexdigest() == artefact.sha256
    assert len([r for r in world.applivery.requests if "downloadToken" in r.path]) == 1


async def test_android_through_appcircle_is_streamed(journey: Journey, browser: httpx.AsyncClient) -> None:
    url = await granted(journey, "/download shop appcircle")
    file = await browser.get(f"{url}/file")
    artefact = journey.world.in_appcircle.newest.artefact
    assert hashlib.sha256(file.content).hexdigest() == artefact.sha256
    assert int(file.headers["content-length"]) == artefact.size
    part = await browser.get(f"{url}/file", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, file.content[100:200])


async def test_ios_installs_through_our_own_manifest(journey: Journey, browser: httpx.AsyncClient) -> None:
    url = await granted(journey, "/download courier ios")
    page = await browser.get(url, headers=PHONE)
    install = re.search(r'href="(itms-services://[^"]+)"', page.text)
    assert install
    query = parse_qs(urlsplit(install[1].replace("&amp;", "&")).query)
    assert query["action"] == ["download-manifest"]
    manifest = plistlib.loads((await browser.get(query["url"][0])).content)
    (item,) = manifest["items"]
    assert item["metadata"]["bundle-identifier"] == "com.acme.courier"
    assert item["metadata"]["bundle-version"] == "1.8.0"
    package = next(asset["url"] for asset in item["assets"] if asset["kind"] == "software-package")
    file = await browser.get(package)
    assert hashlib.sha256(file.content).hexdigest() == journey.world.in_appcircle.courier_ios.artefact.sha256


@asking
async def test_testflight_leads_to_the_public_link(asked: Journey) -> None:
    answer = await asked.ask("/download shop 412")
    async with httpx.AsyncClient(verify=False) as browser:
        file = await browser.get(f"{opened(answer)}/file")
    assert file.status_code in (302, 303, 307)
    assert file.headers["location"].startswith("https://testflight.apple.com/join/")


@asking
async def test_several_builds_are_a_choice(asked: Journey) -> None:
    choice = await asked.ask("/download shop")
    assert [button.label for button in choice.buttons].count("Download") == 3
    ticket = await asked.press(choice, "Download", "Appcircle")
    assert opened(ticket).startswith(f"{asked.world.public_url}/d/")


@asking
async def test_every_click_is_recorded_and_gets_its_own_link(asked: Journey) -> None:
    links = {await granted(asked, "/download shop applivery") for _ in range(3)}
    assert len(links) == 3


@asking
async def test_a_build_in_processing_is_said_to_be(asked: Journey) -> None:
    answer = await asked.ask("/download shop 418")
    assert "still being processed" in answer.text_content
    assert not [button for button in answer.buttons if button.label == "Open"]


@asking
async def test_an_expired_build_offers_the_newest_that_is_not(asked: Journey) -> None:
    answer = await asked.ask("/download shop 377")
    assert "expired" in answer.text_content
    assert "3.1.0 (412)" in answer.text_content
    assert opened(await asked.press(answer, "Download 3.1.0 (412)"))


async def test_a_build_that_is_gone_is_said_to_be(journey: Journey) -> None:
    card = await journey.ask("/versions shop android")
    journey.world.applivery.remove(journey.world.in_applivery.newest)
    answer = await journey.press(card, "Download", "Applivery")
    assert "no longer" in answer.text_content or "gone" in answer.text_content


async def test_a_vendor_that_is_down_is_named_and_try_again_works(journey: Journey) -> None:
    world = journey.world
    world.applivery.misbehave("/", Misbehaviour.HTML_502)
    answer = await journey.ask("/download shop applivery")
    assert "Applivery" in answer.text_content
    world.applivery.behave()
    assert opened(await journey.press(answer, "Try again"))


async def test_a_vendor_that_hangs_holds_nobody_up(journey: Journey) -> None:
    journey.world.applivery.misbehave("/", Misbehaviour.HANG)
    answer = await journey.ask("/download shop applivery")  # the acknowledgement came in time, the sentence behind it
    assert "Applivery" in answer.text_content
    journey.world.applivery.behave()


async def test_a_blocked_agreement_is_said_not_a_403(journey: Journey) -> None:
    journey.world.apple.block_agreements()
    answer = await journey.ask("/download shop 412")
    assert "agreement" in answer.text_content
    assert "403" not in answer.text_content


@pytest.mark.parametrize(
    "value", ["", "x", "0" * 16, "ffffffffffffffff", "a" * 2000, "'; drop table", "../../etc/passwd", "\u202e"]
)
@asking
async def test_a_button_value_that_is_not_ours_gets_a_sentence(asked: Journey, value: str) -> None:
    slack, town = asked.world.slack, asked.world.town
    card = await asked.ask("/versions shop android")
    for block in card.blocks:
        if accessory := block.get("accessory"):
            accessory["value"] = value
    answer = await slack.press(town.ada, card, "Download", "Applivery")
    assert isinstance(answer, Message)
    assert answer.text_content
    assert "Reference" not in answer.text_content
    assert not [button for button in answer.buttons if button.label == "Open"]


async def test_a_link_that_has_ended_tells_nothing(journey: Journey, browser: httpx.AsyncClient) -> None:
    url = await granted(journey, "/download shop applivery")
    journey.clock.advance(minutes=11)
    for path in ("", "/file", "/manifest.plist", "/qr.svg"):
        answer = await browser.get(url + path)
        assert answer.status_code == 410
        assert "3.1.0" not in answer.text
        assert "Shop" not in answer.text
    tampered = await browser.get(url[:-3] + "abc")
    assert tampered.status_code == 404
