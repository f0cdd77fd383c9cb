"""The modules of a pretend Appcircle beside the store: Testing Distribution and Publish, on the same API gateway."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.artefacts import DEFAULT_SIZE, Artefact
from bot.sandbox.vendors.base import VendorRefusal, shuffled

PLATFORM_TYPES = {"ios": 1, "android": 2}
SUCCESS, FAILED, RUNNING, NOT_STARTED, AWAITING_RESPONSE = 0, 1, 91, 200, 203


class Gateway(Protocol):
    """What modules need of the vendor they belong to."""

    clock: Callable[[], datetime]

    def new_guid(self) -> str: ...

    def authenticate(self, request: Request) -> object:
        """Refuses a request without a good access token."""
        ...

    def storage_link(self, request: Request, artefact: Artefact, stored_at: datetime) -> str: ...


@dataclass(eq=False, slots=True)
class ModuleProfile:
    """`platform` is "" in Testing Distribution, whose profiles hold both."""

    id: str
    name: str
    bundle_id: str
    platform: str
    created_at: datetime
    versions: dict[str, "ModuleVersion"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class ModuleVersion:
    """`flow_status` None: the field is sent as null. Only Publish has one."""

    id: str
    app: ModuleProfile
    version: str
    number: str
    platform: str
    uploaded_at: datetime
    notes: str
    artefact: Artefact
    flow_status: int | None = NOT_STARTED


class PretendModule:
    """Profiles and their versions."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.profiles: dict[str, ModuleProfile] = {}

    def add_profile(self, name: str, bundle_id: str, platform: str = "") -> ModuleProfile:
        profile = ModuleProfile(self._gateway.new_guid(), name, bundle_id, platform, self._gateway.clock())
        self.profiles[profile.id] = profile
        return profile

    def upload(
        self,
        app: ModuleProfile,
        version: str,
        number: str,
        *,
        platform: str = "",
        uploaded_at: datetime | None = None,
        notes: str = "",
        size: int = DEFAULT_SIZE,
    ) -> ModuleVersion:
        """A new binary; `platform` is that of the profile, or else "android" unless said otherwise."""
        system = platform or app.platform or "android"
        suffix = "ipa" if system == "ios" else "apk"
        name = f"{app.name}-{version}-{number}.{suffix}".replace(" ", "-")
        artefact = Artefact(name, app.bundle_id, version, number, system == "ios", size)
        moment = uploaded_at or self._gateway.clock()
        build = ModuleVersion(self._gateway.new_guid(), app, version, number, system, moment, notes, artefact)
        app.versions[build.id] = build
        return build

    def remove(self, build: ModuleVersion) -> None:
        del build.app.versions[build.id]

    def remove_app(self, app: ModuleProfile) -> None:
        del self.profiles[app.id]

    def _profile(self, request: Request) -> ModuleProfile:
        self._gateway.authenticate(request)
        profile = self.profiles.get(request.path_params["profile"])
        if profile is None or profile.platform != request.path_params.get("platform", ""):
            raise VendorRefusal(404, {"message": "Profile not found."})
        return profile


class PretendTestingDistribution(PretendModule):
    """Versions stand inside their profile; there is no list of them and no documented download."""

    def routes(self) -> list[Route]:
        profiles = "/distribution/v2/profiles"
        return [Route(profiles, self.list_profiles), Route(profiles + "/{profile}", self.get_profile)]

    async def list_profiles(self, request: Request) -> Response:
        self._gateway.authenticate(request)
        return JSONResponse([_distribution_json(profile) for profile in shuffled(self.profiles)])

    async def get_profile(self, request: Request) -> Response:
        profile = self._profile(request)
        versions = [_distributed_json(version) for version in shuffled(profile.versions)]
        return JSONResponse({**_distribution_json(profile), "appVersions": versions})


class PretendPublish(PretendModule):
    """Profiles of one platform each, whose versions go through a publish flow."""

    def routes(self) -> list[Route]:
        profiles = "/publish/v2/profiles/{platform}"
        versions = profiles + "/{profile}/app-versions"
        return [
            Route(profiles, self.list_profiles),
            Route(versions, self.list_versions),
            Route(versions + "/{version}", self.get_version_action),
        ]

    def set_flow_status(self, build: ModuleVersion, status: int | None) -> None:
        """One of appcircle-cli's numbers (src/constant.ts)."""
        build.flow_status = status

    async def list_profiles(self, request: Request) -> Response:
        self._gateway.authenticate(request)
        platform = request.path_params["platform"]
        if platform not in PLATFORM_TYPES:
            raise VendorRefusal(404, {"message": "Not found."})
        return JSONResponse([_publish_json(profile) for profile in shuffled(self.profiles) if profile.platform == platform])

    async def list_versions(self, request: Request) -> Response:
        return JSONResponse([_submission_json(version) for version in shuffled(self._profile(request).versions)])

    async def get_version_action(self, request: Request) -> Response:
        """`?action=download`: a JSON string that holds a pre-signed address of the file, the ipa's too."""
        version = self._profile(request).versions.get(request.path_params["version"])
        if version is None:
            raise VendorRefusal(404, {"message": "App version not found."})
        if request.query_params.get("action") != "download":
            return JSONResponse(_submission_json(version))
        return JSONResponse(self._gateway.storage_link(request, version.artefact, version.uploaded_at))


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _distribution_json(profile: ModuleProfile) -> dict[str, Any]:
    """As appcircle-cli prints it."""
    newest = {version.platform: version.version for version in sorted(profile.versions.values(), key=lambda v: v.uploaded_at)}
    return {
        "id": profile.id,
        "name": profile.name,
        "pinned": False,
        "iOSVersion": newest.get("ios"),
        "androidVersion": newest.get("android"),
        "updateDate": _time(profile.created_at),
        "lastAppVersionSharedDate": None,
        "settings": {"authenticationType": 1},
        "testingGroupIds": None,
    }


def _distributed_json(version: ModuleVersion) -> dict[str, Any]:
    """`id` and `createdAt` are known; the other names are the store model's."""
    return {
        "id": version.id,
        "createdAt": _time(version.uploaded_at),
        "uniqueName": version.app.bundle_id,
        "version": version.version,
        "versionCode": version.number,
        "platformType": PLATFORM_TYPES.get(version.platform, 0),
        "fileName": version.artefact.file_name,
        "fileSize": version.artefact.size,
        "message": version.notes,
    }


def _publish_json(profile: ModuleProfile) -> dict[str, Any]:
    newest = max(profile.versions.values(), key=lambda version: version.uploaded_at, default=None)
    return {
        "id": profile.id,
        "name": profile.name,
        "lastUploadVersion": newest.version if newest else None,
        "lastUploadVersionCode": newest.number if newest else None,
        "version": None,
        "appUniqueId": profile.bundle_id,
        "latestPublishDate": None,
        "platformType": PLATFORM_TYPES[profile.platform],
        "createDate": _time(profile.created_at),
        "updateDate": None,
    }


def _submission_json(version: ModuleVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "version": version.version,
        "versionCode": version.number,
        "name": version.app.name,
        "uniqueName": version.app.bundle_id,
        "createDate": _time(version.uploaded_at),
        "updateDate": None,
        "releaseCandidate": False,
        "fileSize": version.artefact.size,
        "latestFlowStatus": version.flow_status,
        "summary": version.notes,
    }
