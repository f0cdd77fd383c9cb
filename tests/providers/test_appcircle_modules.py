"""Appcircle beside its store: Testing Distribution and Publish, one by one and together with it."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.listing import gaps_of
from bot.domain.model import App, Build, BuildState, Handover, Platform
from bot.domain.ports import ByteRequest, FileStream
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendAppcircle
from bot.sandbox.vendors.appcircle_modules import AWAITING_RESPONSE, FAILED, RUNNING, SUCCESS, ModuleVersion
from providers.appcircle import modules, wire
from providers.appcircle.client import Appcircle
from providers.appcircle.token import TokenKeeper, personal_api_token
from providers.http import VendorHttp
from providers.spec import Surroundings
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
TESTING = "dist:7c3e0000-0000-4000-8000-000000000001"
SUBMITTED = "publish-ios:5b1a0000-0000-4000-8000-000000000001"
MODULE_PATHS = (
    "^/store/v2/profiles$",
    "^/distribution/v2/profiles$",
    "/publish/v2/profiles/ios$",
    "/publish/v2/profiles/android$",
)


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"appcircle_{name}.json").read_bytes())


def read_distributed(body: Any) -> list[Build]:
    return wire.read_distributed(body, "acme", "list builds", TESTING)


def read_submissions(body: Any, platform: Platform = Platform.IOS) -> list[Build]:
    return wire.read_submissions(body, "acme", "list builds", SUBMITTED, platform)


# --- wire -----------------------------------------------------------------------------------------


def test_profiles_are_told_apart_by_a_prefix() -> None:
    assert wire.read_apps(recorded("distribution_profiles"), "acme", "list apps", "dist:") == [
        App("acme", TESTING, "Acme Shop"),
        App("acme", "dist:7c3e0000-0000-4000-8000-000000000002", "7c3e0000-0000-4000-8000-000000000002"),
    ]
    [app] = wire.read_apps(recorded("publish_profiles"), "acme", "list apps", "publish-ios:")
    assert app == App("acme", SUBMITTED, "Acme Shop", "com.acme.shop")


@pytest.mark.parametrize("module", modules.MODULES, ids=lambda module: module.title)
def test_an_id_leads_back_to_its_module(module: modules.Module) -> None:
    assert modules.locate(f"{module.prefix}9a1e7a52") == (module, "9a1e7a52")


def test_an_id_is_one_part_of_a_path() -> None:
    assert modules.PUBLISH_IOS.profile("../a?b") == "/publish/v2/profiles/ios/..%2Fa%3Fb"


def test_testing_distribution_newest_first() -> None:
    bundle, ios, bare = read_distributed(recorded("distribution_profile"))
    assert ios == Build(
        account="acme",
        app_id=TESTING,
        id="8d4f0000-0000-4000-8000-000000000001",
        version="2.5.0",
        number="250",
        platform=Platform.IOS,
        track="Testing distribution",
        state=BuildState.READY,
        handover=Handover.NONE,
        uploaded_at=datetime(2026, 5, 1, 9, 0, 0, 462275, tzinfo=UTC),
        size=53412345,
        notes="For testers",
        file_name="AcmeShop.ipa",
        bundle_id="com.acme.shop",
    )
    assert (bundle.version, bundle.platform, bundle.file_name) == ("unknown", Platform.ANDROID, "AcmeShop.AAB")
    assert (bare.version, bare.platform, bare.uploaded_at) == ("unknown", Platform.OTHER, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"platformType": 2}, {"platform": Platform.ANDROID}),
        ({"platformType": 9}, {"platform": Platform.IOS}),
        ({"platformType": None, "fileName": "AcmeShop.zip"}, {"platform": Platform.OTHER}),
        ({"createdAt": None, "createDate": "2026-05-01T09:00:00Z"}, {"uploaded_at": datetime(2026, 5, 1, 9, tzinfo=UTC)}),
        ({"createdAt": "yesterday"}, {"uploaded_at": None}),
        ({"message": "", "releaseNotes": "Notes"}, {"notes": "Notes"}),
        ({"message": ["x"]}, {"notes": None}),
        ({"versionCode": 250}, {"number": "250"}),
    ],
)
def test_a_drifting_field_of_a_tested_version_does_no_harm(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    version = recorded("distribution_profile")["appVersions"][0] | changes
    [build] = read_distributed({"appVersions": [version]})
    assert {name: getattr(build, name) for name in expected} == expected


@pytest.mark.parametrize("body", [{"id": "7c3e"}, {"id": "7c3e", "appVersions": None}, {"appVersions": []}])
def test_a_profile_without_versions(body: Any) -> None:
    assert read_distributed(body) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "not_an_object"),
        ({"message": "Something went wrong"}, "missing_field:id"),
        ({"appVersions": {}}, "missing_field:appVersions"),
        ({"appVersions": [7]}, "not_an_object"),
        ({"appVersions": [{"version": "1"}]}, "missing_field:id"),
    ],
)
def test_wrong_shapes_of_a_profile_confuse(body: Any, reason: str) -> None:
    with pytest.raises(Confused) as caught:
        read_distributed(body)
    assert caught.value.reason == reason


def test_submissions_newest_first() -> None:
    waiting, done = read_submissions(recorded("publish_versions"))
    assert waiting == Build(
        account="acme",
        app_id=SUBMITTED,
        id="6e2b0000-0000-4000-8000-000000000002",
        version="2.5.0",
        number="250",
        platform=Platform.IOS,
        track="Publish (App Store)",
        state=BuildState.READY,
        handover=Handover.FILE,
        uploaded_at=datetime(2026, 5, 1, 9, 0, 0, 462275, tzinfo=UTC),
        size=53412345,
        detail="publish not started",
        bundle_id="com.acme.shop",
    )
    assert (done.state, done.detail, done.notes) == (BuildState.READY, "publish succeeded", "Faster checkout.")
    assert read_submissions(recorded("publish_versions"), Platform.ANDROID)[0].track == "Publish (Google Play)"


@pytest.mark.parametrize(
    ("status", "state", "detail"),
    [
        (0, BuildState.READY, "publish succeeded"),
        (1, BuildState.OTHER, "publish failed"),
        (2, BuildState.OTHER, "publish canceled"),
        (3, BuildState.OTHER, "publish timed out"),
        (90, BuildState.IN_REVIEW, "publish waiting"),
        (91, BuildState.IN_REVIEW, "publish running"),
        (92, BuildState.IN_REVIEW, "publish completing"),
        (99, BuildState.OTHER, "publish status unknown"),
        (100, BuildState.READY, "publish skipped"),
        (200, BuildState.READY, "publish not started"),
        (201, BuildState.OTHER, "publish stopped"),
        (202, BuildState.IN_REVIEW, "publish in progress"),
        (203, BuildState.IN_REVIEW, "publish awaiting response"),
        ("203", BuildState.IN_REVIEW, "publish awaiting response"),
        (42, BuildState.OTHER, "publish status 42"),
        (-1, BuildState.OTHER, "publish status unknown"),
        (True, BuildState.OTHER, "publish status unknown"),
        ("Success", BuildState.OTHER, "publish status unknown"),
        (None, BuildState.READY, "publish not started"),
    ],
)
def test_every_flow_status(status: Any, state: BuildState, detail: str) -> None:
    [build] = read_submissions([recorded("publish_versions")[0] | {"latestFlowStatus": status}])
    assert (build.state, build.detail) == (state, detail)


def test_no_flow_status_says_that_there_is_no_file() -> None:
    """PROCESSING, FAILED and EXPIRED keep people from a file; this one can be had whatever becomes of the submission."""
    for status in range(256):
        [build] = read_submissions([{"id": "v", "latestFlowStatus": status}])
        assert build.state.is_announceable
        assert build.handover is Handover.FILE


@pytest.mark.parametrize(
    "body", ["", "no address", "file:///etc/passwd", "javascript:alert(1)", "https://u:p@x/", None, {}, 5, ["x"]]
)
def test_a_link_that_is_none(body: Any) -> None:
    with pytest.raises(Confused) as caught:
        wire.read_link(body, "acme", "read link")
    assert caught.value.reason == "bad_link"


JSON = any_json(
    st.sampled_from(
        [
            *("id", "name", "appUniqueId", "appVersions", "createdAt", "createDate", "version", "versionCode"),
            *("platformType", "fileName", "fileSize", "message", "summary", "latestFlowStatus", "uniqueName"),
        ]
    ),
)


@given(JSON, st.sampled_from(modules.MODULES))
def test_any_json_is_read_or_confuses(body: Any, module: modules.Module) -> None:
    with suppress(Confused):
        assert all(app.id.startswith(module.prefix) for app in wire.read_apps(body, "acme", "test", module.prefix))
    for wrapped in (body, [body], {"appVersions": body}, {"appVersions": [body]}):
        with suppress(Confused):
            assert all(build.version and build.id for build in module.read_builds(wrapped, "acme", "test", "app"))
    with suppress(Confused):
        assert wire.read_link(body, "acme", "test").startswith("http")


@given(st.sampled_from(sorted(recorded("publish_versions")[0])), JSON)
def test_any_field_of_a_submission_may_be_anything(name: str, value: Any) -> None:
    with suppress(Confused):
        [build] = read_submissions([recorded("publish_versions")[0] | {name: value}])
        assert build.version.encode()
        assert build.detail


# --- client ---------------------------------------------------------------------------------------


@pytest.fixture
def vendor(still_clock: Any) -> PretendAppcircle:
    return PretendAppcircle(still_clock)


Connect = Callable[..., Appcircle]


@pytest.fixture
async def connect(vendor: PretendAppcircle, serve: Any, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly; the vendor has a file host of its own."""
    url = await serve(vendor.app)
    vendor.storage_url = await serve(vendor.storage.app)
    clients: list[Appcircle] = []

    def make(deadline: float = 30.0) -> Appcircle:
        http = VendorHttp("appcircle", "acme", surroundings, backoff_max=0.01, deadline=deadline)
        tokens = TokenKeeper(http, url, personal_api_token(vendor.personal_api_token), surroundings.clock)
        clients.append(Appcircle(http, tokens, url, url))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> Appcircle:
    return connect()


