"""The App Store Connect client against the pretend vendor, over HTTP."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from bot.domain.errors import AgreementBlocked, Confused, NotFound, NotReady, ProviderError, Refused, Unreachable
from bot.domain.model import AgreementState, App, Build, BuildState, LinkKind, Platform
from bot.domain.ports import WebhookHint, WebhookRequest
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.apple.documents import Paging
from bot.sandbox.vendors.apple.model import AgreementCode, AppleBuild, KeyProblem
from providers.app_store_connect.client import AppStoreConnect, summarise
from tests.providers.apple import SECRET, START, Apple

STEADY = ["apps", "builds", "buildUploads"]


def known_of(builds: Any) -> frozenset[str]:
    return frozenset(build.id for build in builds)


async def only_build(client: AppStoreConnect) -> Build:
    (build,) = await client.list_builds(await client.list_apps())
    return build


# --- Apps and builds --------------------------------------------------------------------------


async def test_apps_and_builds_as_facts(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.upload(shop, "3.2.0", "418", notes="Faster search", platform="tvos", uploaded_at=START)
    client = apple.client()
    apps = await client.list_apps()
    assert apps == [App("acme-apple", shop.id, "Shop", "com.acme.shop")]
    (build,) = await client.list_builds(apps)
    assert (build.app_id, build.version, build.number, build.platform) == (shop.id, "3.2.0", "418", Platform.TVOS)
    assert (build.state, build.detail, build.track) == (BuildState.APPROVED, "in beta testing", "TestFlight")
    assert (build.uploaded_at, build.expires_at) == (START, START + timedelta(days=90))
    assert (build.notes, build.min_os, build.bundle_id) == ("Faster search", "15.0", "com.acme.shop")


async def test_a_steady_poll_of_45_apps_is_two_requests_and_one_about_uploads(apple: Apple) -> None:
    apple.add_apps(45, builds_each=3)
    client = apple.client()
    known = known_of(await client.list_builds(await client.list_apps()))
    assert len(known) == 135
    apple.pretend.requests.clear()
    again = await client.list_builds(await client.list_apps(), known)
    assert known_of(again) == known
    assert [path.rpartition("/")[2] for path in apple.paths] == STEADY


async def test_a_steady_poll_of_45_apps_with_a_long_history_is_two_requests_and_one_about_uploads(apple: Apple) -> None:
    apple.add_apps(45, builds_each=12)
    client = apple.client()
    known = known_of(await client.list_builds(await client.list_apps()))
    assert len(known) == 540
    apple.pretend.requests.clear()
    await client.list_builds(await client.list_apps(), known)
    assert [path.rpartition("/")[2] for path in apple.paths] == STEADY


async def test_reading_goes_on_until_a_page_holds_nothing_unknown(apple: Apple) -> None:
    apple.add_apps(1, builds_each=450)
    client = apple.client()
    apps = await client.list_apps()
    builds = await client.list_builds(apps)
    assert apple.paths == ["/v1/apps", *["/v1/builds"] * 3]
    apple.pretend.requests.clear()
    assert len(await client.list_builds(apps, known_of(builds[1:]))) == 400
    assert apple.paths == ["/v1/builds", "/v1/builds", "/v1/apps"]


async def test_builds_of_all_apps_come_newest_first(apple: Apple) -> None:
    apple.add_apps(3, builds_each=90)
    client = apple.client()
    builds = await client.list_builds(await client.list_apps())
    moments = [build.uploaded_at for build in builds]
    assert len(moments) == 270
    assert moments == sorted(moments, key=lambda moment: moment or START, reverse=True)


async def test_builds_of_apps_that_were_not_asked_for_stay_away(apple: Apple) -> None:
    apple.add_apps(3)
    client = apple.client()
    apps = await client.list_apps()
    assert {build.app_id for build in await client.list_builds(apps[:2])} == {app.id for app in apps[:2]}


async def test_no_apps_is_no_request(apple: Apple) -> None:
    assert await apple.client().list_builds([]) == []
    assert apple.pretend.requests == []


async def test_very_many_apps_are_asked_for_in_addresses_of_bearable_length(apple: Apple) -> None:
    apple.add_apps(401)
    client = apple.client()
    apps = await client.list_apps()
    assert len(apps) == 401
    builds = await client.list_builds(apps)
    assert {build.app_id for build in builds} == {app.id for app in apps}
    assert builds[0].uploaded_at == START
    assert apple.paths == ["/v1/apps"] * 3 + ["/v1/builds"] * 3
    assert max(len(request.path) + len(request.query) for request in apple.pretend.requests) < 6000


@pytest.mark.parametrize("paging", [Paging(endless=True), Paging(drops_limit=True), Paging(endless=True, drops_limit=True)])
async def test_next_pages_that_never_end_are_not_followed_for_ever(apple: Apple, paging: Paging) -> None:
    apple.add_apps(250)
    apple.pretend.paging = paging
    client = apple.client()
    apps = await client.list_apps()
    assert len(apps) == 250
    assert len(await client.list_builds(apps[:201])) == 201
    assert len(apple.pretend.requests) <= 7


async def test_a_next_link_that_leads_in_circles_ends(apple: Apple) -> None:
    page = {"data": [{"type": "apps", "id": "1"}], "links": {"next": f"{apple.url}/v1/apps?cursor=again"}}
    apple.pretend.misbehave("/v1/apps", Misbehaviour.WRONG_JSON, body=json.dumps(page))
    assert await apple.client().list_apps() == [App("acme-apple", "1", "1")]
    assert len(apple.pretend.requests) == 2


@pytest.mark.parametrize("place", ["{other}/v1/apps?cursor=x", "//127.0.0.1:1/v1/apps", "/v1/apps?cursor=x", "https://[", ""])
async def test_the_token_never_follows_a_next_link_to_somebody_else(apple: Apple, place: str) -> None:
    other = PretendAppStoreConnect(clock=apple.clock)
    link = place.format(other=await apple.serve(other.app))
    page = {"data": [{"type": "apps", "id": "1"}], "links": {"next": link}}
    apple.pretend.misbehave("/v1/apps", Misbehaviour.WRONG_JSON, body=json.dumps(page))
    with pytest.raises(Confused):
        await apple.client().list_apps()
    assert other.requests == []


async def test_an_unfinished_build_is_read_again(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    made = apple.pretend.upload(shop, "3.2.0", "418", processed=False)
    client = apple.client()
    build = await only_build(client)
    assert build.state is BuildState.PROCESSING
    apple.pretend.finish_processing(made)
    assert await client.reread_build(build) == replace(build, state=BuildState.APPROVED, detail="in beta testing")
    apple.pretend.remove(made)
    with pytest.raises(NotFound, match="not_found"):
        await client.reread_build(build)


async def test_an_id_cannot_leave_its_place_in_the_address(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.upload(shop, "3.2.0", "418")
    client = apple.client()
    build = await only_build(client)
    with pytest.raises(NotFound):
        await client.reread_build(replace(build, id="../apps?x=1"))


# --- Keys -------------------------------------------------------------------------------------


async def test_one_token_serves_until_it_ages(apple: Apple) -> None:
    client = apple.client()
    await client.list_apps()
    apple.clock.now += timedelta(minutes=10)
    await client.list_apps()
    apple.clock.now += timedelta(minutes=10)
    await client.list_apps()
    first, second, third = (request.authorization for request in apple.pretend.requests)
    assert first == second
    assert second != third
    assert {request.credential for request in apple.pretend.requests} == {"team key"}


async def test_an_individual_key_is_recognised(apple: Apple) -> None:
    apple.add_apps(2)
    client = apple.client(apple.pretend.individual_key)
    assert len(await client.list_builds(await client.list_apps())) == 2
    assert {request.credential for request in apple.pretend.requests} == {"individual key"}


async def test_a_401_is_answered_with_a_new_token_once(apple: Apple) -> None:
    apple.add_apps(1)
    apple.pretend.misbehave("/v1/apps", Misbehaviour.UNAUTHORIZED, times=1)
    assert len(await apple.client().list_apps()) == 1
    first, second = (request.authorization for request in apple.pretend.requests)
    assert first != second


async def test_a_revoked_key_is_refused_after_one_more_try(apple: Apple) -> None:
    apple.pretend.revoke_keys()
    with pytest.raises(Refused, match="unauthorized"):
        await apple.client().list_apps()
    assert len(apple.pretend.requests) == 2


# --- Failures ---------------------------------------------------------------------------------


def patience(kind: Misbehaviour) -> float:
    """Seconds to wait for an answer: only one that never comes is not worth waiting for."""
    return 0.1 if kind is Misbehaviour.HANG else 5.0


@pytest.mark.parametrize("code", AgreementCode)
async def test_any_request_that_meets_a_missing_agreement_says_so(apple: Apple, code: AgreementCode) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.upload(shop, "3.2.0", "418")
    client = apple.client()
    apps = await client.list_apps()
    build = await only_build(client)
    apple.pretend.block_agreements(code)
    for call in (
        client.list_apps(),
        client.list_builds(apps),
        client.reread_build(build),
        client.mint_link(build),
        client.probe(),
    ):
        with pytest.raises(AgreementBlocked) as caught:
            await call
        assert caught.value.reason == code
    apple.pretend.clear_agreements()
    assert await client.list_apps() == apps


@pytest.mark.parametrize("problem", KeyProblem)
async def test_a_403_about_roles_is_no_agreement_problem(apple: Apple, problem: KeyProblem) -> None:
    apple.pretend.restrict_key(problem)
    with pytest.raises(Refused, match="forbidden"):
        await apple.client().list_apps()


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        (Misbehaviour.HTML_502, Unreachable, "http_502"),
        (Misbehaviour.HTML_200, Confused, "html"),
        (Misbehaviour.WRONG_JSON, Confused, "unexpected_shape"),
        (Misbehaviour.TRUNCATED_JSON, Confused, "bad_json"),
        (Misbehaviour.HANG, Unreachable, "timeout"),
        (Misbehaviour.DROP_BEFORE_HEADERS, Unreachable, "dropped"),
    ],
)
async def test_vendor_trouble_has_a_name(apple: Apple, kind: Misbehaviour, error: type[ProviderError], reason: str) -> None:
    apple.add_apps(1)
    apple.pretend.misbehave("/v1/apps", kind)
    with pytest.raises(error) as caught:
        await apple.client(read_timeout=patience(kind)).list_apps()
    assert (caught.value.provider, caught.value.account) == ("app_store_connect", "acme-apple")
    assert (caught.value.operation, caught.value.reason) == ("list apps", reason)
    assert [(seen.operation, seen.reason) for seen in apple.observations][-1] == (
        "list apps",
        "ok" if reason == "unexpected_shape" else reason,
    )


async def test_a_502_that_passes_is_not_noticed(apple: Apple) -> None:
    apple.add_apps(1)
    apple.pretend.misbehave("/v1/apps", Misbehaviour.HTML_502, times=1)
    assert len(await apple.client().list_apps()) == 1


# --- Links ------------------------------------------------------------------------------------


@pytest.fixture
def shop_build(apple: Apple) -> AppleBuild:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    return apple.pretend.upload(shop, "3.2.0", "418")


async def test_the_link_is_the_public_page_of_a_group_that_has_the_build(apple: Apple, shop_build: AppleBuild) -> None:
    apple.pretend.add_group(shop_build.app, "Staff", internal=True)
    apple.pretend.add_group(shop_build.app, "Closed", public_link=False)
    apple.pretend.add_group(shop_build.app, "Elsewhere")
    group = apple.pretend.add_group(shop_build.app, "Public", every_build=False)
    apple.pretend.add_to_group(shop_build, group)
    client = apple.client()
    link = await client.mint_link(await only_build(client))
    assert link.url == f"https://testflight.apple.com/join/{group.link_id}"
    assert (link.kind, link.expires_at) == (LinkKind.PAGE, None)
    assert group.link_id not in repr(link)


async def test_a_group_with_access_to_all_builds_will_do(apple: Apple, shop_build: AppleBuild) -> None:
    attributes = {
        "publicLink": "https://testflight.apple.com/join/AAAA1111",
        "publicLinkEnabled": True,
        "isInternalGroup": False,
        "hasAccessToAllBuilds": True,
    }
    page = {"data": [{"type": "betaGroups", "id": "g", "attributes": attributes}]}
    client = apple.client()
    build = await only_build(client)
    apple.pretend.misbehave("/v1/betaGroups", Misbehaviour.WRONG_JSON, times=1, body='{"data": []}')
    apple.pretend.misbehave("/v1/betaGroups", Misbehaviour.WRONG_JSON, body=json.dumps(page))
    assert (await client.mint_link(build)).url == "https://testflight.apple.com/join/AAAA1111"


@pytest.mark.parametrize(
    "external", ["READY_FOR_BETA_SUBMISSION", "IN_BETA_REVIEW", "BETA_REJECTED", "MISSING_EXPORT_COMPLIANCE"]
)
async def test_before_apples_approval_the_page_would_offer_another_build(
    apple: Apple, shop_build: AppleBuild, external: str
) -> None:
    group = apple.pretend.add_group(shop_build.app, "Public")
    apple.pretend.add_to_group(shop_build, group)
    client = apple.client()
    build = await only_build(client)
    apple.pretend.set_external_state(shop_build, external)
    with pytest.raises(NotFound, match="no_public_link"):
        await client.mint_link(build)


async def test_without_a_public_link_there_is_no_link(apple: Apple, shop_build: AppleBuild) -> None:
    client = apple.client()
    build = await only_build(client)
    with pytest.raises(NotFound, match="no_public_link"):
        await client.mint_link(build)
    apple.pretend.add_group(shop_build.app, "Public, but without this build")
    with pytest.raises(NotFound, match="no_public_link"):
        await client.mint_link(build)


async def test_a_build_that_is_being_processed_has_no_link_yet(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.add_group(shop, "Public")
    apple.pretend.upload(shop, "3.2.0", "418", processed=False)
    client = apple.client()
    with pytest.raises(NotReady, match="processing"):
        await client.mint_link(await only_build(client))


async def test_an_expired_build_has_no_link(apple: Apple, shop_build: AppleBuild) -> None:
    apple.pretend.add_to_group(shop_build, apple.pretend.add_group(shop_build.app, "Public"))
    client = apple.client()
    build = await only_build(client)
    apple.pretend.expire(shop_build)
    with pytest.raises(NotFound, match="no_public_link"):
        await client.mint_link(build)


async def test_a_live_version_has_its_store_page(apple: Apple, shop_build: AppleBuild) -> None:
    apple.pretend.add_store_version(shop_build.app, "3.2.0", state="READY_FOR_DISTRIBUTION", build=shop_build)
    client = apple.client()
    version = next(build for build in await client.list_builds(await client.list_apps()) if build.track == "App Store")
    link = await client.mint_link(version)
    assert (link.url, link.kind) == (f"https://apps.apple.com/app/id{shop_build.app.id}", LinkKind.PAGE)


@pytest.mark.parametrize("state", ["PREPARE_FOR_SUBMISSION", "PENDING_DEVELOPER_RELEASE", "REPLACED_WITH_NEW_VERSION"])
async def test_a_version_that_left_the_store_meanwhile_has_no_page(apple: Apple, shop_build: AppleBuild, state: str) -> None:
    made = apple.pretend.add_store_version(shop_build.app, "3.2.0", state="READY_FOR_DISTRIBUTION")
    client = apple.client()
    version = next(build for build in await client.list_builds(await client.list_apps()) if build.track == "App Store")
    apple.pretend.set_version_state(made, state)
    with pytest.raises(NotFound, match="no_public_link"):
        await client.mint_link(version)


# --- Agreements -------------------------------------------------------------------------------

HEALTHY = (AgreementState.IN_FORCE, None, ())


async def state_of(client: AppStoreConnect) -> tuple[AgreementState, str | None, tuple[str, ...]]:
    status = await client.check_account()
    assert (status.account, status.checked_at) == ("acme-apple", START)
    return status.state, status.code, status.blocked


async def test_a_healthy_account_is_asked_in_three_places(apple: Apple) -> None:
    assert await state_of(apple.client()) == HEALTHY
    assert sorted(apple.paths) == ["/v1/agreements", "/v1/apps", "/v1/certificates"]


async def test_an_individual_key_does_not_ask_about_signing(apple: Apple) -> None:
    assert await state_of(apple.client(apple.pretend.individual_key)) == HEALTHY
    assert sorted(apple.paths) == ["/v1/agreements", "/v1/apps"]


@pytest.mark.parametrize("code", AgreementCode)
@pytest.mark.parametrize(
    ("paths", "blocked"), [(r"^/v1/", ("apps", "signing")), (r"^/v1/apps", ("apps",)), (r"^/v1/certificates", ("signing",))]
)
async def test_a_blocked_account_until_somebody_signs(
    apple: Apple, code: AgreementCode, paths: str, blocked: tuple[str, ...]
) -> None:
    client = apple.client()
    apple.pretend.block_agreements(code, paths)
    assert await state_of(client) == (AgreementState.BLOCKED, code, blocked)
    apple.pretend.clear_agreements()
    assert await state_of(client) == HEALTHY


async def test_a_block_that_only_the_agreements_path_shows(apple: Apple) -> None:
    apple.pretend.block_agreements(paths="^/v1/agreements$")
    assert await state_of(apple.client()) == (AgreementState.BLOCKED, AgreementCode.MISSING_OR_EXPIRED, ("account",))


@pytest.mark.parametrize("problem", KeyProblem)
async def test_a_weak_key_is_refused_and_says_nothing_of_agreements(apple: Apple, problem: KeyProblem) -> None:
    apple.pretend.restrict_key(problem)
    assert await state_of(apple.client()) == (AgreementState.REFUSED, "forbidden", ())


@pytest.mark.parametrize("problem", KeyProblem)
async def test_a_key_that_may_not_ask_about_signing_is_no_problem(apple: Apple, problem: KeyProblem) -> None:
    apple.pretend.restrict_key(problem, paths="^/v1/certificates")
    assert await state_of(apple.client()) == HEALTHY


async def test_a_revoked_key_is_refused(apple: Apple) -> None:
    apple.pretend.revoke_keys()
    assert await state_of(apple.client()) == (AgreementState.REFUSED, "unauthorized", ())


@pytest.mark.parametrize("path", ["^/v1/agreements", "^/v1/apps", "^/v1/certificates", "^/v1/"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Misbehaviour.HTML_502, "http_502"),
        (Misbehaviour.HTML_200, "html"),
        (Misbehaviour.WRONG_JSON, "unexpected_shape"),
        (Misbehaviour.HANG, "timeout"),
        (Misbehaviour.RATE_LIMITED, "rate_limited"),
        (Misbehaviour.DROP_BEFORE_HEADERS, "dropped"),
    ],
)
async def test_what_cannot_be_known_is_unknown(apple: Apple, path: str, kind: Misbehaviour, reason: str) -> None:
    apple.pretend.misbehave(path, kind)
    assert await state_of(apple.client(read_timeout=patience(kind))) == (AgreementState.UNKNOWN, reason, ())


async def test_a_server_that_is_not_there_is_unknown(apple: Apple) -> None:
    assert await state_of(apple.client(url="http://127.0.0.1:1")) == (AgreementState.UNKNOWN, "connect", ())


async def test_trouble_beside_a_block_does_not_hide_it(apple: Apple) -> None:
    apple.pretend.block_agreements(paths="^/v1/certificates")
    apple.pretend.misbehave("^/v1/apps", Misbehaviour.HTML_502)
    assert (await state_of(apple.client()))[0] is AgreementState.BLOCKED


async def test_the_three_questions_are_asked_at_once(apple: Apple) -> None:
    everybody = asyncio.Barrier(3)

    async def wait_for_all(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await everybody.wait()
        await apple.pretend.app(scope, receive, send)

    url = await apple.serve(wait_for_all)
    assert await state_of(apple.client(url=url)) == HEALTHY


# --- The rest ---------------------------------------------------------------------------------


async def test_the_probe_counts_apps_and_calls(apple: Apple) -> None:
    apple.add_apps(3)
    result = await apple.client().probe()
    assert result.summary == "3 apps; 3,499 of 3,500 requests left this hour"
    assert result.server_time is not None
    assert result.server_time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("apps", "limits", "summary"),
    [
        (1, "user-hour-lim:3600;user-hour-rem:12;", "1 app; 12 of 3,600 requests left this hour"),
        (
            0,
            "user-minute-lim:300; user-minute-rem:299; user-hour-rem:5; user-hour-lim:10",
            "0 apps; 5 of 10 requests left this hour",
        ),
        (1200, "", "1,200 apps"),
        (2, "user-hour-lim:many;user-hour-rem:;;:", "2 apps"),
    ],
)
def test_rate_limits_in_words(apps: int, limits: str, summary: str) -> None:
    assert summarise(apps, limits) == summary


async def test_webhooks_of_the_account(apple: Apple) -> None:
    client = apple.client()
    call = apple.pretend.webhook(SECRET)
    hint = client.parse_webhook(WebhookRequest(call.headers, call.body))
    assert hint == WebhookHint(json.loads(call.body)["data"]["id"], "buildUploadStateUpdated")
    ping = apple.pretend.webhook(SECRET, "webhookPingCreated")
    assert client.parse_webhook(WebhookRequest(ping.headers, ping.body)) is None
    forged = apple.pretend.webhook("another secret")
    with pytest.raises(Refused, match="bad_signature"):
        client.parse_webhook(WebhookRequest(forged.headers, forged.body))


async def test_every_call_is_observed(apple: Apple) -> None:
    client = apple.client()
    await client.list_apps()
    assert [(seen.provider, seen.account, seen.operation, seen.reason) for seen in apple.observations] == [
        ("app_store_connect", "acme-apple", "list apps", "ok")
    ]
