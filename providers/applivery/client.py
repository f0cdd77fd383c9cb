"""Calls to Applivery's workspace API: https://docs.applivery.com"""

from collections.abc import Callable, Collection, Container, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from bot.domain.errors import Confused, NotFound
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import App, Build, Link, LinkKind
from bot.domain.ports import (
    ListsApps,
    ListsBuilds,
    MintsLinks,
    ProbeResult,
    Probes,
    ReceivesWebhooks,
    RereadsBuilds,
    WebhookHint,
    WebhookRequest,
)
from providers.app_by_app import in_order, read_each
from providers.applivery import publications, webhook, wire
from providers.applivery.publications import Publication
from providers.applivery.wire import Labels, Page
from providers.concurrency import map_bounded
from providers.failures import date_of
from providers.http import StaticBearer, VendorHttp

Listed = TypeVar("Listed", App, Build, Publication)

PAGE_SIZE = 100  # the real maximum is not documented; a vendor who sends fewer is followed page by page
PAGES_MAX = 200

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_LIST_PUBLICATIONS = "list publications"
_REREAD = "reread build"
_MINT = "mint link"
_PROBE = "probe"
_ONE = {"page": 1, "limit": 1}


class Applivery(ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes, ReceivesWebhooks):
    """One workspace. `http` must have been given `wire.classify`; `apps` (ids) narrows what is listed.

    With a `store_id` the open publications of that store are listed too, as pages beside the builds whose files they offer;
    `store_url` is where they are, should the vendor not say.
    """

    provider = wire.PROVIDER

    def __init__(
        self,
        http: VendorHttp,
        credential: StaticBearer,
        organization: str,
        api_url: str,
        download_url: str,
        *,
        apps: Collection[str] | None = None,
        store_id: str | None = None,
        store_url: str | None = None,
        webhook_secret: str | None = None,
    ) -> None:
        self.account = http.account
        self._http = http
        self._credential = credential
        workspace_url = f"{api_url}/v1/organizations/{quote(organization, '')}"
        self._apps_url = f"{workspace_url}/apps"
        self._publications_url = f"{workspace_url}/stores/{quote(store_id, '')}/pubApps" if store_id else None
        self._store_url = store_url
        self._download_url = download_url
        self._wanted = None if apps is None else dict.fromkeys(app_id.lower() for app_id in apps)
        self._webhook_secret = webhook_secret

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        listed = await self._read_pages(_LIST_APPS, self._apps_url, wire.read_apps)
        apps = Listing((app for app in listed if self._wanted is None or app.id.lower() in self._wanted), listed.gaps)
        self._http.found(_LIST_APPS, len(apps))
        return apps

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """A list per app, four apps at a time; there is no list that covers several. The store's publications are one more."""

        labels: dict[str, Labels] = {}

        async def builds_of(app: App) -> Listing[Build]:
            return await self._builds_of(app.id, known, labels)

        published = await self._publications() if apps else Listing[Publication]()
        builds = in_order(await read_each(builds_of, apps, _LIST_BUILDS), wire.newest_first)
        pages = list(publications.page_builds(published, builds, self._store_url, labels))
        self._http.found(_LIST_BUILDS, len(pages))
        of_all = dict.fromkeys((app.id for app in apps), published.gaps[ITSELF]) if published.gaps else {}
        return Listing(wire.newest_first([*builds, *pages]), {**of_all, **builds.gaps})

    async def reread_build(self, build: Build) -> Build:
        """For a page, what its publication says now; which build that offers is found where builds are listed."""
        if publications.publication_of(build):
            return publications.refreshed(build, await self._publication(_REREAD, build))
        body = await self._http.json(_REREAD, "GET", self._build_url(build), credential=self._credential)
        return wire.read_build(body, self.account, _REREAD, build.app_id)

    async def mint_link(self, build: Build) -> Link:
        """A single-use address of the file itself, or the address of the page, which stays.

        Raises ProviderError (NotReady: not_processed, NotFound: gone, no_public_link).
        """
        if publications.publication_of(build):
            return await self._page_link(build)
        url = f"{self._build_url(build)}/downloadToken"
        body = await self._http.json(_MINT, "GET", url, credential=self._credential, params={"type": "file"})
        minted = wire.read_download_token(body, self.account, _MINT)
        return Link(f"{self._download_url}/v1/download/{quote(minted.token, '')}", LinkKind.FILE, minted.expires_at)

    async def probe(self) -> ProbeResult:
        """Reads one app, or each that is configured, and one publication where a store is."""
        response = await self._http.send(_PROBE, "GET", self._apps_url, credential=self._credential, params=_ONE)
        apps = wire.read_apps(self._http.parse(_PROBE, response), self.account, _PROBE)
        missing = await self._missing()
        found = [_counted("app", apps if self._wanted is None else Page((), total=len(self._wanted) - len(missing)))]
        if self._publications_url:
            body = await self._http.json(_PROBE, "GET", self._publications_url, credential=self._credential, params=_ONE)
            found.append(_counted("publication", publications.read_publications(body, self.account, _PROBE)))
        return ProbeResult(", ".join(found), date_of(response), missing)

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        """See webhook.py."""
        return webhook.parse_webhook(self.account, self._webhook_secret, request)

    async def _builds_of(self, app_id: str, known: Container[str], labels: dict[str, Labels]) -> Listing[Build]:
        """Adds the builds' labels to `labels` where there are publications to choose by them."""

        def read(body: Any, account: str, operation: str) -> Page[Build]:
            if self._publications_url:
                labels.update(wire.read_labels(body, account, operation))
            return wire.read_builds(body, account, operation, app_id)

        def is_last(page: Page[Build]) -> bool:
            # The order is documented for another list of the same builds. Were it otherwise, new builds would stand behind.
            in_order = list(page.items) == wire.newest_first(page.items)
            return in_order and all(build.id in known for build in page.items)

        builds = await self._read_pages(_LIST_BUILDS, f"{self._apps_url}/{quote(app_id, '')}/builds", read, is_last)
        self._http.found(_LIST_BUILDS, len(builds))
        return builds

    async def _missing(self) -> list[str]:
        """Apps that are configured and that the account does not have."""

        async def lacks(app_id: str) -> bool:
            try:
                await self._http.json(_PROBE, "GET", f"{self._apps_url}/{quote(app_id, '')}", credential=self._credential)
            except NotFound:
                return True
            return False

        wanted = list(self._wanted or ())
        lacking = await map_bounded(lacks, wanted)
        return [app_id for app_id, is_lacking in zip(wanted, lacking, strict=True) if is_lacking]

    async def _publications(self) -> Listing[Publication]:
        if self._publications_url is None:
            return Listing()
        return await self._read_pages(_LIST_PUBLICATIONS, self._publications_url, publications.read_publications)

    async def _publication(self, operation: str, build: Build) -> Publication:
        """Raises ProviderError (NotFound: gone, also for one that was closed)."""
        publication_id = publications.publication_of(build)
        if publication_id and self._publications_url:  # a store that was configured once may not be any more
            url = f"{self._publications_url}/{quote(publication_id, '')}"
            body = await self._http.json(operation, "GET", url, credential=self._credential)
            publication = publications.read_publication(body, self.account, operation)
            if publication.is_open:
                return publication
        raise self._http.error(operation, NotFound, "gone")

    async def _page_link(self, build: Build) -> Link:
        publication = await self._publication(_MINT, build)
        url = publication.address(self._store_url)
        if url is None:
            raise self._http.error(_MINT, NotFound, "no_public_link")
        return Link(url, LinkKind.PAGE, publication.expires_at)

    async def _read_pages(
        self,
        operation: str,
        url: str,
        read: Callable[[Any, str, str], Page[Listed]],
        is_last: Callable[[Page[Listed]], bool] = lambda page: False,
    ) -> Listing[Listed]:
        """All pages up to the one that `is_last`. One that brings nothing new ends the reading, whatever `hasNextPage` says; with
        a gap, unless it is empty or everything was there."""
        found: dict[str, Listed] = {}
        for number in range(1, PAGES_MAX + 1):
            params = {"page": number, "limit": PAGE_SIZE}
            page = read(
                await self._http.json(operation, "GET", url, credential=self._credential, params=params), self.account, operation
            )
            before = len(found)
            found.update((item.id, item) for item in page.items)
            if not page.items or page.has_next is False or is_last(page) or len(found) == page.total:
                return Listing(found.values())
            if len(found) == before:
                break
        return Listing(found.values(), {ITSELF: self._http.error(operation, Confused, "endless_pages")})

    def _build_url(self, build: Build) -> str:
        return f"{self._apps_url}/{quote(build.app_id, '')}/builds/{quote(build.id, '')}"


def _counted(noun: str, page: Page[Listed]) -> str:
    total = len(page.items) if page.total is None else page.total
    return f"{total:,} {noun}{'' if total == 1 else 's'}"
