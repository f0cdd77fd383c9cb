"""Uploads as facts. Payload shapes: Apple's OpenAPI document 4.4.1."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.app_store_connect.uploads import ListedUpload, read_uploads
from tests.providers.json_values import replaced

SHOP = App("acme-apple", "1", "Shop", "com.acme.shop")
PAGE: dict[str, Any] = {
    "data": [
        {
            "type": "buildUploads",
            "id": "5c1d7e90-0000-4000-8000-000000000002",
            "attributes": {
                "cfBundleShortVersionString": "3.3.0",
                "cfBundleVersion": "420",
                "platform": "IOS",
                "createdDate": "2026-05-01T01:58:00.000-07:00",
                "uploadedDate": "2026-05-01T02:03:04.000-07:00",
                "state": {
                    "state": "FAILED",
                    "errors": [{"code": "90717", "description": "Invalid App Store Icon.\nIt has an alpha channel."}],
                    "warnings": [{"code": "90078", "description": "Missing Push Notification Entitlement."}],
                    "infos": [],
                },
            },
            "relationships": {"build": {"data": None}},
        }
    ]
}
ATTRIBUTES = ("data", 0, "attributes")


def upload_of(page: object) -> ListedUpload:
    (upload,) = read_uploads(page, SHOP, "list failed uploads").items
    return upload


def test_an_upload_that_failed_before_it_was_a_build() -> None:
    assert upload_of(PAGE) == ListedUpload(
        Build(
            account="acme-apple",
            app_id="1",
            id="upload:5c1d7e90-0000-4000-8000-000000000002",
            version="3.3.0",
            platform=Platform.IOS,
            track="TestFlight",
            state=BuildState.FAILED,
            handover=Handover.PAGE,
            number="420",
            uploaded_at=datetime(2026, 5, 1, 9, 3, 4, tzinfo=UTC),
            detail="Invalid App Store Icon. It has an alpha channel.",
            bundle_id="com.acme.shop",
        ),
        is_lost=True,
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("data", 0, "relationships", "build", "data"), {"type": "builds", "id": "b1"}),
        ((*ATTRIBUTES, "state", "state"), "COMPLETE"),
        ((*ATTRIBUTES, "state", "state"), "MOSTLY_FAILED"),
        ((*ATTRIBUTES, "state"), None),
    ],
)
def test_what_has_a_build_or_did_not_fail_is_not_lost(place: tuple[str | int, ...], value: object) -> None:
    assert not upload_of(replaced(PAGE, place, value)).is_lost


def test_what_apple_does_not_tell() -> None:
    page = replaced(PAGE, ATTRIBUTES, {"createdDate": "2026-05-01T08:58:00Z", "state": {"state": "FAILED"}})
    upload = upload_of(page)
    assert upload.is_lost
    assert (upload.build.version, upload.build.number, upload.build.detail) == ("unknown", None, None)
    assert (upload.build.platform, upload.build.uploaded_at) == (Platform.OTHER, datetime(2026, 5, 1, 8, 58, tzinfo=UTC))
