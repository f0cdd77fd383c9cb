"""Apple's webhook calls. Payload shapes: Apple's webhook articles; pings: what receivers in the field have met."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from bot.domain.errors import Confused, Refused
from bot.domain.ports import WebhookHint, WebhookRequest
from bot.sandbox.vendors.apple.hooks import EVENT_TYPES, delivered_type
from providers.app_store_connect.webhook import parse_webhook, signature
from tests.providers.json_values import ANY_JSON, replaced

SECRET = "This is my secret"
BUILD_UPLOADED = {
    "data": {
        "type": "buildUploadStateUpdated",
        "id": "0b6f2a1e-0000-4000-8000-000000000001",
        "version": 1,
        "attributes": {"oldState": "PROCESSING", "newState": "COMPLETE", "timestamp": "2026-05-01T05:00:52.745Z"},
        "relationships": {"instance": {"data": {"type": "buildUploads", "id": "5c1d7e90-0000-4000-8000-000000000002"}}},
    }
}


def parse(body: bytes, signed: str | None = None, secret: str | None = SECRET) -> WebhookHint | None:
    headers = {"x-apple-signature": signature(SECRET, body) if signed is None else signed}
    return parse_webhook("app_store_connect", "acme-apple", secret, WebhookRequest(headers=headers, body=body))


def as_body(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_apples_own_test_vector() -> None:
    expected = "hmacsha256=7f062172b01cb00b53ca068614674a3d982a34062a0f5d37687d5e3377e54657"
    assert signature("This is my secret", b"Hello, World!") == expected


def test_a_signed_delivery_hints_at_what_changed() -> None:
    hint = parse(as_body(BUILD_UPLOADED))
    assert hint == WebhookHint(delivery_id="0b6f2a1e-0000-4000-8000-000000000001", event="buildUploadStateUpdated")


@pytest.mark.parametrize(
    "relationships",
    [
        {"instance": {"data": {"type": "buildUploads", "id": "x"}, "links": {"self": "https://x"}}},
        {"instance": {"type": "backgroundAssetVersions", "id": "x", "links": {"self": "https://x"}}},
        {},
        None,
    ],
)
def test_every_event_is_a_hint_also_those_nobody_has_heard_of(relationships: Any) -> None:
    for event in map(delivered_type, (*EVENT_TYPES, "AGREEMENT_SIGNED")):
        body = as_body({"data": {"type": event, "id": "d1", "version": 1, "attributes": {}, "relationships": relationships}})
        assert parse(body) == WebhookHint(delivery_id="d1", event=event)


def test_names_of_events() -> None:
    assert delivered_type("BUILD_UPLOAD_STATE_UPDATED") == "buildUploadStateUpdated"


@pytest.mark.parametrize(
    "attributes",
    [
        {"oldValue": "IN_REVIEW", "newValue": "PENDING_DEVELOPER_RELEASE", "timestamp": "2026-05-01T05:00:52.74Z"},
        {"newState": "COMPLETE"},
        {"oldExternalBuildState": "IN_BETA_REVIEW", "newExternalBuildState": "BETA_APPROVED"},
        {"ping": False},
        None,
        [],
        "odd",
    ],
)
def test_what_changed_is_read_again_and_not_from_here(attributes: Any) -> None:
    body = as_body({"data": {"type": "appStoreVersionAppVersionStateUpdated", "id": "d1", "attributes": attributes}})
    assert parse(body) == WebhookHint("d1", "appStoreVersionAppVersionStateUpdated")


def test_a_redelivery_is_the_same_hint() -> None:
    assert parse(as_body(BUILD_UPLOADED)) == parse(as_body(BUILD_UPLOADED))


@pytest.mark.parametrize(
    "ping",
    [
        {"type": "webhookPingCreated", "id": "p1", "attributes": {"timestamp": "2026-05-01T05:00:52.745Z"}},
        {"type": "webhookPings", "id": "p2", "attributes": {"ping": True}},
    ],
)
def test_a_ping_asks_for_nothing(ping: dict[str, Any]) -> None:
    assert parse(as_body({"data": ping})) is None


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "hmacsha256=",
        signature("another secret", as_body(BUILD_UPLOADED)),
        signature(SECRET, as_body(BUILD_UPLOADED) + b" "),
        signature(SECRET, as_body(BUILD_UPLOADED)).removeprefix("hmacsha256="),
        signature(SECRET, as_body(BUILD_UPLOADED)).replace("hmacsha256=", "hmacsha1="),
        "hmacsha256=\xff\xfe",
    ],
)
def test_what_apple_did_not_sign_is_refused(signed: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(as_body(BUILD_UPLOADED), signed)
    assert caught.value.reason == "bad_signature"


def test_no_signature_at_all_is_refused() -> None:
    with pytest.raises(Refused, match="bad_signature"):
        parse_webhook("app_store_connect", "a", SECRET, WebhookRequest(headers={}, body=b"{}"))


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Refused, match="no_webhook_secret"):
        parse(as_body(BUILD_UPLOADED), secret=None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"data": null}', b'{"data": {"type": "x"}}', b"\xff\xfe", b'{"data": []}']
)
def test_a_signed_body_of_another_shape_is_confusing(body: bytes) -> None:
    with pytest.raises(Confused, match="unexpected_shape"):
        parse(body)


@given(ANY_JSON)
def test_any_signed_json_is_a_hint_a_ping_or_confusing(data: Any) -> None:
    for document in (data, {"data": data}, {"data": {"type": "x", "id": "1", "attributes": data}}):
        body = as_body(document)
        with suppress(Confused):
            hint = parse(body)
            assert hint is None or isinstance(hint, WebhookHint)


@pytest.mark.parametrize(("word", "has_failed"), [("FAILED", True), ("COMPLETE", False), (None, False), (["FAILED"], False)])
def test_an_upload_that_failed_is_hinted_at(word: object, has_failed: bool) -> None:
    hint = parse(as_body(replaced(BUILD_UPLOADED, ("data", "attributes", "newState"), word)))
    assert hint is not None
    assert hint.has_failed_upload is has_failed