def fill(vendor: PretendAppcircle) -> ModuleVersion:
    """An app in every module. Returns the version that is submitted to the App Store."""
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    tested = vendor.distribution.add_profile("Shop", "com.acme.shop")
    vendor.distribution.upload(tested, "1.2", "12", platform="ios")
    vendor.distribution.upload(tested, "1.2", "13")
    android = vendor.publishing.add_profile("Shop", "com.acme.shop", "android")
    vendor.publishing.upload(android, "1.0", "1")
    ios = vendor.publishing.add_profile("Shop", "com.acme.shop", "ios")
    return vendor.publishing.upload(ios, "1.1", "2", notes="Faster checkout")


async def builds_of(client: Appcircle) -> dict[str, Build]:
    """By track and platform."""
    return {f"{build.track}, {build.platform}": build for build in await client.list_builds(await client.list_apps())}


async def submitted(client: Appcircle) -> Build:
    return (await builds_of(client))["Publish (App Store), ios"]


async def read(client: Appcircle, build: Build, wanted: ByteRequest | None = None) -> tuple[FileStream, bytes]:
    async with client.open_file(build, wanted or ByteRequest()) as stream:
        return stream, b"".join([chunk async for chunk in stream.chunks])


async def ask_everything(client: Appcircle, build: Build) -> None:
    await client.list_builds(await client.list_apps())
    await read(client, build)


