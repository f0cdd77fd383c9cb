"""A sixth provider from a folder of tests: one entry in `specs`, and every room knows it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import providers
from bot.app import Purser, build
from bot.config import ConfigurationError
from bot.domain.ports import ListsApps, ListsBuilds, Probes, Provider
from bot.manifest import scopes
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.server import LoopbackServer
from bot.sandbox.slack import Message
from bot.sandbox.world import World
from bot.store.migrate import upgrade
from bot.workshop import load_settings
from providers import SPECS
from tests.contracts.sixth import harbour
from tests.contracts.sixth.harbour.client import Harbour
from tests.contracts.sixth.pretend import HarbourApp, PretendHarbour
from tests.providers.test_recipe import imports

SIX = {**SPECS, harbour.SPEC.name: harbour.SPEC}
FOLDER = Path(harbour.__file__).parent
ACCOUNT = "acme-harbour"
TOML = """\
[[accounts]]
name = "{name}"
provider = "harbour"
token = "env:HARBOUR_TOKEN"
api_url = "{url}"
"""


@dataclass
class Port:
    """The wired bot, a workspace and a Harbour with one app, Ferry, of which there are three builds."""

    world: World
    purser: Purser
    vendor: PretendHarbour
    ferry: HarbourApp

    async def ask(self, line: str) -> Message:
        return await self.world.slack.command(self.world.town.ada, self.world.town.mobile, line)

    async def check(self) -> None:
        await self.purser.sync.account(ACCOUNT)
        await self.purser.alerts.deliver_due()

    def told(self) -> list[Message]:
        return self.world.slack.messages(self.world.town.mobile)


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    vendor = PretendHarbour()
    ferry = vendor.add_app("Ferry", "com.acme.ferry")
    vendor.upload(ferry, "1.0.0", "10", platform="ios")
    vendor.upload(ferry, "1.1.0", "11", notes="Docks faster")
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(poll_seconds=3600, agreements_seconds=3600))
        world.slack.api.scopes = set(scopes())
        url = (await stack.enter_async_context(LoopbackServer(vendor.app))).url
        (world.folder / "purser.toml").write_text(TOML.format(name=ACCOUNT, url=url))
        settings = load_settings({**world.environment, "HARBOUR_TOKEN": vendor.token}, world.folder, SIX)
        upgrade(settings.environment.database_url)
        purser = build(settings, specs=SIX)
        await purser.prepare()
        await stack.enter_async_context(LoopbackServer(purser.web, world.port))
        port = Port(world, purser, vendor, ferry)
        await port.check()
        yield port
        assert world.slack.violations == []


async def test_versions_names_its_builds_and_its_title(port: Port) -> None:
    text = (await port.ask("/versions ferry")).text_content
    assert "Android · Harbour · Berth two · 1.1.0 (11)" in text
    assert "iOS · Harbour · Berth two · 1.0.0 (10)" in text


async def test_a_filter_takes_its_name(port: Port) -> None:
    assert "1.1.0 (11)" in (await port.ask("/versions ferry harbour android")).text_content


async def test_download_mints_when_the_file_is_opened(port: Port) -> None:
    newest = port.vendor.upload(port.ferry, "1.2.0", "12")
    await port.check()
    answer = await port.ask("/download ferry android")
    (url,) = [button.url for button in answer.buttons if button.label == "Open"]
    assert url
    async with httpx.AsyncClient(follow_redirects=True, timeout=10) as browser:
        assert "1.2.0" in (await browser.get(url)).text
        assert not [request for request in port.vendor.requests if request.path.endswith("/links")]
        file = await browser.get(f"{url}/file")
    assert file.content == newest.content


async def test_a_new_build_is_told_once(port: Port) -> None:
    await port.ask("/purser subscribe ferry")
    port.vendor.upload(port.ferry, "1.3.0", "13", notes="Two decks")
    for _ in range(2):
        await port.check()
    (card,) = [message for message in port.told() if "1.3.0 (13)" in message.text_content]
    assert "Harbour" in card.text_content
    assert "Two decks" in card.text_content


async def test_its_failures_have_sentences(port: Port) -> None:
    port.vendor.misbehave("/links$", Misbehaviour.FORBIDDEN)
    port.vendor.misbehave("/builds/", Misbehaviour.FORBIDDEN)
    answer = await port.ask("/download ferry android")
    assert "Harbour" in answer.text_content
    assert not [button for button in answer.buttons if button.label == "Open"]


async def test_status_shows_its_account(port: Port) -> None:
    assert ACCOUNT in (await port.ask("/purser status")).text_content


async def test_without_its_line_it_is_not_known(port: Port) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"HARBOUR_TOKEN": "t"}, port.world.folder)
    assert "is not a provider" in caught.value.mistakes[0].what


# --- what the recipe asks of the folder -------------------------------------------------------------


def test_it_has_the_files() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {"__init__.py", "client.py", "wire.py"}


def test_it_keeps_to_itself() -> None:
    shared = tuple(f"providers.{path.stem}." for path in Path(providers.__file__).parent.glob("*.py"))
    allowed = ("bot.domain.", "tests.contracts.sixth.harbour", *shared)
    ours = [name for path in FOLDER.glob("*.py") for name in imports(path) if name.split(".")[0] in ("bot", "providers", "tests")]
    assert [name for name in ours if not name.startswith(allowed)] == []


def test_its_client_is_a_provider() -> None:
    client: type[Provider] = Harbour
    assert client.provider == harbour.SPEC.name
    assert all(issubclass(Harbour, ability) for ability in (ListsApps, ListsBuilds, Probes))
