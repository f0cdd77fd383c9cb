"""Calls to App47's API v2: https://support.app47.com ("API v2 Overview", "Apps API v2", "Builds API v2")"""

import logging
from collections.abc import Callable, Container, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bot.domain.errors import NOT_OFFERED, Confused, NotFound, NotReady
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import App, Build, BuildState, Handover, Link, LinkKind
from bot.domain.ports import ListsApps, ListsBuilds, MintsLinks, ProbeResult, Probes, RereadsBuilds
from providers.app47 import wire
from providers.app47.wire import AppPage, CatalogApp, Page
from providers.app_by_app import in_order, read_each
from providers.failures import date_of
from providers.http import Credential, VendorHttp

Listed = TypeVar("Listed", CatalogApp, Build)

PAGE_SIZE = 100  # fixed by the vendor
PAGES_MAX = 200
AT_ONCE = 2  # no limits are published: a guest who does not know the house treads softly

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_REREAD = "reread build"
_MINT = "mint link"
_PROBE = "probe"

log = logging.getLogger(__name__)


class App47(ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes):
    """What one member may see. `http` must have been given `wire.classify`.

    There is no call that mints a link: private apps are installed from `store_page`, the enterprise store of the account.
    """

    provider = wire.PROVIDER

    def __init__(self, http: VendorHttp, credential: Credential, api_url: str, *, store_page: str | None = None) -> None:
        self.account = http.account
        self._http = http
        self._credential = credential
        self._api_url = f"{api_url}/api/v2"
        self._store_page = store_page
        self._doubted: set[str] = set()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        """Apps of all four types. An app that the member may no longer see is missing without a word."""
        apps = await self._read_pages(_LIST_APPS, "/apps", wire.read_apps)
        self._http.found(_LIST_APPS, len(apps))
        return apps

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """A list per app that has builds, two apps at a time; what `list_apps` found of the other apps is not asked again.

        An account without the builds call (404 or 405) has a gap for each app that is none of anybody's doing (not_offered).
        """

        async def builds_of(app: App) -> Listing[Build]:
            builds = await self._builds_of(app, known)
            self._http.found(_LIST_BUILDS, len(builds))
            return builds

        return in_order(await read_each(builds_of, apps, _LIST_BUILDS, AT_ONCE), wire.newest_first)

    async def reread_build(self, build: Build) -> Build:
        """Reads the list again where the call for a single build is not offered or answers something else."""
        if wire.is_page(build):
            return (await self._app_page(_REREAD, build)).build
        try:
            body = await self._get(_REREAD, f"{_builds_path(build.app_id)}/{quote(build.id, '')}")
            return wire.read_build(body, self.account, _REREAD, build.app_id)
        except (NotFound, Confused):
            return await self._find_in_list(build)

    async def mint_link(self, build: Build) -> Link:
        """The store page of a public app, the address of a web app, the configured store page of any other.

        Raises ProviderError (NotReady: processing, NotFound: no_public_link).
        """
        if build.state is BuildState.PROCESSING:
            raise self._http.error(_MINT, NotReady, "processing")
        url = (await self._app_page(_MINT, build)).url if wire.is_page(build) else self._store_page
        if url is None or build.handover is Handover.NONE:
            raise self._http.error(_MINT, NotFound, "no_public_link")
        return Link(url, LinkKind.PAGE)

    async def probe(self) -> ProbeResult:
        """The vendor's own ping."""
        response = await self._http.send(_PROBE, "GET", self._api_url, credential=self._credential)
        body = self._http.parse(_PROBE, response)
        wire.read_ping(body, self.account, _PROBE)
        self._check(_PROBE, body)
        return ProbeResult("the token is valid", date_of(response))

    async def _builds_of(self, app: App, known: Container[str]) -> Listing[Build]:
        try:
            listed = app if isinstance(app, CatalogApp) else await self._app(_LIST_BUILDS, app.id)
            if not listed.has_builds:
                return Listing(page.build for page in listed.pages)
            return await self._read_builds(_LIST_BUILDS, app.id, lambda page: _is_known(page, known))
        except NotFound:
            # Or the app went away since the apps were listed, which the next list of them tells.
            return Listing((), {ITSELF: self._http.error(_LIST_BUILDS, NotFound, NOT_OFFERED)})

    async def _find_in_list(self, build: Build) -> Build:
        listed = await self._read_builds(_REREAD, build.app_id, lambda page: any(found.id == build.id for found in page.items))
        for found in listed:
            if found.id == build.id:
                return found
        raise self._http.error(_REREAD, NotFound, "gone")

    async def _read_builds(self, operation: str, app_id: str, is_last: Callable[[Page[Build]], bool]) -> Listing[Build]:
        def read(body: Any, account: str, operation: str) -> Page[Build]:
            return wire.read_builds(body, account, operation, app_id)

        return await self._read_pages(operation, _builds_path(app_id), read, is_last)

    async def _app_page(self, operation: str, build: Build) -> AppPage:
        """The page as it is now. Raises ProviderError (NotFound: gone, when the web app has another version meanwhile)."""
        for page in (await self._app(operation, build.app_id)).pages:
            if page.build.id == build.id:
                return page
        raise self._http.error(operation, NotFound, "gone")

    async def _app(self, operation: str, app_id: str) -> CatalogApp:
        body = await self._get(operation, f"/apps/{quote(app_id, '')}")
        return wire.read_app(body, self.account, operation)

    async def _read_pages(
        self,
        operation: str,
        path: str,
        read: Callable[[Any, str, str], Page[Listed]],
        is_last: Callable[[Page[Listed]], bool] = lambda page: False,
    ) -> Listing[Listed]:
        """All pages up to the one that `is_last` or is not full; one that repeats ends the reading with a gap.

        `skip` must be greater than zero, so the first page goes without.
        """
        found: dict[str, Listed] = {}
        skip = 0
        for _ in range(PAGES_MAX):
            page = read(await self._get(operation, path, skip), self.account, operation)
            before = len(found)
            found.update((item.id, item) for item in page.items)
            if page.size < PAGE_SIZE or is_last(page):
                return Listing(found.values())
            if page.items and len(found) == before:
                break
            skip += page.size
        return Listing(found.values(), {ITSELF: self._http.error(operation, Confused, "endless_pages")})

    async def _get(self, operation: str, path: str, skip: int = 0) -> Any:
        params = {"skip": skip} if skip else {}
        body = await self._http.json(operation, "GET", f"{self._api_url}{path}", credential=self._credential, params=params)
        self._check(operation, body)
        return body

    def _check(self, operation: str, body: Any) -> None:
        """Tells of a wrong md5, once per operation: no more than a doubt, for the vendor's own samples have wrong ones."""
        if operation not in self._doubted and not wire.is_intact(body):
            self._doubted.add(operation)
            log.warning("%s/%s: %s got an answer whose md5 does not fit", self.provider, self.account, operation)


def _builds_path(app_id: str) -> str:
    return f"/apps/{quote(app_id, '')}/builds"


def _is_known(page: Page[Build], known: Container[str]) -> bool:
    """Whether nothing new can follow. The order is not documented: only where it shows itself may reading stop early."""
    dated = all(build.uploaded_at for build in page.items)
    return dated and list(page.items) == wire.newest_first(page.items) and all(build.id in known for build in page.items)
