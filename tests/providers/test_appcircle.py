"""Appcircle: recorded shapes become facts, and the client holds against a pretend Appcircle over real HTTP."""

import asyncio
import hashlib
import json
import plistlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.responses import Response

from bot.domain.errors import Confused, NotFound, ProviderError, Refused, Unreachable
from bot.domain.listing import gaps_of
from bot.domain.model import App, Build, BuildState, Handover, Platform
from bot.domain.ports import ByteRequest, FileStream, MintsLinks, OpensFiles, WebhookHint, WebhookRequest
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendAppcircle
from providers.appcircle import SPEC, AppcircleSettings, webhook, wire
from providers.appcircle.client import Appcircle
from providers.appcircle.token import DEFAULT_LIFETIME, TokenKeeper, personal_api_token
from providers.http import VendorHttp
from providers.spec import Surroundings
from tests.providers.json_values import any_json

PAYLOADS = Path(__file__).parent / "payloads"
WHOLE = ByteRequest()
PROFILE = "9a1e7a52-6b7c-4a57-9d0c-2a4c1d5be001"


def recorded(name: str) -> Any:
    return json.loads((PAYLOADS / f"appcircle_{name}.json").read_bytes())


def read_builds(body: Any) -> list[Build]:
    return wire.read_builds(body, "acme-store", "list builds", PROFILE)


# --- wire -----------------------------------------------------------------------------------------


def test_profiles() -> None:
    assert wire.read_apps(recorded("profiles"), "acme-store", "list apps") == [
        App("acme-store", PROFILE, "Acme Shop"),
        App("acme-store", "9a1e7a52-6b7c-4a57-9d0c-2a4c1d5be002", "Acme Courier"),
    ]


def test_versions_newest_first() -> None:
    candidate, live, old = read_builds(recorded("versions"))
    assert live == Build(
        account="acme-store",
        app_id=PROFILE,
        id="2f0c0000-0000-4000-8000-000000000001",
        version="2.4.1",
        number="241",
        platform=Platform.IOS,
        track="Enterprise store (Live)",
        state=BuildState.LIVE,
        handover=Handover.FILE,
        uploaded_at=datetime(2026, 5, 1, 9, 0, 0, 462275, tzinfo=UTC),
        size=53412345,
        notes="Faster checkout.\nFixes for iPad.",
        file_name="AcmeShop.ipa",
        bundle_id="com.acme.shop",
    )
    assert (candidate.track, candidate.state) == ("Enterprise store (Beta)", BuildState.READY)
    assert (candidate.platform, candidate.version, candidate.number) == (Platform.ANDROID, "2.4.2-rc.1", "20402")
    assert candidate.notes == "Release candidate"
    assert candidate.detail == "download limit reached"
    assert candidate.uploaded_at == datetime(2026, 5, 2, 10, 30, 0, 100_000, tzinfo=UTC)
    assert (old.track, old.state, old.notes) == ("Enterprise store", BuildState.READY, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"platformType": 9}, {"platform": Platform.OTHER}),
        ({"platformType": "1"}, {"platform": Platform.IOS}),
        ({"platformType": None}, {"platform": Platform.OTHER}),
        ({"publishType": 7}, {"state": BuildState.OTHER, "track": "Enterprise store", "detail": "publish type 7"}),
        ({"publishType": "2"}, {"state": BuildState.LIVE, "track": "Enterprise store (Live)"}),
        ({"publishType": None}, {"state": BuildState.READY, "track": "Enterprise store"}),
        ({"version": ""}, {"version": "unknown"}),
        ({"version": None, "versionCode": None}, {"version": "unknown", "number": None}),
        ({"versionCode": 241}, {"number": "241"}),
        ({"createDate": "2026-05-01T09:00:00"}, {"uploaded_at": None}),
        ({"fileSize": "53412345"}, {"size": 53412345}),
        ({"fileSize": -1}, {"size": None}),
    ],
)
def test_a_drifting_field_does_no_harm(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    [build] = read_builds([recorded("versions")[0] | changes])
    assert {name: getattr(build, name) for name in expected} == expected


def test_a_version_that_is_listed_twice_is_one_build() -> None:
    versions = recorded("versions")
    assert len(read_builds(versions + versions)) == len(versions)


def test_builds_without_a_time_come_last() -> None:
    versions = [{"id": "a", "createDate": None}, {"id": "b", "createDate": "2026-05-01T09:00:00Z"}, {"id": "c"}]
    assert [build.id for build in read_builds(versions)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"data": []}, "not_a_list"), (None, "not_a_list"), ([1], "not_an_object"), ([{"version": "1"}], "missing_field:id")],
)
def test_wrong_shapes_confuse(body: Any, reason: str) -> None:
    with pytest.raises(Confused) as caught:
        read_builds(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("body", "lifetime"),
    [
        ({"access_token": "t", "expires_in": 14400}, timedelta(hours=4)),
        ({"access_token": "t", "expires_in": "14400"}, timedelta(hours=4)),
        ({"access_token": "t"}, None),
        ({"access_token": "t", "expires_in": 0}, None),
        ({"access_token": "t", "expires_in": -3}, None),
        ({"access_token": "t", "expires_in": True}, None),
        ({"access_token": "t", "expires_in": 2**62}, None),
    ],
)
def test_a_tokens_lifetime(body: Any, lifetime: timedelta | None) -> None:
    granted = wire.read_token(body, "acme-store", "sign in")
    assert (granted.token, granted.lifetime) == ("t", lifetime)
    assert "'t'" not in repr(granted)


