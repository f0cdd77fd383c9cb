"""App47's client against a pretend App47 over real HTTP."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.domain.errors import Confused, NotFound, NotReady, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.model import App, Build, BuildState, Handover, LinkKind, Platform
from bot.domain.ports import ChecksAgreements, OpensFiles, ReceivesWebhooks
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendApp47
from providers.app47 import SPEC, App47Settings, wire
from providers.app47.client import AT_ONCE, PAGES_MAX, App47
from providers.app47.token import AccessToken
from providers.http import VendorHttp
from providers.spec import Observation, SecretSources, Surroundings

ACCOUNT = "acme-app47"
STORE_PAGE = "https://apps.acme.com"


@pytest.fixture
def vendor(still_clock: Any) -> PretendApp47:
    return PretendApp47(still_clock)


@pytest.fixture
async def url(serve: Any, vendor: PretendApp47) -> str:
    address: str = await serve(vendor.app)
    return address


Connect = Callable[..., App47]


@pytest.fixture
async def connect(vendor: PretendApp47, url: str, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly."""
    clients: list[App47] = []

    def make(token: str | None = None, api_url: str = url, store_page: str | None = STORE_PAGE) -> App47:
        http = VendorHttp("app47", ACCOUNT, surroundings, timeout=httpx.Timeout(2.0), backoff_max=0.01, classify=wire.classify)
        clients.append(App47(http, AccessToken(token or vendor.access_token), api_url, store_page=store_page))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> App47:
    return connect()


async def all_builds(client: App47) -> list[Build]:
    return list(await client.list_builds(await client.list_apps()))


async def only_build(client: App47) -> Build:
    [build] = await all_builds(client)
    return build


def paths(vendor: PretendApp47) -> list[str]:
    return [request.path for request in vendor.requests]


def skips(vendor: PretendApp47) -> list[str]:
    return [request.query for request in vendor.requests]


# --- apps -----------------------------------------------------------------------------------------


async def test_apps_in_hundreds_whatever_total_says(client: App47, vendor: PretendApp47) -> None:
    for number in range(250):
        vendor.add_app(f"App {number}")
    hidden = vendor.add_app("Hidden")
    vendor.take_permission(hidden)
    apps = await client.list_apps()
    assert {app.name for app in apps} == {f"App {number}" for number in range(250)}
    assert len(apps) == 250
    assert skips(vendor) == ["", "skip=100", "skip=200"]
    assert {request.credential for request in vendor.requests} == {"member token"}


async def test_a_last_page_that_is_full_is_followed_by_an_empty_one(client: App47, vendor: PretendApp47) -> None:
    for number in range(200):
        vendor.add_app(f"App {number}")
    assert len(await client.list_apps()) == 200
    assert skips(vendor) == ["", "skip=100", "skip=200"]


async def test_an_app_that_may_no_longer_be_read_is_missing_and_nothing_else_is(client: App47, vendor: PretendApp47) -> None:
    lost, stays = vendor.add_app("Lost"), vendor.add_app("Stays")
    vendor.upload(lost, "1.0", "1")
    vendor.upload(stays, "2.0", "2")
    apps = await client.list_apps()
    vendor.take_permission(lost)
    assert [build.version for build in await client.list_builds(apps)] == ["2.0"]
    assert [app.name for app in await client.list_apps()] == ["Stays"]


def paged(pages: Callable[[int], dict[str, Any]]) -> tuple[Any, list[int]]:
    """A list of which every page is made up; and what was skipped on the way."""
    asked: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(int(Request(scope).query_params.get("skip", "0")))
            await JSONResponse({"results": {"success": True, **pages(asked[-1])}})(scope, receive, send)

    return app, asked


def page_of(first: int, length: int, **facts: Any) -> dict[str, Any]:
    items = [{"id": f"x{number}", "name": f"App {number}"} for number in range(first, first + length)]
    return {"list": items, "count": length, **facts}


