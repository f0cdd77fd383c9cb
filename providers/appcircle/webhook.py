"""Appcircle's webhook calls: signature first, then what they hint at. Pure.

https://docs.appcircle.io/account/my-organization/notifications/webhook
"""

import hashlib
import hmac
from typing import Any

from bot.domain.errors import Confused, Refused
from bot.domain.ports import WebhookHint, WebhookRequest
from providers.appcircle.wire import PROVIDER
from providers.failures import WrongBody, parse_json
from providers.fields import Origin, read_object

_OPERATION = "receive webhook"
_HEADERS = ("ac_signature", "ac-signature")  # some servers in front of us rewrite underscores
# Only "Build|..." is documented. Modules of which nothing is known may be about what is read here, so they are worth a look.
_UNRELATED_MODULES = frozenset({"build"})


def signature(secret: str, body: bytes) -> str:
    """The value Appcircle sends as ac_signature: hex HMAC-SHA256 over the raw body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def parse_webhook(account: str, secret: str | None, request: WebhookRequest) -> WebhookHint | None:
    """None: about something that is not read here. Raises Refused (no_webhook_secret, bad_signature), Confused."""
    if not secret:
        raise Refused(PROVIDER, account, _OPERATION, "no_webhook_secret")
    given = next((request.headers[name] for name in _HEADERS if name in request.headers), "")
    if not hmac.compare_digest(given.strip().lower().encode(), signature(secret, request.body).encode()):
        raise Refused(PROVIDER, account, _OPERATION, "bad_signature")
    return _hint(_json(request.body, account), account)


def _json(body: bytes, account: str) -> Any:
    try:
        return parse_json(body)
    except WrongBody as error:
        raise Confused(PROVIDER, account, _OPERATION, error.reason) from error


def _hint(body: Any, account: str) -> WebhookHint | None:
    delivery = read_object(body, Origin(PROVIDER, account, _OPERATION))
    action = delivery.text("action") or "unknown"
    if action.partition("|")[0].strip().lower() in _UNRELATED_MODULES:
        return None
    return WebhookHint(delivery_id=delivery.required("deliveryId"), event=action)