MANIFEST = (PAYLOADS / "appcircle_manifest.plist").read_bytes()
BOMB = b"""<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c SYSTEM "file:///etc/passwd">]><plist><dict><key>items</key><string>&b;&c;</string></dict></plist>"""


def test_the_package_that_a_manifest_names() -> None:
    assert wire.looks_like_manifest(MANIFEST)
    url = wire.read_package_url(MANIFEST, "acme-store", "read manifest")
    assert url == "https://files.example.com/AcmeShop.ipa?X-Signature=a&X-Expires=1"


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"<plist>",
        b"<plist><date>never</date></plist>",
        b"<plist><integer>x</integer></plist>",
        b"<plist></dict></plist>",
        b'<?xml version="1.0" encoding="klingon"?><plist/>',
        BOMB,
        plistlib.dumps([]),
        plistlib.dumps({"items": [{"assets": [{"kind": "software-package", "url": 5}]}]}),
        plistlib.dumps({"items": [{"assets": [{"kind": "software-package", "url": "https://x"}]}]}, fmt=plistlib.FMT_BINARY),
    ],
)
def test_a_manifest_without_a_package(manifest: bytes) -> None:
    with pytest.raises(Confused) as caught:
        wire.read_package_url(manifest, "acme-store", "read manifest")
    assert caught.value.reason == "bad_manifest"


JSON = any_json(
    st.sampled_from(
        [
            "id",
            "name",
            "version",
            "versionCode",
            "platformType",
            "publishType",
            "createDate",
            "fileSize",
            "access_token",
            "expires_in",
            "isDownloadLimitExceeded",
            "releaseNotes",
            "action",
            "deliveryId",
            "items",
            "assets",
            "kind",
            "url",
        ]
    ),
)


@given(JSON)
def test_any_json_is_read_or_confuses(body: Any) -> None:
    for read in (wire.read_token, wire.read_apps):
        with suppress(Confused):
            read(body, "acme-store", "test")
    with suppress(Confused):
        for build in read_builds(body):
            assert build.version
            assert build.id


# Versions, and a list of them with one changed field: closer to the truth than noise.
@given(st.sampled_from(sorted(recorded("versions")[0])), JSON)
def test_any_field_may_be_anything(name: str, value: Any) -> None:
    with suppress(Confused):
        [build] = read_builds([recorded("versions")[0] | {name: value}])
        assert build.version.encode()


