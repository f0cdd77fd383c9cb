"""Appcircle: https://docs.appcircle.io (Enterprise App Store, Testing Distribution, Publish to Stores)"""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from providers.appcircle.client import Appcircle
from providers.appcircle.remedies import REMEDIES
from providers.appcircle.token import Exchange, TokenKeeper, api_key, personal_access_key, personal_api_token
from providers.appcircle.wire import PROVIDER
from providers.http import VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings

_KeyName = Annotated[str, Field(min_length=1)]
_GUID = "6fbd094c-18cb-4bcd-bc6f-cf2aee752982"


class AppcircleSettings(AccountSettings):
    """One organization, by one of three kinds of credential.

    `personal_api_token` and `personal_access_key` are a person's, and two names of the vendor's for one thing, exchanged in the
    older and in the newer way; `api_key_name` with `api_key_secret` are the organization's. It must be the root organization's:
    another one lists, and fails at the store's downloads. `sub_organization` narrows a personal access key to one of those below,
    `organization_id` says which one an API key is used for.

    The three addresses are independent; none follows from another (self-hosted servers choose their own).

    The app ids in [[products]] are the ids of profiles: a store profile's as it is, and `dist:`, `publish-ios:` or
    `publish-android:` before those of Testing Distribution and Publish.
    """

    provider: Literal["appcircle"]
    personal_api_token: Secret | None = Field(default=None, examples=["env:APPCIRCLE_PAT"])
    personal_access_key: Secret | None = Field(default=None, examples=["env:APPCIRCLE_ACCESS_KEY"])
    sub_organization: UUID | None = Field(default=None, examples=[_GUID])
    api_key_name: _KeyName | None = Field(default=None, examples=["purser"])
    api_key_secret: Secret | None = Field(default=None, examples=["env:APPCIRCLE_API_KEY_SECRET"])
    organization_id: UUID | None = Field(default=None, examples=[_GUID])
    store_url: BaseUrl = Field(examples=["https://acme.store.appcircle.io"])
    api_url: BaseUrl = "https://api.appcircle.io"
    auth_url: BaseUrl = "https://auth.appcircle.io"
    webhook_secret: Secret | None = Field(default=None, examples=["env:APPCIRCLE_WEBHOOK_SECRET"])

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.api_key_name is None) != (self.api_key_secret is None):
            raise ValueError("needs api_key_name and api_key_secret together")
        if len(self._exchanges()) != 1:
            raise ValueError(
                "needs exactly one credential: personal_api_token, personal_access_key, or api_key_name with api_key_secret"
            )
        if self.sub_organization and not self.personal_access_key:
            raise ValueError("has sub_organization, which goes with personal_access_key alone")
        if self.organization_id and not self.api_key_secret:
            raise ValueError("has organization_id, which goes with api_key_name and api_key_secret alone")
        return self

    @property
    def exchange(self) -> Exchange:
        """What the configured credential is exchanged with."""
        (exchange,) = self._exchanges()
        return exchange

    def _exchanges(self) -> list[Exchange]:
        found = []
        if self.personal_api_token:
            found.append(personal_api_token(self.personal_api_token.get_secret_value()))
        if self.personal_access_key:
            found.append(personal_access_key(self.personal_access_key.get_secret_value(), _text(self.sub_organization)))
        if self.api_key_name and self.api_key_secret:
            found.append(api_key(self.api_key_name, self.api_key_secret.get_secret_value(), _text(self.organization_id)))
        return found


def _text(guid: UUID | None) -> str | None:
    return None if guid is None else str(guid)


def connect(settings: AppcircleSettings, surroundings: Surroundings) -> Appcircle:
    """A client for one account; nothing is asked yet."""
    http = VendorHttp(PROVIDER, settings.name, surroundings)
    return Appcircle(
        http,
        TokenKeeper(http, settings.auth_url, settings.exchange, surroundings.clock),
        settings.store_url,
        settings.api_url,
        webhook_secret=settings.webhook_secret.get_secret_value() if settings.webhook_secret else None,
    )


# https://docs.appcircle.io/account/webhooks
_WEBHOOKS = (
    "in Appcircle, My Organization > Notifications > Webhook > Manage > Add Webhook: "
    "enter {address} and, as its secret, webhook_secret"
)

SPEC = ProviderSpec(
    name=PROVIDER,
    title="Appcircle",
    settings=AppcircleSettings,
    connect=connect,
    webhooks_by_hand=_WEBHOOKS,
    remedies=REMEDIES,
)
