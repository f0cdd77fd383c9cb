"""Applivery's App Distribution: https://docs.applivery.com"""

from typing import Annotated, Literal

from pydantic import Field

from providers.applivery.client import Applivery
from providers.applivery.wire import PROVIDER, classify
from providers.http import StaticBearer, VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings

_Organization = Annotated[str, Field(pattern=r"^([a-fA-F0-9]{24}|[a-zA-Z0-9-]{3,})$")]
_AppId = Annotated[str, Field(pattern=r"^[a-fA-F0-9]{24}$")]


class AppliverySettings(AccountSettings):
    """`token` is a Service Account token: App API tokens cannot mint downloads. `apps` narrows the account to some apps.

    `organization` is the workspace's slug or id. A private cloud has its own API and download hosts.
    """

    provider: Literal["applivery"]
    organization: _Organization
    token: Secret
    apps: tuple[_AppId, ...] | None = None
    api_url: BaseUrl = "https://api.applivery.io"
    download_url: BaseUrl = "https://download-api.applivery.io"
    webhook_secret: Secret | None = None


def connect(settings: AppliverySettings, surroundings: Surroundings) -> Applivery:
    """A client for one account; nothing is asked yet."""
    return Applivery(
        VendorHttp(PROVIDER, settings.name, surroundings, classify=classify),
        StaticBearer(settings.token.get_secret_value()),
        settings.organization,
        settings.api_url,
        settings.download_url,
        apps=settings.apps,
        webhook_secret=settings.webhook_secret.get_secret_value() if settings.webhook_secret else None,
    )


SPEC = ProviderSpec(name=PROVIDER, title="Applivery", settings=AppliverySettings, connect=connect)
