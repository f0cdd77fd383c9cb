"""Applivery's App Distribution: https://docs.applivery.com"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from providers.applivery.client import Applivery
from providers.applivery.remedies import REMEDIES
from providers.applivery.wire import PROVIDER, classify
from providers.http import StaticBearer, VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings, matching

_Organization = Annotated[str, matching(r"[a-zA-Z0-9-]{3,}", "must be the workspace's slug or id: letters, digits and dashes")]
_AppId = Annotated[str, matching(r"[a-fA-F0-9]{24}", "must be the id of an app: 24 digits and letters from a to f")]
_StoreId = Annotated[  # the vendor's pages show it both ways
    str, matching(r"[a-fA-F0-9]{24}|[0-9]{1,20}", "must be the id of a store: a number, or 24 digits and letters from a to f")
]


class AppliverySettings(AccountSettings):
    """`token` is a Service Account token: App API tokens cannot mint downloads. `apps` narrows the account to some apps.

    `organization` is the workspace's slug or id. A private cloud has its own API and download hosts.

    `store_id` makes the publications of that store pages to install from; GET /v1/organizations/{organization}/stores tells it.
    `store_url` is the store's address, `https://{name}.applivery.com` or a domain of its own, should the vendor not say it.
    """

    provider: Literal["applivery"]
    organization: _Organization = Field(examples=["acme"])
    token: Secret = Field(examples=["env:APPLIVERY_TOKEN"])
    apps: tuple[_AppId, ...] | None = Field(default=None, examples=[["5f3e1c0a9b8d7e6f5a4b3c2d"]])
    store_id: _StoreId | None = Field(default=None, examples=["5f3e1c0a9b8d7e6f5a4b3c2e"])
    store_url: BaseUrl | None = Field(default=None, examples=["https://acme.applivery.com"])
    api_url: BaseUrl = "https://api.applivery.io"
    download_url: BaseUrl = "https://download-api.applivery.io"
    webhook_secret: Secret | None = Field(default=None, examples=["env:APPLIVERY_WEBHOOK_SECRET"])

    @model_validator(mode="after")
    def _store_has_an_id(self) -> Self:
        if self.store_url and not self.store_id:
            raise ValueError("has store_url, which goes with store_id alone")
        return self


def connect(settings: AppliverySettings, surroundings: Surroundings) -> Applivery:
    """A client for one account; nothing is asked yet."""
    return Applivery(
        VendorHttp(PROVIDER, settings.name, surroundings, classify=classify),
        StaticBearer(settings.token.get_secret_value()),
        settings.organization,
        settings.api_url,
        settings.download_url,
        apps=settings.apps,
        store_id=settings.store_id,
        store_url=settings.store_url,
        webhook_secret=settings.webhook_secret.get_secret_value() if settings.webhook_secret else None,
    )


# https://docs.applivery.com ("Custom Webhooks")
_WEBHOOKS = "in Applivery, Integrations > Webhook: enter {address}/… with webhook_secret in place of the dots"

SPEC = ProviderSpec(
    name=PROVIDER,
    title="Applivery",
    settings=AppliverySettings,
    connect=connect,
    webhooks_by_hand=_WEBHOOKS,
    remedies=REMEDIES,
)
