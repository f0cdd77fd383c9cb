"""Calls to Appcircle. Facts about it: https://docs.appcircle.io/appcircle-api and the vendor's FAQ on store downloads."""

import logging
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from bot.domain.errors import Confused, NotFound, ProviderError, Refused
from bot.domain.model import App, Build, Platform
from bot.domain.ports import (
    ByteRequest,
    FileStream,
    ListsApps,
    ListsBuilds,
    OpensFiles,
    ProbeResult,
    Probes,
    ReceivesWebhooks,
    RereadsBuilds,
    WebhookHint,
    WebhookRequest,
)
from providers import files
from providers.addresses import same_origin
from providers.app_by_app import in_order, read_each
from providers.appcircle import modules, webhook, wire
from providers.appcircle.modules import DISTRIBUTION, STORE, Module
from providers.appcircle.token import TokenKeeper
from providers.concurrency import map_bounded
from providers.failures import date_of
from providers.http import VendorHttp

log = logging.getLogger(__name__)

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_REREAD = "reread build"
_OPEN_FILE = "open file"
_READ_MANIFEST = "read manifest"
_READ_LINK = "read link"
_PROBE = "probe"
_NOT_OFFERED = frozenset({"forbidden", "not_found", "gone"})
_MANIFEST_MAX = 2**16  # they name some files and have a few kilobytes
_ENOUGH_TO_TELL = 64  # bytes by which a manifest shows itself


@dataclass(frozen=True, slots=True)
class _Listing:
    """The profiles of one module; `refusal` is set instead when the account does not have it."""

    module: Module
    apps: Sequence[App] = ()
    date: datetime | None = None
    refusal: ProviderError | None = None


