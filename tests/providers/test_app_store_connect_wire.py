"""Apple's documents as facts. Payload shapes: Apple's OpenAPI document 4.4.1 and its documentation's examples."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.app_store_connect import wire
from providers.app_store_connect.documents import read_error_codes
from tests.providers.json_values import ANY_JSON, places, replaced

BUILD_PAGE: dict[str, Any] = {
    "data": [
        {
            "type": "builds",
            "id": "7a3c0000-0000-4000-8000-000000000001",
            "attributes": {
                "version": "241",
                "uploadedDate": "2026-05-01T02:03:04-07:00",
                "expirationDate": "2026-07-30T02:03:04.000+00:00",
                "expired": False,
                "minOsVersion": "15.0",
                "processingState": "VALID",
                "buildAudienceType": "APP_STORE_ELIGIBLE",
                "usesNonExemptEncryption": False,
                "iconAssetToken": {"templateUrl": "https://is1-ssl.mzstatic.com/{w}x{h}bb.{f}", "width": 1024, "height": 1024},
            },
            "relationships": {
                "preReleaseVersion": {"data": {"type": "preReleaseVersions", "id": "p1"}},
                "app": {"data": {"type": "apps", "id": "1234567890"}},
                "buildBetaDetail": {"data": {"type": "buildBetaDetails", "id": "d1"}},
                "betaBuildLocalizations": {
                    "data": [{"type": "betaBuildLocalizations", "id": "l1"}, {"type": "betaBuildLocalizations", "id": "l2"}],
                    "meta": {"paging": {"total": 2, "limit": 50}},
                },
                "icons": {"links": {"related": "https://api.appstoreconnect.apple.com/v1/builds/7a3c/icons"}},
            },
        }
    ],
    "included": [
        {"type": "preReleaseVersions", "id": "p1", "attributes": {"version": "2.4.1", "platform": "IOS"}},
        {"type": "apps", "id": "1234567890", "attributes": {"bundleId": "com.acme.shop"}},
        {
            "type": "buildBetaDetails",
            "id": "d1",
            "attributes": {"internalBuildState": "IN_BETA_TESTING", "externalBuildState": "IN_BETA_TESTING"},
        },
        {"type": "betaBuildLocalizations", "id": "l1", "attributes": {"locale": "de-DE", "whatsNew": "Neue Kasse"}},
        {"type": "betaBuildLocalizations", "id": "l2", "attributes": {"locale": "en-US", "whatsNew": "New checkout"}},
    ],
    "links": {
        "self": "https://api.appstoreconnect.apple.com/v1/builds?limit=20",
        "next": "https://api.example/v1/builds?cursor=b",
    },
    "meta": {"paging": {"total": 31, "limit": 20}},
}

ICON = "Invalid App Store Icon. It has an alpha channel."


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    page = deepcopy(BUILD_PAGE)
    change(page)
    return page


def build_of(page: object) -> Build:
    return wire.read_builds(page, "acme-apple", "list builds").items[0].build


def with_states(processing: str | None, internal: str | None = None, external: str | None = None, expired: bool = False) -> Build:
    def change(page: dict[str, Any]) -> None:
        page["data"][0]["attributes"] |= {"processingState": processing, "expired": expired}
        page["included"][2]["attributes"] = {"internalBuildState": internal, "externalBuildState": external}

    return build_of(changed(change))


def test_a_build_with_everything_included() -> None:
    page = wire.read_builds(BUILD_PAGE, "acme-apple", "list builds")
    assert page.next == "https://api.example/v1/builds?cursor=b"
    assert page.total == 31
    assert tuple(item.build for item in page.items) == (
        Build(
            account="acme-apple",
            app_id="1234567890",
            id="7a3c0000-0000-4000-8000-000000000001",
            version="2.4.1",
            number="241",
            platform=Platform.IOS,
            track="TestFlight",
            state=BuildState.APPROVED,
            detail="in beta testing",
            handover=Handover.PAGE,
            uploaded_at=datetime(2026, 5, 1, 9, 3, 4, tzinfo=UTC),
            expires_at=datetime(2026, 7, 30, 2, 3, 4, tzinfo=UTC),
            notes="New checkout",
            bundle_id="com.acme.shop",
            min_os="15.0",
        ),
    )


def test_one_build_reads_the_same_as_in_a_list() -> None:
    single = {"data": BUILD_PAGE["data"][0], "included": BUILD_PAGE["included"], "links": {"self": "https://x"}}
    assert wire.read_build(single, "acme-apple", "reread build") == build_of(BUILD_PAGE)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("IOS", Platform.IOS),
        ("MAC_OS", Platform.MACOS),
        ("TV_OS", Platform.TVOS),
        ("VISION_OS", Platform.VISIONOS),
        ("CAR_OS", Platform.OTHER),
        (None, Platform.OTHER),
    ],
)
def test_platforms(platform: str | None, expected: Platform) -> None:
    build = build_of(changed(lambda page: page["included"][0]["attributes"].update(platform=platform)))
    assert build.platform is expected


@pytest.mark.parametrize(
    "forget",
    [
        lambda page: page["data"][0]["relationships"].pop("preReleaseVersion"),
        lambda page: page["data"][0]["relationships"]["preReleaseVersion"].update(data=None),
        lambda page: page["included"].pop(0),
        lambda page: page["included"][0].pop("attributes"),
        lambda page: page["included"][0]["attributes"].update(version=""),
    ],
)
def test_a_build_number_is_never_taken_for_a_version(forget: Callable[[dict[str, Any]], Any]) -> None:
    build = build_of(changed(forget))
    assert build.version == "unknown"
    assert build.number == "241"


def test_a_build_of_which_only_the_app_is_known() -> None:
    bare = {"type": "builds", "id": "b", "relationships": {"app": {"data": {"type": "apps", "id": "1"}}}}
    build = build_of({"data": [bare]})
    assert (build.version, build.number, build.state, build.uploaded_at) == ("unknown", None, BuildState.OTHER, None)


@pytest.mark.parametrize(
    ("processing", "internal", "external", "state", "detail"),
    [
        ("PROCESSING", None, None, BuildState.PROCESSING, None),
        ("PROCESSING", "PROCESSING", "PROCESSING", BuildState.PROCESSING, None),
        ("FAILED", None, None, BuildState.FAILED, None),
        ("INVALID", None, None, BuildState.FAILED, "invalid"),
        ("VALID", None, None, BuildState.READY, None),
        ("VALID", "PROCESSING", "PROCESSING", BuildState.PROCESSING, None),
        ("VALID", "PROCESSING_EXCEPTION", "PROCESSING_EXCEPTION", BuildState.FAILED, "processing exception"),
        ("VALID", "MISSING_EXPORT_COMPLIANCE", "MISSING_EXPORT_COMPLIANCE", BuildState.OTHER, "missing export compliance"),
        ("VALID", "MISSING_EXPORT_COMPLIANCE", "READY_FOR_BETA_SUBMISSION", BuildState.OTHER, "missing export compliance"),
        ("VALID", "MISSING_EXPORT_COMPLIANCE", "NOT_APPLICABLE", BuildState.OTHER, "missing export compliance"),
        ("VALID", "READY_FOR_BETA_TESTING", "IN_BETA_REVIEW", BuildState.IN_REVIEW, "in beta review"),
        ("VALID", "IN_EXPORT_COMPLIANCE_REVIEW", "NOT_APPLICABLE", BuildState.IN_REVIEW, "in export compliance review"),
        ("VALID", "READY_FOR_BETA_TESTING", None, BuildState.READY, "ready for beta testing"),
        ("VALID", "IN_BETA_TESTING", "NOT_APPLICABLE", BuildState.READY, "in beta testing"),
        (
            "VALID",
            "IN_BETA_TESTING",
            "READY_FOR_BETA_SUBMISSION",
            BuildState.READY,
            "ready for beta submission, in internal testing",
        ),
        (
            "VALID",
            "IN_BETA_TESTING",
            "WAITING_FOR_BETA_REVIEW",
            BuildState.IN_REVIEW,
            "waiting for beta review, in internal testing",
        ),
        ("VALID", "IN_BETA_TESTING", "IN_BETA_REVIEW", BuildState.IN_REVIEW, "in beta review, in internal testing"),
        ("VALID", "IN_BETA_TESTING", "BETA_REJECTED", BuildState.REJECTED, "beta rejected, in internal testing"),
        ("VALID", "IN_BETA_TESTING", "BETA_APPROVED", BuildState.APPROVED, "beta approved"),
        ("VALID", "IN_BETA_TESTING", "READY_FOR_BETA_TESTING", BuildState.APPROVED, "ready for beta testing"),
        ("VALID", "IN_BETA_TESTING", "IN_BETA_TESTING", BuildState.APPROVED, "in beta testing"),
        ("VALID", "EXPIRED", "EXPIRED", BuildState.EXPIRED, None),
        ("VALID", "IN_BETA_TESTING", "SENT_TO_THE_MOON", BuildState.OTHER, "sent to the moon"),
        ("VALID", "SENT_TO_THE_MOON", None, BuildState.OTHER, "sent to the moon"),
        ("HALF_BAKED", None, None, BuildState.OTHER, "half baked"),
        (None, None, None, BuildState.OTHER, None),
    ],
)
def test_states(
    processing: str | None, internal: str | None, external: str | None, state: BuildState, detail: str | None
) -> None:
    build = with_states(processing, internal, external)
    assert (build.state, build.detail) == (state, detail)


def test_an_expired_build_is_expired_whatever_testing_says() -> None:
    assert with_states("VALID", "IN_BETA_TESTING", "IN_BETA_TESTING", expired=True).state is BuildState.EXPIRED


def test_a_failed_build_stays_failed_when_its_time_is_over() -> None:
    assert with_states("INVALID", expired=True).state is BuildState.FAILED


def upload(*errors: Any) -> Callable[[dict[str, Any]], Any]:
    """Includes a failed upload with these errors."""

    def change(page: dict[str, Any]) -> None:
        page["data"][0]["attributes"] |= {"processingState": "INVALID"}
        page["data"][0]["relationships"]["buildUpload"] = {"data": {"type": "buildUploads", "id": "u1"}}
        state = {"state": "FAILED", "errors": list(errors), "warnings": [{"code": "1", "description": "Missing push notice"}]}
        page["included"].append({"type": "buildUploads", "id": "u1", "attributes": {"state": state}})

    return change


@pytest.mark.parametrize(
    ("errors", "detail"),
    [
        ([{"code": "90717", "description": "Invalid App Store Icon.\n It has an alpha channel."}, {"code": "2"}], ICON),
        ([{"code": "1", "description": None}, {"code": "2", "description": " "}, {"code": "3", "description": ICON}], ICON),
        ([{"code": "1", "description": "x" * 1000}], "x" * 600),
        ([{"description": ICON}, {"description": "No icon."}, {"description": ICON}], f"{ICON} No icon."),
        ([{"code": "1"}], "invalid"),
        ([], "invalid"),
    ],
)
def test_a_failed_build_tells_every_complaint_of_its_upload(errors: list[Any], detail: str) -> None:
    build = build_of(changed(upload(*errors)))
    assert (build.state, build.detail) == (BuildState.FAILED, detail)


def test_what_apple_noted_about_an_upload_that_went_well_is_not_told() -> None:
    page = changed(upload({"code": "1", "description": "once"}))
    page["data"][0]["attributes"]["processingState"] = "VALID"
    assert build_of(page).detail == "in beta testing"


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([("de-DE", "Neu"), ("en-US", "New")], "New"),
        ([("de-DE", "Neu"), ("fr-FR", "Nouveau")], "Neu"),
        ([("en-US", None), ("fr-FR", "Nouveau")], "Nouveau"),
        ([("en-US", "  \n"), ("fr-FR", "")], None),
        ([], None),
    ],
)
def test_notes_are_english_where_there_is_english(notes: list[tuple[str, str | None]], expected: str | None) -> None:
    def change(page: dict[str, Any]) -> None:
        ids = [f"n{number}" for number in range(len(notes))]
        references = [{"type": "betaBuildLocalizations", "id": id} for id in ids]
        page["data"][0]["relationships"]["betaBuildLocalizations"] = {"data": references}
        for id, (locale, text) in zip(ids, notes, strict=True):
            attributes = {"locale": locale, "whatsNew": text}
            page["included"].append({"type": "betaBuildLocalizations", "id": id, "attributes": attributes})

    assert build_of(changed(change)).notes == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-03T04:47:09.000+00:00", datetime(2026, 7, 3, 4, 47, 9, tzinfo=UTC)),
        ("2026-05-01T05:00:52.745Z", datetime(2026, 5, 1, 5, 0, 52, 745_000, tzinfo=UTC)),
        ("2026-05-01T05:00:52.74Z", datetime(2026, 5, 1, 5, 0, 52, 740_000, tzinfo=UTC)),
        ("2026-05-01T23:30:00-07:00", datetime(2026, 5, 2, 6, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_aware_utc(text: str, expected: datetime) -> None:
    moment = build_of(changed(lambda page: page["data"][0]["attributes"].update(uploadedDate=text))).uploaded_at
    assert moment == expected
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: page.pop("data"),
        lambda page: page.update(data=None),
        lambda page: page.update(data={"type": "builds", "id": "b"}),
        lambda page: page["data"][0].pop("id"),
        lambda page: page["data"][0].update(id=[7]),
        lambda page: page["data"][0].update(type=None),
        lambda page: page["data"][0]["relationships"].pop("app"),
        lambda page: page["data"][0]["relationships"]["app"].pop("data"),
        lambda page: page["data"][0]["relationships"].update(app="7"),
        # It would look like the last page.
        lambda page: page.update(links={"next": 1}),
        lambda page: page.update(links=["next"]),
    ],
)
def test_a_page_of_another_shape_is_confusing(spoil: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(Confused) as caught:
        wire.read_builds(changed(spoil), "acme-apple", "list builds")
    error = caught.value
    assert (error.account, error.operation, error.reason) == ("acme-apple", "list builds", "unexpected_shape")


@pytest.mark.parametrize(
    ("spoil", "lost"),
    [
        (lambda page: page["data"][0]["attributes"].update(uploadedDate="yesterday"), {"uploaded_at": None}),
        (lambda page: page["data"][0]["attributes"].update(uploadedDate="2026-05-01T05:00:52"), {"uploaded_at": None}),
        (lambda page: page["data"][0]["attributes"].update(uploadedDate="0001-01-01T00:00:00+23:00"), {"uploaded_at": None}),
        (lambda page: page["data"][0]["attributes"].update(uploadedDate=1777612852), {"uploaded_at": None}),
        (lambda page: page["data"][0]["attributes"].update(expirationDate=""), {"expires_at": None}),
        (lambda page: page["data"][0]["attributes"].update(version=241), {}),
        (lambda page: page["data"][0]["attributes"].update(minOsVersion=15.0), {}),
        (lambda page: page["data"][0]["attributes"].update(minOsVersion=["15.0"]), {"min_os": None}),
        (lambda page: page["data"][0]["attributes"].update(expired=[]), {}),
        (lambda page: page["data"][0]["relationships"].update(betaBuildLocalizations=7), {"notes": None}),
        (lambda page: page["included"][0].update(attributes=[]), {"version": "unknown", "platform": Platform.OTHER}),
        (lambda page: page["included"][0]["attributes"].update(version={}), {"version": "unknown"}),
        (lambda page: page["included"].append("odd"), {}),
        (lambda page: page["included"].append({"type": "apps"}), {}),
        (lambda page: page["included"][4]["attributes"].update(whatsNew=[]), {"notes": "Neue Kasse"}),
        (lambda page: page.update(links=None), {}),
        (lambda page: page.update(meta=None), {}),
        (lambda page: page.update(meta={"paging": {"total": "31"}}), {}),
        (lambda page: page.update(meta={"paging": [31]}), {}),
    ],
)
def test_what_is_optional_and_odd_costs_itself_alone(spoil: Callable[[dict[str, Any]], Any], lost: dict[str, Any]) -> None:
    assert build_of(changed(spoil)) == replace(build_of(BUILD_PAGE), **lost)


def test_a_page_that_includes_nothing() -> None:
    build = build_of(changed(lambda page: page.update(included=None)))
    assert (build.version, build.number, build.notes) == ("unknown", "241", None)


def test_a_total_that_is_written_as_a_text() -> None:
    page = changed(lambda page: page.update(meta={"paging": {"total": "31"}}))
    assert wire.read_builds(page, "acme-apple", "list builds").total == 31


def test_apps() -> None:
    body = {
        "data": [
            {
                "type": "apps",
                "id": "1",
                "attributes": {"name": "Shop", "bundleId": "com.acme.shop", "sku": "S", "primaryLocale": "en-US"},
            },
            {"type": "apps", "id": "2", "attributes": {"name": None, "bundleId": "com.acme.till"}},
            {"type": "apps", "id": "3"},
        ],
        "links": {"self": "https://x"},
        "meta": {"paging": {"total": 3, "limit": 200}},
    }
    page = wire.read_apps(body, "acme-apple", "list apps")
    assert tuple(item.app for item in page.items) == (
        App("acme-apple", "1", "Shop", "com.acme.shop"),
        App("acme-apple", "2", "com.acme.till", "com.acme.till"),
        App("acme-apple", "3", "3", None),
    )
    assert (page.next, page.total) == (None, 3)


def test_groups_that_offer_a_public_link() -> None:
    def group(id: str, **attributes: Any) -> dict[str, Any]:
        usual = {"publicLink": f"https://testflight.apple.com/join/{id}", "publicLinkEnabled": True, "isInternalGroup": False}
        return {"type": "betaGroups", "id": id, "attributes": usual | attributes}

    groups = [
        group("ALL", hasAccessToAllBuilds=True),
        group("SOME", hasAccessToAllBuilds=False),
        group("UNSAID"),
        group("OFF", publicLinkEnabled=False),
        group("INTERNAL", isInternalGroup=True),
        group("NONE", publicLink=None),
        {"type": "betaGroups", "id": "BARE"},
    ]
    links = wire.read_public_links({"data": groups}, "acme-apple", "mint link").items
    assert [(link.url[-4:], link.serves_all_builds) for link in links] == [("/ALL", True), ("SOME", False), ("SAID", False)]
    assert "testflight" not in repr(links)


@pytest.mark.parametrize("link", ["javascript:steal()", 7, ["https://testflight.apple.com/join/A"], ""])
def test_a_link_that_a_browser_should_not_open_is_none(link: Any) -> None:
    attributes = {"publicLink": link, "publicLinkEnabled": True}
    groups = {"data": [{"type": "betaGroups", "id": "g", "attributes": attributes}]}
    assert wire.read_public_links(groups, "a", "mint link").items == ()


def test_error_codes() -> None:
    errors = [{"status": "403", "code": "FORBIDDEN_ERROR", "title": "t"}, {"status": "403", "code": "FORBIDDEN.X", "title": "t"}]
    assert read_error_codes({"errors": [{"title": "t"}, 7, *errors]}) == ("FORBIDDEN_ERROR", "FORBIDDEN.X")


READERS = [wire.read_apps, wire.read_builds, wire.read_build, wire.read_public_links, wire.read_ids]


def read_with_all(body: object) -> None:
    for read in READERS:
        with suppress(Confused):
            read(body, "acme-apple", "any")
    assert all(isinstance(code, str) for code in read_error_codes(body))


@given(ANY_JSON)
def test_any_json_at_all_is_read_or_confusing(body: object) -> None:
    read_with_all(body)


@given(st.sampled_from(places(BUILD_PAGE)), ANY_JSON | st.datetimes().map(str) | st.text("0123456789-:T+.Z", max_size=30))
def test_a_page_with_anything_in_any_place_is_read_or_confusing(place: tuple[Any, ...], value: object) -> None:
    page = replaced(BUILD_PAGE, place, value)
    read_with_all(page)
    read_with_all({**page, "data": page["data"][0]} if isinstance(page.get("data"), list) and page["data"] else page)
