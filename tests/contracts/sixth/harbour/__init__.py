"""Harbour, a vendor that does not exist: the sixth provider, written by providers/ADDING.md and by nothing else."""

from typing import Literal

from providers.http import StaticBearer, VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings
from tests.contracts.sixth.harbour.client import Harbour
from tests.contracts.sixth.harbour.wire import PROVIDER, classify


class HarbourSettings(AccountSettings):
    """`token` is that of a berth, which sees the apps of one team."""

    provider: Literal["harbour"]
    token: Secret
    api_url: BaseUrl = "https://api.harbour.example"


def connect(settings: HarbourSettings, surroundings: Surroundings) -> Harbour:
    """A client for one account; nothing is asked yet."""
    http = VendorHttp(PROVIDER, settings.name, surroundings, classify=classify)
    return Harbour(http, StaticBearer(settings.token.get_secret_value()), settings.api_url)


SPEC = ProviderSpec(name=PROVIDER, title="Harbour", settings=HarbourSettings, connect=connect)
