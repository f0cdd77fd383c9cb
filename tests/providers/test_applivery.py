"""Applivery: recorded shapes become facts, and the client holds against a pretend Applivery over real HTTP."""

import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.domain.errors import Confused, NotFound, NotReady, ProviderError, RateLimited, Refused
from bot.domain.model import App, Build, BuildState, Handover, LinkKind, Platform
from bot.domain.ports import MintsLinks, OpensFiles, WebhookRequest
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendApplivery
from providers.applivery import SPEC, AppliverySettings, webhook, wire
from providers.applivery.client import PAGES_MAX, Applivery
from providers.http import StaticBearer, VendorHttp
from providers.spec import Surroundings
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
APP = "5f0000000000000000000001"


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"applivery_{name}.json").read_bytes())


def read_builds(body: Any) -> wire.Page[Build]:
    return wire.read_builds(body, "acme-applivery", "list builds", APP)


# --- wire -----------------------------------------------------------------------------------------


def test_apps() -> None:
    page = wire.read_apps(recorded("apps"), "acme-applivery", "list apps")
    assert page.items == (
        App("acme-applivery", APP, "Acme Shop"),
        App("acme-applivery", "5f0000000000000000000002", "acme-courier"),
    )
    assert (page.has_next, page.total) == (False, 2)


def test_builds() -> None:
    pending, ios, android, failed = read_builds(recorded("builds")).items
    assert ios == Build(
        account="acme-applivery",
        app_id=APP,
        id="552ae3cfcb5abfc58d733b81",
        version="2.4.1",
        number="241",
        platform=Platform.IOS,
        track="App Distribution",
        state=BuildState.READY,
        handover=Handover.FILE,
        uploaded_at=datetime(2026, 5, 1, 9, tzinfo=UTC),
        size=53412345,
        notes="Fixes",
        detail="tagged qa, v2.4.1",
        bundle_id="com.acme.shop",
        min_os="15.0",
        branch="release/2.4",
        commit="0a1b2c3d",
        uploader="Robin",
    )
    assert (android.version, android.number, android.platform) == ("2.4.0", "240", Platform.ANDROID)
    assert (android.size, android.bundle_id, android.min_os, android.uploader) == (28123456, "com.acme.shop", "24", "ci")
    assert (pending.version, pending.number, pending.state, pending.detail) == ("unknown", None, BuildState.PROCESSING, "RC-2")
    assert (failed.version, failed.state, failed.size) == ("unknown", BuildState.FAILED, 12)
    assert failed.detail == "The file could not be read (error 5006), broken"