@pytest.mark.parametrize(
    ("pages", "apps", "asked"),
    [
        (lambda skip: page_of(skip, 100 if skip < 200 else 30), 230, [0, 100, 200]),
        (lambda skip: page_of(skip, 100, total=100) if skip < 300 else page_of(skip, 0), 300, [0, 100, 200, 300]),
        (lambda skip: page_of(skip, 99, total=5000), 99, [0]),
        (lambda skip: page_of(0, 0, total=5000), 0, [0]),
        (lambda skip: page_of(0, 100), 100, [0, 100]),  # `skip` is ignored: the same page for ever
        (lambda skip: page_of(skip // 2, 100) if skip < 400 else page_of(0, 0), 250, [0, 100, 200, 300, 400]),  # overlapping
        (lambda skip: page_of(skip, 100, count=None) if skip < 200 else page_of(0, 0), 200, [0, 100, 200]),
        # The page is full, and some of what is on it may not be read.
        (lambda skip: page_of(skip, 40, count=100) if skip < 200 else page_of(0, 0), 80, [0, 100, 200]),
        (lambda skip: page_of(skip, 0, count=100) if skip < 100 else page_of(skip, 5), 5, [0, 100]),
        (lambda skip: page_of(skip, 100), 100 * PAGES_MAX, list(range(0, 100 * PAGES_MAX, 100))),  # new ones for ever
    ],
)
async def test_paging_ends(
    connect: Connect, serve: Any, pages: Callable[[int], dict[str, Any]], apps: int, asked: list[int]
) -> None:
    app, requests = paged(pages)
    found = await connect(api_url=await serve(app)).list_apps()
    assert len({app.id for app in found}) == len(found)
    assert (len(found), requests) == (apps, asked)


# --- builds ---------------------------------------------------------------------------------------


async def test_what_each_type_of_app_has(client: App47, vendor: PretendApp47) -> None:
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241", platform="ios")
    vendor.upload(vendor.add_app("Partner Desk", "b2b"), "1.0", "1", platform="windows")
    vendor.add_public_app("Shop", apple="1234567890", google="com.acme.shop")
    vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    builds = {(build.version, build.platform): build for build in await all_builds(client)}
    assert set(builds) == {
        ("2.4.1", Platform.IOS),
        ("1.0", Platform.WINDOWS),
        ("store", Platform.IOS),
        ("store", Platform.ANDROID),
        ("7", Platform.WEB),
    }
    assert all(build.handover is Handover.PAGE and build.state is BuildState.LIVE for build in builds.values())
    assert len({build.id for build in builds.values()}) == 5
    assert len(vendor.requests) == 1 + 2  # one list of builds for each app that has any


async def test_apps_that_were_not_just_listed_are_asked_for(client: App47, vendor: PretendApp47) -> None:
    web = vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    app = vendor.add_app("Field Sales")
    vendor.upload(app, "2.4.1", "241")
    stored = [App(ACCOUNT, web.id, "Canteen"), App(ACCOUNT, app.id, "Field Sales"), App(ACCOUNT, "gone", "Gone")]
    assert sorted(build.version for build in await client.list_builds(stored)) == ["2.4.1", "7"]


async def test_one_active_build_for_each_platform_and_environment(client: App47, vendor: PretendApp47, still_clock: Any) -> None:
    app = vendor.add_app("Field Sales")
    old = vendor.upload(app, "2.3", "230", platform="ios")
    still_clock.advance(timedelta(hours=1))
    vendor.upload(app, "2.4", "240", platform="ios")
    vendor.upload(app, "2.4", "240", platform="android", environment="Test")
    still_clock.advance(timedelta(hours=1))
    vendor.upload(app, "2.5", "250", platform="ios", processed=False)
    facts = [(build.version, build.platform, build.track, build.state) for build in await all_builds(client)]
    assert facts == [
        ("2.5", Platform.IOS, "App catalog (Production)", BuildState.PROCESSING),
        ("2.4", Platform.IOS, "App catalog (Production)", BuildState.LIVE),
        ("2.4", Platform.ANDROID, "App catalog (Test)", BuildState.APPROVED),
        ("2.3", Platform.IOS, "App catalog (Production)", BuildState.READY),
    ]
    vendor.activate(old)
    assert [build.version for build in await all_builds(client) if build.state is BuildState.LIVE] == ["2.3"]


@pytest.mark.parametrize(
    "names",
    [
        {"version": "version_name", "number": "version_code", "size": "file_size"},
        {"version": "short_version", "number": "bundle_version", "size": "size"},
    ],
)
async def test_a_fact_under_another_name(client: App47, vendor: PretendApp47, names: dict[str, str | None]) -> None:
    vendor.names = names
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241", size=77)
    build = await only_build(client)
    assert (build.version, build.number, build.size) == ("2.4.1", "241", 77)


async def test_a_fact_that_is_not_told(client: App47, vendor: PretendApp47) -> None:
    vendor.names = {"version": None, "number": None, "size": None}
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    build = await only_build(client)
    assert (build.version, build.number, build.size, build.state) == ("unknown", None, None, BuildState.LIVE)


@pytest.mark.parametrize("status", [404, 405])
async def test_an_account_without_the_builds_call_has_none(
    client: App47, vendor: PretendApp47, status: int, observed: list[Observation]
) -> None:
    vendor.builds_status = status
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    assert [build.version for build in await all_builds(client)] == ["7"]
    assert {entry.reason for entry in observed} == {"ok", "not_found" if status == 404 else "not_offered"}


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_any_other_answer_about_builds_is_a_failure(client: App47, vendor: PretendApp47, status: int) -> None:
    vendor.builds_status = status
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    with pytest.raises(ProviderError):
        await all_builds(client)


def upload_many(vendor: PretendApp47, still_clock: Any, count: int) -> Any:
    app = vendor.add_app("Field Sales")
    for number in range(count):
        uploaded_at = still_clock() - timedelta(minutes=count - number)
        vendor.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at, make_active=False)
    return app


async def test_reading_stops_at_the_first_page_that_is_known(client: App47, vendor: PretendApp47, still_clock: Any) -> None:
    app = upload_many(vendor, still_clock, 250)
    apps = await client.list_apps()
    builds = await client.list_builds(apps)
    assert builds == sorted(builds, key=lambda build: str(build.uploaded_at), reverse=True)
    known = {build.id for build in builds}
    assert len(known) == 250
    vendor.requests.clear()
    assert len(await client.list_builds(apps, known)) == 100
    assert skips(vendor) == [""]
    vendor.upload(app, "2.0", "999")
    vendor.requests.clear()
    assert "2.0" in {build.version for build in await client.list_builds(apps, known)}
    assert skips(vendor) == ["", "skip=100"]


async def test_a_list_in_another_order_is_read_to_its_end(client: App47, vendor: PretendApp47, still_clock: Any) -> None:
    """Oldest first: the first page is wholly known, and what is new stands on the last one."""
    vendor.newest_first = False
    app = upload_many(vendor, still_clock, 120)
    apps = await client.list_apps()
    known = {build.id for build in await client.list_builds(apps)}
    vendor.upload(app, "2.0", "999")
    assert (await client.list_builds(apps, known))[0].version == "2.0"


async def test_a_list_without_dates_is_read_to_its_end(connect: Connect, serve: Any) -> None:
    app, asked = paged(lambda skip: page_of(skip, 100 if skip < 200 else 1))
    known = {f"x{number}" for number in range(100)}
    assert len(await connect(api_url=await serve(app)).list_builds([wire.CatalogApp(ACCOUNT, "a", "A")], known)) == 201
    assert asked == [0, 100, 200]


async def test_no_more_than_two_calls_at_once(connect: Connect, serve: Any) -> None:
    running, most = 0, 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        if scope["type"] == "http":
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            await JSONResponse({"results": {"success": True, "count": 0, "list": []}})(scope, receive, send)

    apps = [wire.CatalogApp(ACCOUNT, f"a{number}", "A") for number in range(12)]
    assert await connect(api_url=await serve(app)).list_builds(apps) == []
    assert most <= AT_ONCE == 2


# --- reading again --------------------------------------------------------------------------------


async def test_a_build_ripens(client: App47, vendor: PretendApp47) -> None:
    uploaded = vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241", processed=False)
    build = await only_build(client)
    with pytest.raises(NotReady) as caught:
        await client.mint_link(build)
    assert caught.value.reason == "processing"
    vendor.finish_processing(uploaded)
    ripe = await client.reread_build(build)
    assert (ripe.state, ripe.handover) == (BuildState.READY, Handover.NONE)
    vendor.activate(uploaded)
    live = await client.reread_build(build)
    assert (live.state, live.handover, live.key) == (BuildState.LIVE, Handover.PAGE, build.key)
    assert live == await only_build(client)
    assert paths(vendor)[-3].endswith(f"/builds/{build.id}")


async def test_without_a_call_for_one_build_the_list_is_read(client: App47, vendor: PretendApp47, still_clock: Any) -> None:
    upload_many(vendor, still_clock, 150)
    vendor.shows_builds = False
    builds = await all_builds(client)
    vendor.requests.clear()
    assert await client.reread_build(builds[5]) == builds[5]
    assert skips(vendor) == ["", ""]
    assert await client.reread_build(builds[120]) == builds[120]
    assert skips(vendor)[2:] == ["", "", "skip=100"]


async def test_one_build_in_another_shape_is_found_in_the_list(client: App47, vendor: PretendApp47) -> None:
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    build = await only_build(client)
    vendor.misbehave(f"/builds/{build.id}$", Misbehaviour.WRONG_JSON)
    assert await client.reread_build(build) == build


@pytest.mark.parametrize("shows_builds", [True, False])
async def test_a_build_that_was_deleted_is_gone(client: App47, vendor: PretendApp47, shows_builds: bool) -> None:
    vendor.shows_builds = shows_builds
    uploaded = vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    build = await only_build(client)
    vendor.remove(uploaded)
    with pytest.raises(NotFound) as caught:
        await client.reread_build(build)
    assert caught.value.reason == "gone"


async def test_an_app_that_was_deleted_takes_its_builds_along(client: App47, vendor: PretendApp47) -> None:
    app, web = vendor.add_app("Field Sales"), vendor.add_web_app("Canteen", "https://canteen.acme.com")
    vendor.upload(app, "2.4.1", "241")
    builds = await all_builds(client)
    vendor.remove_app(app)
    vendor.remove_app(web)
    assert len(builds) == 2
    for build in builds:
        with pytest.raises(NotFound):
            await client.reread_build(build)


async def test_a_web_apps_next_version_is_another_build(client: App47, vendor: PretendApp47, still_clock: Any) -> None:
    web = vendor.add_web_app("Canteen", "https://canteen.acme.com", "7")
    first = await only_build(client)
    assert await client.reread_build(first) == first
    still_clock.advance(timedelta(days=3))
    vendor.edit(web, version="8", uri="https://canteen.acme.com/8")
    second = await only_build(client)
    assert (second.version, second.uploaded_at) == ("8", still_clock())
    assert second.key != first.key
    assert (await client.mint_link(second)).url == "https://canteen.acme.com/8"
    for ask in (client.reread_build, client.mint_link):
        with pytest.raises(NotFound) as caught:
            await ask(first)
        assert caught.value.reason == "gone"


# --- links ----------------------------------------------------------------------------------------


async def test_private_apps_are_installed_from_the_store_page(client: App47, vendor: PretendApp47) -> None:
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    vendor.upload(vendor.add_app("Partner Desk", "b2b"), "1.0", "1", environment="Test")
    builds = await all_builds(client)
    vendor.requests.clear()
    for build in builds:
        link = await client.mint_link(build)
        assert (link.url, link.kind, link.expires_at) == (STORE_PAGE, LinkKind.PAGE, None)
        assert STORE_PAGE not in repr(link)
    assert vendor.requests == []


async def test_the_store_page_offers_no_build_but_the_active_one(client: App47, vendor: PretendApp47) -> None:
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241", make_active=False)
    build = await only_build(client)
    assert (build.state, build.handover) == (BuildState.READY, Handover.NONE)
    with pytest.raises(NotFound) as caught:
        await client.mint_link(build)
    assert caught.value.reason == "no_public_link"


async def test_without_a_store_page_there_is_no_link(connect: Connect, vendor: PretendApp47) -> None:
    client = connect(store_page=None)
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    with pytest.raises(NotFound) as caught:
        await client.mint_link(await only_build(client))
    assert caught.value.reason == "no_public_link"


@pytest.mark.parametrize("store_page", [None, STORE_PAGE])
async def test_public_apps_lead_to_their_stores(connect: Connect, vendor: PretendApp47, store_page: str | None) -> None:
    client = connect(store_page=store_page)
    store = "https://apps.microsoft.com/detail/9wzdncrfj3tj"
    public = vendor.add_public_app("Shop", apple="1234567890", google="com.acme.shop", windows=store)
    builds = await all_builds(client)
    links = {build.platform: await client.mint_link(build) for build in builds}
    assert {platform: link.url for platform, link in links.items()} == {
        Platform.IOS: "https://apps.apple.com/app/id1234567890",
        Platform.ANDROID: "https://play.google.com/store/apps/details?id=com.acme.shop",
        Platform.WINDOWS: store,
    }
    assert {link.kind for link in links.values()} == {LinkKind.PAGE}
    vendor.edit(public, apple_external_id="javascript:alert(1)", google_external_id="", windows_external_url="file:///x")
    for build in builds:
        with pytest.raises(NotFound) as caught:
            await client.mint_link(build)
        assert caught.value.reason == "gone"


async def test_a_web_app_leads_to_its_address(connect: Connect, vendor: PretendApp47) -> None:
    client = connect(store_page=None)
    web = vendor.add_web_app("Canteen", "https://canteen.acme.com/?a=b#c", "7")
    build = await only_build(client)
    assert (await client.mint_link(build)).url == "https://canteen.acme.com/?a=b#c"
    vendor.edit(web, uri="javascript:alert(1)")
    with pytest.raises(NotFound) as caught:
        await client.mint_link(build)
    assert caught.value.reason == "no_public_link"
    assert (await client.reread_build(build)).handover is Handover.NONE


# --- token, envelope, md5 -------------------------------------------------------------------------


async def test_ping(client: App47, vendor: PretendApp47) -> None:
    result = await client.probe()
    assert result.summary == "the token is valid"
    assert result.server_time is not None
    assert paths(vendor) == ["/api/v2"]
    assert vendor.requests[0].headers["access-token"] == vendor.access_token
    assert "authorization" not in vendor.requests[0].headers


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
async def test_a_bad_token_is_refused_without_a_second_try(connect: Connect, vendor: PretendApp47, status: int) -> None:
    """Which status comes with it is not published."""
    vendor.token_status = status
    client = connect(token="mt_wrong")
    for ask in (client.probe, client.list_apps):
        vendor.requests.clear()
        with pytest.raises(Refused) as caught:
            await ask()
        assert caught.value.reason == ("forbidden" if status == 403 else "unauthorized")
        assert [request.credential for request in vendor.requests] == ["unknown"]
        assert "mt_wrong" not in f"{caught.value!r}{caught.value}"
    assert "mt_wrong" not in repr(AccessToken("mt_wrong"))


async def test_a_token_that_cannot_be_sent_is_refused(connect: Connect) -> None:
    with pytest.raises(Refused) as caught:
        await connect(token="mt\nwrong").probe()
    assert caught.value.reason == "bad_credential"


async def test_the_token_stays_with_its_host(client: App47, vendor: PretendApp47, serve: Any) -> None:
    elsewhere = PretendApp47()
    vendor.misbehave("/api/v2", Misbehaviour.REDIRECT_ELSEWHERE, url=f"{await serve(elsewhere.app)}/api/v2/apps")
    for ask in (client.probe, client.list_apps):
        with pytest.raises(Confused) as caught:
            await ask()
        assert caught.value.reason == "redirected"
    assert elsewhere.requests == []


async def test_the_token_stays_behind_where_redirects_are_followed(
    vendor: PretendApp47, url: str, serve: Any, surroundings: Surroundings
) -> None:
    """A header of the vendor's own is taken off like Authorization."""
    elsewhere = PretendApp47()
    vendor.misbehave("/api/v2", Misbehaviour.REDIRECT_ELSEWHERE, url=f"{await serve(elsewhere.app)}/api/v2")
    http = VendorHttp("app47", ACCOUNT, surroundings)
    with pytest.raises(Refused):
        async with http.stream("open", "GET", f"{url}/api/v2", credential=AccessToken(vendor.access_token)):
            pass
    await http.aclose()
    assert [request.credential for request in vendor.requests] == ["member token"]
    assert [(request.path, "access-token" in request.headers) for request in elsewhere.requests] == [("/api/v2", False)]


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (200, '{"results": {"success": false, "message": "Invalid app type (blah)"}}', Confused, "success_false"),
        (200, '{"results": {"success": false, "message": "App not found"}}', NotFound, "not_found"),
        (200, '{"results": {"success": true}}', Confused, "missing_field:list"),
        (200, '{"results": {"success": true, "list": [{}]}}', Confused, "missing_field:id"),
        (200, "[]", Confused, "not_an_object"),
        (200, "{}", Confused, "missing_field:results"),
        (200, "<html>", Confused, "html"),
        (200, "", Confused, "empty_body"),
        (200, '{"results": ', Confused, "bad_json"),
        (400, '{"results": {"success": false, "message": "Invalid app type (blah)"}}', Confused, "http_400"),
        (400, '{"results": {"success": true, "list": []}}', Confused, "http_400"),
        (402, "<html>", Refused, "http_402"),
        (404, "<html>", NotFound, "not_found"),
        (429, '{"results": {"success": false, "message": "Slow down"}}', RateLimited, "rate_limited"),
        (500, '{"results": {"success": false, "message": "Oops"}}', Unreachable, "http_500"),
        (502, "<html>", Unreachable, "http_502"),
    ],
)
async def test_status_and_envelope_in_any_mixture(
    client: App47, vendor: PretendApp47, status: int, body: str, error: type[ProviderError], reason: str
) -> None:
    vendor.misbehave("/apps", Misbehaviour.STATUS, status=status, body=body)
    with pytest.raises(ProviderError) as caught:
        await client.list_apps()
    assert (type(caught.value), caught.value.reason) == (error, reason)
    assert (caught.value.provider, caught.value.account, caught.value.operation) == ("app47", ACCOUNT, "list apps")


