"""`purser demo --script`: a conversation with the real bot, every answer checked."""

import asyncio
import hashlib
import plistlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from rich.console import Console

from bot.sandbox.process import BotDidNotStart, BotProcess, ended_by_signals
from bot.sandbox.slack import Message, NothingSeen, Undelivered, View
from bot.sandbox.slack.terminal import Screen
from bot.sandbox.world import APPLE, World

SHOWN_LINES = 8
SHOWN_WIDTH = 110
SETTLED_SECONDS = 10.0


class StepFailed(Exception):
    """The message says what was expected, and what came."""


_FAILURES = (StepFailed, NothingSeen, Undelivered, LookupError, httpx.HTTPError, plistlib.InvalidFileException)


async def scripted() -> int:
    """Plays everything; 0 when all went well, 1 when a step failed."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    started = time.monotonic()
    with ended_by_signals():
        try:
            well = await _played(console)
        except BotDidNotStart as error:
            console.print(f"FAILED  start: {error}")
            return 1
    console.print(f"{'Everything went well' if well else 'A step failed'}, in {time.monotonic() - started:.1f} s.")
    return 0 if well else 1


async def _played(console: Console) -> bool:
    async with (
        World() as world,
        BotProcess(world.environment, world.folder, world.public_url) as bot,
        httpx.AsyncClient(trust_env=False, follow_redirects=True, timeout=10) as browser,
    ):
        return await play(Conversation(world, browser, console), bot, console)


async def play(conversation: "Conversation", bot: BotProcess, console: Console) -> bool:
    """Runs every step until one fails; says how each went."""
    console.print(f"ok  the bot is ready, {bot.seconds:.1f} s after its start")
    for title, step in conversation.steps():
        try:
            await step()
        except _FAILURES as error:
            console.print(f"FAILED  {title}: {error}")
            console.print(f"The last lines of the bot's log:\n{bot.log_tail(8)}")
            return False
        console.print(f"ok  {title}")
    return True


@dataclass
class Conversation:
    """The steps, in the order of `steps`; each prints what people see and raises one of _FAILURES when that is wrong."""

    world: World
    browser: httpx.AsyncClient
    console: Console
    told: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slack = self.world.slack
        self.town = self.world.town
        self.screen = Screen(self.slack.workspace, SHOWN_WIDTH)

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        return (
            ("versions of every product", self.versions),
            ("versions of one product, from three providers", self.versions_of_shop),
            ("a typo is understood", self.typo),
            ("more than ten builds are paged", self.paging),
            ("an answer is shared with the channel", self.share),
            ("the same words in a direct message", self.direct),
            ("the Home tab, and a link from there", self.home),
            ("builds that a colleague's message mentions", self.mentioned),
            ("Android through Applivery, SHA-256 verified", self.download_applivery),
            ("Android through Appcircle, SHA-256 verified", self.download_appcircle),
            ("iOS: page, itms-services link, manifest, package", self.install_ios),
            ("a link that Purser never made leads nowhere", self.forged_link),
            ("#mobile subscribes", self.subscribe),
            ("a new build is announced, and its notes are harmless", self.new_build),
            ("a build that Apple has processed is announced", self.processed),
            ("an Apple agreement is blocked", self.blocked),
            ("the agreement is in force again", self.cleared),
            ("nothing was said twice, and Slack refused nothing", self.aftermath),
        )

    # --- Asking ---

    async def versions(self) -> None:
        answer = await self.settled("/versions", ("Shop", "Courier", "Scanner"))
        self.expect(answer.is_ephemeral, "an answer that only Ada sees")

    async def versions_of_shop(self) -> None:
        answer = await self.settled("/versions shop", ("TestFlight", "Applivery", "Appcircle", "3.1.0"))
        self.expect(len(_labelled(answer, "Download")) >= 2, "a Download button per file", answer)

    async def typo(self) -> None:
        question = await self.ask("/versions shpo")
        self.expect("Did you mean Shop?" in question.text_content, "Did you mean Shop?", question)
        answer = await self.press(question, "Shop")
        self.expect("3.1.0" in answer.text_content, "the builds of Shop", answer)

    async def paging(self) -> None:
        first = await self.ask("/versions shop android 3.0")
        older = self.world.in_applivery.shop.builds
        self.expect("3.0.13" in first.text_content, f"the newest of {len(older)} builds", first)
        second = await self.press(first, "Show more")
        self.expect("3.0.0" in second.text_content, "the oldest builds", second)

    async def share(self) -> None:
        answer = await self.slack.command(self.town.ada, self.town.mobile, "/versions courier")
        card = await self.press(answer, "Share here")
        self.expect(isinstance(card, Message) and not card.is_ephemeral, "a card that everybody sees", card)

    async def direct(self) -> None:
        answer = await self.slack.dm(self.town.ben, "versions courier")
        self.show(answer)
        self.expect("1.8.0" in answer.text_content, "the builds of Courier", answer)

    # --- Windows ---

    async def home(self) -> None:
        home = await self.slack.open_home(self.town.ada)
        self.show(home)
        self.expect("What is live where" in home.text_content, "what is live where", home)
        builds = await self.press(home, "Builds", "Shop")
        ticket = await self.press(builds, "Download", "Applivery")
        self.expect(bool(ticket.button("Open").url), "a link in a window", ticket)

    async def mentioned(self) -> None:
        mobile, workspace = self.town.mobile, self.slack.workspace
        said = workspace.post(Message(mobile.id, workspace.next_ts(), self.town.ben.id, "Shop 3.1.0 on Android crashes"))
        found = await self.slack.shortcut(self.town.ada, "find_builds", said)
        self.show(found)
        self.expect("3.1.0 (1412)" in found.text_content, "the builds that Ben means", found)

    # --- Clicking Download ---

    async def download_applivery(self) -> None:
        await self.download("shop android", "Applivery", self.world.in_applivery.newest.artefact.sha256)

    async def download_appcircle(self) -> None:
        await self.download("shop android", "Appcircle", self.world.in_appcircle.newest.artefact.sha256)

    async def download(self, words: str, near: str, sha256: str) -> None:
        page = await self.page(await self.ask(f"/versions {words}"), near)
        response = await self.browser.get(urljoin(str(page.url), _link_of(page.text, "Download APK")))
        self.expect(response.status_code == 200, f"the file, not HTTP {response.status_code}")
        self.check_file(response.content, sha256)

    async def install_ios(self) -> None:
        page = await self.page(await self.ask("/versions courier ios"), "iOS")
        link = urlsplit(_link_of(page.text, "Install"))
        self.expect(link.scheme == "itms-services", f"an itms-services link, not {link.scheme!r}")
        manifest = await self.browser.get(parse_qs(link.query)["url"][0])
        item = plistlib.loads(manifest.content)["items"][0]
        metadata = item["metadata"]
        self.tell(f"manifest.plist: {metadata['bundle-identifier']} {metadata['bundle-version']}, {metadata['title']}")
        self.expect(metadata["bundle-identifier"] == "com.acme.courier", "the bundle id of Courier")
        package = await self.browser.get(item["assets"][0]["url"])
        self.check_file(package.content, self.world.in_appcircle.courier_ios.artefact.sha256)

    async def forged_link(self) -> None:
        response = await self.browser.get(f"{self.world.public_url}/d/forged")
        self.expect(response.status_code == 404, f"404, not {response.status_code}")
        self.expect("Shop" not in response.text, "a page that tells nothing about builds")

    # --- Being told ---

    async def subscribe(self) -> None:
        await self.ask("/purser subscribe shop")
        answer = await self.ask("/purser subscribe all agreements")
        self.expect("agreements" in answer.text_content, "a confirmation", answer)

    async def new_build(self) -> None:
        world = self.world
        build = world.applivery.upload(world.in_applivery.shop, "3.2.0", "1420", notes="Hello <!channel> & *bold* <@U0ADA>")
        card = await self.heard("3.2.0 (1420)")
        self.expect(card.pings == [], "no mention from the release notes", card)
        self.expect("<!channel>" in card.text_content.replace("\u200b", ""), "the release notes as they were written", card)
        answer = await self.slack.press(self.town.ben, card, "Download")
        self.expect(isinstance(answer, Message) and answer.to == self.town.ben.id, "a link for Ben alone", answer)
        page = await self.browser.get(answer.button("Open").url or "")
        response = await self.browser.get(urljoin(str(page.url), _link_of(page.text, "Download APK")))
        self.check_file(response.content, build.artefact.sha256)

    async def processed(self) -> None:
        self.world.apple.finish_processing(self.world.in_apple.processing)
        await self.heard("3.2.0 (418)", in_thread=True)  # of the card that announced 3.2.0 for Android

    async def blocked(self) -> None:
        self.world.apple.block_agreements()
        card = await self.heard("agreement blocks", APPLE)
        self.expect("Account Holder" in card.text_content, "who must act", card)

    async def cleared(self) -> None:
        self.world.apple.clear_agreements()
        line = await self.heard("Nothing blocks", APPLE, in_thread=True)
        card = next(card for card in self.told if card.ts == line.thread_ts)
        self.expect("It took" in card.text_content, "a card that says how long it took", card)

    async def aftermath(self) -> None:
        await asyncio.sleep(2 * self.world.poll_seconds)
        announced = [message for message in self.slack.messages(self.town.mobile) if message.metadata]
        self.expect(announced == self.told, f"{len(self.told)} announcements, not {len(announced)}")
        self.expect(self.slack.violations == [], f"nothing that Slack refuses, not {self.slack.violations}")
        self.expect(not list(self.world.leaked_credentials()), "no credential at a file host")

    # --- Means ---

    async def ask(self, line: str) -> Message:
        answer = await self.slack.command(self.town.ada, self.town.mobile, line)
        self.tell(f"ada types {line}")
        self.show(answer)
        return answer

    async def settled(self, line: str, words: Sequence[str]) -> Message:
        """The answer once every account has been read for the first time."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            answer = await self.slack.command(self.town.ada, self.town.mobile, line)
            missing = [word for word in words if word not in answer.text_content]
            if not missing or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        self.tell(f"ada types {line}")
        self.show(answer)
        self.expect(not missing, f"an answer with {', '.join(missing)}", answer)
        return answer

    async def press(self, source: Message | View, label: str, near: str = "") -> Message | View:
        answer = await self.slack.press(self.town.ada, source, label, near)
        self.tell(f"ada presses {label}")
        self.show(answer)
        return answer

    async def page(self, answer: Message, near: str) -> httpx.Response:
        """Purser's page behind a row's Download button."""
        ticket = await self.press(answer, "Download", near)
        self.expect(isinstance(ticket, Message) and ticket.to == self.town.ada.id, "a link for Ada alone", ticket)
        url = ticket.button("Open").url or ""
        self.expect(url.startswith(f"{self.world.public_url}/d/"), "a link to Purser's own page", ticket)
        page = await self.browser.get(url)
        self.expect(page.status_code == 200, f"the page, not HTTP {page.status_code}")
        return page

    async def heard(self, *words: str, in_thread: bool = False) -> Message:
        """An announcement in #mobile."""

        def is_it(message: Message) -> bool:
            here = message.channel == self.town.mobile.id and message.metadata is not None
            is_there = (message.thread_ts is not None) is in_thread
            return here and is_there and all(word in message.text_content for word in words)

        card = await self.slack.wait_for(is_it, SETTLED_SECONDS)
        self.told.append(card)
        self.show(card)
        return card

    def check_file(self, content: bytes, sha256: str) -> None:
        found = hashlib.sha256(content).hexdigest()
        self.tell(f"{len(content):,} bytes, SHA-256 {found[:16]}…")
        self.expect(found == sha256, f"SHA-256 {sha256}, not {found}")

    def expect(self, holds: bool, what: str, thing: Message | View | None = None) -> None:
        if not holds:
            came = f"; came: {thing.text_content!r}" if thing is not None else ""
            raise StepFailed(f"expected {what}{came}")

    def show(self, thing: Message | View) -> None:
        lines = self.screen.lines(thing)
        shown = lines if len(lines) <= SHOWN_LINES else [*lines[: SHOWN_LINES - 1], "  …"]
        for line in shown:
            self.tell(line)

    def tell(self, line: str) -> None:
        self.console.print(f"      {line}")


def _labelled(thing: Message | View, label: str) -> list[str]:
    return [button.label for button in thing.buttons if button.label == label]


class _Links(HTMLParser):
    """The links of a page: label -> address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._address: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._address = dict(attrs).get("href") if tag == "a" else None

    def handle_data(self, data: str) -> None:
        if self._address is not None:
            self.found[data.strip()] = self._address
            self._address = None


def _link_of(page: str, label: str) -> str:
    try:
        return _Links(page).found[label]
    except KeyError:
        raise StepFailed(f"expected a page with a link called {label}") from None