def ios_build() -> dict[str, Any]:
    build: dict[str, Any] = recorded("builds")["data"]["items"][1]
    return build


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "in_progress"}, {"state": BuildState.PROCESSING}),
        ({"status": "quarantined"}, {"state": BuildState.OTHER, "detail": "quarantined, tagged qa, v2.4.1"}),
        ({"status": None, "tags": None, "deployer": None}, {"state": BuildState.OTHER, "detail": None}),
        ({"tags": ["v2.4.1", "qa", "qa", "", None, {}], "deployer": {"tag": "v2.4.1"}}, {"detail": "tagged v2.4.1, qa"}),
        ({"tags": "qa", "deployer": {"info": {"tag": "v3"}}}, {"detail": "tagged qa, v3"}),
        ({"tags": [], "deployer": {"commit": "0a1b"}}, {"detail": None, "commit": "0a1b", "branch": None}),
        ({"deployer": {"info": {"branch": "main", "commit": "0a1b"}}}, {"branch": "main", "commit": "0a1b"}),
        ({"os": None}, {"platform": Platform.IOS}),
        ({"os": None, "buildPlatform": "ps5"}, {"platform": Platform.OTHER}),
        ({"os": "macOS"}, {"platform": Platform.MACOS, "version": "2.4.1"}),
        ({"os": 5, "buildPlatform": []}, {"platform": Platform.OTHER, "version": "2.4.1"}),
        ({"info": {}}, {"version": "unknown", "number": None, "detail": "RC-1, tagged qa, v2.4.1"}),
        ({"info": {}, "versionName": None, "tags": [], "deployer": {}}, {"version": "unknown", "detail": "999"}),
        ({"info": {"ios": {"plist": {"CFBundleShortVersionString": "", "CFBundleVersion": "9"}}}}, {"version": "unknown"}),
        ({"info": {"ios": {"plist": {"CFBundleShortVersionString": "3.0"}}}}, {"version": "3.0", "number": None}),
        ({"info": {"android": {"versionName": "9"}, "ios": ios_build()["info"]["ios"]}}, {"version": "2.4.1"}),
        ({"size": 5}, {"size": 5}),
        ({"size": "5 MB"}, {"size": None}),
        ({"uploadedBy": "5d0000000000000000000001"}, {"uploader": "ci"}),
        ({"uploadedBy": {"id": "5d0000000000000000000001", "name": "Kim"}}, {"uploader": "Kim"}),
        ({"deployer": None, "uploadedBy": None}, {"uploader": None, "branch": None, "commit": None}),
    ],
)
def test_a_drifting_field_does_no_harm(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    body = {"status": True, "data": ios_build() | changes}
    build = wire.read_build(body, "acme-applivery", "reread build", APP)
    assert {name: getattr(build, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "not_an_object"),
        ({}, "missing_field:data"),
        ({"data": []}, "missing_field:data"),
        ({"data": {}}, "missing_field:items"),
        ({"data": {"items": {}}}, "missing_field:items"),
        ({"data": {"items": [None]}}, "not_an_object"),
        ({"data": {"items": [{"status": "processed"}]}}, "missing_field:id"),
    ],
)
def test_wrong_shapes_confuse(body: Any, reason: str) -> None:
    with pytest.raises(Confused) as caught:
        read_builds(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        ("2026-05-02T12:05:00.000Z", datetime(2026, 5, 2, 12, 5, tzinfo=UTC)),
        (None, None),
        (1_777_723_500, None),
        ("in a while", None),
    ],
)
def test_a_download_token(expires_at: Any, expected: datetime | None) -> None:
    body = {"status": True, "data": {"token": "8b1f4c", "expiresAt": expires_at}}
    minted = wire.read_download_token(body, "acme-applivery", "mint link")
    assert (minted.token, minted.expires_at) == ("8b1f4c", expected)
    assert "8b1f4c" not in repr(minted)
    assert wire.read_download_token(recorded("download_token"), "a", "mint link").token == "8b1f4c"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (400, recorded("error_not_processed"), (NotReady, "not_processed")),
        (200, recorded("error_not_processed"), (NotReady, "not_processed")),
        (404, {"status": False, "error": {"code": 3001, "message": "Entity not found"}}, (NotFound, "not_found")),
        (401, {"status": False, "error": {"code": 4002, "message": "No auth token"}}, (Refused, "unauthorized")),
        (402, {"status": False, "error": {"code": 5003, "data": {"limit": 1}}}, (Refused, "plan_limit")),
        (200, {"status": False}, (Confused, "status_false")),
        (200, {"status": False, "error": {"code": "5014"}}, (NotReady, "not_processed")),
        (200, {"status": False, "error": {"code": [5014]}}, (Confused, "status_false")),
        (200, {"status": True, "error": {"code": 5014}}, None),
        (200, recorded("builds"), None),
        (500, {"status": False, "error": {"code": 1}}, None),
        (502, None, None),
        (403, [], None),
        (403, {"error": "text"}, None),
    ],
)
def test_error_codes(status: int, body: Any, verdict: Any) -> None:
    assert wire.classify(status, body) == verdict


JSON = any_json(
    st.sampled_from(
        [
            *("data", "items", "id", "name", "slug", "hasNextPage", "totalDocs", "status", "versionName", "versionCode"),
            *("info", "ios", "android", "plist", "os", "buildPlatform", "deployer", "uploadedBy", "size", "createdAt"),
            *("token", "expiresAt", "error", "code", "action", "event", "CFBundleShortVersionString", "CFBundleVersion"),
            *("tags", "tag", "branch", "commit"),
        ]
    ),
)


