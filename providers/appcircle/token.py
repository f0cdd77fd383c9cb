"""The bearer token for which Appcircle exchanges every kind of credential.

https://docs.appcircle.io/appcircle-api/api-authentication
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.errors import Confused, Refused
from providers.appcircle import wire
from providers.http import VendorHttp

# The real lifetime is not published; a 401 corrects a guess that is too long.
DEFAULT_LIFETIME = timedelta(minutes=30)
_LONGEST_LIFETIME = timedelta(days=1)
_USED_SHARE = 0.9
_OPERATION = "sign in"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where on the auth host a credential is exchanged, and the form that does it."""

    path: str
    form: Mapping[str, str] = field(repr=False)


def personal_api_token(token: str) -> Exchange:
    """The older name of a personal access key."""
    return Exchange("/auth/v1/token", {"pat": token})


def personal_access_key(key: str, sub_organization: str | None = None) -> Exchange:
    """`sub_organization` is the id of the one to act in. A plugin of the vendor's spells the field `subOrganizationId`."""
    chosen = {"subOrganization": sub_organization} if sub_organization else {}
    return Exchange("/auth/v3/token", {"personalAccessKey": key, **chosen})


def api_key(name: str, secret: str, organization_id: str | None = None) -> Exchange:
    """An organization's key, good for at most a year."""
    chosen = {"organizationId": organization_id} if organization_id else {}
    return Exchange("/auth/v1/api-key/token", {"name": name, "secret": secret, **chosen})


class TokenKeeper:
    """Exchanges early, once for all concurrent callers, and again after a 401. Satisfies `providers.http.Credential`."""

    def __init__(self, http: VendorHttp, auth_url: str, exchange: Exchange, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._url = f"{auth_url}{exchange.path}"
        self._form = exchange.form
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._renew_at: datetime | None = None

    async def headers(self) -> Mapping[str, str]:
        """The Authorization header. Raises ProviderError."""
        async with self._lock:
            token = self._token
            if token is None or self._renew_at is None or self._clock() >= self._renew_at:
                token = await self._exchange()
        return {"Authorization": f"Bearer {token}"}

    async def renew(self) -> None:
        """Forgets the token; the next caller exchanges."""
        self._token = None

    async def _exchange(self) -> str:
        try:
            body = await self._http.json(_OPERATION, "POST", self._url, form=self._form, repeatable=True)
        except Confused as error:
            if error.reason != "http_400":
                raise
            raise Refused(error.provider, error.account, _OPERATION, "bad_credential") from error
        granted = wire.read_token(body, self._http.account, _OPERATION)
        lifetime = min(granted.lifetime or DEFAULT_LIFETIME, _LONGEST_LIFETIME)
        self._token, self._renew_at = granted.token, self._clock() + lifetime * _USED_SHARE
        return granted.token