class Appcircle(ListsApps, ListsBuilds, RereadsBuilds, OpensFiles, Probes, ReceivesWebhooks):
    """One organization: its Enterprise App Store, Testing Distribution and Publish.

    Which of them there are depends on the plan and on the key's roles: a module that refuses as a whole (403, 404) is not
    offered, as long as another one is. Any other failure of any module is the account's: what the others tell would look like
    all there is. What fails of a single profile is that profile's.

    It mints no links: downloads of the store want the bearer token in a header, which a browser cannot send, and the address that
    carries the token in its path would hand the token to whoever sees it. Files of Publish are opened in the same way.
    """

    provider = wire.PROVIDER

    def __init__(
        self, http: VendorHttp, tokens: TokenKeeper, store_url: str, api_url: str, *, webhook_secret: str | None = None
    ) -> None:
        self.account = http.account
        self._http = http
        self._tokens = tokens
        self._store_url = store_url
        self._api_url = api_url
        self._webhook_secret = webhook_secret

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list_apps(self) -> Sequence[App]:
        """The profiles of all modules: one request for each of the four."""
        apps = [app for listing in await self._listings(_LIST_APPS) for app in listing.apps]
        self._http.found(_LIST_APPS, len(apps))
        return apps

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """One request per profile: the vendor has no paging, and nothing that covers several profiles.

        The dates on a profile cannot spare the request: they do not move when a version is unpublished or deleted or when a
        publish flow goes on, nor are they said to count what sub-organizations upload.
        """

        async def builds_of(app: App) -> Sequence[Build]:
            builds = await self._builds_of(_LIST_BUILDS, app.id)
            self._http.found(_LIST_BUILDS, len(builds))
            return builds

        return in_order(await read_each(builds_of, apps, _LIST_BUILDS), wire.newest_first)

    async def reread_build(self, build: Build) -> Build:
        """Reads the profile's list again; only Publish is known to have a call for a single version."""
        for found in await self._builds_of(_REREAD, build.app_id):
            if found.id == build.id:
                return found
        raise self._http.error(_REREAD, NotFound, "gone")

    @asynccontextmanager
    async def open_file(self, build: Build, wanted: ByteRequest) -> AsyncIterator[FileStream]:
        """The .apk or .ipa itself. Raises ProviderError (NotFound: no_file, for a build of Testing Distribution)."""
        url, credential = await self._file_of(build)
        async with files.open_file(self._http, _OPEN_FILE, url, wanted, credential) as stream:
            self._compare(build, stream)
            yield stream

    async def probe(self) -> ProbeResult:
        """Exchanges the credential where needed and lists the profiles of all modules."""
        listings = await self._listings(_PROBE)
        summary = ", ".join(_summary(listing) for listing in listings)
        return ProbeResult(summary, next((listing.date for listing in listings if listing.date), None))

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        """See webhook.py."""
        return webhook.parse_webhook(self.account, self._webhook_secret, request)

    async def _listings(self, operation: str) -> list[_Listing]:
        await self._tokens.headers()  # a credential that is refused is tried once, not once for every module
        listings = await map_bounded(partial(self._listing, operation), modules.MODULES)
        refusals = [listing.refusal for listing in listings if listing.refusal]
        if len(refusals) == len(listings):
            raise refusals[0]
        return listings

    async def _listing(self, operation: str, module: Module) -> _Listing:
        try:
            response = await self._http.send(operation, "GET", f"{self._api_url}{module.profiles}", credential=self._tokens)
        except (Refused, NotFound) as error:
            if error.operation != operation or error.reason not in _NOT_OFFERED:
                raise
            return _Listing(module, refusal=error)
        apps = wire.read_apps(self._http.parse(operation, response), self.account, operation, module.prefix)
        return _Listing(module, apps, date_of(response))

    async def _builds_of(self, operation: str, app_id: str) -> list[Build]:
        module, profile_id = modules.locate(app_id)
        path = f"{module.profile(profile_id)}{module.versions}"
        body = await self._store_versions(operation, path) if module is STORE else await self._get(operation, path)
        return module.read_builds(body, self.account, operation, app_id)

    async def _store_versions(self, operation: str, path: str) -> Any:
        """`suborg=all` is documented for v1 only, and without it the uploads of sub-organizations are missing."""
        try:
            return await self._get(operation, path, suborg="all")
        except Confused as error:
            if error.reason != "http_400":
                raise
            return await self._get(operation, path.replace("/v2/", "/v1/", 1), suborg="all")

    async def _get(self, operation: str, path: str, **params: str) -> Any:
        return await self._http.json(operation, "GET", f"{self._api_url}{path}", credential=self._tokens, params=params)

    async def _file_of(self, build: Build) -> tuple[str, TokenKeeper | None]:
        """Where the file is, and what opens it there."""
        module, profile_id = modules.locate(build.app_id)
        if module is STORE:
            return await self._store_file(profile_id, build)
        if module is DISTRIBUTION:
            raise self._http.error(_OPEN_FILE, NotFound, "no_file")
        return await self._signed_address(f"{module.profile(profile_id)}{module.versions}/{quote(build.id, '')}"), None

    async def _store_file(self, profile_id: str, build: Build) -> tuple[str, TokenKeeper | None]:
        """For iOS the store answers with an install manifest, and the .ipa it names is opened."""
        url = f"{self._store_url}/api/profile/{quote(profile_id, '')}/appversions/{quote(build.id, '')}/download-update"
        if build.platform is Platform.IOS:
            url = await self._package_url(url) or url
        return url, self._tokens if same_origin(url, self._store_url) else None

    def _compare(self, build: Build, stream: FileStream) -> None:
        """Tells of a file that is not as long as it was listed: a doubt: it may have been signed anew since. `fileSize` is
        in bytes: https://docs.appcircle.io/enterprise-app-store/in-app-updates"""
        offered = files.whole_size(stream)
        if build.size is not None and offered is not None and build.size != offered:
            place = f"{self.provider}/{self.account}: {_OPEN_FILE}"
            log.warning("%s: size_differs, %d bytes listed and %d offered", place, build.size, offered)

    async def _signed_address(self, path: str) -> str:
        """An address that wants no credential and does not last: it is asked for at each opening."""
        link = wire.read_link(await self._get(_READ_LINK, path, action="download"), self.account, _READ_LINK)
        return self._http.next_hop(_READ_LINK, f"{self._api_url}{path}", link)

    async def _package_url(self, url: str) -> str | None:
        """Where the manifest says that the .ipa is; None when there is no manifest, because the answer is the .ipa itself."""
        async with self._http.in_time(_READ_MANIFEST):
            manifest = await self._manifest(url)
        if manifest is None:
            return None
        return self._http.next_hop(_READ_MANIFEST, url, wire.read_package_url(manifest, self.account, _READ_MANIFEST))

    async def _manifest(self, url: str) -> bytes | None:
        manifest = bytearray()
        async with self._http.stream(_READ_MANIFEST, "GET", url, credential=self._tokens) as response:
            async for chunk in self._http.chunks(_READ_MANIFEST, response):
                manifest += chunk
                if len(manifest) >= _ENOUGH_TO_TELL and not wire.looks_like_manifest(bytes(manifest[:_ENOUGH_TO_TELL])):
                    return None
                if len(manifest) > _MANIFEST_MAX:
                    raise self._http.error(_READ_MANIFEST, Confused, "too_large")
        return bytes(manifest)


def _summary(listing: _Listing) -> str:
    if listing.refusal:
        return f"{listing.module.title} not offered"
    count = len(listing.apps)
    return f"{count:,} {listing.module.title} profile{'' if count == 1 else 's'}"