@given(JSON, st.integers(200, 599))
def test_any_json_is_read_or_confuses(body: Any, status: int) -> None:
    wire.classify(status, body)
    for wrapped in (body, {"data": body}, {"data": {"items": [body]}}):
        for read in (wire.read_apps, wire.read_download_token):
            with suppress(Confused):
                read(wrapped, "acme-applivery", "test")
        with suppress(Confused):
            assert all(build.version for build in read_builds(wrapped).items)
        with suppress(Confused):
            assert wire.read_build(wrapped, "acme-applivery", "test", APP).version


@given(st.sampled_from(sorted(ios_build())), JSON)
def test_any_field_may_be_anything(name: str, value: Any) -> None:
    with suppress(Confused):
        build = wire.read_build({"data": ios_build() | {name: value}}, "acme-applivery", "test", APP)
        assert build.version.encode()


# --- webhook --------------------------------------------------------------------------------------


def call(action: str, secret: str = "s3cret", field: str = "action") -> WebhookRequest:
    return WebhookRequest({}, json.dumps(recorded("webhook") | {"action": None, field: action}).encode(), {"secret": secret})


# Every key that a third-party receiver knows, each also with every system's prefix.
EVENTS = {
    "build_created": True,
    "build_processed": True,
    "bug_created": False,
    "feedback_created": False,
    "certificate_will_expire": False,
    "push_certification_renovation": False,
    "device_enrolled": False,
    "device_added_mdm_user": False,
    "enrollment-token_created": False,
}


@pytest.mark.parametrize("field", ["action", "event"])
def test_builds_are_a_hint_and_other_events_nothing_to_do(field: str) -> None:
    for prefix, key in product(("", "apple_", "android_", "windows_", "aosp_", "macos_", "ios_"), EVENTS):
        hint = webhook.parse_webhook("acme-applivery", "s3cret", call(prefix + key, field=field))
        assert (hint.event if hint else None) == (prefix + key if EVENTS[key] else None), prefix + key


@pytest.mark.parametrize("action", ["Build_Processed", "unknown", ""])
def test_an_event_that_may_be_about_a_build_is_a_hint(action: str) -> None:
    assert webhook.parse_webhook("acme-applivery", "s3cret", call(action)) is not None


