"""The Akana client against a pretend portal over real HTTP, and what its settings take."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.domain.errors import Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.listing import gaps_of
from bot.domain.model import App, Build, BuildState, Handover, Platform
from bot.domain.ports import (
    ChecksAgreements,
    ListsApps,
    ListsBuilds,
    MintsLinks,
    OpensFiles,
    Probes,
    ReceivesWebhooks,
    RereadsBuilds,
)
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendAkana
from bot.sandbox.vendors.akana import PortalApp, Shape
from providers.akana import SPEC, AkanaSettings
from providers.akana.client import Akana
from providers.akana.session import SessionKeeper, shows_login
from providers.akana.wire import classify
from providers.http import VendorHttp
from providers.spec import SecretSources, Surroundings

TENANT = "acmepaymentscorp"
LOGIN, RENEWAL, SEARCH = "/api/login", "/api/login/renewToken", "/api/search"

# --- settings -------------------------------------------------------------------------------------

TABLE = {
    "name": "acme-akana",
    "provider": "akana",
    "base_url": "https://portal.acme.com:9900/",
    "tenant": TENANT,
    "username": "purser@acme.com",
    "password": "env:AKANA_PASSWORD",
}


def parse(**changes: Any) -> AkanaSettings:
    sources = SecretSources({"AKANA_PASSWORD": "pw-s3cret"}, Path())
    return AkanaSettings.model_validate(TABLE | changes, context=sources)


def test_settings() -> None:
    settings = parse(apps=[f"app10033.{TENANT}"])
    assert settings.base_url == "https://portal.acme.com:9900"
    assert settings.password.get_secret_value() == "pw-s3cret"
    assert settings.apps == (f"app10033.{TENANT}",)
    assert parse().apps == ()
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("tenant", ["", "a b", "a;b", "a=b", "a\r\nX-Evil: 1", "a\n", "ä", "a,b", "a.b", "a" * 65, "a/b", '"a"'])
def test_a_tenant_that_cannot_be_part_of_a_header(tenant: str) -> None:
    with pytest.raises(ValidationError, match="tenant"):
        parse(tenant=tenant)


@pytest.mark.parametrize("app", ["", " ", "..", "../login", "a b", "a/b", "a?b", "a\n"])
def test_no_app_id(app: str) -> None:
    with pytest.raises(ValidationError, match="apps"):
        parse(apps=[app])


@pytest.mark.parametrize(
    "changes", [{"username": ""}, {"password": "pw-s3cret"}, {"base_url": "portal.acme.com"}, {"theme": "x"}]
)
def test_settings_that_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(**changes)
    assert "s3cret" not in str(caught.value)


async def test_what_the_settings_connect(vendor: PretendAkana, url: str, surroundings: Surroundings) -> None:
    vendor.add_app("Cards")
    password = SecretStr(vendor.password)
    client = SPEC.connect(parse(base_url=url, username=vendor.username, password=password), surroundings)
    assert not vendor.requests
    assert isinstance(client, ListsApps)
    assert [app.name for app in await client.list_apps()] == ["Cards"]
    await client.aclose()


# --- client ---------------------------------------------------------------------------------------


@pytest.fixture
def vendor(still_clock: Any) -> PretendAkana:
    return PretendAkana(still_clock)


@pytest.fixture
async def url(serve: Any, vendor: PretendAkana) -> str:
    address: str = await serve(vendor.app)
    return address


Connect = Callable[..., Akana]


@pytest.fixture
async def connect(vendor: PretendAkana, url: str, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly."""
    clients: list[Akana] = []

    def make(*apps: str, url: str = url) -> Akana:
        timeout = httpx.Timeout(2.0)
        options: Any = {"classify": classify(TENANT), "refuses": shows_login}
        http = VendorHttp("akana", "acme-akana", surroundings, timeout=timeout, backoff_max=0.01, **options)
        session = SessionKeeper(http, url, TENANT, vendor.username, SecretStr(vendor.password), surroundings.clock)
        clients.append(Akana(http, session, url, apps))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> Akana:
    return connect()


@pytest.fixture
def cards(vendor: PretendAkana) -> PortalApp:
    """A private app with two versions."""
    app = vendor.add_app("Cards")
    vendor.upload(app, "1.0", environment="Production", state="live")
    vendor.upload(app, "1.1", notes="Faster.", uploaded_at=vendor.clock() + timedelta(minutes=1))
    return app


def paths(vendor: PretendAkana, *, since: int = 0) -> list[str]:
    return [request.path for request in vendor.requests[since:]]


