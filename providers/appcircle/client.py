"""Calls to Appcircle. Facts about it: https://docs.appcircle.io/appcircle-api and the vendor's FAQ on store downloads."""

from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from bot.domain.errors import Confused, NotFound
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
from providers.appcircle import webhook, wire
from providers.appcircle.token import TokenKeeper
from providers.concurrency import map_bounded
from providers.failures import date_of
from providers.http import VendorHttp

_LIST_APPS = "list apps"
_LIST_BUILDS = "list builds"
_REREAD = "reread build"
_OPEN_FILE = "open file"
_READ_MANIFEST = "read manifest"
_PROBE = "probe"
_MANIFEST_MAX = 2**20
_ENOUGH_TO_TELL = 64  # bytes by which a manifest shows itself


class Appcircle(ListsApps, ListsBuilds, RereadsBuilds, OpensFiles, Probes, ReceivesWebhooks):
    """One organization's Enterprise App Store.

    It mints no links: its downloads want the bearer token in a header, which a browser cannot send, and the address that
    carries the token in its path would hand the token to whoever sees it.
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
        """The store's profiles."""
        body = await self._http.json(_LIST_APPS, "GET", f"{self._api_url}/store/v2/profiles", credential=self._tokens)
        return wire.read_apps(body, self.account, _LIST_APPS)

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        """One request per profile: the vendor has no paging, and nothing that covers several profiles.

        The dates on a profile cannot spare the request: they do not move when a version is unpublished or deleted, nor are
        they said to count what sub-organizations upload.
        """

        async def builds_of(app: App) -> list[Build]:
            return await self._builds_of(_LIST_BUILDS, app.id)

        per_app = await map_bounded(builds_of, apps)
        return wire.newest_first(build for builds in per_app for build in builds)

    async def reread_build(self, build: Build) -> Build:
        """Reads the profile's list again; a call for a single version is not documented."""
        for found in await self._builds_of(_REREAD, build.app_id):
            if found.id == build.id:
                return found
        raise self._http.error(_REREAD, NotFound, "gone")

    @asynccontextmanager
    async def open_file(self, build: Build, wanted: ByteRequest) -> AsyncIterator[FileStream]:
        """The .apk itself; for iOS the vendor answers an install manifest, and the .ipa it names is opened."""
        url = f"{self._store_url}/api/profile/{quote(build.app_id, '')}/appversions/{quote(build.id, '')}/download-update"
        if build.platform is Platform.IOS:
            url = await self._package_url(url) or url
        credential = self._tokens if same_origin(url, self._store_url) else None
        async with files.open_file(self._http, _OPEN_FILE, url, wanted, credential) as stream:
            yield stream

    async def probe(self) -> ProbeResult:
        """Exchanges the token where needed and lists the profiles."""
        response = await self._http.send(_PROBE, "GET", f"{self._api_url}/store/v2/profiles", credential=self._tokens)
        apps = wire.read_apps(self._http.parse(_PROBE, response), self.account, _PROBE)
        return ProbeResult(f"{len(apps):,} store profile{'' if len(apps) == 1 else 's'}", date_of(response))

    def parse_webhook(self, request: WebhookRequest) -> WebhookHint | None:
        """See webhook.py."""
        return webhook.parse_webhook(self.account, self._webhook_secret, request)

    async def _builds_of(self, operation: str, app_id: str) -> list[Build]:
        try:
            body = await self._versions(operation, "v2", app_id)
        except NotFound:
            return []  # deleted since the profiles were listed
        except Confused as error:
            if error.reason != "http_400":
                raise
            # `suborg=all` is documented for v1 only, and without it the uploads of sub-organizations are missing.
            body = await self._versions(operation, "v1", app_id)
        return wire.read_builds(body, self.account, operation, app_id)

    async def _versions(self, operation: str, api_version: str, app_id: str) -> Any:
        url = f"{self._api_url}/store/{api_version}/profiles/{quote(app_id, '')}/app-versions"
        return await self._http.json(operation, "GET", url, credential=self._tokens, params={"suborg": "all"})

    async def _package_url(self, url: str) -> str | None:
        """Where the manifest says that the .ipa is; None when there is no manifest, because the answer is the .ipa itself."""
        manifest = bytearray()
        async with self._http.stream(_READ_MANIFEST, "GET", url, credential=self._tokens) as response:
            async for chunk in self._http.chunks(_READ_MANIFEST, response):
                manifest += chunk
                if len(manifest) >= _ENOUGH_TO_TELL and not wire.looks_like_manifest(bytes(manifest[:_ENOUGH_TO_TELL])):
                    return None
                if len(manifest) > _MANIFEST_MAX:
                    raise self._http.error(_READ_MANIFEST, Confused, "too_large")
        package = wire.read_package_url(bytes(manifest), self.account, _READ_MANIFEST)
        return self._http.next_hop(_READ_MANIFEST, url, package)
