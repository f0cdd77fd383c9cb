"""The two cookies that make a session. Pure.

https://help.akana.com/content/current/cm/api/aaref/Ref_CookiesOnThePlatform.htm
https://help.akana.com/content/current/cm/api/aaref/Ref_CSRFPreventionOnThePlatform.htm
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

_AUTH = "AtmoAuthToken_"
_CSRF = "Csrf-Token_"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SessionCookies:
    """The values exactly as the portal set them: they are percent-encoded and signed, so nothing may be coded anew."""

    tenant: str
    auth: str = field(repr=False)
    csrf: str | None = field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """What every call sends. The CSRF header goes along on reads too: a portal can be set to ask for it there."""
        sent = {"Cookie": f"{_AUTH}{self.tenant}={self.auth}"}
        if self.csrf is not None:
            sent["Cookie"] += f"; {_CSRF}{self.tenant}={self.csrf}"
            sent[f"X-{_CSRF}{self.tenant}"] = self.csrf
        return sent

    @property
    def issued_at(self) -> datetime | None:
        """By the portal's clock. A renewed cookie still names its first issue."""
        return _moment(self.auth, "issueTime")

    @property
    def expires_at(self) -> datetime | None:
        """When the first of the two ends, by the portal's clock; None when neither says."""
        ends = (_moment(value, "expirationTime") for value in (self.auth, self.csrf or ""))
        return min((end for end in ends if end), default=None)


def read_cookies(set_cookie: Iterable[str], tenant: str, before: SessionCookies | None = None) -> SessionCookies | None:
    """The session that an answer's Set-Cookie headers (one a header) give; None: they give none.

    A CSRF cookie that is not set anew stays as it was `before`.
    """
    given = dict(_pairs(set_cookie))
    auth = given.get(_AUTH + tenant)
    csrf = given.get(_CSRF + tenant, before.csrf if before else None)
    return SessionCookies(tenant, auth, csrf or None) if auth else None


def is_of_another_tenant(set_cookie: Iterable[str], tenant: str) -> bool:
    """Whether a session was given, but not to this tenant."""
    return any(value and name.startswith(_AUTH) and name != _AUTH + tenant for name, value in _pairs(set_cookie))


def _pairs(set_cookie: Iterable[str]) -> Iterator[tuple[str, str]]:
    for header in set_cookie:
        name, _, value = header.partition(";")[0].partition("=")
        yield name.strip(), value.strip()


def _moment(value: str, name: str) -> datetime | None:
    """A part of the value that counts milliseconds."""
    found = re.search(rf"(?:^|,){name}=([0-9]{{1,13}})(?:,|$)", unquote(value))
    return _EPOCH + timedelta(milliseconds=int(found[1])) if found else None