def versions_of(app: PortalApp) -> str:
    return f"/api/apps/{app.id}/versions"


async def everything(client: Akana) -> list[str]:
    return [f"{build.app_id} {build.version}" for build in await client.list_builds(await client.list_apps())]


def test_it_lists_and_hands_nothing_out(client: Akana) -> None:
    for ability in (ListsApps, ListsBuilds, RereadsBuilds, Probes):
        assert isinstance(client, ability)
    for ability in (MintsLinks, OpensFiles, ReceivesWebhooks, ChecksAgreements):
        assert not isinstance(client, ability)
    assert (client.provider, client.account) == ("akana", "acme-akana")


@pytest.mark.parametrize("shape", Shape)
async def test_apps_and_versions(client: Akana, vendor: PretendAkana, cards: PortalApp, shape: Shape) -> None:
    vendor.shape = shape
    apps = await client.list_apps()
    assert apps == [App("acme-akana", cards.id, "Cards")]
    newest, live = await client.list_builds(apps)
    assert newest == Build(
        account="acme-akana",
        app_id=cards.id,
        id=list(cards.versions)[1],
        version="1.1",
        platform=Platform.API,
        track="API Sandbox",
        state=BuildState.READY,
        handover=Handover.NONE,
        uploaded_at=vendor.clock() + timedelta(minutes=1),
        notes="Faster.",
        detail="sandbox",
    )
    assert (live.track, live.state, live.notes) == ("API Production", BuildState.LIVE, None)
    assert paths(vendor) == [LOGIN, SEARCH, SEARCH, versions_of(cards)]
    assert {request.headers["accept"] for request in vendor.requests} == {"application/json"}


async def test_configured_apps_are_named_by_their_versions(connect: Connect, vendor: PretendAkana, cards: PortalApp) -> None:
    other = vendor.add_app("Bank")
    vendor.upload(other, "2.0")
    vendor.upload(vendor.add_app("Not ours"), "3.0")
    client = connect(other.id, cards.id, other.id)
    apps = await client.list_apps()
    assert apps == [App("acme-akana", other.id, "Bank"), App("acme-akana", cards.id, "Cards")]
    assert sorted(build.version for build in await client.list_builds(apps)) == ["1.0", "1.1", "2.0"]
    assert SEARCH not in paths(vendor)


async def test_a_steady_state_asks_once_per_app(connect: Connect, vendor: PretendAkana, cards: PortalApp) -> None:
    client = connect(cards.id)
    await everything(client)
    before = len(vendor.requests)
    for _ in range(3):
        await everything(client)
    assert paths(vendor, since=before) == [versions_of(cards)] * 3


async def test_a_new_name_comes_with_the_versions(connect: Connect, cards: PortalApp) -> None:
    client = connect(cards.id)
    await everything(client)
    cards.name = "Cards II"
    await everything(client)
    assert [app.name for app in await client.list_apps()] == ["Cards II"]


async def test_a_configured_app_that_is_not_there_comes_when_it_does(
    connect: Connect, vendor: PretendAkana, cards: PortalApp
) -> None:
    client = connect(cards.id, f"app10034.{TENANT}")
    assert [app.name for app in await client.list_apps()] == ["Cards"]
    vendor.upload(vendor.add_app("Bank"), "1.0")
    assert [app.name for app in await client.list_apps()] == ["Cards", "Bank"]


async def test_a_configured_app_that_may_not_be_seen_is_a_gap(connect: Connect, vendor: PretendAkana, cards: PortalApp) -> None:
    bank = vendor.add_app("Bank")
    vendor.upload(bank, "2.0")
    vendor.misbehave(versions_of(bank), Misbehaviour.FORBIDDEN)
    found = await connect(cards.id, bank.id).list_apps()
    assert [app.name for app in found] == ["Cards"]
    assert [(id, error.reason) for id, error in gaps_of(found).items()] == [(bank.id, "forbidden")]


async def test_no_apps_no_requests(client: Akana, vendor: PretendAkana) -> None:
    assert await client.list_builds([]) == []
    assert not vendor.requests


@pytest.mark.parametrize(
    ("apps", "count_max", "pages"),
    [
        (0, 100, 1),
        (19, 100, 2),
        (20, 100, 2),
        (45, 100, 2),
        (100, 100, 2),
        (110, 100, 3),
        (230, 100, 4),
        (45, 20, 4),
        (45, 30, 3),
        (45, 7, 8),
    ],
)
async def test_every_page_of_a_search(client: Akana, vendor: PretendAkana, apps: int, count_max: int, pages: int) -> None:
    vendor.count_max = count_max
    for number in range(apps):
        vendor.add_app(f"App {number:03}")
    assert [app.name for app in await client.list_apps()] == [f"App {number:03}" for number in range(apps)]
    assert paths(vendor).count(SEARCH) == pages