@pytest.mark.parametrize(
    "kind", [Misbehaviour.HTML_502, Misbehaviour.UNAVAILABLE, Misbehaviour.DROP_BEFORE_HEADERS, Misbehaviour.DROP_MID_BODY]
)
async def test_a_passing_trouble_passes(client: App47, vendor: PretendApp47, kind: Misbehaviour) -> None:
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    vendor.misbehave("/apps$", kind, times=1)
    assert (await only_build(client)).version == "2.4.1"


async def test_a_page_that_fails_leaves_no_half_list(connect: Connect, serve: Any) -> None:
    app, _ = paged(lambda skip: page_of(skip, 100) if skip < 100 else {"success": False, "message": "Invalid skip"})
    with pytest.raises(Confused) as caught:
        await connect(api_url=await serve(app)).list_apps()
    assert caught.value.reason == "success_false"


async def test_a_wrong_md5_is_logged_once_and_believed(
    client: App47, vendor: PretendApp47, caplog: pytest.LogCaptureFixture
) -> None:
    vendor.wrong_md5 = True
    for name in ("Field Sales", "Till"):
        vendor.upload(vendor.add_app(name), "2.4.1", "241")
    await client.probe()
    for _ in range(2):
        assert len(await all_builds(client)) == 2
    assert [(record.levelno, record.getMessage()) for record in caplog.records if record.name.startswith("providers")] == [
        (logging.WARNING, f"app47/{ACCOUNT}: {operation} got an answer whose md5 does not fit")
        for operation in ("probe", "list apps", "list builds")
    ]
    assert not re.search(r"mt_|Field Sales", caplog.text)