async def test_every_module_is_read_with_one_request_a_list(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    apps = await client.list_apps()
    assert len({app.id for app in apps}) == 4
    assert sorted(app.id.partition(":")[0] for app in apps if ":" in app.id) == ["dist", "publish-android", "publish-ios"]
    vendor.requests.clear()
    builds = await client.list_builds(apps, known={"anything"})
    assert sorted(f"{build.track}, {build.platform}, {build.version}" for build in builds) == [
        "Enterprise store (Live), android, 1.0",
        "Publish (App Store), ios, 1.1",
        "Publish (Google Play), android, 1.0",
        "Testing distribution, android, 1.2",
        "Testing distribution, ios, 1.2",
    ]
    assert {build.bundle_id for build in builds} == {"com.acme.shop"}
    assert len(vendor.requests) == 4
    assert len({build.key for build in builds}) == 5


async def test_one_id_in_two_modules_is_two_apps(client: Appcircle, vendor: PretendAppcircle) -> None:
    """Nobody says that ids are unique across modules."""
    store, tested = vendor.add_app("Shop", "com.acme.shop"), vendor.distribution.add_profile("Shop", "com.acme.shop")
    vendor.distribution.profiles = {store.id: tested}
    tested.id = store.id
    vendor.upload(store, "1.0", "1")
    vendor.distribution.upload(tested, "2.0", "2")
    apps = await client.list_apps()
    assert {app.id for app in apps} == {store.id, f"dist:{store.id}"}
    assert {(build.app_id, build.version) for build in await client.list_builds(apps)} == {
        (store.id, "1.0"),
        (f"dist:{store.id}", "2.0"),
    }


async def test_many_profiles_are_never_asked_for_all_at_once(connect: Connect, vendor: PretendAppcircle) -> None:
    for number in range(12):
        vendor.distribution.add_profile(f"App {number}", f"com.acme.app{number}")
    client = connect(deadline=1.0)
    apps = await client.list_apps()
    vendor.requests.clear()
    vendor.misbehave("/distribution/v2/profiles/", Misbehaviour.HANG)
    with pytest.raises(Unreachable):
        await client.list_builds(apps)
    assert len(vendor.requests) == 4


# --- modules that are missing, and modules that fail --------------------------------------------------


@pytest.mark.parametrize("path", MODULE_PATHS)
@pytest.mark.parametrize("status", [403, 404])
async def test_a_module_that_the_plan_lacks_hides_nothing(
    client: Appcircle, vendor: PretendAppcircle, path: str, status: int
) -> None:
    fill(vendor)
    everything = await client.list_apps()
    vendor.misbehave(path, Misbehaviour.STATUS, status=status, body='{"message":"no"}')
    rest = await client.list_apps()
    assert len(everything) == 4
    assert len(rest) == 3
    assert set(rest) < set(everything)
    assert {build.app_id for build in await client.list_builds(rest)} == {app.id for app in rest}


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (404, NotFound)])
async def test_an_account_that_has_no_module_at_all_is_refused(
    client: Appcircle, vendor: PretendAppcircle, status: int, error: type[ProviderError]
) -> None:
    vendor.misbehave("profiles", Misbehaviour.STATUS, status=status, body="{}")
    for ask in (client.list_apps, client.probe):
        with pytest.raises(error):
            await ask()