async def test_a_search_that_never_ends(connect: Connect, serve: Any) -> None:
    """A portal that does not understand `start`."""
    pages = 0

    async def portal(scope: Any, receive: Any, send: Any) -> None:
        nonlocal pages
        if scope["type"] == "http":
            pages += Request(scope).url.path == SEARCH
            items = [{"title": f"App {number}", "guid": {"value": f"app{number}.{TENANT}"}} for number in range(100)]
            response = JSONResponse({"channel": {"item": items}})
            response.headers.append("set-cookie", f"AtmoAuthToken_{TENANT}=x")
            await response(scope, receive, send)

    assert len(await connect(url=await serve(portal)).list_apps()) == 100
    assert pages == 2


async def test_two_lists_at_once_and_no_more(vendor: PretendAkana, serve: Any, connect: Connect) -> None:
    running = most = 0
    vendor.latency = 0.01

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        running += scope["type"] == "http"
        most = max(most, running)
        await vendor.app(scope, receive, send)
        running -= scope["type"] == "http"

    for number in range(8):
        vendor.upload(vendor.add_app(f"App {number}"), "1.0")
    client = connect(url=await serve(counting))
    assert len(await everything(client)) == 8
    assert most == 2


async def test_ids_are_quoted(client: Akana, vendor: PretendAkana) -> None:
    odd = Build("acme-akana", "a/../../login?x#y", "v", "1.0", Platform.API, "API", BuildState.READY, Handover.NONE)
    with pytest.raises(NotFound):
        await client.reread_build(odd)
    assert vendor.requests[1].path == "/api/apps/a/../../login?x#y/versions"  # as the server decodes it


async def test_a_zone_that_says_nothing_is_no_time(client: Akana, vendor: PretendAkana, cards: PortalApp) -> None:
    vendor.zone = timezone(timedelta(hours=2), "CEST")
    assert [build.uploaded_at for build in await client.list_builds(await client.list_apps())] == [None, None]


async def test_reread(client: Akana, vendor: PretendAkana, cards: PortalApp) -> None:
    build = (await client.list_builds(await client.list_apps()))[0]
    version = cards.versions[build.id]
    vendor.move(version, "Production", "approved")
    fresh = await client.reread_build(build)
    assert (fresh.id, fresh.track, fresh.state, fresh.detail) == (build.id, "API Production", BuildState.APPROVED, "approved")
    vendor.remove(version)
    await assert_gone(client, build)
    vendor.remove_app(cards)
    with pytest.raises(NotFound):
        await client.reread_build(build)


async def assert_gone(client: Akana, build: Build) -> None:
    with pytest.raises(NotFound) as caught:
        await client.reread_build(build)
    assert (caught.value.operation, caught.value.reason) == ("reread build", "gone")


# --- lists that are not believed at once ----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Misbehaviour.HTML_200, {}),
        (Misbehaviour.STATUS, {"status": 302, "body": "", "content_type": "text/html"}),
        (Misbehaviour.UNAUTHORIZED, {}),
    ],
)
async def test_a_login_page_in_place_of_facts_means_to_log_in(
    client: Akana, vendor: PretendAkana, cards: PortalApp, kind: Misbehaviour, options: Any
) -> None:
    before = await everything(client)
    vendor.misbehave("/api/(search|apps)", kind, times=1, **options)
    assert await everything(client) == before
    assert paths(vendor).count(LOGIN) == 2


@pytest.fixture
def half_public(vendor: PretendAkana) -> PortalApp:
    """An app that everybody may see; one of its two versions is for those who are logged in."""
    app = vendor.add_app("Bank", public=True)
    vendor.upload(app, "1.0", public=True)
    vendor.upload(app, "2.0")
    return app


async def test_a_portal_that_forgot_the_session_is_asked_again(
    client: Akana, vendor: PretendAkana, cards: PortalApp, half_public: PortalApp
) -> None:
    before = await everything(client)
    vendor.end_sessions()
    assert await everything(client) == before
    vendor.end_sessions()
    assert await client.list_builds([App("acme-akana", half_public.id, "Bank")])
    assert [request.status for request in vendor.requests if request.path == RENEWAL] == [401, 401]
    assert paths(vendor).count(LOGIN) == 3