def test_equal_calls_are_two_hints() -> None:
    """Nobody knows whether a body names its build: the second may be about another one."""
    first, second = (webhook.parse_webhook("acme-applivery", "s3cret", call("build_processed")) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.delivery_id != second.delivery_id


def test_the_secret_may_stand_in_the_path() -> None:
    given = call("build_processed", secret="")
    assert webhook.parse_webhook("acme-applivery", "s3c/ret", replace(given, path="s3c/ret")) is not None
    with pytest.raises(Refused):
        webhook.parse_webhook("acme-applivery", "s3c/ret", replace(given, path="s3c"))


@pytest.mark.parametrize(
    ("query", "secret", "reason"),
    [
        ({}, "s3cret", "bad_signature"),
        ({"secret": ""}, "s3cret", "bad_signature"),
        ({"secret": "s3cre"}, "s3cret", "bad_signature"),
        ({"secret": "s3cretü\ud800"}, "s3cret", "bad_signature"),
        ({"secret": ""}, "", "no_webhook_secret"),
        ({"secret": "s3cret"}, None, "no_webhook_secret"),
    ],
)
def test_a_call_without_the_secret_is_refused(query: dict[str, str], secret: str | None, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        webhook.parse_webhook("acme-applivery", secret, WebhookRequest({}, b"{}", query))
    assert caught.value.reason == reason


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_at_most_a_hint(body: bytes) -> None:
    hint = webhook.parse_webhook("acme-applivery", "s3cret", WebhookRequest({}, body, {"secret": "s3cret"}))
    assert hint is None or (hint.event and hint.delivery_id)


# --- client ---------------------------------------------------------------------------------------


@pytest.fixture
def vendor(still_clock: Any) -> PretendApplivery:
    return PretendApplivery(still_clock)


@pytest.fixture
async def url(serve: Any, vendor: PretendApplivery) -> str:
    address: str = await serve(vendor.app)
    return address


Connect = Callable[..., Applivery]


@pytest.fixture
async def connect(vendor: PretendApplivery, url: str, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly."""
    clients: list[Applivery] = []

    def make(token: str | None = None, apps: Collection[str] | None = None, api_url: str = url) -> Applivery:
        http = VendorHttp(
            "applivery", "acme-applivery", surroundings, timeout=httpx.Timeout(2.0), backoff_max=0.01, classify=wire.classify
        )
        bearer = StaticBearer(token or vendor.service_account_token)
        clients.append(Applivery(http, bearer, "acme", api_url, url, apps=apps, webhook_secret="s3cret"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> Applivery:
    return connect()


async def only_build(client: Applivery) -> Build:
    [build] = await client.list_builds(await client.list_apps())
    return build


def upload_many(vendor: PretendApplivery, still_clock: Any, count: int, name: str = "Shop") -> Any:
    app = vendor.add_app(name, f"com.acme.{name.lower()}")
    for number in range(count):
        vendor.upload(app, f"1.{number}", str(number), uploaded_at=still_clock() - timedelta(minutes=count - number))
    return app


async def test_all_pages_newest_first(client: Applivery, vendor: PretendApplivery, still_clock: Any) -> None:
    vendor.page_size_max = 25  # the vendor gives less than was asked for
    for name in ("Shop", "Courier"):
        upload_many(vendor, still_clock, 60, name)
    apps = await client.list_apps()
    builds = await client.list_builds(apps)
    assert sorted(app.name for app in apps) == ["Courier", "Shop"]
    assert len(builds) == 120
    assert [build.uploaded_at for build in builds] == sorted((b.uploaded_at for b in builds), reverse=True)
    assert len(vendor.requests) == 1 + 2 * 3
    assert {request.credential for request in vendor.requests} == {"service account token"}
    assert {build.bundle_id for build in builds} == {"com.acme.shop", "com.acme.courier"}


async def test_reading_stops_at_the_first_page_that_is_known(
    client: Applivery, vendor: PretendApplivery, still_clock: Any
) -> None:
    vendor.page_size_max = 10
    app = upload_many(vendor, still_clock, 55)
    apps = await client.list_apps()
    known = {build.id for build in await client.list_builds(apps)}
    vendor.requests.clear()
    assert len(await client.list_builds(apps, known)) == 10
    assert len(vendor.requests) == 1
    vendor.upload(app, "2.0", "99")
    assert "2.0" in {build.version for build in await client.list_builds(apps, known)}
    assert len(vendor.requests) == 1 + 2


def paged(pages: Callable[[int], dict[str, Any]]) -> tuple[Any, list[int]]:
    """A build list of which every page is made up; and the pages that were asked for."""
    asked: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(int(Request(scope).query_params["page"]))
            await JSONResponse({"status": True, "data": pages(asked[-1])})(scope, receive, send)

    return app, asked


def page_of(*numbers: int, **facts: Any) -> dict[str, Any]:
    return {"items": [{"id": f"b{n}", "createdAt": f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z"} for n in numbers], **facts}


SHOP = [App("acme-applivery", APP, "Shop")]


@pytest.mark.parametrize(
    ("pages", "builds", "asked"),
    [
        (lambda page: page_of(9 - page) if page < 4 else page_of(), 3, 4),  # never says whether more follows
        (lambda page: page_of(9 - page, hasNextPage=True) if page < 4 else page_of(hasNextPage=True), 3, 4),
        (lambda page: page_of(9, 8, hasNextPage=True), 2, 2),  # the same page for ever
        (lambda page: page_of(9, 8, hasNextPage="no"), 2, 2),
        (lambda page: page_of(9, hasNextPage=False), 1, 1),
        (lambda page: page_of(hasNextPage=True), 0, 1),
        (lambda page: page_of(3000 - page, hasNextPage=True), PAGES_MAX, PAGES_MAX),  # new things for ever
    ],
)
async def test_paging_ends(connect: Connect, serve: Any, pages: Callable[[int], dict[str, Any]], builds: int, asked: int) -> None:
    app, requests = paged(pages)
    found = await connect(api_url=await serve(app)).list_builds(SHOP)
    assert (len(found), requests) == (builds, list(range(1, asked + 1)))


async def test_a_list_in_another_order_is_read_to_its_end(connect: Connect, serve: Any) -> None:
    """Oldest first: the first page is wholly known, and what is new stands on the last one."""
    app, requests = paged(lambda page: page_of(2 * page, 2 * page + 1, hasNextPage=page < 3))
    found = await connect(api_url=await serve(app)).list_builds(SHOP, known={"b2", "b3", "b4", "b5"})
    assert [build.id for build in found] == ["b7", "b6", "b5", "b4", "b3", "b2"]
    assert len(requests) == 3


async def test_a_build_outlives_the_retention_period(client: Applivery, vendor: PretendApplivery, still_clock: Any) -> None:
    """The newest builds of a publication are kept beyond it; a computed end would refuse what can still be had."""
    vendor.retention_days = 30
    app = vendor.add_app("Shop", "com.acme.shop")
    vendor.upload(app, "1.0", "1", uploaded_at=still_clock() - timedelta(days=31))
    build = await only_build(client)
    assert (build.expires_at, build.is_expired(still_clock())) == (None, False)
    assert (await client.mint_link(build)).kind is LinkKind.FILE


async def test_only_the_configured_apps(connect: Connect, vendor: PretendApplivery) -> None:
    wanted, _ = vendor.add_app("Shop", "com.acme.shop"), vendor.add_app("Courier", "com.acme.courier")
    assert [app.id for app in await connect(apps=(wanted.id,)).list_apps()] == [wanted.id]


async def test_an_app_that_vanishes_meanwhile_takes_nothing_else_along(client: Applivery, vendor: PretendApplivery) -> None:
    gone, stays = vendor.add_app("Gone", "com.acme.gone"), vendor.add_app("Shop", "com.acme.shop")
    vendor.upload(gone, "1.0", "1")
    vendor.upload(stays, "2.0", "2")
    apps = await client.list_apps()
    vendor.remove_app(gone)
    assert [build.version for build in await client.list_builds(apps)] == ["2.0"]


async def test_a_build_ripens(client: Applivery, vendor: PretendApplivery) -> None:
    uploaded = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "2.4.1", "241", processed=False, label="RC-7")
    build = await only_build(client)
    assert (build.version, build.state, build.detail) == ("unknown", BuildState.PROCESSING, "RC-7")
    with pytest.raises(NotReady) as caught:
        await client.mint_link(build)
    assert caught.value.reason == "not_processed"
    vendor.finish_processing(uploaded)
    ripe = await client.reread_build(build)
    assert (ripe.version, ripe.number, ripe.state, ripe.detail) == ("2.4.1", "241", BuildState.READY, None)
    assert ripe.key == build.key
    assert ripe.size == uploaded.artefact.size
    assert ripe == replace((await only_build(client)), uploader=ripe.uploader)
    vendor.remove(uploaded)
    with pytest.raises(NotFound):
        await client.reread_build(build)
    with pytest.raises(NotFound):
        await client.mint_link(build)


@pytest.mark.parametrize("tells_expiry", [True, False])
async def test_a_minted_link_opens_in_a_plain_browser_once(
    client: Applivery, vendor: PretendApplivery, still_clock: Any, url: str, tells_expiry: bool
) -> None:
    vendor.tells_expiry = tells_expiry
    uploaded = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "2.4.1", "241", platform="ios")
    link = await client.mint_link(await only_build(client))
    assert link.kind is LinkKind.FILE
    assert link.expires_at == (still_clock() + vendor.token_lifetime if tells_expiry else None)
    assert not any("/v1/download/" in request.path for request in vendor.requests)  # looking would spend it
    assert "type=file" in vendor.requests[-1].query
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        assert (await browser.get(link.url)).content == uploaded.artefact.content()
        assert (await browser.get(link.url)).status_code == 401
    token = link.url.rpartition("/")[2]
    assert token not in repr(link)


async def test_a_token_is_one_part_of_an_address(client: Applivery, vendor: PretendApplivery, url: str) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    build = await only_build(client)
    vendor.misbehave("downloadToken", Misbehaviour.WRONG_JSON, body='{"status": true, "data": {"token": "../a?b#c"}}')
    assert (await client.mint_link(build)).url == f"{url}/v1/download/..%2Fa%3Fb%23c"


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (200, '{"status": false, "error": {"code": 3001}}', NotFound, "not_found"),
        (200, '{"status": false, "error": {"code": 9999}}', Confused, "status_false"),
        (200, '{"status": true, "data": {}}', Confused, "missing_field:token"),
        (200, '{"status": true}', Confused, "missing_field:data"),
        (401, '{"status": false, "error": {"code": 4002}}', Refused, "unauthorized"),
        (402, "<html>", Refused, "http_402"),
        (400, '{"status": false, "error": {"code": 1}}', Confused, "http_400"),
        (429, '{"status": false, "error": {"code": 4029}}', RateLimited, "rate_limited"),
    ],
)
async def test_a_refusal_by_any_mixture_of_status_and_code(
    client: Applivery, vendor: PretendApplivery, status: int, body: str, error: type[ProviderError], reason: str
) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    build = await only_build(client)
    vendor.misbehave("downloadToken", Misbehaviour.STATUS, status=status, body=body)
    with pytest.raises(ProviderError) as caught:
        await client.mint_link(build)
    assert (type(caught.value), caught.value.reason) == (error, reason)


async def test_an_app_token_is_refused_without_a_second_try(connect: Connect, vendor: PretendApplivery) -> None:
    app = vendor.add_app("Shop", "com.acme.shop")
    with pytest.raises(Refused) as caught:
        await connect(token=app.api_token).list_apps()
    assert caught.value.reason == "unauthorized"
    assert [request.credential for request in vendor.requests] == ["app token"]


async def test_configured_apps_are_found_whatever_their_case_and_those_that_are_not_there_are_named(
    client: Applivery, vendor: PretendApplivery, url: str, surroundings: Surroundings
) -> None:
    shop = vendor.add_app("Shop", "com.acme.shop")
    vendor.add_app("Courier", "com.acme.courier")
    http = VendorHttp("applivery", "acme-applivery", surroundings, classify=wire.classify)
    ids = [shop.id.upper(), "0" * 24]
    narrowed = Applivery(http, StaticBearer(vendor.service_account_token), vendor.organization, url, url, apps=ids)
    assert [app.name for app in await narrowed.list_apps()] == ["Shop"]
    result = await narrowed.probe()
    assert (result.summary, result.missing) == ("1 app", ["0" * 24])
    await narrowed.aclose()


async def test_probe(client: Applivery, vendor: PretendApplivery) -> None:
    for name in ("Shop", "Courier", "Till"):
        vendor.add_app(name, f"com.acme.{name}")
    result = await client.probe()
    assert result.summary == "3 apps"
    assert result.server_time is not None
    assert "limit=1" in vendor.requests[0].query


async def test_a_vendors_call_is_understood(client: Applivery, vendor: PretendApplivery) -> None:
    made = vendor.webhook("build_processed")
    hint = client.parse_webhook(WebhookRequest(made.headers, made.body, {"secret": "s3cret"}))
    assert hint is not None


def test_it_mints_links_and_opens_no_files() -> None:
    assert issubclass(Applivery, MintsLinks)
    assert not issubclass(Applivery, OpensFiles)


async def test_settings_connect(url: str, vendor: PretendApplivery, surroundings: Surroundings) -> None:
    settings = AppliverySettings(
        name="acme-applivery",
        provider="applivery",
        organization=vendor.organization_id,
        token=SecretStr(vendor.service_account_token),
        api_url=f"{url}/",
        download_url=url,
    )
    client = SPEC.connect(settings, surroundings)
    assert isinstance(client, Applivery)
    assert (client.account, client.provider) == ("acme-applivery", SPEC.name)
    assert await client.list_apps() == []
    await client.aclose()


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ({"error": "The file could\n not be read", "errorCode": 5006}, "The file could not be read (error 5006), RC-1"),
        ({"error": {"message": "No provisioning profile", "code": "5007"}}, "No provisioning profile (error 5007), RC-1"),
        ({"errorCode": 5006}, "error 5006, RC-1"),
        ({"error": "x" * 999}, "x" * 300 + ", RC-1"),
        ({"error": None, "errorCode": None}, "RC-1"),
    ],
)
def test_why_a_build_failed(facts: dict[str, Any], detail: str) -> None:
    body = {"status": True, "data": {"id": "b1", "status": "error", "versionName": "RC-1", **facts}}
    assert wire.read_build(body, "acme-applivery", "reread build", "a1").detail == detail
