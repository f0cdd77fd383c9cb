"""Webhooks that Purser registers at Apple, one per app; and that what Apple then sends is understood."""

import json
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Confused, Refused, Unreachable
from bot.domain.ports import WebhookHint, WebhookRegistration, WebhookRequest
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors.apple.hooks import EVENT_TYPES as APPLES_EVENT_TYPES
from bot.sandbox.vendors.apple.hooks import HookDelivery
from bot.sandbox.vendors.apple.model import AppleApp
from providers.app_store_connect.registration import EVENT_TYPES, read_webhooks
from tests.providers.apple import SECRET, Apple
from tests.providers.json_values import ANY_JSON, places, replaced

URL = "https://purser.acme.com/webhooks/acme-apple"
OTHER_URL = "https://ci.acme.com/hook"


def outcomes(registrations: Any) -> dict[str, tuple[str, str | None]]:
    return {each.app.name: (each.outcome, each.failure and each.failure.reason) for each in registrations}


def add_webhook(apple: Apple, app: AppleApp, **changed: Any) -> str:
    """A webhook that serves, but for what is said otherwise."""
    attributes = {"enabled": True, "eventTypes": list(EVENT_TYPES), "name": "Purser", "secret": SECRET, "url": URL} | changed
    relationships = {"app": {"data": {"type": "apps", "id": app.id}}}
    return apple.pretend.hooks.create({"data": {"attributes": attributes, "relationships": relationships}}).id


def received(apple: Apple, delivery: HookDelivery) -> WebhookHint | None:
    return apple.client().parse_webhook(WebhookRequest(delivery.call.headers, delivery.call.body))


async def test_every_app_gets_a_webhook_once(apple: Apple) -> None:
    apple.add_apps(3)
    client = apple.client()
    first = await client.register_webhooks(URL)
    assert outcomes(first) == {f"App 00{number}": ("created", None) for number in range(3)}
    hooks = apple.pretend.hooks.registered
    assert {(hook.name, hook.url, hook.secret, hook.event_types, hook.enabled) for hook in hooks.values()} == {
        ("Purser", URL, SECRET, EVENT_TYPES, True)
    }
    assert {hook.app.id for hook in hooks.values()} == set(apple.pretend.apps)
    again = await client.register_webhooks(URL)
    assert {each.outcome for each in again} == {"unchanged"}
    assert len(hooks) == 3
    assert SECRET not in repr(first) + repr(again)


def test_the_event_types_are_apples() -> None:
    assert set(EVENT_TYPES) < set(APPLES_EVENT_TYPES)


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://old.acme.com/webhooks/acme-apple"},
        {"enabled": False},
        {"eventTypes": ["BUILD_UPLOAD_STATE_UPDATED"]},
        {"name": "made by hand", "enabled": False},
    ],
)
async def test_ours_is_mended_and_not_doubled(apple: Apple, changed: dict[str, Any]) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    webhook_id = add_webhook(apple, shop, **changed)
    add_webhook(apple, shop, name="CI", url=OTHER_URL)
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("updated", None)}
    ours = apple.pretend.hooks.registered[webhook_id]
    assert (ours.name, ours.url, ours.enabled, ours.event_types) == ("Purser", URL, True, EVENT_TYPES)
    assert len(apple.pretend.hooks.registered) == 2


@pytest.mark.parametrize("changed", [{"eventTypes": list(APPLES_EVENT_TYPES)}, {"name": "made by hand"}])
async def test_one_that_already_serves_stays_as_it_is(apple: Apple, changed: dict[str, Any]) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    webhook_id = add_webhook(apple, shop, **changed)
    before = replace(apple.pretend.hooks.registered[webhook_id])
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("unchanged", None)}
    assert asdict(apple.pretend.hooks.registered[webhook_id]) == asdict(before)
    assert [request.method for request in apple.pretend.requests] == ["GET", "GET", "PATCH"]


async def test_a_secret_that_was_replaced_reaches_apple(apple: Apple) -> None:
    """Apple does not tell the old one, so there is nothing to compare with."""
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    webhook_id = add_webhook(apple, shop, secret="the secret of last year")
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("unchanged", None)}
    assert apple.pretend.hooks.registered[webhook_id].secret == SECRET
    sent = json.loads(apple.pretend.requests[-1].body)
    assert sent["data"]["attributes"] == {"secret": SECRET}