async def test_the_public_view_is_not_taken_for_the_whole(client: Akana, vendor: PretendAkana, half_public: PortalApp) -> None:
    apps = await client.list_apps()
    assert len(await client.list_builds(apps)) == 2
    vendor.end_sessions()
    before = len(vendor.requests)
    assert len(await client.list_builds(apps)) == 2
    assert paths(vendor, since=before) == [versions_of(half_public), RENEWAL, LOGIN, versions_of(half_public)]


async def test_what_is_gone_is_believed_from_a_living_session(
    client: Akana, vendor: PretendAkana, cards: PortalApp, half_public: PortalApp
) -> None:
    apps = await client.list_apps()
    await client.list_builds(apps)
    vendor.remove(next(iter(cards.versions.values())))
    vendor.remove_app(half_public)
    before = len(vendor.requests)
    assert [build.version for build in await client.list_builds(apps)] == ["1.1"]
    assert paths(vendor, since=before).count(RENEWAL) == 1  # one proof for both lists
    assert LOGIN not in paths(vendor, since=before)
    before = len(vendor.requests)
    assert [build.version for build in await client.list_builds(apps)] == ["1.1"]
    assert len(vendor.requests) == before + 2  # it is known by now


async def test_an_empty_list_is_proven_once(client: Akana, vendor: PretendAkana) -> None:
    assert await client.list_apps() == []  # the login is fresh
    assert await client.list_apps() == []
    assert paths(vendor) == [LOGIN, SEARCH, SEARCH]


async def test_a_list_that_cannot_be_proven_is_an_error(client: Akana, vendor: PretendAkana, half_public: PortalApp) -> None:
    apps = await client.list_apps()
    await client.list_builds(apps)
    vendor.end_sessions()
    vendor.misbehave("/api/login", Misbehaviour.UNAVAILABLE)
    with pytest.raises(Unreachable):
        await client.list_builds(apps)
    vendor.behave()
    assert len(await client.list_builds(apps)) == 2


async def test_an_empty_first_list_of_an_old_session_is_proven(
    client: Akana, vendor: PretendAkana, half_public: PortalApp
) -> None:
    await client.list_apps()
    vendor.remove_app(half_public)
    app = App("acme-akana", half_public.id, "Bank")
    with pytest.raises(NotFound):
        await client.list_builds([app])
    assert paths(vendor)[-2:] == [versions_of(half_public), RENEWAL]


async def test_more_is_believed_at_once(client: Akana, vendor: PretendAkana, cards: PortalApp) -> None:
    apps = await client.list_apps()
    await client.list_builds(apps)
    vendor.upload(cards, "1.2")
    assert len(await client.list_builds(apps)) == 3
    assert RENEWAL not in paths(vendor)


async def test_the_session_is_renewed_between_polls(
    client: Akana, vendor: PretendAkana, cards: PortalApp, still_clock: Any
) -> None:
    for _ in range(12):
        assert len(await everything(client)) == 2
        still_clock.advance(timedelta(minutes=5))
    assert paths(vendor).count(LOGIN) == 1
    assert paths(vendor).count(RENEWAL) == 2
    assert all(request.status == 200 for request in vendor.requests)


