"""Makes Apple call us: one webhook per app, named Purser.

https://developer.apple.com/documentation/appstoreconnectapi/webhook-notifications
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import SecretStr

from bot.domain.errors import ProviderError
from bot.domain.model import App
from bot.domain.ports import WebhookRegistration
from providers.app_store_connect.api import PAGE_SIZE, Api, Params
from providers.app_store_connect.documents import Flag, OrAbsent, Page, Resource, Text, Wire, attributes_of, read_one, read_page

NAME = "Purser"
OPERATION = "register webhooks"
# Those that change what Purser knows. The others (feedback, background assets, ...) are understood when they come.
EVENT_TYPES = (
    "APP_STORE_VERSION_APP_VERSION_STATE_UPDATED",
    "BUILD_BETA_DETAIL_EXTERNAL_BUILD_STATE_UPDATED",
    "BUILD_UPLOAD_STATE_UPDATED",
)
_WEBHOOKS: Params = {"fields[webhooks]": "enabled,eventTypes,name,url", "limit": PAGE_SIZE}


class _WebhookAttributes(Wire):
    name: Text = None
    url: Text = None
    enabled: Flag = None
    event_types: Annotated[tuple[str, ...] | None, OrAbsent()] = None


@dataclass(frozen=True, slots=True)
class RegisteredWebhook:
    """A webhook as Apple lists it; its secret is never shown."""

    id: str
    name: str | None
    url: str | None = field(repr=False)
    is_enabled: bool
    event_types: frozenset[str]

    def serves(self, url: str) -> bool:
        return self.url == url and self.is_enabled and self.event_types.issuperset(EVENT_TYPES)


def read_webhooks(body: object, account: str, operation: str) -> Page[RegisteredWebhook]:
    """A page of /v1/apps/{id}/webhooks. Raises Confused."""
    return read_page(body, account, operation, lambda resource, _: _webhook(resource))


def _webhook(resource: Resource) -> RegisteredWebhook:
    about = attributes_of(resource, _WebhookAttributes)
    events = frozenset(about.event_types or ())
    return RegisteredWebhook(resource.id, about.name, about.url, about.enabled is True, events)


class Registrar:
    """Sees to it that Apple calls `url`, signing with `secret`.

    Apple never tells a secret, so that an old one cannot be told from ours: a webhook that serves already is sent it again. A
    PATCH changes what it names, and nothing else.
    https://developer.apple.com/documentation/appstoreconnectapi/patch-v1-webhooks-_id_
    """

    def __init__(self, api: Api, url: str, secret: SecretStr) -> None:
        self._api = api
        self._url = url
        self._secret = secret

    async def register(self, app: App) -> WebhookRegistration:
        """What became of the app's webhook; an app that fails does not keep the others from theirs."""
        try:
            return WebhookRegistration(app, await self._settle(app))
        except ProviderError as error:
            return WebhookRegistration(app, "failed", error)

    async def _settle(self, app: App) -> str:
        standing = await self._standing(app)
        if standing is None:
            await self._create(app)
            return "created"
        if standing.serves(self._url):
            await self._update(standing, {"secret": self._secret.get_secret_value()})
            return "unchanged"
        await self._update(standing, self._attributes())
        return "updated"

    async def _standing(self, app: App) -> RegisteredWebhook | None:
        """Ours by its name, else one that calls our address under another name."""
        url = self._api.url(f"/v1/apps/{quote(app.id, safe='')}/webhooks", _WEBHOOKS)
        webhooks = await self._api.read_all(OPERATION, url, read_webhooks, can_wait=True)
        ours = [webhook for webhook in webhooks if webhook.name == NAME]
        ours += [webhook for webhook in webhooks if webhook.url == self._url]
        return next(iter(ours), None)

    async def _create(self, app: App) -> None:
        relationships = {"app": {"data": {"type": "apps", "id": app.id}}}
        document = {"type": "webhooks", "attributes": self._attributes(), "relationships": relationships}
        await self._write("POST", "/v1/webhooks", document)

    async def _update(self, webhook: RegisteredWebhook, attributes: Mapping[str, Any]) -> None:
        document = {"type": "webhooks", "id": webhook.id, "attributes": attributes}
        await self._write("PATCH", f"/v1/webhooks/{quote(webhook.id, safe='')}", document)

    async def _write(self, method: str, path: str, document: Any) -> None:
        body = await self._api.call(OPERATION, self._api.url(path), method=method, body={"data": document}, can_wait=True)
        read_one(body, self._api.account, OPERATION, lambda resource, _: resource.id)

    def _attributes(self) -> dict[str, Any]:
        return {
            "enabled": True,
            "eventTypes": list(EVENT_TYPES),
            "name": NAME,
            "secret": self._secret.get_secret_value(),
            "url": self._url,
        }