async def test_a_right_md5_is_nothing_to_speak_of(client: App47, vendor: PretendApp47, caplog: pytest.LogCaptureFixture) -> None:
    vendor.upload(vendor.add_app("Kündigung & <b>Söhne</b>"), "2.4.1", "241", notes="\u2028“Fixes” \U0001f680")
    await client.probe()
    await client.reread_build(await only_build(client))
    assert [record for record in caplog.records if record.name.startswith("providers")] == []


# --- settings -------------------------------------------------------------------------------------


def test_it_opens_no_files_and_knows_no_agreements_and_no_webhooks() -> None:
    assert not issubclass(App47, (OpensFiles, ChecksAgreements, ReceivesWebhooks))


async def test_settings_connect(url: str, vendor: PretendApp47, surroundings: Surroundings) -> None:
    settings = App47Settings(
        name=ACCOUNT,
        provider="app47",
        access_token=SecretStr(vendor.access_token),
        store_page="https://apps.acme.com/store/",
        api_url=f"{url}/",
    )
    client = SPEC.connect(settings, surroundings)
    assert isinstance(client, App47)
    assert (client.account, client.provider) == (ACCOUNT, SPEC.name)
    vendor.upload(vendor.add_app("Field Sales"), "2.4.1", "241")
    assert (await client.mint_link(await only_build(client))).url == "https://apps.acme.com/store"
    assert (await client.probe()).summary
    await client.aclose()


def test_the_shortest_account(tmp_path: Any) -> None:
    table = {"name": ACCOUNT, "provider": "app47", "access_token": "env:APP47_TOKEN"}
    settings = App47Settings.model_validate(table, context=SecretSources({"APP47_TOKEN": "mt_secret"}, tmp_path))
    assert (settings.api_url, settings.store_page) == ("https://cirrus.app47.com", None)
    assert "mt_secret" not in repr(settings)


@pytest.mark.parametrize(
    "changes",
    [{"access_token": "mt_secret"}, {"store_page": "javascript:alert(1)"}, {"store_page": ""}, {"api_url": "cirrus.app47.com"}],
)
def test_a_setting_that_is_none(tmp_path: Any, changes: dict[str, str]) -> None:
    table = {"name": ACCOUNT, "provider": "app47", "access_token": "env:APP47_TOKEN", **changes}
    with pytest.raises(ValidationError) as caught:
        App47Settings.model_validate(table, context=SecretSources({"APP47_TOKEN": "x"}, tmp_path))
    assert "mt_secret" not in str(caught.value)
