"""From the pretend account's nouns to App Store Connect's objects, with Apple's attribute names."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.sandbox.vendors.apple.documents import Related, Resource
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild, BetaGroup, Certificate, PhasedRelease, Profile, StoreVersion

Versions = Sequence[StoreVersion]

_CUPERTINO = timezone(timedelta(hours=-7))


def _offset_time(moment: datetime) -> str:
    """Apple writes build dates with its own offset, not in UTC."""
    return moment.astimezone(_CUPERTINO).isoformat(timespec="seconds")


def _milli_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def app_resource(app: AppleApp, versions: Versions = ()) -> Resource:
    attributes = {"name": app.name, "bundleId": app.bundle_id, "sku": app.sku, "primaryLocale": "en-US"}
    return Resource("apps", app.id, attributes, {"appStoreVersions": lambda: [store_version_resource(each) for each in versions]})


def build_resource(build: AppleBuild, now: datetime, version: StoreVersion | None = None) -> Resource:
    """The API's `version` is the build number; the marketing version stands on preReleaseVersions. `version`: what it became."""
    return Resource("builds", build.id, _build_attributes(build, now), _build_relationships(build, now, version))


def _build_attributes(build: AppleBuild, now: datetime) -> dict[str, Any]:
    return {
        "version": build.number,
        "uploadedDate": _offset_time(build.uploaded_at),
        "expirationDate": _offset_time(build.expires_at),
        "expired": build.expires_at <= now,
        "minOsVersion": build.min_os,
        "processingState": build.processing,
        "buildAudienceType": build.audience,
        "usesNonExemptEncryption": False,
        "iconAssetToken": None,
    }


def _build_relationships(build: AppleBuild, now: datetime, version: StoreVersion | None) -> dict[str, Related]:
    return {
        "preReleaseVersion": lambda: version_resource(build),
        "app": lambda: app_resource(build.app),
        "buildBetaDetail": lambda: beta_detail_resource(build, now),
        "betaGroups": lambda: [group_resource(group, now) for group in build.groups],
        "betaBuildLocalizations": lambda: localization_resources(build, now),
        "betaAppReviewSubmission": lambda: _review_resource(build),
        "appStoreVersion": lambda: store_version_resource(version) if version else None,
        "buildUpload": lambda: upload_resource(build),
        "individualTesters": list,
        "icons": list,
    }


def version_resource(build: AppleBuild) -> Resource:
    attributes = {"version": build.version, "platform": build.apple_platform}
    return Resource("preReleaseVersions", build.train_id, attributes, {"app": lambda: app_resource(build.app)})


def beta_detail_resource(build: AppleBuild, now: datetime) -> Resource:
    expired = build.expires_at <= now
    internal = build.internal_state if build.processing == "VALID" else "PROCESSING"
    attributes = {
        "autoNotifyEnabled": False,
        "internalBuildState": "EXPIRED" if expired else internal,
        "externalBuildState": "EXPIRED" if expired else build.external_state,
    }
    return Resource("buildBetaDetails", build.id, attributes, {"build": lambda: build_resource(build, now)})


def localization_resources(build: AppleBuild, now: datetime) -> Sequence[Resource]:
    return [
        Resource(
            "betaBuildLocalizations",
            f"{build.id}-{locale}",
            {"locale": locale, "whatsNew": text},
            {"build": lambda: build_resource(build, now)},
        )
        for locale, text in build.notes.items()
    ]


def _review_resource(build: AppleBuild) -> Resource | None:
    if build.review_state is None:
        return None
    attributes = {"betaReviewState": build.review_state, "submittedDate": _offset_time(build.uploaded_at)}
    return Resource("betaAppReviewSubmissions", build.id, attributes)


