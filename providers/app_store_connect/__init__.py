"""App Store Connect: TestFlight builds, App Store versions, what expires, and whether the account's agreements are in force.

https://developer.apple.com/documentation/appstoreconnectapi
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from providers.app_store_connect.client import AppStoreConnect, classify
from providers.app_store_connect.documents import PROVIDER
from providers.app_store_connect.pacing import Pacer
from providers.app_store_connect.remedies import REMEDIES
from providers.app_store_connect.token import TokenKeeper, load_key
from providers.http import VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings


def _check_key(secret: SecretStr) -> SecretStr:
    try:
        load_key(secret.get_secret_value())
    except ValueError as error:
        raise ValueError(f"private_key {error}") from None
    return secret


class AppStoreConnectSettings(AccountSettings):
    """A key from App Store Connect, Users and Access > Integrations. Without `issuer_id` it is an individual key."""

    provider: Literal["app_store_connect"]
    key_id: Annotated[str, Field(min_length=1)]
    private_key: Annotated[Secret, AfterValidator(_check_key)]
    issuer_id: Annotated[str, Field(min_length=1)] | None = None
    api_url: BaseUrl = "https://api.appstoreconnect.apple.com"
    webhook_secret: Secret | None = None


def connect(settings: AppStoreConnectSettings, surroundings: Surroundings) -> AppStoreConnect:
    """A client for one account; nothing is asked yet."""
    key = load_key(settings.private_key.get_secret_value())
    pacer = Pacer(surroundings.clock)
    return AppStoreConnect(
        VendorHttp(PROVIDER, settings.name, surroundings, classify=classify, on_answer=pacer.heard),
        TokenKeeper(key, settings.key_id, settings.issuer_id, surroundings.clock),
        settings.api_url,
        surroundings.clock,
        pacer,
        is_team_key=settings.issuer_id is not None,
        webhook_secret=settings.webhook_secret,
    )


SPEC = ProviderSpec(
    name=PROVIDER, title="App Store Connect", settings=AppStoreConnectSettings, connect=connect, remedies=REMEDIES
)
