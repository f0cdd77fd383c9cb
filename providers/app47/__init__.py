"""App47's enterprise app store: https://support.app47.com (API v2)"""

from typing import Literal

from providers.app47.client import App47
from providers.app47.remedies import REMEDIES
from providers.app47.token import AccessToken
from providers.app47.wire import PROVIDER, classify
from providers.http import VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings


class App47Settings(AccountSettings):
    """`access_token` belongs to a member, with that member's permissions: Portal > Profile > My info.

    `store_page` is where people install private apps from; App47 mints no links. Other environments have a host of their own.
    """

    provider: Literal["app47"]
    access_token: Secret
    store_page: BaseUrl | None = None
    api_url: BaseUrl = "https://cirrus.app47.com"


def connect(settings: App47Settings, surroundings: Surroundings) -> App47:
    """A client for one account; nothing is asked yet."""
    return App47(
        VendorHttp(PROVIDER, settings.name, surroundings, classify=classify),
        AccessToken(settings.access_token.get_secret_value()),
        settings.api_url,
        store_page=settings.store_page,
    )


SPEC = ProviderSpec(name=PROVIDER, title="App47", settings=App47Settings, connect=connect, remedies=REMEDIES)
