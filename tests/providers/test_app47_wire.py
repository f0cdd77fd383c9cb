"""App47's shapes become facts: recorded ones, drifting ones, and any JSON at all."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused, NotFound, Refused
from bot.domain.model import Build, BuildState, Handover, Platform
from providers.app47 import wire
from providers.app47.wire import CatalogApp
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
ACCOUNT = "acme-app47"
APP = "64a0c1d2e3f4a5b6c7d8e901"
PUBLIC = "64a0c1d2e3f4a5b6c7d8e902"
WEB = "64a0c1d2e3f4a5b6c7d8e903"


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"app47_{name}.json").read_bytes())


def results(**fields: Any) -> dict[str, Any]:
    return {"results": {"success": True, **fields}}


def read_builds(body: Any) -> wire.Page[Build]:
    return wire.read_builds(body, ACCOUNT, "list builds", APP)


def read_app(**fields: Any) -> CatalogApp:
    return wire.read_app(results(app={"id": APP, "name": "Shop", **fields}), ACCOUNT, "list builds")


def read_build(**changes: Any) -> Build:
    build = recorded("builds")["results"]["list"][1] | changes
    return wire.read_build(results(build=build), ACCOUNT, "reread build", APP)


# --- apps -----------------------------------------------------------------------------------------


def test_apps_of_all_four_types() -> None:
    page = wire.read_apps(recorded("apps"), ACCOUNT, "list apps")
    assert page.size == 4
    assert [(app.account, app.name, app.has_builds, len(app.pages)) for app in page.items] == [
        (ACCOUNT, "Field Sales", True, 0),
        (ACCOUNT, "Shop", False, 3),
        (ACCOUNT, "Canteen", False, 1),
        (ACCOUNT, "Partner Desk", True, 0),
    ]


def test_the_app_of_the_vendors_article() -> None:
    app = wire.read_app(recorded("app"), ACCOUNT, "list builds")
    assert app == CatalogApp(ACCOUNT, "544fa14538d6b81f6b00003d", "ABC")


def test_a_web_app_is_its_address() -> None:
    [page] = wire.read_apps(recorded("apps"), ACCOUNT, "list apps").items[2].pages
    assert page.build == Build(
        account=ACCOUNT,
        app_id=WEB,
        id=f"{WEB}-web-2.1",
        version="2.1",
        platform=Platform.WEB,
        track="App catalog",
        state=BuildState.LIVE,
        handover=Handover.PAGE,
        uploaded_at=datetime(2026, 4, 2, 10, tzinfo=UTC),
    )
    assert page.url == "https://canteen.acme.com/app?from=store"
    assert "canteen.acme.com" not in repr(page)


def test_a_public_app_is_its_store_pages() -> None:
    pages = wire.read_apps(recorded("apps"), ACCOUNT, "list apps").items[1].pages
    assert [(page.build.id, page.build.platform, page.build.bundle_id, page.url) for page in pages] == [
        (f"{PUBLIC}-apple", Platform.IOS, None, "https://apps.apple.com/app/id1234567890"),
        (
            f"{PUBLIC}-google",
            Platform.ANDROID,
            "com.acme.shop",
            "https://play.google.com/store/apps/details?id=com.acme.shop",
        ),
        (f"{PUBLIC}-windows", Platform.WINDOWS, None, "https://apps.microsoft.com/detail/9wzdncrfj3tj"),
    ]
    for page in pages:
        assert (page.build.version, page.build.track, page.build.handover) == ("store", "App catalog", Handover.PAGE)
        assert (page.build.state, page.build.detail) == (BuildState.LIVE, "store page")
        assert page.build.uploaded_at == datetime(2026, 1, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "url"),
    [
        ("1234567890", "https://apps.apple.com/app/id1234567890"),
        (1234567890, "https://apps.apple.com/app/id1234567890"),
        ("id1234567890", None),
        ("12345/../evil", None),
        ("123?x=1", None),
        ("١٢٣", None),
        ("1" * 21, None),
        ("", None),
        (None, None),
        (["1"], None),
    ],
)
def test_an_apple_id_is_digits(number: Any, url: str | None) -> None:
    assert [page.url for page in read_app(type="Public", apple_external_id=number).pages] == ([url] if url else [])


@pytest.mark.parametrize(
    ("package", "known"),
    [
        ("com.evernote", True),
        ("com.acme.shop_2.Free", True),
        ("evernote", False),
        ("com.evernote&hl=x", False),
        ("com..evernote", False),
        ("com.2fast", False),
        ("com.évernote", False),
        ("../evil", False),
        ("com.acme\n.shop", False),
        (7, False),
    ],
)
def test_a_package_name_looks_like_one(package: Any, known: bool) -> None:
    pages = read_app(type="Public", google_external_id=package).pages
    assert [page.url for page in pages] == ([f"https://play.google.com/store/apps/details?id={package}"] if known else [])


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("https://canteen.acme.com", "https://canteen.acme.com"),
        (" http://intranet:8080/menu#today ", "http://intranet:8080/menu#today"),
        ("https://müller.example/ü", "https://xn--mller-kva.example/%C3%BC"),
        ("javascript:alert(1)", None),
        ("data:text/html,hi", None),
        ("file:///etc/passwd", None),
        ("itms-services://?action=x", None),
        ("//canteen.acme.com", None),
        ("canteen.acme.com", None),
        ("https://", None),
        ("https://acme.com:99999", None),
        ("https://good.acme.com@evil.example", None),
        ("https:\\\\acme.com", None),
        ("https://acme.com\\@evil.example", None),
        (f"https://acme.com/{'x' * 2000}", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_only_web_addresses_are_opened(uri: Any, url: str | None) -> None:
    [page] = read_app(type="Web", uri=uri, version="1").pages
    assert page.url == url
    assert page.build.handover is (Handover.PAGE if url else Handover.NONE)
    assert [page.url for page in read_app(type="Public", windows_external_url=uri).pages] == ([url] if url else [])


@pytest.mark.parametrize(
    ("fields", "has_builds", "pages"),
    [
        ({"type": "web"}, False, 1),
        ({"type": "WEB"}, False, 1),
        ({"type": "public"}, False, 0),
        ({"type": "b2b"}, True, 0),
        ({"type": "Hologram"}, True, 0),
        ({"type": None}, True, 0),
        ({"type": ["Web"]}, True, 0),
        ({}, True, 0),
    ],
)
def test_a_type_in_any_spelling_or_none(fields: dict[str, Any], has_builds: bool, pages: int) -> None:
    app = read_app(**fields)
    assert (app.has_builds, len(app.pages)) == (has_builds, pages)


def test_a_web_app_without_a_version_has_one_that_says_so() -> None:
    [page] = read_app(type="Web", uri="https://acme.com", created="2026-01-01T00:00:00Z").pages
    assert (page.build.version, page.build.uploaded_at) == ("unknown", datetime(2026, 1, 1, tzinfo=UTC))


def test_an_app_without_a_name_goes_by_its_id() -> None:
    assert read_app(name="").name == APP


# --- builds ---------------------------------------------------------------------------------------


def test_builds() -> None:
    processing, live, test, inactive = read_builds(recorded("builds")).items
    assert live == Build(
        account=ACCOUNT,
        app_id=APP,
        id="56254b0a38d6b8aabb000003",
        version="2.4.1",
        number="241",
        platform=Platform.IOS,
        track="App catalog (Production)",
        state=BuildState.LIVE,
        handover=Handover.PAGE,
        uploaded_at=datetime(2026, 5, 1, 9, tzinfo=UTC),
        size=53412345,
        notes="Fixes",
        bundle_id="com.acme.field",
    )
    assert (test.version, test.number, test.size, test.platform) == ("2.4.1", "2410", 28123456, Platform.ANDROID)
    assert (test.track, test.state, test.handover) == ("App catalog (Test)", BuildState.APPROVED, Handover.PAGE)
    assert (processing.state, processing.size, processing.notes, processing.detail) == (BuildState.PROCESSING, None, None, None)
    assert (inactive.version, inactive.number) == ("2.4.0", "240")
    assert (inactive.state, inactive.detail, inactive.handover) == (BuildState.READY, "not active", Handover.NONE)
    assert not any(wire.is_page(build) for build in (processing, live, test, inactive))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": None}, {"version": "unknown"}),
        ({"version": "", "version_name": "3.0", "short_version": "2"}, {"version": "3.0"}),
        ({"version": 3}, {"version": "3"}),
        ({"build_number": None}, {"number": None}),
        ({"build_number": 241}, {"number": "241"}),
        ({"platform": "ANDROID"}, {"platform": Platform.ANDROID}),
        ({"platform": "Symbian"}, {"platform": Platform.OTHER}),
        ({"platform": None}, {"platform": Platform.OTHER}),
        ({"environment": "production"}, {"track": "App catalog (Production)", "state": BuildState.LIVE}),
        ({"environment": "Staging"}, {"track": "App catalog (Staging)", "state": BuildState.APPROVED}),
        ({"environment": None}, {"track": "App catalog", "state": BuildState.APPROVED}),
        ({"size": "big", "file_size": 7}, {"size": 7}),
        ({"size": 0, "file_size": 7}, {"size": 0}),
        ({"created": "2026-05-01 09:00"}, {"uploaded_at": None}),
        ({"active": False, "activateable": True}, {"state": BuildState.READY, "handover": Handover.NONE}),
        ({"active": False, "activateable": False}, {"state": BuildState.PROCESSING, "handover": Handover.PAGE}),
        ({"active": False, "activateable": False, "status": "Invalid"}, {"state": BuildState.FAILED}),
        ({"active": False, "activateable": None}, {"state": BuildState.READY, "handover": Handover.NONE}),
        ({"active": None, "activateable": None}, {"state": BuildState.READY, "handover": Handover.PAGE, "detail": None}),
        ({"active": None, "activateable": None, "status": None}, {"state": BuildState.OTHER, "detail": None}),
        ({"active": None, "activateable": None, "status": "Pending"}, {"state": BuildState.PROCESSING}),
        ({"active": "yes", "activateable": 1, "status": "frozen"}, {"state": BuildState.OTHER, "detail": "frozen"}),
        ({"active": True, "status": "frozen"}, {"state": BuildState.LIVE, "detail": "frozen"}),
    ],
)
def test_a_drifting_field_does_no_harm(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    build = read_build(**changes)
    assert {name: getattr(build, name) for name in expected} == expected


def test_a_build_of_which_only_the_id_is_told() -> None:
    [build] = read_builds(results(list=[{"id": "b1"}])).items
    assert build == Build(ACCOUNT, APP, "b1", "unknown", Platform.OTHER, "App catalog", BuildState.OTHER, Handover.PAGE)


@pytest.mark.parametrize(("count", "size"), [(None, 1), (0, 1), (1, 1), (100, 100), ("100", 100), (-5, 1), ([], 1)])
def test_a_page_is_as_long_as_it_says_or_is(count: Any, size: int) -> None:
    assert read_builds(results(list=[{"id": "b1"}], count=count)).size == size


# --- shapes and failures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (7, "not_an_object"),
        ({}, "missing_field:results"),
        ({"results": 7}, "missing_field:results"),
        ({"results": {}}, "missing_field:list"),
        ({"results": {"list": {}}}, "missing_field:list"),
        ({"results": {"list": [None]}}, "not_an_object"),
        ({"results": {"list": [{"name": "Shop"}]}}, "missing_field:id"),
    ],
)
def test_wrong_shapes_confuse(body: Any, reason: str) -> None:
    for read in (read_builds, lambda body: wire.read_apps(body, ACCOUNT, "list apps")):
        with pytest.raises(Confused) as caught:
            read(body)
        assert caught.value.reason == reason


def failed(message: Any) -> dict[str, Any]:
    return {"results": {"message": message, "success": False}}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, recorded("ping"), None),
        (200, recorded("apps"), None),
        (200, {"results": {"list": []}}, None),  # says neither
        (200, {"anything": 1}, None),  # the wire says what is missing
        (200, recorded("error"), (Confused, "success_false")),
        (200, {"results": {"success": None}}, (Confused, "success_false")),
        (200, {"results": {"success": "true"}}, (Confused, "success_false")),
        (200, failed("Invalid token"), (Refused, "unauthorized")),
        (400, failed("Invalid Token supplied"), (Refused, "unauthorized")),
        (500, failed("Invalid token"), (Refused, "unauthorized")),
        (422, failed("Your access token was revoked"), (Refused, "unauthorized")),
        (422, failed("Token is not valid"), (Refused, "unauthorized")),
        (422, failed("No token given"), (Refused, "unauthorized")),
        (500, failed("unexpected token at '<'"), None),  # a parser's word, of no key
        (500, failed("Invalid token '<' in JSON"), None),
        (400, failed("The device token of this app was stored"), None),
        (422, failed("You do not have permission"), (Refused, "forbidden")),
        (422, failed("Not authorised"), (Refused, "forbidden")),
        (200, failed("App not found"), (NotFound, "not_found")),
        (422, failed("Document not found for class App"), (NotFound, "not_found")),
        (401, failed("App not found"), None),  # the status says it already
        (403, failed("Invalid token"), None),
        (404, failed("Invalid token"), None),
        (429, failed("Too many calls for this token"), None),
        (405, None, (NotFound, "not_offered")),
        (501, {"results": {"success": True}}, (NotFound, "not_offered")),
        (400, recorded("error"), None),
        (400, {"results": {"success": True}}, None),
        (502, None, None),
        (500, failed(5), None),
        (400, [], None),
    ],
)
def test_envelope_and_status_decide_together(status: int, body: Any, verdict: Any) -> None:
    assert wire.classify(status, body) == verdict


# --- builds in another shape than the assumed one --------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda found: found, *(lambda found, name=name: {name: found} for name in ("builds", "items"))])
@pytest.mark.parametrize("is_enveloped", [True, False])
def test_a_list_of_builds_under_another_name_or_none(wrap: Any, is_enveloped: bool) -> None:
    listed = wrap(recorded("builds")["results"]["list"])
    if not is_enveloped and not isinstance(listed, list):
        with pytest.raises(Confused):
            read_builds(listed)
        return
    assert read_builds({"results": listed} if is_enveloped else listed).items == read_builds(recorded("builds")).items


def test_an_answer_without_any_list_of_builds_is_not_none() -> None:
    with pytest.raises(Confused, match="missing_field:list"):
        read_builds(results())


def test_facts_of_a_build_under_other_names() -> None:
    build = {"_id": "b1", "created_at": "2026-05-01T09:00:00Z", "active": "true", "environment": "Production", "notes": "Fixes"}
    [found] = read_builds(results(list=[build | {"package_name": "com.acme.app"}])).items
    assert (found.id, found.uploaded_at, found.state) == ("b1", datetime(2026, 5, 1, 9, tzinfo=UTC), BuildState.LIVE)
    assert (found.notes, found.bundle_id) == ("Fixes", "com.acme.app")


def test_an_app_by_the_older_name_of_its_id() -> None:
    assert wire.read_apps(results(list=[{"_id": APP, "name": "Shop"}]), ACCOUNT, "list apps").items[0].id == APP


# --- md5 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "md5", "intact"),
    [
        ({"message": "Valid token", "success": True}, "896d94e5e2f4eb6b6bfa19144c7794e5", True),
        ({"message": "App was deleted", "success": True}, "f3d0a22e47ce6158551f483e07b16fe1", True),
        ({"message": "App was deleted", "success": True}, "F3D0A22E47CE6158551F483E07B16FE1 ", True),
        ({"success": True, "message": "App was deleted"}, "f3d0a22e47ce6158551f483e07b16fe1", False),  # in the order sent
        ({"message": "Valid token", "success": True}, "f3d0a22e47ce6158551f483e07b16fe1", False),
        ({"message": "Valid token", "success": True}, "", False),
        ({"message": "Valid token", "success": True}, None, True),
        ({"message": "Valid token", "success": True}, 5, True),
        (None, "f3d0a22e47ce6158551f483e07b16fe1", True),
        # by md5sum, of the plain text, of that with \u003c, \u0026 and \u003e, and of that with \u00fc
        ({"n": "<Müller & Co>"}, "f84338974566f2332fa1307def951256", True),
        ({"n": "<Müller & Co>"}, "c0323375eb0dac73756fcc16d658783d", True),
        ({"n": "<Müller & Co>"}, "41c946ec2537aa7f9a9a9ee77528d456", True),
        ({"rating": 0.0}, "d9f59195db6463a5cf2590d058d9c50d", True),
    ],
)
def test_md5_of_the_compact_text(results: Any, md5: Any, intact: bool) -> None:
    assert wire.is_intact({"results": results, "md5": md5}) is intact


def test_the_articles_own_samples_are_wrong() -> None:
    assert wire.is_intact(recorded("ping"))
    assert not wire.is_intact(recorded("error"))
    assert not wire.is_intact(recorded("app"))


def test_what_cannot_be_written_out_again_is_not_doubted() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert wire.is_intact({"results": nested, "md5": "x"})
    assert wire.is_intact({"results": {"n": "\ud800"}, "md5": "x"})


# --- anything -------------------------------------------------------------------------------------

JSON = any_json(
    st.sampled_from(
        [
            *("results", "success", "message", "md5", "list", "count", "app", "build", "id", "name", "type", "created"),
            *("uri", "version", "apple_external_id", "google_external_id", "windows_external_url", "modified"),
            *("platform", "environment", "active", "activateable", "status", "size", "build_number", "release_notes"),
        ]
    ),
    st.sampled_from(["Web", "Public", "b2b", "Production"]),
)


@given(JSON, st.integers(200, 599))
def test_any_json_is_read_or_confuses(body: Any, status: int) -> None:
    for wrapped in (body, {"results": body, "md5": "x"}, results(list=[body]), results(app=body), results(build=body)):
        wire.classify(status, wrapped)
        assert wire.is_intact(wrapped) in (True, False)
        for read in (wire.read_ping, wire.read_apps, wire.read_app):
            with suppress(Confused):
                read(wrapped, ACCOUNT, "test")
        with suppress(Confused):
            assert all(build.version for build in read_builds(wrapped).items)
        with suppress(Confused):
            assert wire.read_build(wrapped, ACCOUNT, "test", APP).version


@given(st.sampled_from(["type", "uri", "version", "apple_external_id", "google_external_id", "windows_external_url"]), JSON)
def test_any_field_of_an_app_may_be_anything(name: str, value: Any) -> None:
    for kind in ("Web", "Public"):
        app = read_app(**{"type": kind, "uri": "https://acme.com", name: value})
        assert all(page.build.version.encode() and wire.is_page(page.build) for page in app.pages)


@given(st.builds(str.__add__, st.sampled_from(["", "http://", "https://a.b/", "HTTPS://", "javascript:", "//", " "]), st.text()))
def test_no_other_than_a_web_address_gets_out(text: str) -> None:
    for url in (page.url for page in read_app(type="Web", uri=text).pages if page.url):
        assert urlsplit(url).scheme in ("http", "https")
        assert url.isascii()
        assert not any(char.isspace() for char in url)


@given(st.sampled_from(sorted(recorded("builds")["results"]["list"][1])), JSON)
def test_any_field_of_a_build_may_be_anything(name: str, value: Any) -> None:
    with suppress(Confused):
        assert read_build(**{name: value}).version.encode()
