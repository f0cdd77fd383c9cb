"""Applivery's publications: which builds their pages offer, and what becomes of the pages."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.domain.errors import Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.model import Build, BuildState, Handover, LinkKind, Platform
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendApplivery
from bot.sandbox.vendors.applivery import AppliveryApp
from providers.applivery import SPEC, AppliverySettings, publications, wire
from providers.applivery.client import Applivery
from providers.applivery.publications import Publication
from providers.http import StaticBearer, VendorHttp
from providers.spec import Surroundings
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
APP = "5f0000000000000000000001"
STORE = "https://apps.acme.example"


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"applivery_{name}.json").read_bytes())


def read(body: Any) -> wire.Page[Publication]:
    return publications.read_publications(body, "acme", "list publications")


def recorded_builds() -> list[Build]:
    return wire.newest_first(wire.read_builds(recorded("builds"), "acme", "list builds", APP).items)


def pages(changes: dict[str, Any], store_url: str | None = None) -> list[Build]:
    """The pages of the first recorded publication with changes, over the recorded builds."""
    item = recorded("publications")["data"]["items"][0] | changes
    found = read({"data": {"items": [item]}}).items
    labels = wire.read_labels(recorded("builds"), "acme", "list builds")
    return list(publications.page_builds(found, recorded_builds(), store_url, labels))


# --- wire -----------------------------------------------------------------------------------------


def test_publications() -> None:
    page = read(recorded("publications"))
    last, chosen, closed = page.items
    assert (page.has_next, page.total) == (False, 3)
    assert last == Publication(
        id="61aa00000000000000000001",
        app_id=APP,
        slug="acme-shop",
        url="https://acme.applivery.example/acme-shop",
        kind="last",
        value=None,
        builds=frozenset(),
        security="logged",
        is_open=True,
        expires_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert chosen.builds == {"552ae3cfcb5abfc58d733b81", "552ae3cfcb5abfc58d733b80"}
    assert (chosen.app_id, chosen.url, chosen.is_open, chosen.expires_at) == (APP, None, True, None)
    assert (closed.app_id, closed.is_open) == (APP, False)


def test_the_newest_build_of_each_platform_is_on_the_page() -> None:
    ios, android = pages({})
    true_ios = next(build for build in recorded_builds() if build.platform is Platform.IOS)
    assert ios == replace(
        true_ios,
        id="pub-61aa00000000000000000001-ios",
        track="Publication",
        state=BuildState.LIVE,
        handover=Handover.PAGE,
        size=None,
        detail="acme-shop, logged",
        expires_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert (android.platform, android.version) == (Platform.ANDROID, "2.4.0")
    assert [publications.publication_of(build) for build in (ios, android, true_ios)] == [*["61aa00000000000000000001"] * 2, None]


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"filter": {"type": "last"}}, ["ios 2.4.1", "android 2.4.0"]),
        ({"filter": {"type": "builds", "ios": "552ae3cfcb5abfc58d733b81"}}, ["ios 2.4.1"]),
        ({"filter": {"type": "build", "value": "552ae3cfcb5abfc58d733b80"}}, ["android 2.4.0"]),
        ({"filter": {"type": "builds", "builds": [{"id": "552ae3cfcb5abfc58d733b80"}, None, {}]}}, ["android 2.4.0"]),
        ({"filter": {"type": "builds", "builds": {"id": "552ae3cfcb5abfc58d733b80"}}}, []),
        ({"filter": {"type": "builds", "android": "552ae3cfcb5abfc58d733b84"}}, []),  # not processed
        ({"filter": {"type": "gitBranch", "value": "release/2.4"}}, ["ios 2.4.1"]),
        ({"filter": {"type": "gitBranch", "value": "release"}}, []),
        ({"filter": {"type": "gitBranch"}}, []),
        ({"filter": {"type": "tag", "value": "qa"}}, ["ios 2.4.1"]),
        ({"filter": {"type": "tag", "value": "q"}}, []),
        ({"filter": {"type": "tag", "value": "qa,beta"}}, []),
        ({"filter": {"type": "tag", "value": "v2.4.1"}}, []),
        ({"filter": {"type": "tag", "value": ["qa"]}}, []),
        ({"filter": {"type": "tag"}}, []),
        ({"filter": {"type": "gitTag", "value": "v2.4.1"}}, ["ios 2.4.1"]),
        ({"filter": {"type": "gitTag", "value": "qa"}}, []),
        ({"filter": {"type": "gitTag"}}, []),
        ({"filter": {"type": "moon"}}, []),
        ({"filter": None}, []),
        ({"application": "5f0000000000000000000002"}, []),
        ({"application": None}, []),
        ({"visibility": "unlisted"}, ["ios 2.4.1", "android 2.4.0"]),
        ({"visibility": "inactive"}, []),
        ({"visibility": "secret"}, []),
        ({"distributionUrl": None}, []),
        ({"distributionUrl": "/acme-shop"}, []),
        ({"distributionUrl": "javascript:alert(1)"}, []),
    ],
)
def test_what_a_publication_offers(changes: dict[str, Any], offered: list[str]) -> None:
    found = pages({"application": APP} | changes)
    assert [f"{build.platform} {build.version}" for build in found] == offered


def test_a_store_is_asked_for_its_page_where_the_vendor_does_not_say() -> None:
    [item, *_] = read({"data": {"items": [recorded("publications")["data"]["items"][1] | {"slug": "a b/../c"}]}}).items
    assert item.address(None) is None
    assert item.address(STORE) == f"{STORE}/a%20b%2F..%2Fc"
    assert read(recorded("publications")).items[0].address(STORE) == "https://acme.applivery.example/acme-shop"
    assert len(pages({"distributionUrl": None}, STORE)) == 2
    assert pages({"distributionUrl": None, "slug": None}, STORE) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "not_an_object"),
        ({"data": []}, "missing_field:data"),
        ({"data": {"items": None}}, "missing_field:items"),
        ({"data": {"items": [5]}}, "not_an_object"),
        ({"data": {"items": [{"slug": "acme-shop"}]}}, "missing_field:id"),
    ],
)
def test_wrong_shapes_confuse(body: Any, reason: str) -> None:
    with pytest.raises(Confused) as caught:
        read(body)
    assert caught.value.reason == reason


JSON = any_json(
    st.sampled_from(
        [
            *("id", "application", "applicationInfo", "slug", "distributionUrl", "filter", "type", "value", "builds"),
            *("ios", "android", "security", "visibility", "expirationDate", "data", "items", "hasNextPage", "totalDocs"),
        ]
    ),
)


@given(JSON)
def test_any_json_is_read_or_confuses(body: Any) -> None:
    for wrapped in (body, {"data": body}, {"data": {"items": [body]}}):
        with suppress(Confused):
            list(publications.page_builds(read(wrapped).items, recorded_builds(), STORE, {}))
        with suppress(Confused):
            publications.read_publication(wrapped, "acme", "test")


@given(st.sampled_from(sorted(recorded("publications")["data"]["items"][0])), JSON)
def test_any_field_may_be_anything(name: str, value: Any) -> None:
    with suppress(Confused):
        assert all(build.handover is Handover.PAGE for build in pages({name: value}, STORE))


# --- client ---------------------------------------------------------------------------------------


@pytest.fixture
def vendor(still_clock: Any) -> PretendApplivery:
    return PretendApplivery(still_clock)


@pytest.fixture
def shop(vendor: PretendApplivery) -> AppliveryApp:
    return vendor.add_app("Shop", "com.acme.shop")


Connect = Callable[..., Applivery]


@pytest.fixture
async def connect(vendor: PretendApplivery, serve: Any, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly."""
    url = await serve(vendor.app)
    clients: list[Applivery] = []

    def make(deadline: float = 30.0, **options: Any) -> Applivery:
        http = VendorHttp("applivery", "acme", surroundings, backoff_max=0.01, deadline=deadline, classify=wire.classify)
        bearer = StaticBearer(vendor.service_account_token)
        clients.append(Applivery(http, bearer, "acme", url, url, **{"store_id": vendor.store.id} | options))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> Applivery:
    return connect()