FAILURES = [
    (Misbehaviour.UNAUTHORIZED, {}, Refused, "unauthorized"),
    (Misbehaviour.RATE_LIMITED, {}, RateLimited, "rate_limited"),
    (Misbehaviour.RATE_LIMITED, {"retry_after": 3600}, RateLimited, "rate_limited"),
    (Misbehaviour.SERVER_ERROR, {}, Unreachable, "http_500"),
    (Misbehaviour.HTML_502, {}, Unreachable, "http_502"),
    (Misbehaviour.HTML_200, {}, Confused, "html"),
    (Misbehaviour.TRUNCATED_JSON, {}, Confused, "bad_json"),
    (Misbehaviour.WRONG_JSON, {"body": '"text"'}, Confused, None),
    (Misbehaviour.WRONG_JSON, {"body": "[7]"}, Confused, None),
    (Misbehaviour.REDIRECT_LOOP, {}, Confused, "redirected"),
    (Misbehaviour.HUGE_BODY, {}, Confused, "too_large"),
    (Misbehaviour.GZIP_BOMB, {}, Confused, "too_large"),
    (Misbehaviour.DROP_MID_BODY, {}, Unreachable, "dropped"),
]
every_failure = pytest.mark.parametrize(("kind", "options", "error", "reason"), FAILURES, ids=lambda value: str(value)[:20])


@pytest.mark.parametrize("path", MODULE_PATHS[1:3])
@every_failure
async def test_a_module_that_fails_is_no_module_that_is_missing(
    client: Appcircle,
    vendor: PretendAppcircle,
    path: str,
    kind: Misbehaviour,
    options: dict[str, Any],
    error: type[ProviderError],
    reason: str | None,
) -> None:
    """What the other modules tell would look like all there is."""
    fill(vendor)
    vendor.misbehave(path, kind, **options)
    with pytest.raises(error) as caught:
        await client.list_apps()
    assert caught.value.reason == reason or reason is None


@pytest.mark.parametrize("path", ["/distribution/v2/profiles/", "/publish/v2/profiles/ios/.*/app-versions$"])
@every_failure
async def test_a_profile_that_fails_is_a_gap_or_fails_the_reading(
    client: Appcircle,
    vendor: PretendAppcircle,
    path: str,
    kind: Misbehaviour,
    options: dict[str, Any],
    error: type[ProviderError],
    reason: str | None,
) -> None:
    """What ails only the profile's own answer leaves the others theirs."""
    fill(vendor)
    apps = await client.list_apps()
    vendor.misbehave(path, kind, **options)
    if issubclass(error, Confused):
        failures = list(gaps_of(await client.list_builds(apps)).values())
    else:
        with pytest.raises(error) as caught:
            await client.list_builds(apps)
        failures = [caught.value]
    assert failures
    assert {(type(failure), failure.reason) for failure in failures} == {(error, reason or failures[0].reason)}