@given(
    st.binary()
    | st.binary().map(lambda noise: MANIFEST.replace(b"<string>", b"<string>" + noise))
    | st.integers(0, 900).map(MANIFEST.__getitem__)
)
def test_any_manifest_is_read_or_confuses(manifest: bytes | int) -> None:
    content = manifest if isinstance(manifest, bytes) else MANIFEST[:manifest]
    with suppress(Confused):
        assert wire.read_package_url(content, "acme-store", "test")


# --- webhook --------------------------------------------------------------------------------------

BODY = (PAYLOADS / "appcircle_webhook.json").read_bytes()
DOCUMENTED_SIGNATURE = "8470172a1c60447abd7dce97227448da2b369b17d54d128306625979eca6476b"


def call(body: bytes, signature: str | None = None, header: str = "ac_signature") -> WebhookRequest:
    return WebhookRequest({header: webhook.signature("test", body) if signature is None else signature}, body)


def test_the_vendors_own_example_is_authentic_and_not_about_the_store() -> None:
    assert webhook.signature("test", BODY) == DOCUMENTED_SIGNATURE
    assert webhook.parse_webhook("acme-store", "test", call(BODY, DOCUMENTED_SIGNATURE)) is None


@pytest.mark.parametrize("header", ["ac_signature", "ac-signature"])
def test_anything_that_may_be_about_the_store_is_a_hint(header: str) -> None:
    body = BODY.replace(b"Build|BuildStart", b"EnterpriseStore|NewVersion")
    hint = webhook.parse_webhook("acme-store", "test", call(body, header=header))
    assert hint == WebhookHint("ee81f55b-fd14-4f95-9e1f-f5bce3ad29e4", "EnterpriseStore|NewVersion")


