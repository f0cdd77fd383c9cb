"""Calls to Harbour."""

from collections.abc import Callable, Container, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bot.domain.errors import Confused
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import App, Build, Link, LinkKind
from bot.domain.ports import ListsApps, ListsBuilds, MintsLinks, ProbeResult, Probes, RereadsBuilds
from providers.app_by_app import in_order, read_each
from providers.failures import date_of
from providers.http import Credential, VendorHttp
from tests.contracts.sixth.harbour import wire
from tests.contracts.sixth.harbour.wire import Page

Listed = TypeVar("Listed", App, Build)

PAGE_SIZE = 100
PAGES_MAX = 200

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_REREAD = "reread build"
_MINT = "mint link"
_PROBE = "probe"


class Harbour(ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes):
    """One berth. `http` must have been given `wire.classify`."""

    provider = wire.PROVIDER

    def __init__(self, http: VendorHttp, credential: Credential, api_url: str) -> None:
        self.account = http.account
        self._http = http
        self._credential = credential
        self._apps_url = f"{api_url}/v1/apps"

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        return await self._read_pages(_LIST_APPS, self._apps_url, wire.read_apps)

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """A list per app; there is none that covers several."""

        async def builds_of(app: App) -> Listing[Build]:
            return await self._builds_of(app.id, known)

        return in_order(await read_each(builds_of, apps, _LIST_BUILDS), wire.newest_first)

    async def reread_build(self, build: Build) -> Build:
        body = await self._http.json(_REREAD, "GET", self._build_url(build), credential=self._credential)
        return wire.read_build(body, self.account, _REREAD, build.app_id)

    async def mint_link(self, build: Build) -> Link:
        """A single-use address of the file. One that nobody opens does no harm, so the call may be repeated.

        Raises ProviderError (NotReady: not_processed).
        """
        url = f"{self._build_url(build)}/links"
        body = await self._http.json(_MINT, "POST", url, credential=self._credential, repeatable=True)
        minted = wire.read_link(body, self.account, _MINT)
        return Link(minted.url, LinkKind.FILE, minted.expires_at)

    async def probe(self) -> ProbeResult:
        """Reads one app."""
        params = {"limit": 1}
        response = await self._http.send(_PROBE, "GET", self._apps_url, credential=self._credential, params=params)
        page = wire.read_apps(self._http.parse(_PROBE, response), self.account, _PROBE)
        return ProbeResult("the token is valid" if page.items else "the token is valid, and sees no app", date_of(response))

    async def _builds_of(self, app_id: str, known: Container[str]) -> Listing[Build]:
        def read(body: Any, account: str, operation: str) -> Page[Build]:
            return wire.read_builds(body, account, operation, app_id)

        def is_last(page: Page[Build]) -> bool:
            return all(build.id in known for build in page.items)

        return await self._read_pages(_LIST_BUILDS, f"{self._apps_url}/{quote(app_id, '')}/builds", read, is_last)

    async def _read_pages(
        self,
        operation: str,
        url: str,
        read: Callable[[Any, str, str], Page[Listed]],
        is_last: Callable[[Page[Listed]], bool] = lambda page: False,
    ) -> Listing[Listed]:
        found: dict[str, Listed] = {}
        params: dict[str, str | int] = {"limit": PAGE_SIZE}
        for _ in range(PAGES_MAX):
            body = await self._http.json(operation, "GET", url, credential=self._credential, params=params)
            page = read(body, self.account, operation)
            before = len(found)
            found.update((item.id, item) for item in page.items)
            self._http.found(operation, len(found) - before)
            if page.next is None or not page.items or is_last(page):
                return Listing(found.values())
            if len(found) == before:
                break
            params["after"] = page.next
        return Listing(found.values(), {ITSELF: self._http.error(operation, Confused, "endless_pages")})

    def _build_url(self, build: Build) -> str:
        return f"{self._apps_url}/{quote(build.app_id, '')}/builds/{quote(build.id, '')}"
