"""The calls of one App Store Connect account.

https://developer.apple.com/documentation/appstoreconnectapi
"""

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import SecretStr

from bot.domain.errors import AgreementBlocked, NotFound, NotReady, ProviderError, Refused
from bot.domain.listing import ITSELF, Listing
from bot.domain.model import AccountStatus, App, Build, BuildState, Expiry, Link, LinkKind
from bot.domain.ports import ProbeResult, WebhookHint, WebhookRegistration, WebhookRequest
from providers.app_store_connect import expiries, store_versions, webhook, wire
from providers.app_store_connect.agreements import Area, account_status, agreement_code
from providers.app_store_connect.api import PAGE_SIZE, Api, Params
from providers.app_store_connect.documents import PROVIDER, read_error_codes
from providers.app_store_connect.pacing import HOUR, Pacer, read_allowances
from providers.app_store_connect.registration import OPERATION as REGISTER
from providers.app_store_connect.registration import Registrar
from providers.app_store_connect.shelf import APPS_PER_REQUEST, VERSION_FIELDS, Shelf, batches
from providers.app_store_connect.token import TokenKeeper
from providers.app_store_connect.upload_reader import UploadReader
from providers.app_store_connect.uploads import is_upload
from providers.app_store_connect.wire import ListedBuild, PublicLink
from providers.concurrency import map_bounded
from providers.failures import Verdict, date_of
from providers.http import VendorHttp

