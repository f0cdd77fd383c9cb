"""Real Chromium in front of the real web app. Without a Chromium on this machine, everything here is skipped and says so.

One Chromium serves all tests, each in a profile of its own, and so all of them run in one event loop.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

from bot.store.engine import Database
from tests.web.conftest import Door, FileHost, SettableClock, clock, opened_store, served_door, served_host

__all__ = ["clock"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None
)
PHONE = "Pixel 7"
SMALLEST = {"width": 320, "height": 568}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE = 10_000  # milliseconds for anything that a browser does


@dataclass
class Visit:
    """A page in a browser of its own. `requests` and `complaints` (errors, blocked resources) are everything so far."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))


class Chromium:
    """Opens visits as people have them: on a phone, at a desk, in the dark."""

    def __init__(self, playwright: Playwright, browser: Browser) -> None:
        self._playwright = playwright
        self._browser = browser

    @asynccontextmanager
    async def phone(self, **options: object) -> AsyncIterator[Visit]:
        device = {name: value for name, value in self._playwright.devices[PHONE].items() if name != "default_browser_type"}
        async with self._visit({**device, **options}) as visit:
            yield visit

    @asynccontextmanager
    async def desktop(self, **options: object) -> AsyncIterator[Visit]:
        async with self._visit({"viewport": DESKTOP, **options}) as visit:
            yield visit

    @asynccontextmanager
    async def _visit(self, options: dict[str, object]) -> AsyncIterator[Visit]:
        context: BrowserContext = await self._browser.new_context(locale="en-GB", timezone_id="UTC", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        try:
            yield Visit(await context.new_page())
        finally:
            await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_store(tmp_path) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="session")
async def host(tmp_path: Path) -> AsyncIterator[FileHost]:
    async with served_host(tmp_path) as files:
        yield files


@pytest_asyncio.fixture(loop_scope="session")
async def door(store: Database, host: FileHost, clock: SettableClock) -> AsyncIterator[Door]:
    async with served_door(store, host, clock) as behind:
        yield behind


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt install chromium-headless-shell)")
    async with async_playwright() as playwright:
        # Without its sandbox, because the user may be root; it sees nothing but our own loopback server.
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield Chromium(playwright, browser)
        await browser.close()


async def settled(visit: Visit) -> None:
    """Until every picture has come, those too that a browser puts off."""
    await visit.page.evaluate("Promise.all([...document.images].map(image => (image.loading = 'eager', image.decode())))")
