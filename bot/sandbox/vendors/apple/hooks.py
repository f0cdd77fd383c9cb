"""Webhooks: what is registered per app, and what is on its way (Apple, "Configuring webhook notifications")."""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.vendors.apple.documents import Collection, Resource, among, error_body, not_found
from bot.sandbox.vendors.apple.model import AppleApp
from bot.sandbox.vendors.apple.resources import app_resource
from bot.sandbox.vendors.base import VendorRefusal, Webhook

EVENT_TYPES = (
    "APP_STORE_VERSION_APP_VERSION_STATE_UPDATED",
    "BUILD_UPLOAD_STATE_UPDATED",
    "BUILD_BETA_DETAIL_EXTERNAL_BUILD_STATE_UPDATED",
    "BETA_FEEDBACK_CRASH_SUBMISSION_CREATED",
    "BETA_FEEDBACK_SCREENSHOT_SUBMISSION_CREATED",
    "BACKGROUND_ASSET_VERSION_STATE_UPDATED",
    "BACKGROUND_ASSET_VERSION_APP_STORE_RELEASE_STATE_UPDATED",
    "BACKGROUND_ASSET_VERSION_EXTERNAL_BETA_RELEASE_STATE_UPDATED",
    "BACKGROUND_ASSET_VERSION_INTERNAL_BETA_RELEASE_CREATED",
    "ALTERNATIVE_DISTRIBUTION_PACKAGE_AVAILABLE_UPDATED",
    "ALTERNATIVE_DISTRIBUTION_PACKAGE_VERSION_CREATED",
    "ALTERNATIVE_DISTRIBUTION_TERRITORY_AVAILABILITY_UPDATED",
)
PING = "webhookPingCreated"
_REQUIRED = {"enabled": bool, "eventTypes": list, "name": str, "secret": str, "url": str}


def delivered_type(event_type: str) -> str:
    """BUILD_UPLOAD_STATE_UPDATED is subscribed to, buildUploadStateUpdated is delivered."""
    first, *rest = event_type.split("_")
    return first.lower() + "".join(word.capitalize() for word in rest)


def sign_webhook(secret: str, body: bytes) -> Webhook:
    """`hmacsha256=` and lower-case hex over the raw body."""
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return Webhook(body, {"content-type": "application/json", "x-apple-signature": f"hmacsha256={signature}"})


@dataclass(eq=False, slots=True)
class AppleWebhook:
    """`secret` is never given out again."""

    id: str
    app: AppleApp
    name: str
    url: str
    secret: str = field(repr=False)
    event_types: tuple[str, ...]
    enabled: bool


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """One call to `url`, ready to be posted. A redelivery repeats the event's id in its body."""

    id: str
    webhook: AppleWebhook
    url: str
    call: Webhook
    created_at: datetime
    is_redelivery: bool = False


