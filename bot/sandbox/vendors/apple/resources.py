"""From the pretend account's nouns to App Store Connect's objects, with Apple's attribute names."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.sandbox.vendors.apple.documents import Related, Resource
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild, BetaGroup, Certificate

_CUPERTINO = timezone(timedelta(hours=-7))


def _offset_time(moment: datetime) -> str:
    """Apple writes build dates with its own offset, not in UTC."""
    return moment.astimezone(_CUPERTINO).isoformat(timespec="seconds")


def _milli_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def app_resource(app: AppleApp) -> Resource:
    attributes = {"name": app.name, "bundleId": app.bundle_id, "sku": app.sku, "primaryLocale": "en-US"}
    return Resource("apps", app.id, attributes)


def build_resource(build: AppleBuild, now: datetime) -> Resource:
    """`version` is the build number here; the marketing version stands on preReleaseVersions."""
    return Resource("builds", build.id, _build_attributes(build, now), _build_relationships(build, now))


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


def _build_relationships(build: AppleBuild, now: datetime) -> dict[str, Related]:
    return {
        "preReleaseVersion": lambda: version_resource(build),
        "app": lambda: app_resource(build.app),
        "buildBetaDetail": lambda: beta_detail_resource(build, now),
        "betaGroups": lambda: [group_resource(group, now) for group in build.groups],
        "betaBuildLocalizations": lambda: localization_resources(build, now),
        "betaAppReviewSubmission": lambda: _review_resource(build),
        "appStoreVersion": lambda: None,
        "individualTesters": list,
        "icons": list,
    }


def version_resource(build: AppleBuild) -> Resource:
    attributes = {"version": build.version, "platform": build.apple_platform}
    return Resource("preReleaseVersions", build.train_id, attributes, {"app": lambda: app_resource(build.app)})


def beta_detail_resource(build: AppleBuild, now: datetime) -> Resource:
    expired = build.expires_at <= now
    internal = "IN_BETA_TESTING" if build.processing == "VALID" else "PROCESSING"
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


def bundle_id_resource(app: AppleApp) -> Resource:
    attributes = {"name": app.name, "identifier": app.bundle_id, "platform": "UNIVERSAL", "seedId": "A1B2C3D4E5"}
    return Resource("bundleIds", f"B{app.id}", attributes)
