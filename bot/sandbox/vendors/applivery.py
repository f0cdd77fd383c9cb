"""A pretend Applivery: workspace API, Integrations API and download host. Their paths differ, so one app serves them all.

The workspace's store with its publications is in applivery_store.py.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.artefacts import DEFAULT_SIZE, Artefact
from bot.sandbox.vendors.applivery_store import PretendStore
from bot.sandbox.vendors.base import PretendVendor, T, VendorRefusal, Webhook, base_url, utc_now
from bot.sandbox.vendors.files import manifest_response
from bot.sandbox.vendors.storage import PretendStorage

_SORT = re.compile(r"([\w.]*)(?::(asc|desc))?")


def _failure(code: int, message: str) -> dict[str, Any]:
    return {"status": False, "error": {"code": code, "message": message}}


_BODIES = {
    401: json.dumps(_failure(4002, "Invalid Token")).encode(),
    403: json.dumps(_failure(4003, "Forbidden")).encode(),
    429: json.dumps(_failure(4029, "Too many requests")).encode(),
    500: json.dumps(_failure(1000, "Internal error")).encode(),
}


@dataclass(eq=False, slots=True)
class AppliveryApp:
    """`api_token` is the App API Token: good for `/integrations`, refused on `/organizations`."""

    id: str
    name: str
    slug: str
    bundle_id: str
    created_at: datetime
    api_token: str = field(repr=False)
    builds: dict[str, "AppliveryBuild"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class AppliveryBuild:
    """`label` is the human text that the API calls `versionName`; the true version stands in `info` alone."""

    id: str
    app: AppliveryApp
    version: str
    number: str
    platform: str
    label: str
    status: str
    uploaded_at: datetime
    notes: str
    branch: str
    commit: str
    artefact: Artefact
    tags: tuple[str, ...] = ()
    git_tag: str = ""


@dataclass(slots=True)
class _DownloadToken:
    build: AppliveryBuild
    manifest: bool
    expires_at: datetime
    used: bool = False


class PretendApplivery(PretendVendor):
    """One workspace, `organization` (slug) or `organization_id`, and its `service_account_token`.

    Switches: `spent_tokens_vanish` (a used download token is 404/3001 instead of 401/4005), `tells_expiry` (whether
    `expiresAt` is sent), `service_account_on_integrations` (whether the Integrations API takes that token), `page_size`
    (when a client names no limit), `page_size_max` (a higher limit is cut down to it), `storage_url` (where files are,
    if not here: serve `storage.app` there), `retention_days` (what apps say; nothing is deleted by it). `store` is the
    workspace's store.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now, organization: str = "acme") -> None:
        self.storage = PretendStorage(clock)
        self.store = PretendStore(self)
        super().__init__(self._routes(), bodies=_BODIES, clock=clock, seed="applivery")
        self.organization = organization
        self.organization_id = self.new_hex()
        self.service_account_token = f"sa_{self.new_hex(40)}"
        self.token_lifetime = timedelta(minutes=5)
        self.spent_tokens_vanish = False
        self.tells_expiry = True
        self.service_account_on_integrations = False
        self.page_size = 10
        self.page_size_max = 100
        self.storage_url: str | None = None
        self.retention_days = 90
        self.store.id = self.new_hex()
        self.apps: dict[str, AppliveryApp] = {}
        self._download_tokens: dict[str, _DownloadToken] = {}

    def _routes(self) -> list[Route]:
        apps = "/v1/organizations/{organization}/apps"
        builds = apps + "/{app}/builds"
        return [
            Route("/v1/organizations", self.list_organizations),
            Route(apps, self.list_apps),
            Route(apps + "/{app}", self.get_app),
            Route(builds, self.list_builds),
            Route(builds + "/{build}", self.get_build),
            Route(builds + "/{build}/downloadToken", self.mint_download_token),
            Route("/v1/integrations/builds", self.list_integration_builds),
            Route("/v1/integrations/builds/{build}", self.get_integration_build),
            Route("/v1/download/{token}", self.download, methods=["GET", "HEAD"]),
            Route("/v1/download/{token}/manifest.plist", self.download_manifest, methods=["GET", "HEAD"]),
            *self.store.routes(),
            *self.storage.routes,
        ]

    # --- what people at the vendor do ---

    def add_app(self, name: str, bundle_id: str) -> AppliveryApp:
        slug = re.sub(r"\W+", "-", name.lower()).strip("-")
        app = AppliveryApp(self.new_hex(), name, slug, bundle_id, self.clock(), f"app_{self.new_hex(40)}")
        self.apps[app.id] = app
        return app

    def upload(
        self,
        app: AppliveryApp,
        version: str,
        number: str,
        *,
        platform: str = "android",
        processed: bool = True,
        label: str = "RC-1",
        uploaded_at: datetime | None = None,
        notes: str = "",
        branch: str = "main",
        commit: str = "",
        tags: tuple[str, ...] = (),
        git_tag: str = "",
        file_name: str | None = None,
        size: int = DEFAULT_SIZE,
    ) -> AppliveryBuild:
        """A new build; `platform` is "ios" or "android"."""
        ios = platform == "ios"
        name = file_name or f"{app.slug}-{version}-{number}.{'ipa' if ios else 'apk'}"
        build = AppliveryBuild(
            id=self.new_hex(),
            app=app,
            version=version,
            number=number,
            platform=platform,
            label=label,
            status="processed" if processed else "pending",
            uploaded_at=uploaded_at or self.clock(),
            notes=notes,
            branch=branch,
            commit=commit or self.new_hex(40),
            artefact=Artefact(name, app.bundle_id, version, number, ios, size),
            tags=tags,
            git_tag=git_tag,
        )
        app.builds[build.id] = build
        return build

    def start_processing(self, build: AppliveryBuild) -> None:
        build.status = "in_progress"

    def finish_processing(self, build: AppliveryBuild) -> None:
        build.status = "processed"

    def fail_processing(self, build: AppliveryBuild) -> None:
        build.status = "error"

    def remove(self, build: AppliveryBuild) -> None:
        del build.app.builds[build.id]

    def expire(self, build: AppliveryBuild) -> None:
        """The app's retention period ends (`buildRetentionDays`): the build is gone."""
        self.remove(build)

    def remove_app(self, app: AppliveryApp) -> None:
        del self.apps[app.id]

    def webhook(self, action: str = "build_processed", *, build: AppliveryBuild | None = None) -> Webhook:
        """Applivery signs nothing. `data` has the REST model's names, which the vendor does not document for webhooks."""
        data = {"id": build.id, "application": build.app.id} if build else {}
        return Webhook(json.dumps({"action": action, "data": data}).encode(), {"content-type": "application/json"})

    # --- credentials ---

    def name_credential(self, authorization: str) -> str:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return "unknown"
        if secret == self.service_account_token:
            return "service account token"
        return "app token" if self._app_of_token(secret) else "unknown"

    def _app_of_token(self, secret: str) -> AppliveryApp | None:
        return next((app for app in self.apps.values() if app.api_token == secret), None)

    def _require_service_account(self, request: Request) -> None:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            raise VendorRefusal(401, _failure(4002, "No auth token"))
        if self.name_credential(authorization) != "service account token":
            raise VendorRefusal(401, _failure(4002, "Invalid Token"))

    def _require_app_token(self, request: Request) -> list[AppliveryApp]:
        """The apps that an Integrations call may see."""
        authorization = request.headers.get("authorization", "")
        app = self._app_of_token(authorization.partition(" ")[2])
        if app:
            return [app]
        if self.service_account_on_integrations and self.name_credential(authorization) == "service account token":
            return list(self.apps.values())
        raise VendorRefusal(401, _failure(4004, "App token not valid") if authorization else _failure(4002, "No auth token"))

    # --- workspace API ---

    async def list_organizations(self, request: Request) -> Response:
        self._require_service_account(request)
        facts = {"id": self.organization_id, "name": self.organization.title(), "slug": self.organization}
        return self.page(request, [facts])

    async def list_apps(self, request: Request) -> Response:
        self.require_organization(request)
        wanted = request.query_params.get("name", "").lower()
        apps = [app for app in self.apps.values() if wanted in app.name.lower()]
        return self.page(request, [self._app_json(app) for app in apps])

    async def get_app(self, request: Request) -> Response:
        return _success(self._app_json(self._require_app(request)))

    async def list_builds(self, request: Request) -> Response:
        builds = self._require_app(request).builds.values()
        return self.page(request, _selected(request, builds), _listed_json)

    async def get_build(self, request: Request) -> Response:
        return _success(_detailed_json(self._require_build(request)))

    async def mint_download_token(self, request: Request) -> Response:
        build = self._require_build(request)
        kind = request.query_params.get("type")
        if kind not in ("auto", "file", "aab"):
            raise VendorRefusal(400, _failure(3000, "type is required"))
        if build.status != "processed":
            raise VendorRefusal(400, _failure(5014, "Build Not Processed"))
        token, expires_at = self.new_hex(64), self.clock() + self.token_lifetime
        self._download_tokens[token] = _DownloadToken(build, kind == "auto" and build.platform == "ios", expires_at)
        return _success({"token": token, **({"expiresAt": _js_time(expires_at)} if self.tells_expiry else {})})

    # --- Integrations API ---

    async def list_integration_builds(self, request: Request) -> Response:
        builds = [build for app in self._require_app_token(request) for build in app.builds.values()]
        return self.page(request, _selected(request, builds), _listed_json)

    async def get_integration_build(self, request: Request) -> Response:
        builds = {key: build for app in self._require_app_token(request) for key, build in app.builds.items()}
        return _success(_detailed_json(_found(builds.get(request.path_params["build"]))))

    # --- download host ---

    async def download(self, request: Request) -> Response:
        """Spends the token, HEAD included, and leads to a pre-signed address."""
        token = self._spend(request)
        build = token.build
        base = self.storage_url or base_url(request)
        link = self.storage.link(base, build.artefact, build.uploaded_at, title=build.app.name, manifest=token.manifest)
        return RedirectResponse(link, 302)

    async def download_manifest(self, request: Request) -> Response:
        """What the vendor's SDK gives to `itms-services://`."""
        build = self._spend(request).build
        package = self.storage.link(self.storage_url or base_url(request), build.artefact, build.uploaded_at)
        return manifest_response(build.artefact, package, build.app.name)

    def _spend(self, request: Request) -> _DownloadToken:
        token = _found(self._download_tokens.get(request.path_params["token"]))
        if token.used and self.spent_tokens_vanish:
            raise VendorRefusal(404, _failure(3001, "Entity not found"))
        if token.used or token.expires_at <= self.clock():
            raise VendorRefusal(401, _failure(4005, "Token Expired"))
        token.used = True
        return token

    # --- finding and paging ---

    def require_organization(self, request: Request) -> None:
        """Raises VendorRefusal without a Service Account token, and for another workspace."""
        self._require_service_account(request)
        if request.path_params["organization"] not in (self.organization, self.organization_id):
            raise VendorRefusal(404, _failure(3001, "Entity not found"))

    def _require_app(self, request: Request) -> AppliveryApp:
        self.require_organization(request)
        return _found(self.apps.get(request.path_params["app"]))

    def _require_build(self, request: Request) -> AppliveryBuild:
        return _found(self._require_app(request).builds.get(request.path_params["build"]))

    def page(self, request: Request, items: list[Any], draw: Callable[[Any], Any] = lambda item: item) -> Response:
        """mongoose-paginate's names."""
        limit = min(_positive(request, "limit", self.page_size), self.page_size_max)
        page = _positive(request, "page", 1)
        pages = max(1, -(-len(items) // limit))
        facts = {
            "items": [draw(item) for item in items[(page - 1) * limit : page * limit]],
            "totalDocs": len(items),
            "limit": limit,
            "page": page,
            "totalPages": pages,
            "hasNextPage": page < pages,
            "hasPrevPage": page > 1,
            "nextPage": page + 1 if page < pages else None,
            "prevPage": page - 1 if page > 1 else None,
        }
        return _success(facts)

    def _app_json(self, app: AppliveryApp) -> dict[str, Any]:
        systems = sorted({build.platform for build in app.builds.values()})
        newest = max((build.uploaded_at for build in app.builds.values()), default=None)
        return {
            "id": app.id,
            "name": app.name,
            "slug": app.slug,
            "description": "",
            "oss": systems,
            "buildPlatforms": systems,
            "picture": None,
            "organization": self.organization_id,
            "role": "viewer",
            "buildRetentionDays": self.retention_days,
            "lastBuildProcessedDate": _js_time(newest) if newest else None,
            "counts": {"builds": len(app.builds)},
            "createdAt": _js_time(app.created_at),
            "updatedAt": _js_time(app.created_at),
        }


def _found(item: T | None) -> T:
    if item is None:
        raise VendorRefusal(404, _failure(3001, "Entity not found"))
    return item


def _success(data: Any) -> Response:
    return JSONResponse({"status": True, "data": data})


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise VendorRefusal(400, _failure(3000, f"{name} must be a positive number"))
    return int(text)


def _selected(request: Request, builds: Iterable[AppliveryBuild]) -> list[AppliveryBuild]:
    """Filtered and sorted: creation date descending unless `sort=field:asc|desc` says otherwise."""
    query = request.query_params
    match = _SORT.fullmatch(query.get("sort", ""))
    if match is None:
        raise VendorRefusal(400, _failure(3000, "sort is malformed"))
    filters = {"label": query.get("versionName"), "status": query.get("status"), "platform": query.get("os")}
    wanted = {name: value for name, value in filters.items() if value is not None}
    chosen = [build for build in builds if all(getattr(build, name) == value for name, value in wanted.items())]
    field_name = {"versionName": "label", "status": "status"}.get(match[1], "uploaded_at")
    return sorted(chosen, key=lambda build: getattr(build, field_name), reverse=match[2] != "asc")


def _js_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _listed_json(build: AppliveryBuild) -> dict[str, Any]:
    """Lists name people and apps by id, and give the size as a number; details do otherwise (the vendor's pages differ)."""
    return {
        **_build_json(build),
        "application": build.app.id,
        "uploadedBy": "5f0c0ffee0c0ffee0c0ffee0",
        "size": build.artefact.size,
    }


def _detailed_json(build: AppliveryBuild) -> dict[str, Any]:
    app = {"id": build.app.id, "name": build.app.name, "slug": build.app.slug, "picture": None}
    uploader = {"id": "5f0c0ffee0c0ffee0c0ffee0", "firstName": "Robin", "email": "robin@acme.com"}
    return {
        **_build_json(build),
        "application": app,
        "applicationInfo": app,
        "uploadedBy": uploader,
        "size": str(build.artefact.size),
    }


def _build_json(build: AppliveryBuild) -> dict[str, Any]:
    failed = build.status == "error"
    return {
        "id": build.id,
        "status": build.status,
        "tags": list(build.tags),
        "versionName": build.label,
        "changelog": build.notes,
        "info": _info_json(build) if build.status == "processed" else None,
        "os": build.platform,
        "buildPlatform": build.platform,
        "originalExtension": build.artefact.file_name.rpartition(".")[2],
        "error": "The file could not be read" if failed else None,
        "errorCode": 5006 if failed else None,
        "deployer": {
            "name": "ci",
            "info": {"git_branch": build.branch},
            "build_number": build.number,
            "commit": build.commit,
            "tag": build.git_tag or None,
        },
        "createdAt": _js_time(build.uploaded_at),
        "updatedAt": _js_time(build.uploaded_at),
        "processTime": 0,
        "queuedTime": 0,
        "hasEmmJson": False,
    }


def _info_json(build: AppliveryBuild) -> dict[str, Any]:
    if build.platform == "ios":
        plist = {
            "CFBundleDisplayName": build.app.name,
            "CFBundleSupportedPlatforms": ["iPhoneOS"],
            "MinimumOSVersion": "15.0",
            "CFBundleIdentifier": build.app.bundle_id,
            "CFBundleShortVersionString": build.version,
            "CFBundleVersion": build.number,
            "CFBundleName": build.app.name,
        }
        return {"icon": None, "ios": {"plist": plist, "mobileprovision": {"ProvisionsAllDevices": True, "TeamName": "Acme"}}}
    package = {
        "targetSdkVersion": "34",
        "minSDKVersion": "24",
        "packageName": build.app.bundle_id,
        "platformBuildVersionName": "14",
        "platformBuildVersionCode": "34",
        "versionName": build.version,
        "versionCode": build.number,
    }
    return {"icon": None, "android": package}
