"""A pretend App Store Connect. Shapes follow Apple's OpenAPI document 4.4.1; see `apple/` for keys and JSON:API."""

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.vendors.apple import lists
from bot.sandbox.vendors.apple.documents import Collection, Paging, error_body, instance_response, list_response, not_found
from bot.sandbox.vendors.apple.hooks import PING, Hooks, delivery_resource, sign_webhook, webhook_resource
from bot.sandbox.vendors.apple.keys import AppleKey, BadToken, verify
from bot.sandbox.vendors.apple.limits import Meter
from bot.sandbox.vendors.apple.model import (
    AgreementCode,
    AppleApp,
    AppleBuild,
    BetaGroup,
    Certificate,
    KeyProblem,
    PhasedRelease,
    Profile,
    StoreVersion,
)
from bot.sandbox.vendors.apple.resources import (
    app_resource,
    build_resource,
    group_resource,
    localization_resources,
    store_version_resource,
)
from bot.sandbox.vendors.base import PretendVendor, T, VendorRefusal, Webhook, shuffled, utc_now

__all__ = ["PretendAppStoreConnect", "sign_webhook"]

TESTFLIGHT_LIFE = timedelta(days=90)
EVERYTHING = r"^/v1/"
PROVISIONING = r"^/v1/(certificates|bundleIds|profiles|devices)\b"
_UNAUTHORIZED = error_body(
    401,
    "NOT_AUTHORIZED",
    "Authentication credentials are missing or invalid.",
    "Provide a properly configured and signed bearer token, and make sure that it has not expired.",
)
_RATE_LIMITED = error_body(429, "RATE_LIMIT_EXCEEDED", "The request rate limit has been reached.")
_BODIES = {
    401: json.dumps(_UNAUTHORIZED).encode(),
    403: json.dumps(error_body(403, "FORBIDDEN_ERROR", "This request is forbidden for security reasons")).encode(),
    429: json.dumps(_RATE_LIMITED).encode(),
    500: json.dumps(error_body(500, "UNEXPECTED_ERROR", "An unexpected error occurred.")).encode(),
}
TOMCAT_400 = "<!doctype html><html><head><title>HTTP Status 400 – Bad Request</title></head></html>"
"""A body for Misbehaviour.STATUS with status=400 and content_type="text/html": the front of Apple's API answers so at times."""

_Handler = Callable[[Request], Awaitable[Response]]