async def test_an_app_that_fails_does_not_keep_the_others_from_theirs(apple: Apple) -> None:
    shop, _till = apple.pretend.add_app("Shop", "com.acme.shop"), apple.pretend.add_app("Till", "com.acme.till")
    apple.pretend.misbehave(f"/v1/apps/{shop.id}/webhooks", Misbehaviour.FORBIDDEN)
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("failed", "forbidden"), "Till": ("created", None)}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Misbehaviour.HTML_502, "http_502"), (Misbehaviour.WRONG_JSON, "unexpected_shape"), (Misbehaviour.HTML_200, "html")],
)
async def test_a_webhook_that_cannot_be_made_is_not_made_twice(apple: Apple, kind: Misbehaviour, reason: str) -> None:
    apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.misbehave("^/v1/webhooks$", kind)
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("failed", reason)}
    assert [request.method for request in apple.pretend.requests] == ["GET", "GET", "POST"]


async def test_what_apple_finds_wrong_with_it_is_a_failure(apple: Apple) -> None:
    apple.pretend.add_app("Shop", "com.acme.shop")
    body = {"errors": [{"status": "409", "code": "ENTITY_ERROR.ATTRIBUTE.INVALID", "title": "url", "detail": URL}]}
    apple.pretend.misbehave("^/v1/webhooks$", Misbehaviour.STATUS, status=409, body=json.dumps(body))
    assert outcomes(await apple.client().register_webhooks(URL)) == {"Shop": ("failed", "http_409")}


async def test_without_apps_there_is_nothing_to_do_and_without_a_list_nothing_to_say(apple: Apple) -> None:
    client = apple.client()
    assert await client.register_webhooks(URL) == []
    apple.pretend.misbehave("/v1/apps", Misbehaviour.HTML_502)
    with pytest.raises(Unreachable):
        await client.register_webhooks(URL)


async def test_without_a_secret_nothing_is_registered(apple: Apple) -> None:
    apple.add_apps(1)
    with pytest.raises(Refused, match="no_webhook_secret"):
        await apple.client(webhook_secret=None).register_webhooks(URL)
    assert apple.pretend.requests == []


async def test_an_individual_key_registers_too(apple: Apple) -> None:
    apple.add_apps(1)
    (made,) = await apple.client(apple.pretend.individual_key).register_webhooks(URL)
    assert isinstance(made, WebhookRegistration)
    assert made.outcome == "created"


# --- What Apple then sends --------------------------------------------------------------------


async def test_what_happens_at_apple_arrives_as_hints(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    build = apple.pretend.upload(shop, "3.2.0", "418", processed=False)
    version = apple.pretend.add_store_version(shop, "3.2.0")
    await apple.client().register_webhooks(URL)
    apple.pretend.finish_processing(build)
    apple.pretend.set_version_state(version, "WAITING_FOR_REVIEW")
    deliveries = apple.pretend.hooks.outgoing
    assert {delivery.url for delivery in deliveries} == {URL}
    hints = [received(apple, delivery) for delivery in deliveries]
    assert [hint.event for hint in hints if hint] == [
        "buildUploadStateUpdated",
        "buildBetaDetailExternalBuildStateUpdated",
        "appStoreVersionAppVersionStateUpdated",
    ]


async def test_a_ping_asks_for_nothing_and_a_redelivery_repeats_its_id(apple: Apple) -> None:
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    await apple.client().register_webhooks(URL)
    (webhook,) = apple.pretend.hooks.registered.values()
    apple.pretend.hooks.ping({"data": {"relationships": {"webhook": {"data": {"type": "webhooks", "id": webhook.id}}}}})
    (ping,) = apple.pretend.hooks.outgoing
    assert received(apple, ping) is None
    apple.pretend.finish_processing(apple.pretend.upload(shop, "3.2.0", "418", processed=False), "INVALID")
    first = apple.pretend.hooks.outgoing[-1]
    apple.pretend.hooks.redeliver({"data": {"relationships": {"template": {"data": {"id": first.id}}}}})
    second = apple.pretend.hooks.outgoing[-1]
    assert (first.id != second.id, second.is_redelivery) == (True, True)
    assert received(apple, first) == received(apple, second)


# --- The wire ---------------------------------------------------------------------------------

LISTING: dict[str, Any] = {
    "data": [
        {
            "type": "webhooks",
            "id": "w1",
            "attributes": {"enabled": True, "eventTypes": ["NEW_EVENT", *EVENT_TYPES], "name": "Purser", "url": URL},
        },
        {"type": "webhooks", "id": "w2"},
    ]
}


def test_listed_webhooks() -> None:
    whole, bare = read_webhooks(LISTING, "acme-apple", "register webhooks").items
    assert whole.serves(URL)
    assert not bare.serves(URL)
    assert URL not in repr(whole)


@given(st.sampled_from(places(LISTING)), ANY_JSON)
def test_a_listing_with_anything_in_any_place_is_read_or_confusing(place: tuple[Any, ...], value: object) -> None:
    for body in (replaced(LISTING, place, value), value):
        with suppress(Confused):
            read_webhooks(body, "acme-apple", "any")