@pytest.mark.parametrize(
    ("request_", "secret", "reason"),
    [
        (call(BODY, DOCUMENTED_SIGNATURE[:-1] + "a"), "test", "bad_signature"),
        (call(BODY + b" ", DOCUMENTED_SIGNATURE), "test", "bad_signature"),
        (call(BODY, ""), "test", "bad_signature"),
        (call(BODY, "ü"), "test", "bad_signature"),
        (WebhookRequest({}, BODY), "test", "bad_signature"),
        (call(BODY), "other", "bad_signature"),
        (call(BODY), None, "no_webhook_secret"),
        (WebhookRequest({"ac_signature": webhook.signature("", BODY)}, BODY), "", "no_webhook_secret"),
    ],
)
def test_a_forged_call_is_refused(request_: WebhookRequest, secret: str | None, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        webhook.parse_webhook("acme-store", secret, request_)
    assert caught.value.reason == reason


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_signed_body_is_read_or_confuses(body: bytes) -> None:
    with suppress(Confused):
        hint = webhook.parse_webhook("acme-store", "test", call(body))
        assert hint is None or hint.delivery_id


# --- client ---------------------------------------------------------------------------------------


@pytest.fixture
def vendor(still_clock: Any) -> PretendAppcircle:
    return PretendAppcircle(still_clock)


@pytest.fixture
async def url(serve: Any, vendor: PretendAppcircle) -> str:
    address: str = await serve(vendor.app)
    return address


Connect = Callable[..., Appcircle]


@pytest.fixture
async def connect(vendor: PretendAppcircle, url: str, surroundings: Surroundings) -> AsyncIterator[Connect]:
    """Clients that repeat quickly."""
    clients: list[Appcircle] = []

    def make(token: str | None = None, deadline: float = 60.0) -> Appcircle:
        http = VendorHttp(
            "appcircle", "acme-store", surroundings, timeout=httpx.Timeout(2.0), backoff_max=0.01, deadline=deadline
        )
        tokens = TokenKeeper(http, url, personal_api_token(token or vendor.personal_api_token), surroundings.clock)
        clients.append(Appcircle(http, tokens, url, url, webhook_secret="test"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> Appcircle:
    return connect()


def paths(vendor: PretendAppcircle) -> list[str]:
    return [request.path for request in vendor.requests]


def exchanges(vendor: PretendAppcircle) -> int:
    return paths(vendor).count("/auth/v1/token")


async def only_build(client: Appcircle) -> Build:
    [build] = await client.list_builds(await client.list_apps())
    return build


async def read(client: Appcircle, build: Build, wanted: ByteRequest = WHOLE) -> tuple[FileStream, bytes]:
    async with client.open_file(build, wanted) as stream:
        return stream, b"".join([chunk async for chunk in stream.chunks])


async def test_apps_and_builds_with_one_exchange(client: Appcircle, vendor: PretendAppcircle, still_clock: Any) -> None:
    for number in range(6):
        app = vendor.add_app(f"App {number}", f"com.acme.app{number}")
        for day in range(3):
            vendor.upload(app, f"1.{day}", str(day), uploaded_at=still_clock() - timedelta(days=day, minutes=number))
    apps = await client.list_apps()
    builds = await client.list_builds(apps)
    assert sorted(app.name for app in apps) == [f"App {number}" for number in range(6)]
    assert len(builds) == 18
    assert [build.uploaded_at for build in builds] == sorted((b.uploaded_at for b in builds), reverse=True)
    assert {build.bundle_id for build in builds} == {f"com.acme.app{number}" for number in range(6)}
    assert exchanges(vendor) == 1
    assert len(vendor.requests) == 1 + 4 + 6
    assert {request.query for request in vendor.requests[5:]} == {"suborg=all"}
    assert vendor.requests[0].body == f"pat={vendor.personal_api_token}".encode()
    assert {request.credential for request in vendor.requests[1:]} == {"access token"}


async def test_uploads_of_suborganizations_are_seen(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", suborganisation=True)
    assert (await only_build(client)).version == "1.0"


async def test_a_server_that_knows_suborg_in_v1_only(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    vendor.misbehave("v2/profiles/.*/app-versions", Misbehaviour.STATUS, status=400, body="{}")
    assert (await only_build(client)).version == "1.0"
    assert paths(vendor)[-1].startswith("/store/v1/profiles/")


async def test_a_profile_that_vanishes_meanwhile_takes_nothing_else_along(client: Appcircle, vendor: PretendAppcircle) -> None:
    gone, stays = vendor.add_app("Gone", "com.acme.gone"), vendor.add_app("Shop", "com.acme.shop")
    vendor.upload(gone, "1.0", "1")
    vendor.upload(stays, "2.0", "2")
    apps = await client.list_apps()
    vendor.remove_app(gone)
    assert [build.version for build in await client.list_builds(apps)] == ["2.0"]


async def test_a_failing_profile_is_a_gap(client: Appcircle, vendor: PretendAppcircle) -> None:
    for name in ("a", "b", "c", "d", "e", "f"):
        vendor.upload(vendor.add_app(name, f"com.acme.{name}"), "1.0", "1")
    apps = await client.list_apps()
    vendor.misbehave(f"{apps[2].id}/app-versions", Misbehaviour.HTML_200)
    found = await client.list_builds(apps)
    assert [(app_id, error.reason) for app_id, error in gaps_of(found).items()] == [(apps[2].id, "html")]
    assert len(found) == 5
    vendor.misbehave("/app-versions", Misbehaviour.HTML_200)
    with pytest.raises(Confused):
        await client.list_builds(apps)


async def test_reread(client: Appcircle, vendor: PretendAppcircle) -> None:
    version = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", publish_type=0)
    build = await only_build(client)
    version.publish_type = 2
    assert (await client.reread_build(build)).state is BuildState.LIVE
    vendor.remove(version)
    with pytest.raises(NotFound) as caught:
        await client.reread_build(build)
    assert caught.value.reason == "gone"


# --- the token ------------------------------------------------------------------------------------


async def test_concurrent_callers_share_one_exchange(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.latency = 0.02
    await asyncio.gather(*(client.list_apps() for _ in range(10)))
    assert exchanges(vendor) == 1


async def test_the_token_is_renewed_before_it_ends(client: Appcircle, vendor: PretendAppcircle, still_clock: Any) -> None:
    await client.list_apps()
    still_clock.advance(vendor.token_lifetime * 0.89)
    await client.list_apps()
    assert exchanges(vendor) == 1
    still_clock.advance(vendor.token_lifetime * 0.02)
    await client.list_apps()
    assert exchanges(vendor) == 2
    assert all(request.status == 200 for request in vendor.requests)


async def test_a_revoked_token_is_exchanged_once_more_for_all_callers(client: Appcircle, vendor: PretendAppcircle) -> None:
    await client.list_apps()
    vendor.revoke_access_tokens()
    vendor.latency = 0.02
    await asyncio.gather(*(client.list_apps() for _ in range(5)))
    assert exchanges(vendor) == 2


@pytest.mark.parametrize("body", ['{"access_token": "nonsense"}', '{"access_token": "nonsense", "expires_in": -1}'])
async def test_an_odd_lifetime_falls_back(client: Appcircle, vendor: PretendAppcircle, still_clock: Any, body: str) -> None:
    vendor.misbehave("/auth", Misbehaviour.WRONG_JSON, body=body, times=1)
    await client.list_apps()  # 401 with the nonsense, then a true exchange
    assert exchanges(vendor) == 2
    vendor.behave()
    vendor.misbehave("/auth", Misbehaviour.WRONG_JSON, body=body)
    vendor.misbehave("profiles", Misbehaviour.WRONG_JSON, body="[]")
    still_clock.advance(vendor.token_lifetime)
    await client.list_apps()
    still_clock.advance(DEFAULT_LIFETIME * 0.8)
    await client.list_apps()
    assert exchanges(vendor) == 3
    still_clock.advance(DEFAULT_LIFETIME * 0.2)
    await client.list_apps()
    assert exchanges(vendor) == 4


async def test_a_wrong_personal_token_is_refused_without_hammering(connect: Connect, vendor: PretendAppcircle) -> None:
    with pytest.raises(Refused) as caught:
        await connect("pat_wrong").list_apps()
    assert (caught.value.operation, caught.value.reason) == ("sign in", "unauthorized")
    assert len(vendor.requests) == 1


async def test_a_token_that_the_vendor_calls_malformed_is_refused_too(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.misbehave("/auth", Misbehaviour.STATUS, status=400, body='{"error":"invalid_request"}')
    with pytest.raises(Refused) as caught:
        await client.list_apps()
    assert caught.value.reason == "bad_credential"


async def test_an_exchange_without_a_token_confuses(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.misbehave("/auth", Misbehaviour.WRONG_JSON, body="{}")
    with pytest.raises(Confused) as caught:
        await client.list_apps()
    assert caught.value.reason == "missing_field:access_token"


async def test_an_exchange_that_fails_is_not_multiplied(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.misbehave("/auth", Misbehaviour.UNAVAILABLE)
    with pytest.raises(Unreachable):
        await client.list_apps()
    assert len(vendor.requests) == 4


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_the_file_arrives_whole_and_the_token_stays_home(
    client: Appcircle, vendor: PretendAppcircle, serve: Any, platform: str, elsewhere: bool
) -> None:
    if elsewhere:
        vendor.storage_url, vendor.packages_on_storage = await serve(vendor.storage.app), True
    version = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform=platform)
    stream, content = await read(client, await only_build(client))
    assert hashlib.sha256(content).hexdigest() == version.artefact.sha256
    assert (stream.status, stream.length) == (200, version.artefact.size)
    assert stream.etag == f'"{version.artefact.sha256[:32]}"'
    assert stream.content_type == version.artefact.content_type
    assert bool(vendor.storage.requests) is elsewhere
    assert not vendor.storage.received_authorization


@pytest.mark.parametrize("platform", ["android", "ios"])
async def test_a_part_of_the_file(client: Appcircle, vendor: PretendAppcircle, platform: str) -> None:
    version = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform=platform)
    build = await only_build(client)
    whole = version.artefact.content()
    stream, content = await read(client, build, ByteRequest(range="bytes=100-199"))
    assert (stream.status, stream.length, content) == (206, 100, whole[100:200])
    assert stream.content_range == f"bytes 100-199/{len(whole)}"
    _, resumed = await read(client, build, ByteRequest(range="bytes=100-", if_range=stream.etag))
    assert resumed == whole[100:]
    stream, content = await read(client, build, ByteRequest(range="bytes=100-", if_range='"another"'))
    assert (stream.status, content) == (200, whole)
    stream, content = await read(client, build, ByteRequest(range=f"bytes={len(whole)}-"))
    assert (stream.status, stream.length, content) == (416, 0, b"")
    assert stream.content_range == f"bytes */{len(whole)}"


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize("wanted", [None, "bytes=100-199", "bytes=-5"])
async def test_a_file_of_another_size_than_was_listed_is_logged_and_handed_out(
    client: Appcircle, vendor: PretendAppcircle, caplog: pytest.LogCaptureFixture, platform: str, wanted: str | None
) -> None:
    version = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform=platform)
    build, whole = await only_build(client), version.artefact.size
    for listed in (whole, None, whole + 1):
        _, content = await read(client, replace(build, size=listed), ByteRequest(wanted))
        assert content
    assert [record.getMessage() for record in caplog.records if record.name.startswith("providers")] == [
        f"appcircle/{build.account}: open file: size_differs, {whole + 1} bytes listed and {whole} offered"
    ]


async def test_an_ios_file_without_a_manifest_in_between(client: Appcircle, vendor: PretendAppcircle) -> None:
    version = vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform="android")
    build = replace(await only_build(client), platform=Platform.IOS)
    _, content = await read(client, build, ByteRequest(range="bytes=5-9"))
    assert content == version.artefact.content()[5:10]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('"https://files.example.com/a.ipa"', "bad_manifest"),
        ("<?xml version='1.0'?><plist><dict/></plist>", "bad_manifest"),
        ("<?xml version='1.0'?><plist>" + " " * 2**21, "too_large"),
        (plistlib.dumps({"items": [{"assets": [{"kind": "software-package", "url": "file:///etc/passwd"}]}]}), "bad_redirect"),
        (plistlib.dumps({"items": [{"assets": [{"kind": "software-package", "url": "http://host:port/"}]}]}), "bad_redirect"),
    ],
)
async def test_a_manifest_that_leads_nowhere(client: Appcircle, vendor: PretendAppcircle, body: Any, reason: str) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform="ios")
    build = await only_build(client)
    vendor.misbehave("download-update", Misbehaviour.STATUS, status=200, body=body, content_type="application/octet-stream")
    with pytest.raises(Confused) as caught:
        await read(client, build)
    assert caught.value.reason == reason


async def test_a_manifest_that_drips_is_not_waited_for(client: Appcircle, connect: Connect, vendor: PretendAppcircle) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform="ios")
    build = await only_build(client)
    vendor.misbehave("download-update", Misbehaviour.SLOW_DRIP, pause=0.05)
    with pytest.raises(Unreachable) as caught:
        await read(connect(deadline=0.2), build)
    assert (caught.value.operation, caught.value.reason) == ("read manifest", "timeout")


@pytest.mark.parametrize("platform", ["android", "ios"])
async def test_files_that_cannot_be_had(client: Appcircle, connect: Connect, vendor: PretendAppcircle, platform: str) -> None:
    app = vendor.add_app("Shop", "com.acme.shop")
    version = vendor.upload(app, "1.0", "1", platform=platform)
    build = await only_build(client)
    with pytest.raises(Refused) as caught:  # lists well, may not download
        await read(connect(vendor.suborganisation_token), build)
    assert caught.value.reason == "forbidden"
    vendor.expire(version)
    with pytest.raises(Refused):
        await read(client, build)
    vendor.remove(version)
    with pytest.raises(NotFound):
        await read(client, build)
    vendor.misbehave("download-update", Misbehaviour.HTML_200)
    with pytest.raises(Confused) as confused:
        await read(client, build)
    assert confused.value.reason == "html"


@pytest.mark.parametrize("platform", ["android", "ios"])
async def test_a_download_that_breaks_off_never_looks_whole(client: Appcircle, vendor: PretendAppcircle, platform: str) -> None:
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1", platform=platform)
    build = await only_build(client)
    vendor.misbehave("download-update|package.ipa", Misbehaviour.DROP_MID_BODY)
    with pytest.raises(Unreachable) as caught:
        await read(client, build)
    assert caught.value.reason == "dropped"


# --- the rest -------------------------------------------------------------------------------------


async def test_probe(client: Appcircle, vendor: PretendAppcircle) -> None:
    vendor.add_app("Shop", "com.acme.shop")
    vendor.misbehave("^/publish/.*/android", Misbehaviour.FORBIDDEN)
    result = await client.probe()
    expected = "1 store profile, 0 testing distribution profiles, 0 publish (iOS) profiles, publish (Android) not offered"
    assert result.summary == expected
    assert result.server_time is not None


async def test_a_vendors_call_is_understood(client: Appcircle, vendor: PretendAppcircle) -> None:
    made = vendor.webhook("test", "EnterpriseStore|NewVersion")
    hint = client.parse_webhook(WebhookRequest(made.headers, made.body))
    assert hint is not None
    assert hint.event == "EnterpriseStore|NewVersion"


def test_it_opens_files_and_mints_no_links() -> None:
    assert issubclass(Appcircle, OpensFiles)
    assert not issubclass(Appcircle, MintsLinks)


async def test_settings_connect(url: str, vendor: PretendAppcircle, surroundings: Surroundings) -> None:
    settings = AppcircleSettings(
        name="acme-store",
        provider="appcircle",
        personal_api_token=SecretStr(vendor.personal_api_token),
        store_url=f"{url}/",
        api_url=url,
        auth_url=url,
    )
    client = SPEC.connect(settings, surroundings)
    assert isinstance(client, Appcircle)
    assert (client.account, client.provider) == ("acme-store", SPEC.name)
    assert await client.list_apps() == []
    await client.aclose()


async def test_no_error_and_no_repr_tells_a_secret(connect: Connect, vendor: PretendAppcircle, url: str) -> None:
    secret = vendor.personal_api_token
    client = connect()
    vendor.misbehave("profiles", Misbehaviour.STATUS, status=403, body=json.dumps({"message": secret}))
    with pytest.raises(ProviderError) as caught:
        await client.list_apps()
    assert secret not in f"{caught.value}{caught.value!r}{client!r}"
    assert url not in f"{caught.value}{caught.value!r}"


async def test_a_store_that_answers_with_a_page(
    serve: Any, vendor: PretendAppcircle, surroundings: Surroundings, url: str
) -> None:
    """A store address that belongs to another website."""
    elsewhere = await serve(Response("<html>Welcome", media_type="text/html"))
    http = VendorHttp("appcircle", "acme-store", surroundings)
    tokens = TokenKeeper(http, url, personal_api_token(vendor.personal_api_token), surroundings.clock)
    client = Appcircle(http, tokens, elsewhere, url)
    vendor.upload(vendor.add_app("Shop", "com.acme.shop"), "1.0", "1")
    with pytest.raises(Confused) as caught:
        await read(client, await only_build(client))
    assert caught.value.reason == "html"
    await client.aclose()
