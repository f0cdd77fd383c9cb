"""The calls of one App Store Connect account.

https://developer.apple.com/documentation/appstoreconnectapi
"""

import asyncio
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import SecretStr

from bot.domain.errors import AgreementBlocked, Confused, NotFound, NotReady, ProviderError
from bot.domain.model import AccountStatus, App, Build, BuildState, Link, LinkKind
from bot.domain.ports import ProbeResult, WebhookHint, WebhookRequest
from providers.app_store_connect import webhook, wire
from providers.app_store_connect.agreements import Area, account_status, agreement_code
from providers.app_store_connect.token import TokenKeeper
from providers.app_store_connect.wire import PROVIDER, Page, PublicLink
from providers.failures import Verdict, date_of
from providers.http import VendorHttp

T = TypeVar("T")
Params = Mapping[str, str | int]

PAGE_SIZE = 200  # Apple's maximum
PAGES_MAX = 500
# Ids have about ten digits, so that an address stays under 6 KB, commas encoded.
APPS_PER_REQUEST = 200

_APPS: Params = {"fields[apps]": "name,bundleId", "limit": PAGE_SIZE}
_BUILD: Params = {
    "include": "app,preReleaseVersion,buildBetaDetail,betaBuildLocalizations",
    "fields[builds]": "version,uploadedDate,expirationDate,expired,minOsVersion,processingState"
    ",app,preReleaseVersion,buildBetaDetail,betaBuildLocalizations",
    "fields[apps]": "bundleId",
    "fields[preReleaseVersions]": "version,platform",
    "fields[buildBetaDetails]": "internalBuildState,externalBuildState",
    "fields[betaBuildLocalizations]": "locale,whatsNew",
    "limit[betaBuildLocalizations]": 50,
}
_GROUPS: Params = {
    "filter[publicLinkEnabled]": "true",
    "filter[isInternalGroup]": "false",
    "sort": "createdDate",
    "fields[betaGroups]": "publicLink,publicLinkEnabled,isInternalGroup,hasAccessToAllBuilds",
    "limit": PAGE_SIZE,
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def classify(status: int, body: object) -> Verdict | None:
    """What a 403 means when its code is about agreements; for `VendorHttp`. The reason is Apple's code."""
    code = agreement_code(wire.read_error_codes(body)) if status == 403 else None
    return (AgreementBlocked, code) if code else None


class AppStoreConnect:
    """Lists apps and builds, mints TestFlight links, checks agreements, receives webhooks.

    `http` must have been given `classify`. An individual key (`is_team_key` False) may not ask about signing.
    """

    provider = PROVIDER

    def __init__(
        self,
        http: VendorHttp,
        tokens: TokenKeeper,
        api_url: str,
        clock: Callable[[], datetime],
        *,
        is_team_key: bool,
        webhook_secret: SecretStr | None = None,
    ) -> None:
        self.account = http.account
        self._http = http
        self._tokens = tokens
        self._api_url = api_url
        self._clock = clock
        self._is_team_key = is_team_key
        self._webhook_secret = webhook_secret

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        return await self._read_all("list apps", self._url("/v1/apps", _APPS), wire.read_apps)

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        builds: list[Build] = []
        for app_ids in _batches(sorted({app.id for app in apps})):
            params = {**_BUILD, "filter[app]": ",".join(app_ids), "sort": "-uploadedDate", "limit": PAGE_SIZE}
            found = await self._read_all(
                "list builds",
                self._url("/v1/builds", params),
                wire.read_builds,
                is_last=lambda page: all(build.id in known for build in page.items),
            )
            builds += [build for build in found if build.app_id in app_ids]
        return sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)

    async def reread_build(self, build: Build) -> Build:
        return await self._reread("reread build", build)

    async def mint_link(self, build: Build) -> Link:
        """The public TestFlight page of a group that serves this build, else the store page of a live one.

        Raises ProviderError (NotReady: processing, NotFound: no_public_link).
        """
        operation = "mint link"
        fresh = await self._reread(operation, build)
        if fresh.state is BuildState.PROCESSING:
            raise self._http.error(operation, NotReady, "processing")
        # The page offers what its group may test. Before Apple's approval that is another build than the one asked for.
        url = await self._public_link(operation, fresh) if fresh.state is BuildState.APPROVED else None
        if url is None and build.state is BuildState.LIVE:
            url = f"https://apps.apple.com/app/id{quote(build.app_id, safe='')}"
        if url is None:
            raise self._http.error(operation, NotFound, "no_public_link")
        return Link(url, LinkKind.PAGE)

    async def check_account(self) -> AccountStatus:
        urls = self._agreement_probes()
        answers = await asyncio.gather(*(self._ask("check agreements", url) for url in urls.values()))
        return account_status(self.account, self._clock(), dict(zip(urls, answers, strict=True)))

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        secret = self._webhook_secret.get_secret_value() if self._webhook_secret else None
        return webhook.parse_webhook(self.provider, self.account, secret, request)

    async def probe(self) -> ProbeResult:
        operation = "probe"
        url = self._url("/v1/apps", {"limit": 1})
        response = await self._http.send(operation, "GET", url, credential=self._tokens)
        page = wire.read_ids(self._http.parse(operation, response), self.account, operation)
        limits = response.headers.get("x-rate-limit", "")
        return ProbeResult(summarise(len(page.items) if page.total is None else page.total, limits), date_of(response))

    async def _reread(self, operation: str, build: Build) -> Build:
        url = self._url(f"/v1/builds/{quote(build.id, safe='')}", _BUILD)
        return wire.read_build(await self._get(operation, url), self.account, operation)

    async def _public_link(self, operation: str, build: Build) -> str | None:
        """Of a group that holds the build, else of one that gets every build."""
        of_app = {"filter[app]": build.app_id}
        holding = await self._public_links(operation, {**of_app, "filter[builds]": build.id})
        if holding:
            return holding[0].url
        others = await self._public_links(operation, of_app)
        return next((link.url for link in others if link.serves_all_builds), None)

    async def _public_links(self, operation: str, filters: Params) -> Sequence[PublicLink]:
        return await self._read_all(operation, self._url("/v1/betaGroups", {**_GROUPS, **filters}), wire.read_public_links)

    def _agreement_probes(self) -> Mapping[Area, str]:
        probes = {
            Area.ACCOUNT: self._url("/v1/agreements"),
            Area.APPS: self._url("/v1/apps", {"fields[apps]": "name", "limit": 1}),
        }
        if self._is_team_key:
            probes[Area.SIGNING] = self._url("/v1/certificates", {"fields[certificates]": "certificateType", "limit": 1})
        return probes

    async def _ask(self, operation: str, url: str) -> ProviderError | None:
        """None when the answer is a collection, else what stood in the way."""
        try:
            wire.read_ids(await self._get(operation, url), self.account, operation)
        except ProviderError as error:
            return error
        return None

    async def _read_all(
        self,
        operation: str,
        url: str,
        read: Callable[[object, str, str], Page[T]],
        is_last: Callable[[Page[T]], bool] = lambda page: False,
    ) -> list[T]:
        """The items of all pages, in order, up to the page that `is_last`.

        Apple has been seen offering next pages for ever, with new cursors and no data (Developer Forums, on inAppPurchasesV2),
        so the first page that brings nothing new ends the reading.
        """
        found: dict[T, None] = {}
        visited: set[str] = set()
        while url not in visited and len(visited) < PAGES_MAX:
            visited.add(url)
            page = read(await self._get(operation, url), self.account, operation)
            before = len(found)
            found.update(dict.fromkeys(page.items))
            if len(found) == before or page.next is None or is_last(page):
                break
            url = self._trusted(operation, page.next)
        return list(found)

    async def _get(self, operation: str, url: str) -> Any:
        return await self._http.json(operation, "GET", url, credential=self._tokens)

    def _url(self, path: str, params: Params | None = None) -> str:
        return f"{self._api_url}{path}?{urlencode(params)}" if params else f"{self._api_url}{path}"

    def _trusted(self, operation: str, link: str) -> str:
        """An address that Apple gave us, as it is, unless our token would go to somebody else."""
        try:
            if _origin(httpx.URL(link)) == _origin(httpx.URL(self._api_url)):
                return link
        except httpx.InvalidURL:
            raise self._http.error(operation, Confused, "bad_url") from None
        raise self._http.error(operation, Confused, "foreign_next_link")


def summarise(apps: int, limits: str) -> str:
    """ "45 apps; 3,417 of 3,600 requests left this hour", from a total and an X-Rate-Limit header.

    https://developer.apple.com/documentation/appstoreconnectapi/identifying-rate-limits
    """
    counted = f"{apps:,} app" if apps == 1 else f"{apps:,} apps"
    figures = dict(part.strip().partition(":")[::2] for part in limits.split(";"))
    left, limit = figures.get("user-hour-rem", ""), figures.get("user-hour-lim", "")
    if not (left.isdecimal() and limit.isdecimal()):
        return counted
    return f"{counted}; {int(left[:9]):,} of {int(limit[:9]):,} requests left this hour"


def _batches(app_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(app_ids), APPS_PER_REQUEST):
        yield app_ids[start : start + APPS_PER_REQUEST]


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
