"""Calls to an Akana portal: https://help.akana.com/content/current/cm/api/index_apps.htm

An app is the registration of something that calls APIs, and a version one of its versions. There is no file and no link,
so there is nothing to mint or to open.
"""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from bot.domain.errors import Confused, NotFound, ProviderError
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import App, Build
from bot.domain.ports import ListsApps, ListsBuilds, ProbeResult, Probes, RereadsBuilds
from providers.akana import wire
from providers.akana.session import Mark, SessionKeeper
from providers.app_by_app import in_order, read_each
from providers.concurrency import map_bounded
from providers.failures import date_of
from providers.http import VendorHttp

Listed = TypeVar("Listed", App, Build)

PAGE_SIZE = 100
PAGES_MAX = 200
# Neither the largest page nor a total is documented: a page that is shorter than asked may be all that a portal grants at once,
# and only an empty one is the end.
_SURELY_GRANTED = 1
_AT_ONCE = 2
_ALL_APPS = ""

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_REREAD = "reread build"
_PROBE = "probe"


class Akana(ListsApps, ListsBuilds, RereadsBuilds, Probes):
    """One user's view of one portal. `http` must have been given `wire.classify`; `apps` (ids) are listed instead of all.

    A list that lacks something it had, or is empty, is believed only when the session has survived the reading: without one,
    a portal answers with what the public may see.
    """

    provider = wire.PROVIDER

    def __init__(self, http: VendorHttp, session: SessionKeeper, base_url: str, apps: Sequence[str] = ()) -> None:
        self.account = http.account
        self._http = http
        self._session = session
        self._api_url = f"{base_url}/api"
        self._configured = tuple(dict.fromkeys(apps))
        self._names: dict[str, str] = {}
        self._seen: dict[str, frozenset[str]] = {}

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        """The configured apps that exist, else those that a search finds; there is no other list of apps."""
        apps = await self._list_apps(await self._session.mark())
        self._http.found(_LIST_APPS, len(apps))
        return apps

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """One request per app: the vendor has no paging, and no list of versions that covers several apps."""
        if not apps:
            return []
        mark = await self._session.mark()

        async def builds_of(app: App) -> Sequence[Build]:
            builds = await self._builds_of(mark, _LIST_BUILDS, app.id)
            self._http.found(_LIST_BUILDS, len(builds))
            return builds

        return in_order(await read_each(builds_of, apps, _LIST_BUILDS, _AT_ONCE), wire.newest_first)

    async def reread_build(self, build: Build) -> Build:
        """Reads the app's list again: the call for a single version tells neither its notes nor its state in the same words."""
        for found in await self._builds_of(await self._session.mark(), _REREAD, build.app_id):
            if found.id == build.id:
                return found
        raise self._http.error(_REREAD, NotFound, "gone")

    async def probe(self) -> ProbeResult:
        """Logs in and asks for the configured apps (NotFound: no such id), else for the first page of all."""
        urls = [self._versions_url(app_id) for app_id in self._configured] or [self._search_url(0)]

        async def ask(url: str) -> ProbeResult:
            response = await self._http.send(_PROBE, "GET", url, credential=self._session)
            found = wire.count_items(self._http.parse(_PROBE, response), self.account, _PROBE)
            return ProbeResult(_apps(len(self._configured) or found), date_of(response))

        return (await map_bounded(ask, urls, _AT_ONCE))[-1]

    async def _list_apps(self, mark: Mark) -> Sequence[App]:
        if not self._configured:
            return await self._believed(mark, _ALL_APPS, self._search)
        gaps = await self._learn_names(mark)
        apps = (App(self.account, app_id, self._names[app_id]) for app_id in self._configured if app_id in self._names)
        return Listing(apps, gaps)

    async def _learn_names(self, mark: Mark) -> Mapping[str, ProviderError]:
        """Only versions tell what their app is called. Names that are known come along with every list of builds. Returns the
        apps that may exist and could not be asked for theirs."""

        async def learn(app: App) -> Sequence[Build]:
            try:
                return () if app.id in self._names else await self._builds_of(mark, _LIST_APPS, app.id)
            except NotFound as error:
                if error.operation != _LIST_APPS:
                    raise
                return ()  # there is no such app

        apps = [App(self.account, app_id, app_id) for app_id in self._configured]
        return (await read_each(learn, apps, _LIST_APPS, _AT_ONCE)).gaps

    async def _builds_of(self, mark: Mark, operation: str, app_id: str) -> Listing[Build]:
        async def read() -> Listing[Build]:
            return await self._read_versions(operation, app_id)

        found = await self._believed(mark, app_id, read)
        if ITSELF in found.gaps:
            raise found.gaps[ITSELF]
        return found

    async def _read_versions(self, operation: str, app_id: str) -> Listing[Build]:
        """An app that is not there has a gap: whether that is so, the session must prove like everything that is missing."""
        try:
            body = await self._get(operation, self._versions_url(app_id))
        except NotFound as error:
            if error.operation != operation:
                raise
            self._names.pop(app_id, None)
            return Listing((), {ITSELF: error})
        versions = wire.read_versions(body, self.account, operation, app_id)
        self._names[app_id] = versions.app_name or app_id
        return Listing(versions.builds)

    async def _search(self) -> Listing[App]:
        found: dict[str, App] = {}
        start = 0
        for _ in range(PAGES_MAX):
            page = wire.read_apps(await self._get(_LIST_APPS, self._search_url(start)), self.account, _LIST_APPS)
            before = len(found)
            found.update((app.id, app) for app in page.apps)
            start += page.size
            if page.size < _SURELY_GRANTED:
                return Listing(found.values())
            if len(found) == before:
                break
        return Listing(found.values(), {ITSELF: self._http.error(_LIST_APPS, Confused, "endless_pages")})

    async def _believed(self, mark: Mark, name: str, read: Callable[[], Awaitable[Listing[Listed]]]) -> Listing[Listed]:
        """What `read` returns, read once more when it is poorer than last time and its session has not survived."""
        found = await read()
        if self._is_poorer(name, found) and not await self._session.survived(mark):
            found = await read()
        self._seen[name] = frozenset(item.id for item in found)
        return found

    def _is_poorer(self, name: str, found: Sequence[App | Build]) -> bool:
        ids, seen = frozenset(item.id for item in found), self._seen.get(name)
        return ids != seen and (not ids or (seen is not None and not seen <= ids))

    async def _get(self, operation: str, url: str) -> Any:
        return await self._http.json(operation, "GET", url, credential=self._session)

    def _versions_url(self, app_id: str) -> str:
        return f"{self._api_url}/apps/{quote(app_id, '')}/versions"

    def _search_url(self, start: int) -> str:
        # Some order must be asked for: paging by offsets needs one.
        order = "com.soa.sort.order.alphabetical"
        return f"{self._api_url}/search?{urlencode({'q': 'type:app', 'sortBy': order, 'start': start, 'count': PAGE_SIZE})}"


def _apps(count: int) -> str:
    return f"{count:,} app{'' if count == 1 else 's'}"