async def page_of(client: Applivery) -> Build:
    [page] = [build for build in await client.list_builds(await client.list_apps()) if build.handover is Handover.PAGE]
    return page


async def test_a_page_stands_beside_the_file_and_goes_on_with_it(
    client: Applivery, vendor: PretendApplivery, shop: AppliveryApp, still_clock: Any
) -> None:
    vendor.store.publish(shop.id, "shop", security="password")
    vendor.upload(shop, "1.0", "1", platform="ios", uploaded_at=still_clock() - timedelta(hours=2))
    page = await page_of(client)
    assert (page.track, page.state, page.version, page.detail) == ("Publication", BuildState.LIVE, "1.0", "shop, password")
    vendor.upload(shop, "1.1", "2", platform="ios", uploaded_at=still_clock() - timedelta(hours=1))
    vendor.upload(shop, "1.2", "3", platform="ios", processed=False)
    followed = await page_of(client)
    assert (followed.key, followed.version) == (page.key, "1.1")


@pytest.mark.parametrize(("kind", "value"), [("gitBranch", "release"), ("tag", "approved"), ("gitTag", "v1.0")])
async def test_the_page_is_that_of_the_newest_build_it_really_serves(
    client: Applivery, vendor: PretendApplivery, shop: AppliveryApp, still_clock: Any, kind: str, value: str
) -> None:
    """Beside newer builds that it does not serve, and on a later page than the first."""
    vendor.page_size_max = 10
    vendor.store.publish(shop.id, "shop", kind=kind, value=value)
    labelled: dict[str, Any] = {"branch": "release", "tags": ("qa", "approved"), "git_tag": "v1.0"}
    for hours, labels in ((30, labelled), (20, labelled), *((hours, {}) for hours in range(1, 15))):
        vendor.upload(shop, f"1.{30 - hours}", str(hours), uploaded_at=still_clock() - timedelta(hours=hours), **labels)
    page = await page_of(client)
    assert page.version == "1.10"
    assert (await client.mint_link(page)).url == f"{vendor.store.url}/shop"