async def test_a_lock_out_policy_never_strikes(vendor: PretendAkana, client: Akana, cards: PortalApp) -> None:
    """Somebody changed the password: polls go on for days, logins do not."""
    vendor.locks_after = 3
    await everything(client)
    vendor.password = "changed"
    vendor.end_sessions()
    reasons = []
    for _ in range(6):
        with pytest.raises(Refused) as caught:
            await everything(client)
        reasons.append(caught.value.reason)
    assert reasons == ["unauthorized", "unauthorized", *["login_stopped"] * 4]
    assert vendor.failed_logins == 2


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "error", "reason", "tries"),
    [
        (Misbehaviour.FORBIDDEN, {}, Refused, "forbidden", 1),
        (Misbehaviour.UNAUTHORIZED, {}, Refused, "unauthorized", 2),
        (Misbehaviour.SERVER_ERROR, {}, Unreachable, "http_500", 4),
        (Misbehaviour.HTML_502, {}, Unreachable, "http_502", 4),
        (Misbehaviour.UNAVAILABLE, {}, Unreachable, "http_503", 4),
        (Misbehaviour.RATE_LIMITED, {"retry_after": 60}, RateLimited, "rate_limited", 1),
        (Misbehaviour.DROP_BEFORE_HEADERS, {}, Unreachable, "dropped", 4),
        (Misbehaviour.DROP_MID_BODY, {}, Unreachable, "dropped", 4),
        (Misbehaviour.TRUNCATED_JSON, {}, Confused, "bad_json", 1),
        (Misbehaviour.WRONG_JSON, {}, Confused, "missing_field:channel", 1),
        (Misbehaviour.WRONG_JSON, {"body": '{"faultcode": "Server", "faultstring": "x"}'}, Confused, "fault", 1),
        (Misbehaviour.WRONG_JSON, {"body": "[]"}, Confused, "not_an_object", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "<rss/>", "content_type": "application/xml"}, Confused, "html", 1),
        (Misbehaviour.HTML_200, {}, Confused, "html", 2),
        (Misbehaviour.REDIRECT_LOOP, {}, Confused, "redirected", 2),
        (Misbehaviour.REDIRECT_ELSEWHERE, {"url": "http://127.0.0.1:9/"}, Confused, "redirected", 2),
        (Misbehaviour.HUGE_BODY, {}, Confused, "too_large", 1),
        (Misbehaviour.GZIP_BOMB, {}, Confused, "too_large", 1),
    ],
)
@pytest.mark.parametrize("ability", ["list apps", "list builds", "reread build", "probe"])
async def test_trouble_gets_its_name(
    client: Akana,
    vendor: PretendAkana,
    cards: PortalApp,
    ability: str,
    kind: Misbehaviour,
    options: Any,
    error: type[ProviderError],
    reason: str,
    tries: int,
) -> None:
    apps = await client.list_apps()
    builds = await client.list_builds(apps)
    calls = {
        "list apps": client.list_apps,
        "list builds": lambda: client.list_builds(apps),
        "reread build": lambda: client.reread_build(builds[0]),
        "probe": client.probe,
    }
    vendor.misbehave("/api/(search|apps)", kind, **options)
    before = len(vendor.requests)
    with pytest.raises(ProviderError) as caught:
        await calls[ability]()
    assert (type(caught.value), caught.value.operation, caught.value.reason) == (error, ability, reason)
    assert len([path for path in paths(vendor, since=before) if path != LOGIN]) == tries


async def test_a_slow_drip_is_read_to_its_end(client: Akana, vendor: PretendAkana, cards: PortalApp) -> None:
    vendor.misbehave("/api/apps", Misbehaviour.SLOW_DRIP, pause=0.01)
    assert len(await everything(client)) == 2


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_an_app_that_is_gone_by_any_name(client: Akana, vendor: PretendAkana, cards: PortalApp, status: int) -> None:
    apps = await client.list_apps()
    [build, _] = await client.list_builds(apps)
    vendor.unknown_app_status = status
    vendor.remove_app(cards)
    before = len(vendor.requests)
    with pytest.raises(NotFound):
        await client.list_builds(apps)
    assert paths(vendor, since=before) == [versions_of(cards), RENEWAL]
    with pytest.raises(NotFound):
        await client.reread_build(build)


async def test_a_login_that_is_not_found_is_not_an_app_that_is_gone(
    client: Akana, vendor: PretendAkana, cards: PortalApp
) -> None:
    apps = await client.list_apps()
    await client.list_builds(apps)
    vendor.end_sessions()
    vendor.misbehave("/api/login", Misbehaviour.STATUS, status=404)
    with pytest.raises(NotFound) as caught:
        await client.list_builds(apps)
    assert caught.value.operation == "log in"


# --- probe ----------------------------------------------------------------------------------------


async def test_probe_counts_what_it_can_find(client: Akana, vendor: PretendAkana, cards: PortalApp) -> None:
    result = await client.probe()
    assert result.summary == "1 app"
    assert isinstance(result.server_time, datetime)
    assert paths(vendor) == [LOGIN, SEARCH]
    vendor.add_app("Bank")
    assert (await client.probe()).summary == "2 apps"


async def test_probe_looks_for_every_configured_app(connect: Connect, vendor: PretendAkana, cards: PortalApp) -> None:
    assert (await connect(cards.id).probe()).summary == "1 app"
    with pytest.raises(NotFound) as caught:
        await connect(cards.id, f"app99999.{TENANT}").probe()
    assert (caught.value.operation, caught.value.reason) == ("probe", "not_found")


async def test_probe_tells_what_stands_between(client: Akana, vendor: PretendAkana) -> None:
    vendor.pending_tasks = ["accept.legal.agreement"]
    with pytest.raises(Refused) as caught:
        await client.probe()
    assert caught.value.reason == "login_pending"