@pytest.mark.parametrize("path", ["/distribution/v2/profiles/", "/publish/v2/profiles/ios/.*/app-versions$"])
@pytest.mark.parametrize("kind", [Misbehaviour.UNAUTHORIZED, Misbehaviour.HTML_502, Misbehaviour.RATE_LIMITED])
async def test_what_passes_is_not_noticed(client: Appcircle, vendor: PretendAppcircle, path: str, kind: Misbehaviour) -> None:
    fill(vendor)
    apps = await client.list_apps()
    vendor.misbehave(path, kind, times=1)
    assert len(await client.list_builds(apps)) == 5


@pytest.mark.parametrize("path", [*MODULE_PATHS[1:], "/distribution/v2/profiles/", "/publish/.*/app-versions$", "app-versions/"])
async def test_what_hangs_holds_nobody_for_long(connect: Connect, vendor: PretendAppcircle, path: str) -> None:
    fill(vendor)
    build = await submitted(connect())
    vendor.misbehave(path, Misbehaviour.HANG)
    with pytest.raises(Unreachable) as caught:
        await ask_everything(connect(deadline=0.3), build)
    assert caught.value.reason == "timeout"


async def test_a_profile_may_be_refused_alone(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    apps = await client.list_apps()
    vendor.misbehave("/distribution/v2/profiles/", Misbehaviour.FORBIDDEN)
    found = await client.list_builds(apps)
    assert {(app_id.partition(":")[0], error.reason) for app_id, error in gaps_of(found).items()} == {("dist", "forbidden")}
    assert found


async def test_profiles_that_vanish_meanwhile_take_nothing_else_along(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    apps = await client.list_apps()
    vendor.distribution.profiles.clear()
    vendor.publishing.profiles.clear()
    assert [build.track for build in await client.list_builds(apps)] == ["Enterprise store (Live)"]


async def test_a_refused_sign_in_is_not_a_missing_module(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.misbehave("/auth", Misbehaviour.FORBIDDEN)
    with pytest.raises(Refused) as caught:
        await client.list_apps()
    assert (caught.value.operation, caught.value.reason) == ("sign in", "forbidden")
    assert len(vendor.requests) == 1


async def test_nor_is_a_renewal_that_is_refused(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    await client.list_apps()
    vendor.misbehave("^/distribution/", Misbehaviour.UNAUTHORIZED)
    vendor.misbehave("/auth", Misbehaviour.FORBIDDEN)
    with pytest.raises(Refused) as caught:
        await client.list_apps()
    assert caught.value.operation == "sign in"


# --- what becomes of a submission ---------------------------------------------------------------------


async def test_a_submission_goes_its_way(client: Appcircle, vendor: PretendAppcircle) -> None:
    version = fill(vendor)
    build = await submitted(client)
    assert (build.state, build.detail, build.notes) == (BuildState.READY, "publish not started", "Faster checkout")
    for status, state, detail in (
        (RUNNING, BuildState.IN_REVIEW, "publish running"),
        (AWAITING_RESPONSE, BuildState.IN_REVIEW, "publish awaiting response"),
        (FAILED, BuildState.OTHER, "publish failed"),
        (SUCCESS, BuildState.READY, "publish succeeded"),
    ):
        vendor.publishing.set_flow_status(version, status)
        fresh = await client.reread_build(build)
        assert (fresh.key, fresh.state, fresh.detail) == (build.key, state, detail)
    vendor.publishing.remove(version)
    with pytest.raises(NotFound) as caught:
        await client.reread_build(build)
    assert caught.value.reason == "gone"


async def test_a_tested_build_is_reread_and_goes(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    build = (await builds_of(client))["Testing distribution, ios"]
    assert await client.reread_build(build) == build
    vendor.distribution.profiles.clear()
    with pytest.raises(NotFound):
        await client.reread_build(build)


# --- files ----------------------------------------------------------------------------------------


async def test_a_submitted_file_arrives_whole_and_its_host_sees_no_token(client: Appcircle, vendor: PretendAppcircle) -> None:
    version = fill(vendor)
    build = await submitted(client)
    stream, content = await read(client, build)
    assert hashlib.sha256(content).hexdigest() == version.artefact.sha256
    assert (stream.status, stream.length, stream.content_type) == (200, version.artefact.size, version.artefact.content_type)
    assert vendor.storage.requests
    assert not vendor.storage.received_authorization
    part, resumed = await read(client, build, ByteRequest(range="bytes=100-", if_range=stream.etag))
    assert (part.status, resumed) == (206, content[100:])


async def test_a_file_beside_the_api_sees_no_token_either(client: Appcircle, vendor: PretendAppcircle) -> None:
    """The storage refuses a signed request that brings a credential, as S3 does."""
    vendor.storage_url = None
    version = fill(vendor)
    _, content = await read(client, await submitted(client))
    assert content == version.artefact.content()
    assert vendor.requests[-1].credential == ""


async def test_an_address_is_asked_for_at_each_opening(client: Appcircle, vendor: PretendAppcircle, still_clock: Any) -> None:
    fill(vendor)
    build = await submitted(client)
    await read(client, build)
    still_clock.advance(vendor.storage.link_lifetime + timedelta(seconds=1))
    stream, _ = await read(client, build)
    assert stream.status == 200


@pytest.mark.parametrize(
    ("kind", "options", "error", "reason"),
    [
        *FAILURES[:7],
        (Misbehaviour.FORBIDDEN, {}, Refused, "forbidden"),
        (Misbehaviour.STATUS, {"status": 404, "body": "{}"}, NotFound, "not_found"),
        (Misbehaviour.WRONG_JSON, {"body": "{}"}, Confused, "bad_link"),
        (Misbehaviour.WRONG_JSON, {"body": '"file:///etc/passwd"'}, Confused, "bad_link"),
        (Misbehaviour.WRONG_JSON, {"body": '"/relative"'}, Confused, "bad_link"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_addresses_that_cannot_be_had(
    client: Appcircle,
    vendor: PretendAppcircle,
    kind: Misbehaviour,
    options: dict[str, Any],
    error: type[ProviderError],
    reason: str | None,
) -> None:
    version = fill(vendor)
    build = await submitted(client)
    vendor.misbehave(f"app-versions/{version.id}", kind, **options)
    with pytest.raises(error) as caught:
        await read(client, build)
    assert caught.value.reason == reason
    assert not vendor.storage.requests


async def test_a_submitted_file_that_breaks_off_never_looks_whole(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    build = await submitted(client)
    vendor.storage.misbehave("/artifacts", Misbehaviour.DROP_MID_BODY)
    with pytest.raises(Unreachable) as caught:
        await read(client, build)
    assert caught.value.reason == "dropped"


async def test_a_file_host_that_sends_elsewhere_sees_no_token(client: Appcircle, vendor: PretendAppcircle, serve: Any) -> None:
    fill(vendor)
    build = await submitted(client)
    elsewhere = PretendAppcircle()
    vendor.storage.misbehave("/artifacts", Misbehaviour.REDIRECT_ELSEWHERE, url=f"{await serve(elsewhere.app)}/file.ipa")
    with pytest.raises(NotFound):
        await read(client, build)
    assert [request.credential for request in elsewhere.requests] == [""]


async def test_a_tested_build_has_no_file(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    build = (await builds_of(client))["Testing distribution, android"]
    assert build.handover is Handover.NONE
    vendor.requests.clear()
    with pytest.raises(NotFound) as caught:
        await read(client, build)
    assert caught.value.reason == "no_file"
    assert vendor.requests == []


async def test_no_error_tells_an_address(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    build = await submitted(client)
    vendor.storage.misbehave("/artifacts", Misbehaviour.FORBIDDEN)
    with pytest.raises(Refused) as caught:
        await read(client, build)
    assert "X-Signature" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"


async def test_the_probe_counts_what_there_is(client: Appcircle, vendor: PretendAppcircle) -> None:
    fill(vendor)
    vendor.distribution.add_profile("Courier", "com.acme.courier")
    result = await client.probe()
    assert result.summary == (
        "1 store profile, 2 testing distribution profiles, 1 publish (iOS) profile, 1 publish (Android) profile"
    )