async def test_one_request_more_and_none_without_a_store(connect: Connect, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop")
    for client, count in ((connect(), 3), (connect(store_id=None), 2)):
        vendor.requests.clear()
        builds = await client.list_builds(await client.list_apps())
        assert (len(builds), len(vendor.requests)) == (count - 1, count)
        assert (await client.list_builds([]), len(vendor.requests)) == ([], count)


async def test_many_publications_are_paged(client: Applivery, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    vendor.page_size_max = 10
    vendor.upload(shop, "1.0", "1")
    for number in range(25):
        vendor.store.publish(shop.id, f"shop-{number}")
    builds = await client.list_builds(await client.list_apps())
    assert len({build.key for build in builds if build.track == "Publication"}) == 25


async def test_reading_still_stops_at_what_is_known(
    client: Applivery, vendor: PretendApplivery, shop: AppliveryApp, still_clock: Any
) -> None:
    vendor.page_size_max = 10
    vendor.store.publish(shop.id, "shop")
    for number in range(30):
        vendor.upload(shop, f"1.{number}", str(number), uploaded_at=still_clock() - timedelta(minutes=30 - number))
    apps = await client.list_apps()
    known = {build.id for build in await client.list_builds(apps)}
    vendor.requests.clear()
    builds = await client.list_builds(apps, known)
    assert len(vendor.requests) == 2
    assert [build.version for build in builds if build.track == "Publication"] == ["1.29"]


@pytest.mark.parametrize("nests_app", [True, False])
@pytest.mark.parametrize(("tells_address", "store_url"), [(True, None), (False, STORE)])
async def test_the_link_is_the_page(
    connect: Connect, vendor: PretendApplivery, shop: AppliveryApp, tells_address: bool, store_url: str | None, nests_app: bool
) -> None:
    vendor.store.tells_address, vendor.store.nests_app = tells_address, nests_app
    ends_at = vendor.clock() + timedelta(days=7)
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop", expires_at=ends_at)
    client = connect(store_url=store_url)
    page = await page_of(client)
    link = await client.mint_link(page)
    assert (link.url, link.kind, link.expires_at) == (f"{store_url or vendor.store.url}/shop", LinkKind.PAGE, ends_at)
    assert page.expires_at == ends_at
    assert "downloadToken" not in vendor.requests[-1].path
    assert await client.reread_build(page) == page


async def test_a_page_that_is_closed_or_deleted_is_gone(client: Applivery, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    vendor.upload(shop, "1.0", "1")
    publication = vendor.store.publish(shop.id, "shop")
    page = await page_of(client)
    for happens in (lambda: setattr(publication, "visibility", "inactive"), lambda: vendor.store.remove(publication)):
        happens()
        for ask in (client.reread_build, client.mint_link):
            with pytest.raises(NotFound):
                await ask(page)
    assert [build.track for build in await client.list_builds(await client.list_apps())] == ["App Distribution"]


async def test_a_page_of_a_store_that_is_no_longer_configured_is_gone(
    connect: Connect, vendor: PretendApplivery, shop: AppliveryApp
) -> None:
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop")
    page = await page_of(connect())
    for ask in (connect(store_id=None).reread_build, connect(store_id=None).mint_link):
        with pytest.raises(NotFound) as caught:
            await ask(page)
        assert caught.value.reason == "gone"


async def test_a_page_without_an_address_any_more(client: Applivery, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop")
    page = await page_of(client)
    vendor.store.tells_address = False
    with pytest.raises(NotFound) as caught:
        await client.mint_link(page)
    assert caught.value.reason == "no_public_link"


FAILURES = [
    (Misbehaviour.UNAUTHORIZED, {}, Refused, "unauthorized"),
    (Misbehaviour.FORBIDDEN, {}, Refused, "forbidden"),
    (Misbehaviour.STATUS, {"status": 404, "body": '{"status":false,"error":{"code":3001}}'}, NotFound, "not_found"),
    (Misbehaviour.STATUS, {"status": 200, "body": '{"status":false,"error":{"code":5004}}'}, Refused, "plan_limit"),
    (Misbehaviour.RATE_LIMITED, {}, RateLimited, "rate_limited"),
    (Misbehaviour.RATE_LIMITED, {"retry_after": 3600}, RateLimited, "rate_limited"),
    (Misbehaviour.HTML_502, {}, Unreachable, "http_502"),
    (Misbehaviour.HTML_200, {}, Confused, "html"),
    (Misbehaviour.TRUNCATED_JSON, {}, Confused, "bad_json"),
    (Misbehaviour.WRONG_JSON, {}, Confused, "missing_field:data"),
    (Misbehaviour.DROP_MID_BODY, {}, Unreachable, "dropped"),
    (Misbehaviour.GZIP_BOMB, {}, Confused, "too_large"),
]


@pytest.mark.parametrize(("kind", "options", "error", "reason"), FAILURES, ids=lambda value: str(value)[:20])
async def test_a_configured_store_that_fails_is_a_failure(
    client: Applivery,
    vendor: PretendApplivery,
    shop: AppliveryApp,
    kind: Misbehaviour,
    options: dict[str, Any],
    error: type[ProviderError],
    reason: str,
) -> None:
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop")
    apps, page = await client.list_apps(), await page_of(client)
    vendor.misbehave("/pubApps", kind, **options)
    for ask in (client.list_builds(apps), client.reread_build(page), client.mint_link(page), client.probe()):
        with pytest.raises(error) as caught:
            await ask
        assert caught.value.reason == reason


@pytest.mark.parametrize("kind", [Misbehaviour.HTML_502, Misbehaviour.RATE_LIMITED, Misbehaviour.DROP_BEFORE_HEADERS])
async def test_what_passes_is_not_noticed(
    client: Applivery, vendor: PretendApplivery, shop: AppliveryApp, kind: Misbehaviour
) -> None:
    vendor.upload(shop, "1.0", "1")
    vendor.store.publish(shop.id, "shop")
    vendor.misbehave("/pubApps", kind, times=1)
    assert (await page_of(client)).version == "1.0"


async def test_a_store_that_hangs_holds_nobody_for_long(connect: Connect, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    apps = await connect().list_apps()
    vendor.misbehave("/pubApps", Misbehaviour.HANG)
    with pytest.raises(Unreachable) as caught:
        await connect(deadline=0.3).list_builds(apps)
    assert caught.value.reason == "timeout"


async def test_the_probe_counts_publications(client: Applivery, vendor: PretendApplivery, shop: AppliveryApp) -> None:
    vendor.store.publish(shop.id, "shop")
    assert (await client.probe()).summary == "1 app, 1 publication"


# --- settings -------------------------------------------------------------------------------------

TABLE = {"name": "acme", "provider": "applivery", "organization": "acme", "token": SecretStr("sa_0")}


@pytest.mark.parametrize("store_id", ["5f3e1c0a9b8d7e6f5a4b3c2e", "17"])
async def test_a_store_is_configured(store_id: str, surroundings: Surroundings) -> None:
    settings = AppliverySettings.model_validate(TABLE | {"store_id": store_id, "store_url": "https://acme.applivery.com/"})
    assert settings.store_url == "https://acme.applivery.com"
    await SPEC.connect(settings, surroundings).aclose()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"store_id": "acme"}, "store_id"), ({"store_url": STORE}, "has store_url, which goes with store_id alone")],
)
def test_a_store_that_cannot_be(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        AppliverySettings.model_validate(TABLE | changes)


def test_no_repr_tells_an_address() -> None:
    assert "acme.applivery.example" not in repr(read(recorded("publications")).items[0])