_APPS: Params = {"fields[apps]": "name,bundleId", "limit": PAGE_SIZE}
# There are no fields to choose of buildUploads; they are small.
_BUILD: Params = {
    **VERSION_FIELDS,
    "include": "app,preReleaseVersion,buildBetaDetail,betaBuildLocalizations,buildUpload,appStoreVersion",
    "fields[builds]": "version,uploadedDate,expirationDate,expired,minOsVersion,processingState"
    ",app,preReleaseVersion,buildBetaDetail,betaBuildLocalizations,buildUpload,appStoreVersion",
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
# Without their content, which is long and nobody's business.
_CERTIFICATES: Params = {"fields[certificates]": "name,certificateType,expirationDate", "limit": PAGE_SIZE}
_PROFILES: Params = {"fields[profiles]": "name,profileState,expirationDate", "limit": PAGE_SIZE}
_LIST_BUILDS = "list builds"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def classify(status: int, body: object) -> Verdict | None:
    """What a 403 means when its code is about agreements; for `VendorHttp`. The reason is Apple's code."""
    code = agreement_code(read_error_codes(body)) if status == 403 else None
    return (AgreementBlocked, code) if code else None


class AppStoreConnect:
    """Lists apps, builds, App Store versions, failed uploads and what expires; mints TestFlight and store pages; checks
    agreements; receives webhooks and registers them.

    `http` must have been given `classify` and `on_answer=pacer.heard`. An individual key (`is_team_key` False) may not ask about
    signing.
    """

    provider = PROVIDER

    def __init__(
        self,
        http: VendorHttp,
        tokens: TokenKeeper,
        api_url: str,
        clock: Callable[[], datetime],
        pacer: Pacer,
        *,
        is_team_key: bool,
        webhook_secret: SecretStr | None = None,
    ) -> None:
        self.account = http.account
        self._http = http
        self._tokens = tokens
        self._api = Api(http, tokens, api_url, pacer)
        self._shelf = Shelf(self._api, clock)
        self._uploads = UploadReader(self._api, clock)
        self._clock = clock
        self._is_team_key = is_team_key
        self._has_asked = False  # this poll's third request is spent
        self._owes_a_rereading = False
        self._webhook_secret = webhook_secret

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        return await self._shelf.list_apps()

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """TestFlight builds and App Store versions. The versions came with the apps when these were listed just before. A poll
        that has nothing else to ask looks for the failed uploads of one app, too."""
        listed: list[ListedBuild] = []
        gaps: dict[str, ProviderError] = {}
        for app_ids in batches(sorted({app.id for app in apps}), APPS_PER_REQUEST):
            found = await self._list_builds(app_ids, known)
            listed += found
            gaps |= found.gaps
        attached = [each.version for each in listed if each.version]
        is_busy = len(listed) > PAGE_SIZE
        versions = await self._shelf.take(apps, attached, known, is_busy=is_busy, is_spent=self._owes_a_rereading)
        self._http.found(_LIST_BUILDS, len(versions))
        self._has_asked = self._shelf.has_asked
        is_spent = is_busy or self._has_asked or self._owes_a_rereading or not known
        failed = () if is_spent else await self._next_failed_uploads(apps, listed)
        builds = [*(each.build for each in listed), *versions, *failed]
        newest_first = sorted(builds, key=lambda build: build.uploaded_at or _LONG_AGO, reverse=True)
        return Listing(newest_first, {**versions.gaps, **gaps})

    async def reread_builds(self, builds: Sequence[Build]) -> Sequence[Build]:
        """TestFlight builds; App Store versions come with every list. A poll whose third request went to another question asks
        nothing here, and the next poll asks nothing else."""
        ids = [build.id for build in builds if build.track == wire.TRACK and not is_upload(build)][:PAGE_SIZE]
        self._owes_a_rereading = bool(ids) and self._has_asked
        if not ids or self._owes_a_rereading:
            return []
        url = self._api.url("/v1/builds", {**_BUILD, "filter[id]": ",".join(ids), "limit": PAGE_SIZE})
        return [each.build for each in await self._api.read_all("reread builds", url, wire.read_builds, can_wait=True)]

    async def list_failed_uploads(self, apps: Sequence[App]) -> Sequence[Build]:
        """A request for each of `apps`."""
        return await self._uploads.read(apps)

    async def reread_build(self, build: Build) -> Build:
        return await self._reread("reread build", build)

    async def mint_link(self, build: Build) -> Link:
        """The store page of a live App Store version; the public TestFlight page of a group that serves this build.

        Raises ProviderError (NotReady: processing, NotFound: no_public_link).
        """
        operation = "mint link"
        fresh = await self._reread(operation, build)
        if fresh.state is BuildState.PROCESSING:
            raise self._http.error(operation, NotReady, "processing")
        url = _store_page(fresh) if _is_in_store(fresh) else await self._testflight_page(operation, fresh)
        if url is None:
            raise self._http.error(operation, NotFound, "no_public_link")
        return Link(url, LinkKind.PAGE)

    async def check_account(self) -> AccountStatus:
        urls = self._agreement_probes()
        answers = await asyncio.gather(*(self._ask("check agreements", url) for url in urls.values()))
        return account_status(self.account, self._clock(), dict(zip(urls, answers, strict=True)))

    async def list_expiries(self) -> Sequence[Expiry]:
        """Certificates and provisioning profiles. None for an individual key, to which Apple shows neither."""
        if not self._is_team_key:
            return ()
        operation, read_all = "list expiries", self._api.read_all
        certificates = await read_all(
            operation, self._api.url("/v1/certificates", _CERTIFICATES), expiries.read_certificates, can_wait=True
        )
        profiles = await read_all(operation, self._api.url("/v1/profiles", _PROFILES), expiries.read_profiles, can_wait=True)
        return Listing([*certificates, *profiles], {**certificates.gaps, **profiles.gaps})

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        secret = self._webhook_secret.get_secret_value() if self._webhook_secret else None
        return webhook.parse_webhook(self.provider, self.account, secret, request)

    async def register_webhooks(self, url: str) -> Sequence[WebhookRegistration]:
        """One webhook per app. Raises ProviderError (Refused: no_webhook_secret)."""
        if self._webhook_secret is None:
            raise self._http.error(REGISTER, Refused, "no_webhook_secret")
        apps = await self._api.read_all(REGISTER, self._api.url("/v1/apps", _APPS), wire.read_apps, can_wait=True)
        registrar = Registrar(self._api, url, self._webhook_secret)
        return await map_bounded(registrar.register, [each.app for each in apps])

    async def probe(self) -> ProbeResult:
        operation = "probe"
        url = self._api.url("/v1/apps", {"limit": 1})
        response = await self._http.send(operation, "GET", url, credential=self._tokens)
        page = wire.read_ids(self._http.parse(operation, response), self.account, operation)
        limits = response.headers.get("x-rate-limit", "")
        return ProbeResult(summarise(len(page.items) if page.total is None else page.total, limits), date_of(response))

    async def _list_builds(self, app_ids: Sequence[str], known: Container[str]) -> Listing[ListedBuild]:
        """One list for all of them, so that where it has a gap, any of them may."""
        params = {**_BUILD, "filter[app]": ",".join(app_ids), "sort": "-uploadedDate", "limit": PAGE_SIZE}
        found = await self._api.read_all(
            _LIST_BUILDS,
            self._api.url("/v1/builds", params),
            wire.read_builds,
            is_last=lambda page: all(each.build.id in known for each in page.items),
            can_wait=True,
        )
        asked = frozenset(app_ids)
        gaps = dict.fromkeys(app_ids, found.gaps[ITSELF]) if found.gaps else {}
        return Listing((each for each in found if each.build.app_id in asked), gaps)

    async def _next_failed_uploads(self, apps: Sequence[App], listed: Sequence[ListedBuild]) -> Sequence[Build]:
        """Where something is built most lately, something is most likely to have failed."""
        lately = {id: place for place, id in enumerate(dict.fromkeys(each.build.app_id for each in listed))}
        found = await self._uploads.read_next(sorted(apps, key=lambda app: lately.get(app.id, len(lately))))
        self._has_asked = found is not None
        return found or ()

    async def _reread(self, operation: str, build: Build) -> Build:
        if is_upload(build):
            return build  # it failed for good
        if build.track == store_versions.TRACK:
            return await self._shelf.reread(operation, build)
        url = self._api.url(f"/v1/builds/{quote(build.id, safe='')}", _BUILD)
        return wire.read_build(await self._api.call(operation, url), self.account, operation)

    async def _testflight_page(self, operation: str, build: Build) -> str | None:
        """Of a group that holds the build, else of one that gets every build.

        The page offers what its group may test. Before Apple's approval that is another build than the one asked for.
        """
        if build.track != wire.TRACK or build.state is not BuildState.APPROVED:
            return None
        of_app = {"filter[app]": build.app_id}
        holding = await self._public_links(operation, {**of_app, "filter[builds]": build.id})
        if holding:
            return holding[0].url
        others = await self._public_links(operation, of_app)
        return next((link.url for link in others if link.serves_all_builds), None)

    async def _public_links(self, operation: str, filters: Params) -> Sequence[PublicLink]:
        return await self._api.read_all(
            operation, self._api.url("/v1/betaGroups", {**_GROUPS, **filters}), wire.read_public_links
        )

    def _agreement_probes(self) -> Mapping[Area, str]:
        probes = {
            Area.ACCOUNT: self._api.url("/v1/agreements"),
            Area.APPS: self._api.url("/v1/apps", {"fields[apps]": "name", "limit": 1}),
        }
        if self._is_team_key:
            probes[Area.SIGNING] = self._api.url("/v1/certificates", {"fields[certificates]": "certificateType", "limit": 1})
        return probes

    async def _ask(self, operation: str, url: str) -> ProviderError | None:
        """None when the answer is a collection, else what stood in the way."""
        try:
            wire.read_ids(await self._api.call(operation, url), self.account, operation)
        except ProviderError as error:
            return error
        return None


def summarise(apps: int, limits: str) -> str:
    """ "45 apps; 3,417 of 3,600 requests left this hour", from a total and an X-Rate-Limit header."""
    counted = f"{apps:,} app" if apps == 1 else f"{apps:,} apps"
    hour = read_allowances(limits).get(HOUR)
    return f"{counted}; {hour.left:,} of {hour.limit:,} requests left this hour" if hour else counted


def _is_in_store(build: Build) -> bool:
    return build.track == store_versions.TRACK and build.state is BuildState.LIVE


def _store_page(build: Build) -> str:
    return f"https://apps.apple.com/app/id{quote(build.app_id, safe='')}"
