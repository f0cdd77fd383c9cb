"""Akana's API platform, Community Manager: https://help.akana.com/content/current/cm/api/index.htm"""

from typing import Annotated, Literal

from pydantic import Field

from providers.akana.client import Akana
from providers.akana.remedies import REMEDIES
from providers.akana.session import SessionKeeper, shows_login
from providers.akana.wire import PROVIDER, classify
from providers.http import VendorHttp
from providers.spec import AccountSettings, BaseUrl, ProviderSpec, Secret, Surroundings, matching

# It becomes part of cookie and header names, where RFC 9110 allows little else (5.6.2, tokens).
_Tenant = Annotated[str, matching(r"[A-Za-z0-9_-]{1,64}", "must be a federated member id: letters, digits, - and _")]
_AppId = Annotated[str, matching(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,254}", "must be the id of an app in Akana")]


class AkanaSettings(AccountSettings):
    """`tenant` is the federated member id: the suffix of every id and of the cookies' names.

    `apps` are ids with that suffix ("app10033.acmepaymentscorp"); without them, all apps that the user can find are listed.
    """

    provider: Literal["akana"]
    base_url: BaseUrl
    tenant: _Tenant
    username: Annotated[str, Field(min_length=1)]
    password: Secret
    apps: tuple[_AppId, ...] = ()


def connect(settings: AkanaSettings, surroundings: Surroundings) -> Akana:
    """A client for one account; nothing is asked yet."""
    http = VendorHttp(PROVIDER, settings.name, surroundings, classify=classify(settings.tenant), refuses=shows_login)
    session = SessionKeeper(http, settings.base_url, settings.tenant, settings.username, settings.password, surroundings.clock)
    return Akana(http, session, settings.base_url, settings.apps)


SPEC = ProviderSpec(name=PROVIDER, title="Akana", settings=AkanaSettings, connect=connect, remedies=REMEDIES)