def group_resource(group: BetaGroup, now: datetime) -> Resource:
    has_link = group.link_enabled and not group.internal
    attributes = {
        "name": group.name,
        "createdDate": _milli_time(group.created_at),
        "isInternalGroup": group.internal,
        "hasAccessToAllBuilds": group.every_build if group.internal else None,
        "publicLinkEnabled": None if group.internal else group.link_enabled,
        "publicLinkId": group.link_id if has_link else None,
        "publicLink": f"https://testflight.apple.com/join/{group.link_id}" if has_link else None,
        "publicLinkLimitEnabled": False,
        "publicLinkLimit": None,
        "feedbackEnabled": True,
    }
    relationships: dict[str, Related] = {
        "app": lambda: app_resource(group.app),
        "builds": lambda: [build_resource(build, now) for build in group.builds.values()],
        "betaTesters": list,
    }
    return Resource("betaGroups", group.id, attributes, relationships)


def certificate_resource(certificate: Certificate) -> Resource:
    attributes = {
        "name": certificate.name,
        "displayName": certificate.name.partition(": ")[2],
        "certificateType": certificate.certificate_type,
        "serialNumber": certificate.id,
        "platform": "IOS",
        "expirationDate": _milli_time(certificate.expires_at),
        "activated": True,
        "certificateContent": "MIIB",
    }
    return Resource("certificates", certificate.id, attributes)


def upload_resource(build: AppleBuild) -> Resource:
    """The only object with both version strings, and with the reasons of a build that failed."""
    upload_states = {"PROCESSING": "PROCESSING", "VALID": "COMPLETE"}
    attributes = {
        "cfBundleShortVersionString": build.version,
        "cfBundleVersion": build.number,
        "platform": build.apple_platform,
        "createdDate": _milli_time(build.uploaded_at),
        "uploadedDate": _milli_time(build.uploaded_at),
        "state": {
            "state": upload_states.get(build.processing, "FAILED"),
            "errors": [{"code": code, "description": description} for code, description in build.errors],
            "warnings": [],
            "infos": [],
        },
    }
    became: dict[str, Related] = {
        "build": lambda: None if build.is_upload_alone else build_resource(build, build.uploaded_at),
    }
    return Resource("buildUploads", build.upload_id, attributes, became)


def store_version_resource(version: StoreVersion) -> Resource:
    attributes = {
        "platform": version.apple_platform,
        "versionString": version.version,
        "appStoreState": version.old_state,
        "appVersionState": version.state,
        "releaseType": "AFTER_APPROVAL",
        "reviewType": "APP_STORE",
        "earliestReleaseDate": None,
        "downloadable": version.state == "READY_FOR_DISTRIBUTION",
        "createdDate": _offset_time(version.created_at),
    }
    relationships: dict[str, Related] = {
        "app": lambda: app_resource(version.app),
        "build": lambda: build_resource(version.build, version.created_at) if version.build else None,
        "appStoreVersionPhasedRelease": lambda: phased_resource(version.phased) if version.phased else None,
        "appStoreVersionLocalizations": lambda: [
            Resource("appStoreVersionLocalizations", f"{version.id}-{locale}", {"locale": locale, "whatsNew": text})
            for locale, text in version.notes.items()
        ],
    }
    return Resource("appStoreVersions", version.id, attributes, relationships)


def phased_resource(phased: PhasedRelease) -> Resource:
    attributes = {
        "phasedReleaseState": phased.state,
        "startDate": None,
        "totalPauseDuration": 0,
        "currentDayNumber": phased.day,
    }
    return Resource("appStoreVersionPhasedReleases", phased.id, attributes)


def profile_resource(profile: Profile) -> Resource:
    attributes = {
        "name": profile.name,
        "platform": "IOS",
        "profileType": profile.profile_type,
        "profileState": profile.state,
        "uuid": profile.id,
        "createdDate": None,
        "expirationDate": _milli_time(profile.expires_at),
        "profileContent": "MIIC",
    }
    return Resource("profiles", profile.id, attributes)


def bundle_id_resource(app: AppleApp) -> Resource:
    attributes = {"name": app.name, "identifier": app.bundle_id, "platform": "UNIVERSAL", "seedId": "A1B2C3D4E5"}
    return Resource("bundleIds", f"B{app.id}", attributes)
