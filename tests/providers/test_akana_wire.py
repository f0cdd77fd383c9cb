"""Akana's RSS in JSON: recorded shapes and their variations become facts, everything else confuses."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused, NotFound
from bot.domain.model import App, Build, BuildState, Handover, Platform
from providers.akana import wire
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
APP = "app10033.acmepaymentscorp"
GUID = "k3Vb1Qx8Zt5WmYcR7nDsL0pH.acmepaymentscorp"


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"akana_{name}.json").read_bytes())


def item(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = recorded("versions")["channel"]["item"][0]
    return found | changes


def feed(*items: Any) -> dict[str, Any]:
    return {"channel": {"title": "Application versions", "item": list(items)}, "version": "1.0"}


def read(body: Any) -> wire.AppVersions:
    return wire.read_versions(body, "acme-akana", "list builds", APP)


def only(body: Any) -> Build:
    [build] = read(body).builds
    return build


def categories(**values: str) -> list[dict[str, str]]:
    domains = {"kind": "resourcetype", "environment": "environment", "state": "application.state"}
    return [{"value": value, "domain": f"uddi:soa.com:{domains[name]}"} for name, value in values.items()]


def test_the_vendors_sample() -> None:
    versions = read(recorded("versions"))
    assert versions.app_name == "Card game"
    assert versions.builds == [
        Build(
            account="acme-akana",
            app_id=APP,
            id=GUID,
            version="1.0",
            platform=Platform.API,
            track="API Sandbox",
            state=BuildState.READY,
            handover=Handover.NONE,
            uploaded_at=datetime(2012, 7, 24, 20, 45, 12, tzinfo=UTC),
            notes="Multi-player card game for Android phones.",
            detail="sandbox",
        )
    ]


def test_a_search() -> None:
    page = wire.read_apps(recorded("search"), "acme-akana", "list apps")
    assert page.size == 2
    assert page.apps == (
        App("acme-akana", APP, "Card game"),
        App("acme-akana", "73b850a8-d6ae-4bdc-bad5-2ff0fe833314.acmepaymentscorp", "Payments"),
    )


def test_a_search_that_finds_other_things_too() -> None:
    others = [item(guid="v", category=categories(kind="app-version")), item(guid="a", title="", category=categories(kind="App"))]
    page = wire.read_apps(feed(*others), "acme-akana", "list apps")
    assert (page.apps, page.size) == ((App("acme-akana", "a", "a"),), 2)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("setup", BuildState.OTHER),
        ("sandbox", BuildState.READY),
        ("approved", BuildState.APPROVED),
        ("live", BuildState.LIVE),
        ("Live", BuildState.LIVE),
        ("retired", BuildState.OTHER),
    ],
)
def test_states_keep_the_vendors_word(word: str, state: BuildState) -> None:
    build = only(feed(item(category=categories(environment="Production", state=f"com.soa.app.state.{word}"))))
    assert (build.state, build.detail, build.track) == (state, word, "API Production")


def test_neither_state_nor_environment() -> None:
    build = only(feed(item(category=categories(kind="App Version"))))
    assert (build.state, build.detail, build.track) == (BuildState.OTHER, None, "API")


REFERENCE = {"Title": "Card game", "Guid": APP, "Category": [{"value": "app", "domain": "uddi:soa.com:resourcetype"}]}
OTHER = {"Title": "Payments API", "Guid": "api1.acme", "Category": {"value": "api", "domain": "uddi:soa.com:resourcetype"}}


def capitalised(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].swapcase() + name[1:]: capitalised(inner) for name, inner in value.items()}
    return [capitalised(inner) for inner in value] if isinstance(value, list) else value


def collapsed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: collapsed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return collapsed(value[0]) if len(value) == 1 else [collapsed(inner) for inner in value]
    return value


def bare(value: Any) -> Any:
    entry = value["channel"]["item"][0]
    entry["EntityReference"] = entry.pop("EntityReferences")["EntityReference"][0]
    return value


def listed(value: Any) -> Any:
    """Everything that is an object or a text becomes a list of one."""
    if isinstance(value, dict):
        return {name: [listed(inner)] if not isinstance(inner, list) else listed(inner) for name, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("change", [capitalised, collapsed, bare, listed], ids=lambda change: change.__name__)
def test_the_same_facts_in_any_form(change: Callable[[Any], Any]) -> None:
    body = recorded("versions")
    body["channel"]["item"][0]["category"] = body["channel"]["item"][0]["category"][:3]
    assert read(change(body)) == read(recorded("versions"))


def test_one_category_as_an_object() -> None:
    assert only(feed(item(category=categories(environment="Production")[0]))).track == "API Production"


@pytest.mark.parametrize(
    "references",
    [
        {"EntityReferences": {"EntityReference": [OTHER, REFERENCE]}},
        {"EntityReferences": {"EntityReference": OTHER}, "EntityReference": [REFERENCE]},
        {"EntityReferences": [{"EntityReference": OTHER}, {"EntityReference": REFERENCE}]},
        {"EntityReferences": [OTHER, REFERENCE]},
        {"EntityReferences": {"EntityReference": [{"Title": "Another", "Guid": "x"}, {"Title": "Card game", "Guid": APP}]}},
        {"EntityReferences": {"EntityReference": [OTHER, REFERENCE | {"Guid": "elsewhere"}]}},
        {"EntityReferences": {"EntityReference": [{"Guid": APP}, {"Title": "Card game"}]}},
    ],
)
def test_the_apps_name_among_other_references(references: dict[str, Any]) -> None:
    assert read(feed(item(**{"EntityReferences": None} | references))).app_name == "Card game"


@pytest.mark.parametrize("references", [None, "", [], {}, {"EntityReference": None}, {"EntityReference": [OTHER, 5]}, "x"])
def test_an_app_without_a_name(references: Any) -> None:
    assert read(feed(item(EntityReferences=references))).app_name is None


@pytest.mark.parametrize("body", [{"channel": {"title": "x"}}, feed(), {"channel": {"item": None}}, {"channel": [{"item": ""}]}])
def test_an_empty_feed(body: Any) -> None:
    assert read(body) == wire.AppVersions(None, [])
    assert wire.count_items(body, "acme-akana", "probe") == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "not_an_object"),
        ([], "not_an_object"),
        ({}, "missing_field:channel"),
        ({"channel": None}, "missing_field:channel"),
        ({"channel": "x"}, "missing_field:channel"),
        (feed(5), "not_an_object"),
        (feed(None), "not_an_object"),
        ({"channel": {"item": "x"}}, "not_an_object"),
        (feed({"title": "1.0"}), "missing_field:guid"),
        (feed(item(guid={}, category=None)), "missing_field:guid"),
        (feed(item(guid=" ", category=None)), "missing_field:guid"),
    ],
)
def test_wrong_shapes_confuse(body: Any, reason: str) -> None:
    for reader in (read, lambda body: wire.read_apps(body, "acme-akana", "list builds")):
        with pytest.raises(Confused) as caught:
            reader(body)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"guid": GUID}, {"id": GUID}),
        ({"guid": None, "Guid": GUID}, {"id": GUID}),
        ({"title": None}, {"version": "unknown"}),
        ({"title": 2}, {"version": "2"}),
        ({"title": {"value": "2.0"}}, {"version": "2.0"}),
        ({"description": ""}, {"notes": None}),
        ({"pubDate": None}, {"uploaded_at": None}),
        ({"pubDate": 5}, {"uploaded_at": None}),
        ({"category": None}, {"track": "API", "state": BuildState.OTHER, "detail": None}),
        ({"category": ["app-version", {"value": "x"}, {"domain": "uddi:soa.com:environment"}]}, {"track": "API"}),
    ],
)
def test_a_drifting_field_does_no_harm(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    build = only(feed(item(**changes)))
    assert {name: getattr(build, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Tue, 05 May 2026 13:45:12 PDT", 20),
        ("Tue, 05 May 2026 13:45:12 PST", 21),
        ("Tue, 05 May 2026 13:45:12 EST", 18),
        ("Tue, 05 May 2026 13:45:12 CDT", 18),
        ("Tue, 05 May 2026 13:45:12 GMT", 13),
        ("Tue, 05 May 2026 13:45:12 UT", 13),
        ("Tue, 05 May 2026 13:45:12 -0600", 19),
        ("05 May 2026 13:45:12 +0200", 11),
    ],
)
def test_a_known_zone(text: str, hour: int) -> None:
    assert wire.read_moment(text) == datetime(2026, 5, 5, hour, 45, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "Tue, 05 May 2026 13:45:12 CEST",
        "Tue, 05 May 2026 13:45:12 IST",
        "Tue, 05 May 2026 13:45:12 GMT+02:00",
        "Tue, 05 May 2026 13:45:12",
        "Tue, 05 May 2026 13:45:12 -0000",
        "Fri, 31 Dec 9999 23:59:59 -0500",
        "Tue, 05 May 1812 00:00:00 GMT",
        "Tue, 35 May 2026 13:45:12 PDT",
    ],
)
def test_an_unknown_zone_is_not_utc(text: str | None) -> None:
    assert wire.read_moment(text) is None


def test_newest_first_without_repetition() -> None:
    dated = [item(guid=day, pubDate=f"Tue, 0{day} May 2026 13:45:12 PDT") for day in "132"]
    undated = item(guid="0", pubDate="Tue, 09 May 2026 13:45:12 CEST")
    assert [build.id for build in read(feed(undated, *dated, *dated)).builds] == ["3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("status", "payload", "verdict"),
    [
        (500, {"faultstring": f"[app] {APP} does not exist"}, (NotFound, "unknown_id")),
        (400, {"faultcode": "Client", "faultstring": f"No such thing: {APP}."}, (NotFound, "unknown_id")),
        (500, {"Fault": {"FaultString": "Unknown [AppVersion]"}}, (NotFound, "unknown_id")),
        (200, {"faultstring": f"{APP} was deleted"}, (NotFound, "unknown_id")),
        (200, {"faultcode": "Server", "faultstring": "Out of order"}, (Confused, "fault")),
        (200, {"faultcode": "Server"}, (Confused, "fault")),
        (500, {"faultstring": "An error occurred processing the call."}, None),
        (500, {"faultstring": "acmepaymentscorp is out of order"}, None),
        (500, {"faultstring": "app10033.acmepaymentscorporation"}, None),
        (403, {"faultstring": f"Not authorized for {APP}"}, None),
        (401, {"faultstring": f"Not authorized for {APP}"}, None),
        (503, {"faultstring": f"{APP} is busy"}, None),
        (500, None, None),
        (500, [APP], None),
        (200, {"channel": {}}, None),
    ],
)
def test_faults(status: int, payload: Any, verdict: Any) -> None:
    assert wire.classify("acmepaymentscorp")(status, payload) == verdict


NAMES = [
    *("channel", "item", "Item", "title", "Title", "description", "category", "Category", "value", "domain", "guid", "Guid"),
    *("pubDate", "EntityReferences", "EntityReference", "faultstring", "fault"),
]
TEXTS = st.sampled_from(["uddi:soa.com:environment", "uddi:soa.com:resourcetype", "uddi:soa.com:application.state", "app", APP])
JSON = any_json(st.sampled_from(NAMES) | st.text(), TEXTS)


def read_anything(body: Any) -> None:
    with suppress(Confused):
        for build in read(body).builds:
            assert build.id
            assert build.version.encode()
            assert build.track.encode()
    with suppress(Confused):
        assert all(app.name.encode() for app in wire.read_apps(body, "acme-akana", "test").apps)
    with suppress(Confused):
        assert wire.count_items(body, "acme-akana", "test") >= 0


@given(JSON | st.lists(JSON, max_size=3).map(lambda items: feed(*items)))
def test_any_json_is_read_or_confuses(body: Any) -> None:
    read_anything(body)
    wire.classify("acmepaymentscorp")(200, body)


@given(st.sampled_from(sorted(item())), JSON)
def test_any_field_may_be_anything(name: str, value: Any) -> None:
    read_anything(feed(item(**{name: value})))


@given(st.text() | st.text(st.sampled_from("0123456789 :+-,MayTueGPDST"), max_size=40))
def test_any_date_is_read_or_unknown(text: str) -> None:
    moment = wire.read_moment(text)
    assert moment is None or moment.tzinfo is UTC
