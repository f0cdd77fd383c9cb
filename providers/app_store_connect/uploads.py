"""Uploads that failed before they became builds, as builds in state FAILED. Pure; raises only Confused.

https://developer.apple.com/documentation/appstoreconnectapi/build-uploads (shapes as in Apple's OpenAPI document 4.4.1)
"""

from dataclasses import dataclass

from bot.domain.model import App, Build, BuildState, Handover
from providers.app_store_connect.documents import Moment, Page, Resource, Text, attributes_of, platform_of, read_page
from providers.app_store_connect.store_versions import UNKNOWN_VERSION
from providers.app_store_connect.wire import TRACK, UploadAttributes, reason_of

FAILED = "FAILED"
_PREFIX = "upload:"  # Apple does not promise that uploads and builds never share an id


class _Attributes(UploadAttributes):
    # The only object that has both version strings.
    cf_bundle_short_version_string: Text = None
    cf_bundle_version: Text = None
    platform: Text = None
    created_date: Moment = None
    uploaded_date: Moment = None


@dataclass(frozen=True, slots=True)
class ListedUpload:
    """An upload as it would stand among the builds. `is_lost`: it failed, and there is no build that says so."""

    build: Build
    is_lost: bool


def is_upload(build: Build) -> bool:
    """Whether this is no build of Apple's but an upload that never became one."""
    return build.id.startswith(_PREFIX)


def read_uploads(body: object, app: App, operation: str) -> Page[ListedUpload]:
    """A page of /v1/apps/{id}/buildUploads with build included."""
    return read_page(body, app.account, operation, lambda resource, _: _upload(resource, app))


def _upload(resource: Resource, app: App) -> ListedUpload:
    about = attributes_of(resource, _Attributes)
    is_lost = about.state is not None and about.state.state == FAILED and not resource.references("build")
    build = Build(
        account=app.account,
        app_id=app.id,
        id=f"{_PREFIX}{resource.id}",
        version=about.cf_bundle_short_version_string or UNKNOWN_VERSION,
        platform=platform_of(about.platform),
        track=TRACK,
        state=BuildState.FAILED,
        handover=Handover.PAGE,
        number=about.cf_bundle_version,
        uploaded_at=about.uploaded_date or about.created_date,
        detail=reason_of(about.state),
        bundle_id=app.bundle_id,
    )
    return ListedUpload(build, is_lost)
