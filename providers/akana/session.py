"""The session of one user at one portal: logs in, renews, and knows when to stop.

https://help.akana.com/content/current/cm/api/login/m_login_login.htm
https://help.akana.com/content/current/cm/api/login/m_login_renewToken.htm
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from bot.domain.errors import Confused, ProviderError, Refused
from providers.akana.cookies import SessionCookies, is_of_another_tenant, read_cookies
from providers.akana.wire import UNKNOWN_ID
from providers.failures import is_unauthorized
from providers.http import VendorHttp

DEFAULT_LIFETIME = timedelta(minutes=30)  # the vendor's, where a cookie does not say
RENEW_BEFORE = timedelta(minutes=5)
REJECTIONS_MAX = 2

_LOG_IN = "log in"
_RENEW = "renew session"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in a session's life. Which login it came from, and how often the portal had vouched for a session by then."""

    logins: int
    proofs: int


@dataclass(frozen=True, slots=True)
class _Session:
    """`renew_at` and `ends_at` are by our clock."""

    cookies: SessionCookies
    renew_at: datetime
    ends_at: datetime


class SessionKeeper:
    """One login for all concurrent callers. Satisfies `providers.http.Credential`.

    Portals lock users out after failed logins. After two rejections in a row this one asks no more: every call raises
    Refused (login_stopped) until the process starts anew, with a password that somebody has looked at. Other processes count
    for themselves.

    `http` should have been given `shows_login` as `refuses`.
    """

    def __init__(
        self,
        http: VendorHttp,
        base_url: str,
        tenant: str,
        username: str,
        password: SecretStr,
        clock: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._url = f"{base_url}/api/login"
        self._tenant = tenant
        self._username = username
        self._password = password
        self._clock = clock
        self._lock = asyncio.Lock()
        self._session: _Session | None = None
        self._ahead = timedelta(0)  # the portal's clock before ours
        self._logins = self._proofs = self._rejections = 0
        self._failure: ProviderError | None = None

    async def headers(self) -> Mapping[str, str]:
        """The cookies and the CSRF header. Raises ProviderError (Refused: login_pending, login_stopped, wrong_tenant, ...)."""
        failure = self._failure
        async with self._lock:
            if self._failure is not failure and self._failure is not None:
                raise _same(self._failure)  # the login that we waited for
            session = self._session
            if session is None or self._clock() >= session.renew_at:
                session = await self._renewed() or await self._logged_in()
        return session.cookies.headers

    async def renew(self) -> None:
        """Forgets the session; the next caller logs in."""
        self._session = None

    async def mark(self) -> Mark:
        """Makes sure of a session, for `survived` to ask about later. Raises ProviderError."""
        proofs = self._proofs
        await self.headers()
        return Mark(self._logins, proofs)

    async def survived(self, mark: Mark) -> bool:
        """Whether the session of `mark` still lives, by the portal's own word. If not, there is a new one now.

        A portal answers much of what it is asked without a session too, only with less in it. That renewing fails without
        one is documented. Raises ProviderError.
        """
        async with self._lock:
            if self._logins != mark.logins:
                return False
            if self._proofs > mark.proofs or await self._renewed():
                return True
            await self._logged_in()
            return False

    async def _renewed(self) -> _Session | None:
        """None when there is nothing to renew or the portal will not: then a login tells what is wrong."""
        old = self._session
        if old is None or self._clock() >= old.ends_at:
            return None
        headers = {**old.cookies.headers, "Content-Type": "application/x-www-form-urlencoded"}
        asked_at = self._clock()
        try:
            response = await self._http.send(_RENEW, "POST", f"{self._url}/renewToken", headers=headers)
        except ProviderError:
            return None
        cookies = read_cookies(response.headers.get_list("set-cookie"), self._tenant, old.cookies)
        return self._kept(cookies, asked_at) if cookies else None

    async def _logged_in(self) -> _Session:
        self._session = None
        if self._rejections >= REJECTIONS_MAX:
            raise self._http.error(_LOG_IN, Refused, "login_stopped")
        asked_at = self._clock()
        try:
            cookies = await self._log_in()
        except ProviderError as error:
            self._failure = error
            raise
        self._failure, self._rejections = None, 0
        self._logins += 1
        self._ahead = (cookies.issued_at or asked_at) - asked_at
        return self._kept(cookies, asked_at)

    async def _log_in(self) -> SessionCookies:
        """A 200 alone is no login: a user who must first accept an agreement or change a password gets no cookie."""
        body = {"email": self._username, "password": self._password.get_secret_value()}
        try:
            response = await self._http.send(_LOG_IN, "POST", self._url, body=body)
        except ProviderError as error:
            if not _is_rejection(error):
                raise
            self._rejections += 1
            reason = error.reason if isinstance(error, Refused) else "bad_credential"
            raise self._http.error(_LOG_IN, Refused, reason) from error
        given = response.headers.get_list("set-cookie")
        cookies = read_cookies(given, self._tenant) if response.is_success else None
        if cookies is None:
            self._http.parse(_LOG_IN, response)
            reason = "wrong_tenant" if is_of_another_tenant(given, self._tenant) else "login_pending"
            raise self._http.error(_LOG_IN, Refused, reason)
        return cookies

    def _kept(self, cookies: SessionCookies, asked_at: datetime) -> _Session:
        ends_at = cookies.expires_at - self._ahead if cookies.expires_at else asked_at
        if ends_at <= asked_at:
            ends_at = asked_at + DEFAULT_LIFETIME  # what ended before it began tells nothing
        self._proofs += 1
        self._session = _Session(cookies, ends_at - min(RENEW_BEFORE, (ends_at - asked_at) / 2), ends_at)
        return self._session


def shows_login(response: httpx.Response) -> bool:
    """Whether an answer says that there is no session: a portal behind a single sign-on shows or names its login page."""
    is_page = response.is_success and "html" in response.headers.get("content-type", "").lower()
    return is_unauthorized(response) or 300 <= response.status_code < 400 or is_page


def _is_rejection(error: ProviderError) -> bool:
    """Whether the portal saw the password and would not have it: what lock-out policies count."""
    if isinstance(error, Confused):
        return error.reason.startswith("http_4")
    return isinstance(error, Refused) or error.reason == UNKNOWN_ID


def _same(error: ProviderError) -> ProviderError:
    return type(error)(error.provider, error.account, error.operation, error.reason)
