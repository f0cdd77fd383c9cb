"""Apple's webhook calls: signature first, then what they hint at. Pure.

https://developer.apple.com/documentation/appstoreconnectapi/configuring-webhook-notifications
"""

import hashlib
import hmac
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.errors import Confused, Refused
from bot.domain.ports import WebhookHint, WebhookRequest
from providers.app_store_connect.documents import OrAbsent
from providers.app_store_connect.uploads import FAILED

_OPERATION = "receive webhook"
_HEADER = "x-apple-signature"
_SCHEME = "hmacsha256="


class _Attributes(BaseModel):
    model_config = ConfigDict(frozen=True)
    ping: object = None
    new_state: Annotated[object, Field(alias="newState")] = None


class _Delivery(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: str
    type: str
    attributes: Annotated[_Attributes | None, OrAbsent()] = None

    @property
    def is_failed_upload(self) -> bool:
        is_about_upload = self.type == "buildUploadStateUpdated"
        return is_about_upload and self.attributes is not None and self.attributes.new_state == FAILED

    @property
    def is_ping(self) -> bool:
        # Receivers in the field have met both shapes; Apple documents neither.
        return self.type == "webhookPingCreated" or (self.attributes is not None and self.attributes.ping is True)


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True)
    data: _Delivery


def signature(secret: str, body: bytes) -> str:
    """The value Apple sends as x-apple-signature: HMAC-SHA256 over the raw body, no timestamp in it."""
    return _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def parse_webhook(provider: str, account: str, secret: str | None, request: WebhookRequest) -> WebhookHint | None:
    """None: a ping. Raises Refused (no secret configured, bad signature), Confused (not a delivery)."""
    if secret is None:
        raise Refused(provider, account, _OPERATION, "no_webhook_secret")
    given = request.headers.get(_HEADER, "")
    if not hmac.compare_digest(given.encode(), signature(secret, request.body).encode()):
        raise Refused(provider, account, _OPERATION, "bad_signature")
    try:
        delivery = _Call.model_validate_json(request.body).data
    except ValidationError as error:
        raise Confused(provider, account, _OPERATION, "unexpected_shape") from error
    if delivery.is_ping:
        return None
    return WebhookHint(delivery_id=delivery.id, event=delivery.type, has_failed_upload=delivery.is_failed_upload)