class PretendAppStoreConnect(PretendVendor):
    """One account, with a team key (`key_id`, `issuer_id`, `private_key_pem`) and an `individual_key`.

    `rate_limit` is per key and rolling hour, `minute_limit` per key and minute (None: none); `refused_calls` counts the 429s
    they caused. `paging` chooses Apple's oddities of `links.next`. `hooks` holds the registered webhooks and their deliveries.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._keys: dict[str, AppleKey] = {}
        super().__init__(self._routes(), bodies=_BODIES, clock=clock, seed="app store connect")
        self.team_key = self._add_key("2X9R4HXF34", self.new_guid())
        self.individual_key = self._add_key("9D7K2M4QPA", None)
        self.key_id = self.team_key.key_id
        self.issuer_id = self.team_key.issuer_id or ""
        self.private_key_pem = self.team_key.private_key_pem
        self.rate_limit = 3500
        self.minute_limit: int | None = None
        self.refused_calls = 0
        self.paging = Paging()
        self.apps: dict[str, AppleApp] = {}
        self.builds: dict[str, AppleBuild] = {}
        self.failed_uploads: dict[str, AppleBuild] = {}
        self.groups: dict[str, BetaGroup] = {}
        self.certificates: dict[str, Certificate] = {}
        self.profiles: dict[str, Profile] = {}
        self.store_versions: dict[str, StoreVersion] = {}
        self.hooks = Hooks(self.apps, self.new_guid, clock)
        self._trains: dict[tuple[str, str, str], str] = {}
        self._blocked: tuple[AgreementCode, re.Pattern[str]] | None = None
        self._key_problem: tuple[KeyProblem, re.Pattern[str]] | None = None
        self._meters: dict[str, Meter] = {}

    def _add_key(self, key_id: str, issuer_id: str | None) -> AppleKey:
        self._keys[key_id] = AppleKey.generate(key_id, issuer_id)
        return self._keys[key_id]

    def _routes(self) -> list[Route]:
        handlers: Mapping[str, _Handler] = {
            "/v1/apps": self.list_apps,
            "/v1/apps/{app}": self.get_app,
            "/v1/apps/{app}/builds": self.list_app_builds,
            "/v1/apps/{app}/betaGroups": self.list_app_groups,
            "/v1/apps/{app}/appStoreVersions": self.list_app_versions,
            "/v1/apps/{app}/buildUploads": self.list_app_uploads,
            "/v1/apps/{app}/webhooks": self.list_app_webhooks,
            "/v1/appStoreVersions/{version}": self.get_store_version,
            "/v1/builds": self.list_builds,
            "/v1/builds/{build}": self.get_build,
            "/v1/builds/{build}/betaBuildLocalizations": self.list_build_localizations,
            "/v1/preReleaseVersions": self.list_versions,
            "/v1/buildBetaDetails": self.list_beta_details,
            "/v1/betaGroups": self.list_groups,
            "/v1/betaGroups/{group}": self.get_group,
            "/v1/betaGroups/{group}/builds": self.list_group_builds,
            "/v1/betaBuildLocalizations": self.list_localizations,
            "/v1/certificates": self.list_certificates,
            "/v1/profiles": self.list_profiles,
            "/v1/bundleIds": self.list_bundle_ids,
            "/v1/webhooks": self.list_webhooks,
            "/v1/webhooks/{webhook}": self.get_webhook,
            "/v1/webhooks/{webhook}/deliveries": self.list_deliveries,
        }
        changes: Sequence[tuple[str, str, _Handler]] = (
            ("POST", "/v1/webhooks", self.create_webhook),
            ("PATCH", "/v1/webhooks/{webhook}", self.update_webhook),
            ("DELETE", "/v1/webhooks/{webhook}", self.delete_webhook),
            ("POST", "/v1/webhookPings", self.ping_webhook),
            ("POST", "/v1/webhookDeliveries", self.redeliver),
        )
        return [
            *(Route(path, self._guarded(handler), methods=["GET"]) for path, handler in handlers.items()),
            *(Route(path, self._guarded(handler), methods=[method]) for method, path, handler in changes),
            Route("/{path:path}", self._guarded(self.nowhere)),
        ]

    # --- what people at the vendor do ---

    def add_app(self, name: str, bundle_id: str, *, app_id: str | None = None) -> AppleApp:
        number = app_id or str(1_000_000_000 + self._random.randrange(8_999_999_999))
        app = AppleApp(number, name, bundle_id, bundle_id.upper())
        self.apps[app.id] = app
        return app

    def add_group(
        self,
        app: AppleApp,
        name: str = "Public testers",
        *,
        internal: bool = False,
        public_link: bool = True,
        every_build: bool = True,
    ) -> BetaGroup:
        """A TestFlight group; new uploads join it by themselves unless `every_build` is off."""
        link_id = self.new_hex(8).upper()
        group = BetaGroup(self.new_guid(), app, name, self.clock(), internal, link_id, public_link and not internal, every_build)
        self.groups[group.id] = group
        return group

    def add_certificate(self, name: str, certificate_type: str, expires_at: datetime) -> Certificate:
        certificate = Certificate(self.new_hex(10).upper(), name, certificate_type, expires_at)
        self.certificates[certificate.id] = certificate
        return certificate

    def add_profile(self, name: str, profile_type: str, expires_at: datetime, state: str = "ACTIVE") -> Profile:
        profile = Profile(self.new_hex(10).upper(), name, profile_type, expires_at, state)
        self.profiles[profile.id] = profile
        return profile

    def add_store_version(
        self,
        app: AppleApp,
        version: str,
        *,
        state: str = "PREPARE_FOR_SUBMISSION",
        platform: str = "ios",
        build: AppleBuild | None = None,
        created_at: datetime | None = None,
        notes: str = "",
    ) -> StoreVersion:
        """A version for the App Store, in Apple's words; `build` is the one chosen for it."""
        made = StoreVersion(self.new_guid(), app, version, platform, state, created_at or self.clock(), build)
        made.notes = {"en-US": notes} if notes else {}
        self.store_versions[made.id] = made
        return made

    def set_version_state(self, version: StoreVersion, state: str, *, old_word: str | None = None) -> None:
        """`old_word`: an appStoreState that has no counterpart among the new ones, such as PENDING_CONTRACT."""
        old, version.state, version.old_word = version.state, state, old_word
        facts = {"oldValue": old, "newValue": state}
        self.hooks.emit(version.app, "APP_STORE_VERSION_APP_VERSION_STATE_UPDATED", ("appStoreVersions", version.id), facts)

    def set_phase(self, version: StoreVersion, state: str = "ACTIVE", day: int = 1) -> None:
        """A phased release: INACTIVE, ACTIVE, PAUSED or COMPLETE, on a day from 1 to 7."""
        version.phased = PhasedRelease(self.new_guid(), state, day)

    def upload(
        self,
        app: AppleApp,
        version: str,
        number: str,
        *,
        platform: str = "ios",
        processed: bool = True,
        uploaded_at: datetime | None = None,
        notes: str = "",
        audience: str = "APP_STORE_ELIGIBLE",
        min_os: str = "15.0",
    ) -> AppleBuild:
        """A new build; `platform` is "ios", "macos", "tvos", "visionos" or a word that Apple has not used yet."""
        moment = uploaded_at or self.clock()
        train = self._trains.setdefault((app.id, version, platform), self.new_guid())
        build = AppleBuild(
            id=self.new_guid(),
            app=app,
            train_id=train,
            version=version,
            number=number,
            platform=platform,
            uploaded_at=moment,
            expires_at=moment + TESTFLIGHT_LIFE,
            processing="VALID" if processed else "PROCESSING",
            external_state="IN_BETA_TESTING" if processed else "PROCESSING",
            review_state="APPROVED" if processed else None,
            min_os=min_os,
            audience=audience,
            notes={"en-US": notes} if notes else {},
            upload_id=self.new_guid(),
        )
        self.builds[build.id] = build
        for group in self.groups.values():
            if group.app is app and group.every_build:
                self.add_to_group(build, group)
        return build

    def fail_upload(
        self,
        app: AppleApp,
        version: str,
        number: str,
        errors: Sequence[tuple[str, str]] = (),
        *,
        platform: str = "ios",
        uploaded_at: datetime | None = None,
    ) -> AppleBuild:
        """An upload that never becomes a build. `errors` are (code, description)."""
        upload = self.upload(app, version, number, platform=platform, processed=False, uploaded_at=uploaded_at)
        self.remove(upload)
        upload.is_upload_alone, upload.processing, upload.errors = True, "FAILED", list(errors)
        self.failed_uploads[upload.upload_id] = upload
        facts = {"oldState": "PROCESSING", "newState": "FAILED"}
        self.hooks.emit(app, "BUILD_UPLOAD_STATE_UPDATED", ("buildUploads", upload.upload_id), facts)
        return upload

    def add_to_group(self, build: AppleBuild, group: BetaGroup) -> None:
        group.builds[build.id] = build
        build.groups.append(group)

    def finish_processing(self, build: AppleBuild, processing: str = "VALID", errors: Sequence[tuple[str, str]] = ()) -> None:
        """VALID, INVALID or FAILED; a valid build goes to its testers. `errors` are (code, description) of its upload."""
        build.processing = processing
        build.errors = list(errors)
        facts = {"oldState": "PROCESSING", "newState": "COMPLETE" if processing == "VALID" else "FAILED"}
        self.hooks.emit(build.app, "BUILD_UPLOAD_STATE_UPDATED", ("buildUploads", build.upload_id), facts)
        if processing == "VALID":
            self.set_external_state(build, "IN_BETA_TESTING", "APPROVED")

    def set_external_state(self, build: AppleBuild, external_state: str, review_state: str | None = None) -> None:
        """`externalBuildState` and `betaReviewState`, in Apple's words."""
        facts = {"oldExternalBuildState": build.external_state, "newExternalBuildState": external_state}
        build.external_state = external_state
        build.review_state = review_state
        event = "BUILD_BETA_DETAIL_EXTERNAL_BUILD_STATE_UPDATED"
        self.hooks.emit(build.app, event, ("buildBetaDetails", build.id), facts)

    def expire(self, build: AppleBuild) -> None:
        """As a developer does by hand, before the 90 days are over."""
        build.expires_at = self.clock()

    def remove(self, build: AppleBuild) -> None:
        del self.builds[build.id]
        for group in build.groups:
            del group.builds[build.id]
        for version in self.store_versions.values():
            version.build = None if version.build is build else version.build

    def remove_app(self, app: AppleApp) -> None:
        del self.apps[app.id]
        for build in [build for build in self.builds.values() if build.app is app]:
            self.remove(build)
        for version in [version for version in self.store_versions.values() if version.app is app]:
            del self.store_versions[version.id]

    def block_agreements(self, code: AgreementCode = AgreementCode.MISSING_OR_EXPIRED, paths: str = EVERYTHING) -> None:
        """Apple enforces an agreement: requests whose path matches get 403 with `code` until `clear_agreements()`."""
        self._blocked = (code, re.compile(paths))

    def clear_agreements(self) -> None:
        """The Account Holder has signed."""
        self._blocked = None

    def restrict_key(self, problem: KeyProblem, paths: str = EVERYTHING) -> None:
        """The key's role or kind no longer allows requests whose path matches, until `restore_key()`."""
        self._key_problem = (problem, re.compile(paths))

    def restore_key(self) -> None:
        self._key_problem = None

    def revoke_keys(self) -> None:
        """Every token is refused with 401 from now on."""
        self._keys.clear()

    def webhook(
        self, secret: str, event: str = "buildUploadStateUpdated", attributes: Mapping[str, Any] | None = None
    ) -> Webhook:
        """A delivery signed with `x-apple-signature`. The default tells that a build upload is complete."""
        facts = {"oldState": "PROCESSING", "newState": "COMPLETE"} if attributes is None else dict(attributes)
        data: dict[str, Any] = {"type": event, "id": self.new_guid(), "version": 1, "attributes": facts}
        if event != PING:
            data["relationships"] = {"instance": {"data": {"type": "buildUploads", "id": self.new_guid()}}}
        facts["timestamp"] = self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return sign_webhook(secret, json.dumps({"data": data}).encode())

    # --- the door ---

    def name_credential(self, authorization: str) -> str:
        try:
            key = verify(authorization, self._keys, self.clock())
        except BadToken as error:
            return f"bad token: {error}"
        return "team key" if key.issuer_id else "individual key"

    def _guarded(self, handler: _Handler) -> _Handler:
        async def guarded(request: Request) -> Response:
            key = self._authenticate(request)
            limits = self._count_call(key)
            self._check_papers(request.url.path)
            self._check_key(key, request.url.path)
            response = await handler(request)
            response.headers["X-Rate-Limit"] = limits
            return response

        return guarded

    def _authenticate(self, request: Request) -> AppleKey:
        try:
            return verify(request.headers.get("authorization", ""), self._keys, self.clock())
        except BadToken as error:
            raise VendorRefusal(401, _UNAUTHORIZED) from error

    def _count_call(self, key: AppleKey) -> str:
        """The X-Rate-Limit header. Raises VendorRefusal (429) when no call is left."""
        meter, now = self._meters.setdefault(key.key_id, Meter()), self.clock()
        counted = meter.count(now, self.rate_limit, self.minute_limit)
        header = meter.header(now, self.rate_limit, self.minute_limit)
        if not counted:
            self.refused_calls += 1
            raise VendorRefusal(429, _RATE_LIMITED, {"X-Rate-Limit": header})
        return header

    def _check_papers(self, path: str) -> None:
        if self._blocked and (self._blocked[1].search(path) or path == "/v1/agreements"):
            code = self._blocked[0]
            raise VendorRefusal(403, error_body(403, code, *code.text))

    def _check_key(self, key: AppleKey, path: str) -> None:
        if key.issuer_id is None and re.search(PROVISIONING, path):
            raise _forbidden(KeyProblem.ROLE_TOO_LOW)
        if self._key_problem and self._key_problem[1].search(path):
            raise _forbidden(self._key_problem[0])

    # --- routes ---

    async def list_apps(self, request: Request) -> Response:
        versions: dict[str, list[StoreVersion]] = defaultdict(list)
        for version in shuffled(self.store_versions):
            versions[version.app.id].append(version)
        return self._list(request, lists.app_list(shuffled(self.apps), lambda app: versions[app.id]))

    async def get_app(self, request: Request) -> Response:
        return instance_response(request, app_resource(self._app(request)))

    async def list_app_builds(self, request: Request) -> Response:
        """Takes no filter, no sort and no include, and has no order: the wrong place to look for the latest build."""
        app = self._app(request)
        builds = [build for build in shuffled(self.builds) if build.app is app]
        return self._list(request, Collection(lambda: builds, self._draw_build))

    async def list_app_groups(self, request: Request) -> Response:
        app = self._app(request)
        groups = [group for group in shuffled(self.groups) if group.app is app]
        return self._list(request, Collection(lambda: groups, self._draw_group))

    async def list_app_versions(self, request: Request) -> Response:
        app = self._app(request)
        versions = [version for version in shuffled(self.store_versions) if version.app is app]
        return self._list(request, lists.store_version_list(versions))

    async def list_app_uploads(self, request: Request) -> Response:
        app = self._app(request)
        uploads = [*shuffled(self.builds), *shuffled(self.failed_uploads)]
        return self._list(request, lists.upload_list([upload for upload in uploads if upload.app is app]))

    async def get_store_version(self, request: Request) -> Response:
        version = _instance(self.store_versions, "appStoreVersions", request.path_params["version"])
        return instance_response(request, store_version_resource(version), lists.VERSION_INCLUDES)

    async def list_builds(self, request: Request) -> Response:
        became = {version.build.id: version for version in self.store_versions.values() if version.build}
        collection = lists.build_list(shuffled(self.builds), self.clock(), lambda build: became.get(build.id))
        return self._list(request, collection)

    async def get_build(self, request: Request) -> Response:
        return instance_response(request, self._draw_build(self._build(request)), lists.BUILD_INCLUDES)

    async def list_build_localizations(self, request: Request) -> Response:
        resources = localization_resources(self._build(request), self.clock())
        return self._list(request, Collection(lambda: resources, lambda resource: resource))

    async def list_versions(self, request: Request) -> Response:
        trains = {build.train_id: build for build in self.builds.values()}
        return self._list(request, lists.train_list(shuffled(trains)))

    async def list_beta_details(self, request: Request) -> Response:
        return self._list(request, lists.beta_detail_list(shuffled(self.builds), self.clock()))

    async def list_localizations(self, request: Request) -> Response:
        return self._list(request, lists.localization_list(shuffled(self.builds), self.clock()))

    async def list_groups(self, request: Request) -> Response:
        return self._list(request, lists.group_list(shuffled(self.groups), self.clock()))

    async def get_group(self, request: Request) -> Response:
        return instance_response(request, self._draw_group(self._group(request)), lists.GROUP_INCLUDES)

    async def list_group_builds(self, request: Request) -> Response:
        group = self._group(request)
        return self._list(request, Collection(lambda: shuffled(group.builds), self._draw_build))

    async def list_certificates(self, request: Request) -> Response:
        return self._list(request, lists.certificate_list(shuffled(self.certificates)))

    async def list_profiles(self, request: Request) -> Response:
        return self._list(request, lists.profile_list(shuffled(self.profiles)))

    async def list_bundle_ids(self, request: Request) -> Response:
        return self._list(request, lists.bundle_id_list(shuffled(self.apps)))

    async def list_webhooks(self, _request: Request) -> Response:
        """Webhooks are listed per app only; asking for all is 403, and no agreement problem."""
        raise _forbidden(KeyProblem.WRONG_VERB)

    async def list_app_webhooks(self, request: Request) -> Response:
        return self._list(request, self.hooks.of_app(self._app(request)))

    async def create_webhook(self, request: Request) -> Response:
        return instance_response(request, webhook_resource(self.hooks.create(await request.json())), status=201)

    async def get_webhook(self, request: Request) -> Response:
        return instance_response(request, webhook_resource(self.hooks.get(request.path_params["webhook"])))

    async def update_webhook(self, request: Request) -> Response:
        changed = self.hooks.update(request.path_params["webhook"], await request.json())
        return instance_response(request, webhook_resource(changed))

    async def delete_webhook(self, request: Request) -> Response:
        self.hooks.delete(request.path_params["webhook"])
        return Response(status_code=204)

    async def ping_webhook(self, request: Request) -> Response:
        return JSONResponse({"data": {"type": "webhookPings", "id": self.hooks.ping(await request.json())}}, 201)

    async def list_deliveries(self, request: Request) -> Response:
        webhook = self.hooks.get(request.path_params["webhook"])
        return self._list(request, self.hooks.deliveries_of(webhook))

    async def redeliver(self, request: Request) -> Response:
        return instance_response(request, delivery_resource(self.hooks.redeliver(await request.json())), status=201)

    async def nowhere(self, request: Request) -> Response:
        """What any unknown path says; `/v1/agreements` of an account in good standing is one."""
        detail = f"The path provided does not match a defined resource type: {request.url.path}"
        raise VendorRefusal(404, error_body(404, "NOT_FOUND", "The specified resource does not exist", detail))

    # --- finding ---

    def _list(self, request: Request, collection: Collection[T]) -> Response:
        return list_response(request, collection, self.paging)

    def _draw_build(self, build: AppleBuild) -> Any:
        became = next((version for version in self.store_versions.values() if version.build is build), None)
        return build_resource(build, self.clock(), became)

    def _draw_group(self, group: BetaGroup) -> Any:
        return group_resource(group, self.clock())

    def _app(self, request: Request) -> AppleApp:
        return _instance(self.apps, "apps", request.path_params["app"])

    def _build(self, request: Request) -> AppleBuild:
        return _instance(self.builds, "builds", request.path_params["build"])

    def _group(self, request: Request) -> BetaGroup:
        return _instance(self.groups, "betaGroups", request.path_params["group"])


def _instance(items: Mapping[str, T], kind: str, wanted: str) -> T:
    if wanted not in items:
        raise not_found(kind, wanted)
    return items[wanted]


def _forbidden(problem: KeyProblem) -> VendorRefusal:
    text = problem.value
    return VendorRefusal(403, error_body(403, text.code, text.title, text.detail))
