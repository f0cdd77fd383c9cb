"""A pretend Appcircle: auth, API gateway and Enterprise App Store. Their paths differ, so one app serves all three hosts.

The API gateway's other modules are in appcircle_modules.py.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.artefacts import DEFAULT_SIZE, Artefact
from bot.sandbox.vendors.appcircle_modules import PLATFORM_TYPES, PretendPublish, PretendTestingDistribution
from bot.sandbox.vendors.base import PretendVendor, VendorRefusal, Webhook, base_url, form_fields, shuffled, utc_now
from bot.sandbox.vendors.files import manifest_response, serve_file
from bot.sandbox.vendors.storage import PretendStorage

NOT_PUBLISHED, BETA, LIVE = 0, 1, 2
_PUBLISH_TYPES = {"Beta": BETA, "Live": LIVE}
_BODIES = {
    403: b'{"message":"You do not have permission to perform this action."}',
    429: b'{"message":"Too many requests."}',
    500: b'{"message":"An unexpected error occurred."}',
    503: b"",
}


@dataclass(eq=False, slots=True)
class StoreProfile:
    """An Enterprise App Store profile: one app, both platforms."""

    id: str
    name: str
    bundle_id: str
    created_at: datetime
    versions: dict[str, "StoreVersion"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class StoreVersion:
    """One binary in a profile. `suborganisation` versions are listed only to those who ask with `suborg=all`."""

    id: str
    app: StoreProfile
    version: str
    number: str
    platform: str
    publish_type: int
    uploaded_at: datetime
    notes: str
    suborganisation: bool
    artefact: Artefact
    certificate_expired: bool = False
    downloads: int = 0


@dataclass(frozen=True, slots=True)
class _AccessToken:
    """`may_download` is False for keys of a sub-organisation, which list well and then fail at the download."""

    expires_at: datetime
    may_download: bool


class PretendAppcircle(PretendVendor):
    """One organisation, `organization_id`, with one below it, `suborganization_id`. `token_lifetime` rules access tokens given
    out from then on.

    The store is here; `distribution` and `publishing` are the other modules. One that is not in the plan is made by
    `misbehave("^/publish/", Misbehaviour.FORBIDDEN)`.

    `storage` is the file host: serve `storage.app` with a server of its own and put that server's address into
    `storage_url` to have downloads redirected there. `packages_on_storage` does the same for the ipa that an iOS manifest names.
    `suborg_on_v2` off: `suborg=all`, which the docs show for v1 alone, is 400 on v2.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self.storage = PretendStorage(clock)
        self.distribution, self.publishing = PretendTestingDistribution(self), PretendPublish(self)
        super().__init__(self._routes(), bodies=_BODIES, clock=clock, seed="appcircle")
        self.personal_api_token = f"pat_{self.new_hex(40)}"
        self.suborganisation_token = f"pat_{self.new_hex(40)}"
        self.api_key_name = "purser"
        self.api_key_secret = self.new_hex(40)
        self.organization_id, self.suborganization_id = self.new_guid(), self.new_guid()
        self.token_lifetime = timedelta(hours=4)
        self.storage_url: str | None = None
        self.packages_on_storage = False
        self.suborg_on_v2 = True
        self.profiles: dict[str, StoreProfile] = {}
        self._tokens: dict[str, _AccessToken] = {}

    def _routes(self) -> list[Route]:
        download = "/api/profile/{profile}/appversions/{version}"
        return [
            Route("/auth/v1/token", self.exchange_pat, methods=["POST"]),
            Route("/auth/v2/token", self.exchange_pat, methods=["POST"]),
            Route("/auth/v3/token", self.exchange_access_key, methods=["POST"]),
            Route("/auth/v1/api-key/token", self.exchange_api_key, methods=["POST"]),
            *self._gateway_routes("/store/v1/profiles"),
            *self._gateway_routes("/store/v2/profiles"),
            *self.distribution.routes(),
            *self.publishing.routes(),
            Route(download + "/download-update", self.download_update, methods=["GET", "HEAD"]),
            Route(download + "/package.ipa", self.download_package, methods=["GET", "HEAD"]),
            *self.storage.routes,
        ]

    def _gateway_routes(self, profiles: str) -> list[Route]:
        versions = profiles + "/{profile}/app-versions"
        return [
            Route(profiles, self.list_profiles),
            Route(versions, self.list_versions),
            Route(versions + "/{version}", self.get_version_action),
        ]

    # --- what people at the vendor do ---

    def add_app(self, name: str, bundle_id: str) -> StoreProfile:
        profile = StoreProfile(self.new_guid(), name, bundle_id, self.clock())
        self.profiles[profile.id] = profile
        return profile

    def upload(
        self,
        app: StoreProfile,
        version: str,
        number: str,
        *,
        platform: str = "android",
        publish_type: int = LIVE,
        uploaded_at: datetime | None = None,
        notes: str = "",
        suborganisation: bool = False,
        file_name: str | None = None,
        size: int = DEFAULT_SIZE,
    ) -> StoreVersion:
        """A new binary; `platform` is "ios" or "android". Appcircle has no processing: it can be downloaded at once."""
        ios = platform == "ios"
        name = file_name or f"{app.name}-{version}-{number}.{'ipa' if ios else 'apk'}".replace(" ", "-")
        artefact = Artefact(name, app.bundle_id, version, number, ios, size)
        moment = uploaded_at or self.clock()
        build = StoreVersion(
            self.new_guid(), app, version, number, platform, publish_type, moment, notes, suborganisation, artefact
        )
        app.versions[build.id] = build
        return build

    def publish(self, build: StoreVersion, publish_type: int) -> None:
        """NOT_PUBLISHED, BETA or LIVE."""
        build.publish_type = publish_type

    def expire(self, build: StoreVersion) -> None:
        """Its signing certificate expires: still listed, no longer downloadable (docs: Enterprise App Store)."""
        build.certificate_expired = True

    def remove(self, build: StoreVersion) -> None:
        del build.app.versions[build.id]

    def remove_app(self, app: StoreProfile) -> None:
        del self.profiles[app.id]

    def revoke_access_tokens(self) -> None:
        """Every access token given out so far stops working."""
        self._tokens.clear()

    def webhook(
        self, secret: str, action: str = "StoreSubmit|NewVersion", *, build: StoreVersion | None = None, title: str = ""
    ) -> Webhook:
        """A notification signed as Appcircle signs: `ac_signature`, hex HMAC-SHA256 over the raw body.

        Only `Build|BuildStart` is a documented action; store actions and their `item` are made up here.
        """
        item = {"id": build.id, "profileId": build.app.id} if build else {}
        body = json.dumps(
            {
                "deliveryId": self.new_guid(),
                "timestamp": _net_time(self.clock()),
                "action": action,
                "title": title or "New Version Uploaded",
                "message": "A new version was uploaded.",
                "item": item,
                "links": {"detail": "https://my.appcircle.io/"},
            }
        ).encode()
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        return Webhook(body, {"content-type": "application/json", "ac_signature": signature})

    # --- auth host ---

    async def exchange_pat(self, request: Request) -> Response:
        form = await form_fields(request)
        return self._grant(form.get("pat") or form.get("personal-access-key"))

    async def exchange_access_key(self, request: Request) -> Response:
        form = await form_fields(request)
        self._require_organization(form.get("subOrganization"))
        return self._grant(form.get("personalAccessKey"), narrowed="subOrganization" in form)

    async def exchange_api_key(self, request: Request) -> Response:
        """Failures as appcircle-cli tells them apart (src/services/index.ts)."""
        form = await form_fields(request)
        if (form.get("name"), form.get("secret")) != (self.api_key_name, self.api_key_secret):
            raise VendorRefusal(401, {"error": "invalid_grant"})
        if not _is_guid(form.get("organizationId", self.organization_id)):
            raise VendorRefusal(400, {"error": "organizationId must be a valid GUID"})
        self._require_organization(form.get("organizationId"))
        return self._issue(may_download=form.get("organizationId") in (None, self.organization_id))

    def _require_organization(self, wanted: str | None) -> None:
        if wanted not in (None, self.organization_id, self.suborganization_id):
            raise VendorRefusal(403, {"error": "access_denied"})

    def _grant(self, secret: str | None, *, narrowed: bool = False) -> Response:
        if secret not in (self.personal_api_token, self.suborganisation_token):
            raise VendorRefusal(401, {"error": "invalid_grant"})
        return self._issue(may_download=secret == self.personal_api_token and not narrowed)

    def _issue(self, *, may_download: bool) -> Response:
        token = f"eyJhbGciOiJSUzI1NiJ9.{self.new_hex(64)}.{self.new_hex(32)}"
        self._tokens[token] = _AccessToken(self.clock() + self.token_lifetime, may_download)
        lifetime = int(self.token_lifetime.total_seconds())
        return JSONResponse({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"})

    def name_credential(self, authorization: str) -> str:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return "unknown"
        if secret in self._tokens:
            return "access token" if self._tokens[secret].expires_at > self.clock() else "expired access token"
        return "personal api token" if secret in (self.personal_api_token, self.suborganisation_token) else "unknown"

    def authenticate(self, request: Request) -> _AccessToken:
        """Raises VendorRefusal (401) without a good access token."""
        authorization = request.headers.get("authorization", "")
        if self.name_credential(authorization) != "access token":
            raise VendorRefusal(401)
        return self._tokens[authorization.partition(" ")[2]]

    # --- API gateway ---

    async def list_profiles(self, request: Request) -> Response:
        self.authenticate(request)
        return JSONResponse([_profile_json(profile) for profile in shuffled(self.profiles)])

    async def list_versions(self, request: Request) -> Response:
        self.authenticate(request)
        profile = self._profile(request)
        wanted = _PUBLISH_TYPES.get(request.query_params.get("publishtype", ""))
        everything = request.query_params.get("suborg") == "all"
        if everything and not self.suborg_on_v2 and request.url.path.startswith("/store/v2/"):
            raise VendorRefusal(400, {"message": "Unknown parameter: suborg."})
        versions = [
            _version_json(version)
            for version in shuffled(profile.versions)
            if (everything or not version.suborganisation) and wanted in (None, version.publish_type)
        ]
        return JSONResponse(versions)

    async def get_version_action(self, request: Request) -> Response:
        """`?action=download`: a JSON string that holds a pre-signed address."""
        token = self.authenticate(request)
        version = self._downloadable(request, token)
        if request.query_params.get("action") != "download":
            raise VendorRefusal(404, {"message": "Not found."})
        return JSONResponse(self._storage_link(request, version))

    # --- store host ---

    async def download_update(self, request: Request) -> Response:
        """The apk itself (or a redirect to storage), or the manifest of an ipa."""
        version = self._downloadable(request, self.authenticate(request))
        version.downloads += 1
        if version.platform == "ios":
            return manifest_response(version.artefact, self._package_url(request, version), version.app.name)
        return self._serve(request, version)

    async def download_package(self, request: Request) -> Response:
        """The ipa that a manifest names, with the same bearer (used while `packages_on_storage` is off)."""
        return self._serve(request, self._downloadable(request, self.authenticate(request)))

    def _serve(self, request: Request, version: StoreVersion) -> Response:
        if self.storage_url is not None:
            return RedirectResponse(self._storage_link(request, version), 302)
        return serve_file(request, version.artefact, version.uploaded_at)

    def _package_url(self, request: Request, version: StoreVersion) -> str:
        if self.packages_on_storage:
            return self._storage_link(request, version)
        return f"{base_url(request)}/api/profile/{version.app.id}/appversions/{version.id}/package.ipa"

    def storage_link(self, request: Request, artefact: Artefact, stored_at: datetime) -> str:
        """A pre-signed address of the file."""
        return self.storage.link(self.storage_url or base_url(request), artefact, stored_at)

    def _storage_link(self, request: Request, version: StoreVersion) -> str:
        return self.storage_link(request, version.artefact, version.uploaded_at)

    def _profile(self, request: Request) -> StoreProfile:
        profile = self.profiles.get(request.path_params["profile"])
        if profile is None:
            raise VendorRefusal(404, {"message": "Profile not found."})
        return profile

    def _downloadable(self, request: Request, token: _AccessToken) -> StoreVersion:
        version = self._profile(request).versions.get(request.path_params["version"])
        if version is None:
            raise VendorRefusal(404, {"message": "App version not found."})
        if not token.may_download:
            raise VendorRefusal(403, {"message": "Access token does not belong to the root organization."})
        if version.certificate_expired:
            raise VendorRefusal(403, {"message": "The signing certificate of this binary is expired."})
        return version


def _is_guid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _net_time(moment: datetime) -> str:
    """.NET's seven fraction digits, as webhooks show them."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}7+00:00"


def _profile_json(profile: StoreProfile) -> dict[str, Any]:
    newest = max(profile.versions.values(), key=lambda version: version.uploaded_at, default=None)
    return {
        "id": profile.id,
        "name": profile.name,
        "version": newest.version if newest else None,
        "totalDownloadCount": sum(version.downloads for version in profile.versions.values()),
        "latestPublishDate": _net_time(newest.uploaded_at) if newest else None,
        "lastBinaryReceivedDate": _net_time(newest.uploaded_at) if newest else None,
    }


def _version_json(version: StoreVersion) -> dict[str, Any]:
    """The model that the MAUI in-app update page of the docs prints."""
    published = version.publish_type != NOT_PUBLISHED
    signer = f"iPhone Distribution: {version.app.name}" if version.platform == "ios" else None
    return {
        "id": version.id,
        "profileId": version.app.id,
        "appResourceReferenceId": hashlib.md5(version.id.encode(), usedforsecurity=False).hexdigest(),
        "appIconResourceReferenceId": None,
        "name": version.app.name,
        "uniqueName": version.app.bundle_id,
        "signedCertName": signer,
        "version": version.version,
        "versionCode": version.number,
        "publishType": version.publish_type,
        "publishDate": f"{version.uploaded_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if published else None,
        "publishDateStr": None,
        "platformType": PLATFORM_TYPES.get(version.platform, 0),
        "fileName": version.artefact.file_name,
        "fileSize": version.artefact.size,
        "downloadCount": version.downloads,
        "summary": version.notes.partition("\n")[0],
        "releaseNotes": version.notes,
        "latestNotificationDate": None,
        "createDate": _net_time(version.uploaded_at),
        "updateDate": None,
        "buildId": None,
        "appIconUrl": None,
        "isDownloadLimitExceeded": False,
        "organizationDownloadCount": 10,
        "organizationDownloadLimit": 500,
    }
