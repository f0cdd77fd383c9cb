"""Applivery's webhook calls. Pure.

Applivery signs nothing and offers no secret (https://docs.applivery.com, Custom Webhooks: a URL and a list of events), so the
path of the URL given to it ends in one, and the body is no more than a hint. `?secret=...` is taken too, though what stands in
front of a server often logs it.
"""

import hmac
from uuid import uuid4

from bot.domain.errors import Refused
from bot.domain.ports import WebhookHint, WebhookRequest
from providers.applivery.wire import PROVIDER
from providers.failures import WrongBody, parse_json
from providers.fields import Fields, Origin

_OPERATION = "receive webhook"
_QUERY_FIELD = "secret"
_UNKNOWN = "unknown"


def parse_webhook(account: str, secret: str | None, request: WebhookRequest) -> WebhookHint | None:
    """None: an event that is not about builds. Raises Refused (no_webhook_secret, bad_signature).

    Deliveries have no id, and what a body holds is not documented: none may be taken for the repetition of another.
    """
    if not secret:
        raise Refused(PROVIDER, account, _OPERATION, "no_webhook_secret")
    given = request.path or request.query.get(_QUERY_FIELD, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("utf-8", "replace")):
        raise Refused(PROVIDER, account, _OPERATION, "bad_signature")
    event = _event(request.body, account)
    # Keys may carry a platform's prefix ("ios_build_processed"). An event that cannot be read may be about a build.
    if event != _UNKNOWN and "build" not in event.lower():
        return None
    return WebhookHint(delivery_id=uuid4().hex, event=event)


def _event(body: bytes, account: str) -> str:
    try:
        call = parse_json(body)
    except WrongBody:
        return _UNKNOWN
    fields = Fields(Origin(PROVIDER, account, _OPERATION), call if isinstance(call, dict) else {})
    return fields.text("action", "event") or _UNKNOWN
