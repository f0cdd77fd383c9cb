"""Appcircle's Enterprise App Store: https://docs.appcircle.io/enterprise-app-store"""

from typing import Literal

from providers.appcircle.client import Appcircle
from providers.appcircle.token import TokenKeeper
from providers.appcircle.wire import PROVIDER
from providers.http import VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings


class AppcircleSettings(AccountSettings):
    """The personal API token must come from the root organization: another one lists, and fails at the download.

    The three addresses are independent; none follows from another (self-hosted servers choose their own).
    """

    provider: Literal["appcircle"]
    personal_api_token: Secret
    store_url: BaseUrl
    api_url: BaseUrl = "https://api.appcircle.io"
    auth_url: BaseUrl = "https://auth.appcircle.io"
    webhook_secret: Secret | None = None


def connect(settings: AppcircleSettings, surroundings: Surroundings) -> Appcircle:
    """A client for one account; nothing is asked yet."""
    http = VendorHttp(PROVIDER, settings.name, surroundings)
    return Appcircle(
        http,
        TokenKeeper(http, settings.auth_url, settings.personal_api_token.get_secret_value(), surroundings.clock),
        settings.store_url,
        settings.api_url,
        webhook_secret=settings.webhook_secret.get_secret_value() if settings.webhook_secret else None,
    )


SPEC = ProviderSpec(name=PROVIDER, title="Appcircle", settings=AppcircleSettings, connect=connect)