class Hooks:
    """The registered webhooks. `outgoing` is what Apple would have posted by now, oldest first; whoever posts it, empties it."""

    def __init__(self, apps: Mapping[str, AppleApp], new_id: Callable[[], str], clock: Callable[[], datetime]) -> None:
        self.registered: dict[str, AppleWebhook] = {}
        self.outgoing: list[HookDelivery] = []
        self._deliveries: dict[str, HookDelivery] = {}
        self._apps = apps
        self._new_id = new_id
        self._clock = clock

    # --- what the API does ---

    def get(self, webhook_id: str) -> AppleWebhook:
        if webhook_id not in self.registered:
            raise not_found("webhooks", webhook_id)
        return self.registered[webhook_id]

    def create(self, document: Any) -> AppleWebhook:
        """Every attribute is required. Raises VendorRefusal (404: no such app, 409: a bad attribute)."""
        attributes = _attributes(document)
        if missing := [name for name in _REQUIRED if name not in attributes]:
            raise _conflict("ENTITY_ERROR.ATTRIBUTE.REQUIRED", missing[0])
        app = self._apps.get(related_id(document, "app"))
        if app is None:
            raise not_found("apps", related_id(document, "app"))
        webhook = AppleWebhook(self._new_id(), app, "", "", "", (), enabled=True)
        self._change(webhook, attributes)
        self.registered[webhook.id] = webhook
        return webhook

    def update(self, webhook_id: str, document: Any) -> AppleWebhook:
        """Only what is named changes. Raises VendorRefusal."""
        webhook = self.get(webhook_id)
        self._change(webhook, _attributes(document))
        return webhook

    def delete(self, webhook_id: str) -> None:
        del self.registered[self.get(webhook_id).id]

    def ping(self, document: Any) -> str:
        """The ping's id; its delivery is on its way."""
        webhook = self.get(related_id(document, "webhook"))
        ping_id = self._new_id()
        self._send(webhook, {"type": PING, "id": ping_id, "version": 1, "attributes": {"timestamp": self._timestamp()}})
        return ping_id

    def redeliver(self, document: Any) -> HookDelivery:
        """The same event once more."""
        template = self._deliveries.get(related_id(document, "template"))
        if template is None:
            raise not_found("webhookDeliveries", related_id(document, "template"))
        return self._dispatch(template.webhook, template.call, is_redelivery=True)

    @staticmethod
    def _change(webhook: AppleWebhook, attributes: Mapping[str, Any]) -> None:
        for name, kind in _REQUIRED.items():
            if name in attributes and not isinstance(attributes[name], kind):
                raise _conflict("ENTITY_ERROR.ATTRIBUTE.TYPE", name)
        events = attributes.get("eventTypes", webhook.event_types)
        if not set(events).issubset(EVENT_TYPES) or not events:
            raise _conflict("ENTITY_ERROR.ATTRIBUTE.INVALID", "eventTypes")
        webhook.event_types = tuple(events)
        webhook.enabled = attributes.get("enabled", webhook.enabled)
        webhook.name = attributes.get("name", webhook.name)
        webhook.url = attributes.get("url", webhook.url)
        webhook.secret = attributes.get("secret", webhook.secret)

    # --- what happens ---

    def emit(self, app: AppleApp, event_type: str, instance: tuple[str, str], attributes: Mapping[str, Any]) -> None:
        """Something happened to `instance` (type, id): every enabled webhook of the app that asked for it is called."""
        data = {
            "type": delivered_type(event_type),
            "id": self._new_id(),
            "version": 1,
            "attributes": {**attributes, "timestamp": self._timestamp()},
            "relationships": {"instance": {"data": {"type": instance[0], "id": instance[1]}}},
        }
        for webhook in self.registered.values():
            if webhook.app is app and webhook.enabled and event_type in webhook.event_types:
                self._send(webhook, data)

    def _send(self, webhook: AppleWebhook, data: Mapping[str, Any]) -> None:
        self._dispatch(webhook, sign_webhook(webhook.secret, json.dumps({"data": data}).encode()))

    def _dispatch(self, webhook: AppleWebhook, call: Webhook, *, is_redelivery: bool = False) -> HookDelivery:
        delivery = HookDelivery(self._new_id(), webhook, webhook.url, call, self._clock(), is_redelivery)
        self._deliveries[delivery.id] = delivery
        self.outgoing.append(delivery)
        return delivery

    def _timestamp(self) -> str:
        return self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # --- how it is shown ---

    def of_app(self, app: AppleApp) -> Collection[AppleWebhook]:
        mine = [webhook for webhook in self.registered.values() if webhook.app is app]
        fields = frozenset({"webhooks", "apps"})
        return Collection(lambda: mine, webhook_resource, includes=frozenset({"app"}), fields=fields)

    def deliveries_of(self, webhook: AppleWebhook) -> Collection[HookDelivery]:
        mine: Sequence[HookDelivery] = [each for each in self._deliveries.values() if each.webhook is webhook]
        return Collection(lambda: mine, delivery_resource, {"deliveryState": among(lambda _: "PENDING")})


def webhook_resource(webhook: AppleWebhook) -> Resource:
    attributes = {
        "enabled": webhook.enabled,
        "eventTypes": list(webhook.event_types),
        "name": webhook.name,
        "url": webhook.url,
    }
    return Resource("webhooks", webhook.id, attributes, {"app": lambda: app_resource(webhook.app)})


def delivery_resource(delivery: HookDelivery) -> Resource:
    attributes = {
        "createdDate": delivery.created_at.isoformat(timespec="milliseconds"),
        "deliveryState": "PENDING",
        "redelivery": delivery.is_redelivery,
        "request": {"url": delivery.url},
        "response": None,
    }
    return Resource("webhookDeliveries", delivery.id, attributes)


def related_id(document: Any, name: str) -> str:
    """The id that a request's relationship names. Raises VendorRefusal."""
    try:
        return str(document["data"]["relationships"][name]["data"]["id"])
    except (KeyError, TypeError) as error:
        raise _conflict("ENTITY_ERROR.RELATIONSHIP.REQUIRED", name) from error


def _attributes(document: Any) -> Mapping[str, Any]:
    try:
        attributes: Mapping[str, Any] = dict(document["data"]["attributes"])
    except (KeyError, TypeError, ValueError) as error:
        raise _conflict("ENTITY_ERROR", "attributes") from error
    return attributes


def _conflict(code: str, name: str) -> VendorRefusal:
    title = "The provided entity includes an attribute with an invalid value"
    return VendorRefusal(409, error_body(409, code, title, f"'{name}' is missing or cannot be used"))
