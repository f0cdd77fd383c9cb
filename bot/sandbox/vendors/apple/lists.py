"""Which filters, sorts, includes and fields each of Apple's collections takes (OpenAPI document 4.4.1)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.sandbox.vendors.apple.documents import Collection, Filter, Resource, among, any_among, prefix
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild, BetaGroup, Certificate, Profile, StoreVersion
from bot.sandbox.vendors.apple.resources import (
    app_resource,
    beta_detail_resource,
    build_resource,
    bundle_id_resource,
    certificate_resource,
    group_resource,
    localization_resources,
    profile_resource,
    store_version_resource,
    upload_resource,
    version_resource,
)

BUILD_INCLUDES = frozenset(
    {
        "preReleaseVersion",
        "app",
        "buildBetaDetail",
        "betaGroups",
        "betaBuildLocalizations",
        "betaAppReviewSubmission",
        "appStoreVersion",
        "individualTesters",
        "icons",
        "buildUpload",
    }
)
# There is none for buildUploads, although they can be included.
_BUILD_FIELDS = frozenset(
    {
        "builds",
        "preReleaseVersions",
        "betaTesters",
        "betaBuildLocalizations",
        "appEncryptionDeclarations",
        "betaAppReviewSubmissions",
        "apps",
        "buildBetaDetails",
        "appStoreVersions",
        "buildIcons",
    }
)
GROUP_INCLUDES = frozenset({"app", "builds", "betaTesters"})
VERSION_INCLUDES = frozenset({"app", "build", "appStoreVersionPhasedRelease", "appStoreVersionLocalizations"})

VersionsOf = Callable[[AppleApp], Sequence[StoreVersion]]
VersionOf = Callable[[AppleBuild], StoreVersion | None]


def app_list(apps: Sequence[AppleApp], versions_of: VersionsOf) -> Collection[AppleApp]:
    filters: dict[str, Filter[AppleApp]] = {
        "id": among(lambda app: app.id),
        "name": among(lambda app: app.name),
        "sku": among(lambda app: app.sku),
        "bundleId": prefix(lambda app: app.bundle_id),
        "appStoreVersions": any_among(lambda app: [version.id for version in versions_of(app)]),
        "appStoreVersions.appVersionState": any_among(lambda app: [version.state for version in versions_of(app)]),
    }
    sorts: dict[str, Callable[[AppleApp], Any]] = {
        "name": lambda app: app.name,
        "bundleId": lambda app: app.bundle_id,
        "sku": lambda app: app.sku,
    }
    return Collection(
        lambda: apps,
        lambda app: app_resource(app, versions_of(app)),
        filters,
        sorts,
        includes=frozenset({"appStoreVersions"}),
        fields=frozenset({"apps", "appStoreVersions"}),
    )


def build_list(builds: Sequence[AppleBuild], now: datetime, version_of: VersionOf) -> Collection[AppleBuild]:
    return Collection(
        lambda: builds,
        lambda build: build_resource(build, now, version_of(build)),
        _build_filters(now, version_of),
        {
            "uploadedDate": lambda build: build.uploaded_at,
            "version": lambda build: build.number,
            "preReleaseVersion": lambda build: build.train_id,
        },
        BUILD_INCLUDES,
        _BUILD_FIELDS,
    )


def _build_filters(now: datetime, version_of: VersionOf) -> Mapping[str, Filter[AppleBuild]]:
    def version_id(build: AppleBuild) -> str | None:
        version = version_of(build)
        return version.id if version else None

    return {
        "id": among(lambda build: build.id),
        "app": among(lambda build: build.app.id),
        "version": among(lambda build: build.number),
        "expired": among(lambda build: str(build.expires_at <= now).lower()),
        "processingState": among(lambda build: build.processing),
        "buildAudienceType": among(lambda build: build.audience),
        "preReleaseVersion": among(lambda build: build.train_id),
        "preReleaseVersion.version": among(lambda build: build.version),
        "preReleaseVersion.platform": among(lambda build: build.apple_platform),
        "betaAppReviewSubmission.betaReviewState": among(lambda build: build.review_state),
        "betaGroups": any_among(lambda build: [group.id for group in build.groups]),
        "appStoreVersion": among(version_id),
        "usesNonExemptEncryption": among(lambda _build: "false"),
    }


def store_version_list(versions: Sequence[StoreVersion]) -> Collection[StoreVersion]:
    """Of one app. It takes no sort."""
    filters: dict[str, Filter[StoreVersion]] = {
        "id": among(lambda version: version.id),
        "platform": among(lambda version: version.apple_platform),
        "versionString": among(lambda version: version.version),
        "appStoreState": among(lambda version: version.old_state),
        "appVersionState": among(lambda version: version.state),
    }
    return Collection(lambda: versions, store_version_resource, filters, includes=VERSION_INCLUDES)


def upload_list(builds: Sequence[AppleBuild]) -> Collection[AppleBuild]:
    """Of one app."""
    filters: dict[str, Filter[AppleBuild]] = {
        "cfBundleShortVersionString": among(lambda build: build.version),
        "cfBundleVersion": among(lambda build: build.number),
        "platform": among(lambda build: build.apple_platform),
        "state": among(lambda build: upload_resource(build).attributes["state"]["state"]),
    }
    sorts: dict[str, Callable[[AppleBuild], Any]] = {
        "cfBundleVersion": lambda build: build.number,
        "uploadedDate": lambda build: build.uploaded_at,
    }
    return Collection(lambda: builds, upload_resource, filters, sorts, frozenset({"build"}))


def train_list(builds: Sequence[AppleBuild]) -> Collection[AppleBuild]:
    """Pre-release versions, each drawn from one of its builds."""
    filters: dict[str, Filter[AppleBuild]] = {
        "app": among(lambda build: build.app.id),
        "version": among(lambda build: build.version),
        "platform": among(lambda build: build.apple_platform),
    }
    sorts: dict[str, Callable[[AppleBuild], Any]] = {"version": lambda build: build.version}
    return Collection(lambda: builds, version_resource, filters, sorts, frozenset({"app"}))


def beta_detail_list(builds: Sequence[AppleBuild], now: datetime) -> Collection[AppleBuild]:
    filters: dict[str, Filter[AppleBuild]] = {"build": among(lambda build: build.id), "id": among(lambda build: build.id)}
    includes = frozenset({"build"})
    return Collection(lambda: builds, lambda build: beta_detail_resource(build, now), filters, includes=includes)


def localization_list(builds: Sequence[AppleBuild], now: datetime) -> Collection[tuple[AppleBuild, Resource]]:
    pairs = [(build, resource) for build in builds for resource in localization_resources(build, now)]
    filters: dict[str, Filter[tuple[AppleBuild, Resource]]] = {
        "build": among(lambda pair: pair[0].id),
        "locale": among(lambda pair: pair[1].attributes["locale"]),
    }
    return Collection(lambda: pairs, lambda pair: pair[1], filters, includes=frozenset({"build"}))


def group_list(groups: Sequence[BetaGroup], now: datetime) -> Collection[BetaGroup]:
    filters: dict[str, Filter[BetaGroup]] = {
        "id": among(lambda group: group.id),
        "name": among(lambda group: group.name),
        "app": among(lambda group: group.app.id),
        "builds": any_among(lambda group: group.builds),
        "isInternalGroup": among(lambda group: str(group.internal).lower()),
        "publicLinkEnabled": among(lambda group: str(group.link_enabled).lower()),
    }
    sorts: dict[str, Callable[[BetaGroup], Any]] = {
        "name": lambda group: group.name,
        "createdDate": lambda group: group.created_at,
        "publicLinkEnabled": lambda group: group.link_enabled,
    }
    return Collection(lambda: groups, lambda group: group_resource(group, now), filters, sorts, GROUP_INCLUDES)


def certificate_list(certificates: Sequence[Certificate]) -> Collection[Certificate]:
    filters: dict[str, Filter[Certificate]] = {
        "id": among(lambda certificate: certificate.id),
        "serialNumber": among(lambda certificate: certificate.id),
        "certificateType": among(lambda certificate: certificate.certificate_type),
    }
    sorts: dict[str, Callable[[Certificate], Any]] = {"id": lambda certificate: certificate.id}
    return Collection(lambda: certificates, certificate_resource, filters, sorts)


def profile_list(profiles: Sequence[Profile]) -> Collection[Profile]:
    filters: dict[str, Filter[Profile]] = {
        "id": among(lambda profile: profile.id),
        "name": among(lambda profile: profile.name),
        "profileType": among(lambda profile: profile.profile_type),
        "profileState": among(lambda profile: profile.state),
    }
    sorts: dict[str, Callable[[Profile], Any]] = {"id": lambda profile: profile.id, "name": lambda profile: profile.name}
    return Collection(lambda: profiles, profile_resource, filters, sorts)


def bundle_id_list(apps: Sequence[AppleApp]) -> Collection[AppleApp]:
    filters: dict[str, Filter[AppleApp]] = {"identifier": prefix(lambda app: app.bundle_id)}
    return Collection(lambda: apps, bundle_id_resource, filters)
