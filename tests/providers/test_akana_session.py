"""The session at an Akana portal: cookies byte for byte, renewed in time, and no login too many."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.domain.errors import Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors import PretendAkana
from providers.akana.cookies import SessionCookies, is_of_another_tenant, read_cookies
from providers.akana.session import DEFAULT_LIFETIME, RENEW_BEFORE, SessionKeeper, shows_login
from providers.akana.wire import classify
from providers.http import VendorHttp
from providers.spec import Surroundings

TENANT = "acmepaymentscorp"
AUTH, CSRF = f"AtmoAuthToken_{TENANT}", f"Csrf-Token_{TENANT}"
LOGIN, RENEWAL = "/api/login", "/api/login/renewToken"
# The sample of the vendor's page on renewToken, shortened.
SAMPLE = (
    "TokenID%3D588ed75a%2Cclaimed_id%3Durn%3Aatmosphere%2CissueTime%3D1613688594281%2CexpirationTime%3D1613690454263"
    "%2CUserFDN%3D8697%252Eacme%2Csig%3DEqIom-_"
)


# --- cookies --------------------------------------------------------------------------------------


def test_the_vendors_sample() -> None:
    cookies = read_cookies([f"{AUTH}={SAMPLE}; Path=/; Expires=Thu, 18 Feb 2021 23:20:54 GMT"], TENANT)
    assert cookies == SessionCookies(TENANT, SAMPLE, None)
    assert cookies.headers == {"Cookie": f"{AUTH}={SAMPLE}"}
    assert cookies.issued_at == datetime(2021, 2, 18, 22, 49, 54, 281000, tzinfo=UTC)
    assert cookies.expires_at == datetime(2021, 2, 18, 23, 20, 54, 263000, tzinfo=UTC)


@pytest.mark.parametrize("value", [SAMPLE, unquote(SAMPLE).replace(" ", ""), '"quoted"', "a=b==", "a+b%2c%2C,c", "%", "%zz~"])
def test_every_byte_goes_back(value: str) -> None:
    cookies = read_cookies([f"{AUTH}={value};Path=/", f"{CSRF}={value}x"], TENANT)
    assert cookies is not None
    assert cookies.headers == {"Cookie": f"{AUTH}={value}; {CSRF}={value}x", f"X-{CSRF}": f"{value}x"}


def test_the_session_ends_with_the_first_of_its_cookies() -> None:
    early = quote("TokenID=x,expirationTime=1613690000000")
    cookies = read_cookies([f"{CSRF}={early}", f"{AUTH}={SAMPLE}"], TENANT)
    assert cookies is not None
    assert cookies.expires_at == datetime(2021, 2, 18, 23, 13, 20, tzinfo=UTC)


def test_a_csrf_cookie_stays_until_it_is_set_anew_or_taken() -> None:
    before = SessionCookies(TENANT, "a", "c")
    kept, changed, taken = (
        read_cookies([f"{AUTH}=b", *more], TENANT, before) for more in ([], [f"{CSRF}=d"], [f"{CSRF}=; Max-Age=0"])
    )
    assert (kept and kept.csrf, changed and changed.csrf, taken and taken.csrf) == ("c", "d", None)


@pytest.mark.parametrize(
    "headers",
    [[], [""], [AUTH], [f"{AUTH}="], [f"{AUTH}=; Max-Age=0"], ["AtmoAuthToken_other=x"], [f"{CSRF}=x"], [f"x{AUTH}=x"]],
)
def test_no_session(headers: list[str]) -> None:
    assert read_cookies(headers, TENANT) is None
    assert is_of_another_tenant(headers, TENANT) is (headers == ["AtmoAuthToken_other=x"])


@pytest.mark.parametrize(
    "value", ["x", "expirationTime%3D", "expirationTime=-5", "expirationTime=99999999999999", "TheexpirationTime=5"]
)
def test_a_cookie_that_does_not_say_when_it_ends(value: str) -> None:
    assert SessionCookies(TENANT, value, None).expires_at is None


def test_no_repr_shows_a_cookie() -> None:
    assert repr(SessionCookies(TENANT, "s3cret", "c3rf")) == f"SessionCookies(tenant={TENANT!r})"


@given(st.lists(st.text() | st.text().map(lambda value: f"{AUTH}={value}"), max_size=4))
def test_any_header_is_read(headers: list[str]) -> None:
    cookies = read_cookies(headers, TENANT)
    if cookies:
        assert any(header.startswith(f"{AUTH}=") and cookies.auth in header for header in headers)
        assert cookies.expires_at is None or cookies.expires_at.tzinfo is UTC


# --- the keeper -----------------------------------------------------------------------------------


@pytest.fixture
def portal_clock(still_clock: Any) -> Any:
    """The portal's clock: ours, unless a test sets it apart."""

    class Clock:
        ahead = timedelta(0)

        def __call__(self) -> datetime:
            now: datetime = still_clock()
            return now + self.ahead

    return Clock()


@pytest.fixture
def vendor(portal_clock: Any) -> PretendAkana:
    return PretendAkana(portal_clock)


class Caller:
    """A keeper, and calls with it."""

    def __init__(self, http: VendorHttp, keeper: SessionKeeper, url: str) -> None:
        self.http = http
        self.keeper = keeper
        self.url = url

    async def call(self) -> Any:
        return await self.http.json("search", "GET", f"{self.url}/api/search?q=type:app", credential=self.keeper)

    async def failure(self) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            await self.call()
        return caught.value


Connect = Callable[..., Caller]


@pytest.fixture
async def connect(vendor: PretendAkana, serve: Any, surroundings: Surroundings) -> AsyncIterator[Connect]:
    address = await serve(vendor.app)
    callers: list[Caller] = []

    def make(password: str | None = None, *, url: str = address, tenant: str = TENANT) -> Caller:
        timeout = httpx.Timeout(2.0)
        options: Any = {"classify": classify(tenant), "refuses": shows_login}
        http = VendorHttp("akana", "acme-akana", surroundings, timeout=timeout, backoff_max=0.01, **options)
        secret = SecretStr(password or vendor.password)
        keeper = SessionKeeper(http, url, tenant, vendor.username, secret, surroundings.clock)
        callers.append(Caller(http, keeper, url))
        return callers[-1]

    yield make
    for caller in callers:
        await caller.http.aclose()


@pytest.fixture
def caller(connect: Connect) -> Caller:
    return connect()


def count(vendor: PretendAkana, path: str) -> int:
    return [request.path for request in vendor.requests].count(path)


async def test_one_login_for_all_and_its_cookies_as_they_came(caller: Caller, vendor: PretendAkana) -> None:
    vendor.latency = 0.02
    await asyncio.gather(*(caller.call() for _ in range(10)))
    login, *calls = vendor.requests
    assert (login.path, login.method, login.headers.get("cookie")) == (LOGIN, "POST", None)
    assert login.headers["content-type"] == login.headers["accept"] == "application/json"
    assert [vendor.credential_of(request) for request in calls] == ["session"] * 10
    assert all("JSESSIONID" not in request.headers["cookie"] for request in calls)


async def test_the_csrf_header_goes_along_on_reads(caller: Caller, vendor: PretendAkana) -> None:
    vendor.csrf_on_reads = True
    await caller.call()
    csrf = vendor.requests[-1].headers[f"x-{CSRF}"]
    assert vendor.requests[-1].headers["cookie"].endswith(f"; {CSRF}={csrf}")


async def test_without_csrf_there_is_no_header(caller: Caller, vendor: PretendAkana) -> None:
    vendor.csrf_on_writes = False
    await caller.call()
    assert f"x-{CSRF}" not in vendor.requests[-1].headers
    assert vendor.credential_of(vendor.requests[-1]) == "session"


@pytest.mark.parametrize("minutes", [0, 10, -10, 600])
async def test_the_session_is_renewed_before_it_ends(
    caller: Caller, vendor: PretendAkana, still_clock: Any, portal_clock: Any, minutes: int
) -> None:
    portal_clock.ahead = timedelta(minutes=minutes)
    await caller.call()
    for round_ in range(3):
        still_clock.advance(vendor.session_lifetime - RENEW_BEFORE - timedelta(seconds=1))
        await caller.call()
        assert count(vendor, RENEWAL) == round_
        still_clock.advance(timedelta(seconds=1))
        await caller.call()
        assert count(vendor, RENEWAL) == round_ + 1
    assert count(vendor, LOGIN) == 1
    assert all(request.status == 200 for request in vendor.requests)
    renewal = next(request for request in vendor.requests if request.path == RENEWAL)
    assert (renewal.method, renewal.headers["content-type"], renewal.body) == ("POST", "application/x-www-form-urlencoded", b"")


async def test_concurrent_callers_share_one_renewal(caller: Caller, vendor: PretendAkana, still_clock: Any) -> None:
    await caller.call()
    still_clock.advance(timedelta(minutes=26))
    vendor.latency = 0.02
    await asyncio.gather(*(caller.call() for _ in range(6)))
    assert (count(vendor, RENEWAL), count(vendor, LOGIN)) == (1, 1)


async def test_a_session_that_has_ended_is_not_renewed_but_replaced(
    caller: Caller, vendor: PretendAkana, still_clock: Any
) -> None:
    await caller.call()
    still_clock.advance(timedelta(minutes=30))
    await caller.call()
    assert (count(vendor, RENEWAL), count(vendor, LOGIN)) == (0, 2)
    assert all(request.status == 200 for request in vendor.requests)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Misbehaviour.UNAUTHORIZED, {}),
        (Misbehaviour.SERVER_ERROR, {}),
        (Misbehaviour.STATUS, {"status": 404}),
        (Misbehaviour.STATUS, {"status": 200, "body": "{}"}),
        (Misbehaviour.HTML_200, {}),
        (Misbehaviour.DROP_BEFORE_HEADERS, {}),
    ],
)
async def test_a_renewal_that_fails_becomes_a_login(
    caller: Caller, vendor: PretendAkana, still_clock: Any, kind: Misbehaviour, options: Any
) -> None:
    await caller.call()
    vendor.misbehave("renewToken", kind, **options)
    still_clock.advance(timedelta(minutes=26))
    await caller.call()
    assert (count(vendor, RENEWAL), count(vendor, LOGIN)) == (1, 2)
    assert vendor.credential_of(vendor.requests[-1]) == "session"


async def test_a_short_session_is_renewed_at_its_half(caller: Caller, vendor: PretendAkana, still_clock: Any) -> None:
    vendor.session_lifetime = timedelta(minutes=2)
    await caller.call()
    still_clock.advance(timedelta(seconds=59))
    await caller.call()
    assert count(vendor, RENEWAL) == 0
    still_clock.advance(timedelta(seconds=1))
    await caller.call()
    assert (count(vendor, RENEWAL), count(vendor, LOGIN)) == (1, 1)


def giving(*cookies: str) -> tuple[Any, list[Request]]:
    """A portal that gives these cookies to everybody, and the requests that it got."""
    requests: list[Request] = []

    async def portal(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            requests.append(Request(scope, receive))
            response = JSONResponse({"channel": {}})
            for cookie in cookies:
                response.headers.append("set-cookie", cookie)
            await response(scope, receive, send)

    return portal, requests


@pytest.mark.parametrize(
    "value",
    ["opaque", "issueTime%3D5%2CexpirationTime%3D4", "expirationTime%3D5"],
)
async def test_a_session_that_does_not_say_when_it_ends_gets_the_usual_time(
    connect: Connect, serve: Any, still_clock: Any, value: str
) -> None:
    portal, requests = giving(f"{AUTH}={value}")
    caller = connect(url=await serve(portal))
    await caller.call()
    still_clock.advance(DEFAULT_LIFETIME - RENEW_BEFORE - timedelta(seconds=1))
    await caller.call()
    still_clock.advance(timedelta(seconds=1))
    await caller.call()
    paths = [request.url.path for request in requests]
    assert paths == [LOGIN, "/api/search", "/api/search", RENEWAL, "/api/search"]
    assert {request.headers["cookie"] for request in requests[1:]} == {f"{AUTH}={value}"}


# --- 401 ------------------------------------------------------------------------------------------


async def test_a_401_is_answered_with_one_login_for_all(caller: Caller, vendor: PretendAkana) -> None:
    await caller.call()
    vendor.misbehave("/api/search", Misbehaviour.UNAUTHORIZED, times=5)
    vendor.latency = 0.02
    await asyncio.gather(*(caller.call() for _ in range(5)))
    assert (count(vendor, LOGIN), count(vendor, RENEWAL)) == (2, 0)


async def test_a_401_for_good_is_told_after_one_login(caller: Caller, vendor: PretendAkana) -> None:
    await caller.call()
    vendor.misbehave("/api/search", Misbehaviour.UNAUTHORIZED)
    for round_ in range(1, 4):  # the password is fine, so nothing stops
        failure = await caller.failure()
        assert (type(failure), failure.operation, failure.reason) == (Refused, "search", "unauthorized")
        assert count(vendor, LOGIN) == 1 + round_
        assert count(vendor, "/api/search") == 1 + 2 * round_


# --- logins that fail -----------------------------------------------------------------------------


async def test_two_rejections_in_a_row_are_the_last(connect: Connect, vendor: PretendAkana, still_clock: Any) -> None:
    vendor.locks_after = 3
    caller = connect("wrong")
    for _ in range(2):
        failure = await caller.failure()
        assert (type(failure), failure.operation, failure.reason) == (Refused, "log in", "unauthorized")
    for _ in range(3):
        still_clock.advance(timedelta(hours=1))
        failure = await caller.failure()
        assert (type(failure), failure.operation, failure.reason) == (Refused, "log in", "login_stopped")
    assert len(vendor.requests) == 2
    assert not vendor.is_locked
    await connect().call()  # a new process with the right password


async def test_concurrent_callers_share_a_rejection(connect: Connect, vendor: PretendAkana) -> None:
    vendor.latency = 0.02
    caller = connect("wrong")
    failures = await asyncio.gather(*(caller.call() for _ in range(10)), return_exceptions=True)
    assert {(type(failure), str(failure)) for failure in failures} == {
        (Refused, "akana/acme-akana: log in was refused (unauthorized)")
    }
    assert len(vendor.requests) == 1


async def test_a_good_login_forgets_a_rejection(caller: Caller, vendor: PretendAkana) -> None:
    for _ in range(3):
        vendor.misbehave("/api/login", Misbehaviour.FORBIDDEN, times=1)
        assert (await caller.failure()).reason == "forbidden"
        await caller.call()
        await caller.keeper.renew()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, "", "bad_credential"),
        (423, "", "bad_credential"),
        (401, "", "unauthorized"),
        (403, "", "forbidden"),
        (500, f'{{"faultstring": "Login of 8697.{TENANT} failed"}}', "bad_credential"),
    ],
)
async def test_what_counts_as_a_rejection(caller: Caller, vendor: PretendAkana, status: int, body: str, reason: str) -> None:
    vendor.misbehave("/api/login", Misbehaviour.STATUS, status=status, body=body)
    reasons = [(await caller.failure()).reason for _ in range(3)]
    assert reasons == [reason, reason, "login_stopped"]
    assert len(vendor.requests) == 2


@pytest.mark.parametrize(
    ("kind", "options", "error", "reason"),
    [
        (Misbehaviour.SERVER_ERROR, {}, Unreachable, "http_500"),
        (Misbehaviour.UNAVAILABLE, {}, Unreachable, "http_503"),
        (Misbehaviour.HTML_502, {}, Unreachable, "http_502"),
        (Misbehaviour.RATE_LIMITED, {"retry_after": 60}, RateLimited, "rate_limited"),
        (Misbehaviour.STATUS, {"status": 404}, NotFound, "not_found"),
        (Misbehaviour.STATUS, {"status": 408}, Unreachable, "http_408"),
        (Misbehaviour.HTML_200, {}, Confused, "html"),
        (Misbehaviour.REDIRECT_ELSEWHERE, {"url": "http://127.0.0.1:9/sso"}, Confused, "redirected"),
        (Misbehaviour.STATUS, {"status": 200, "body": ""}, Confused, "empty_body"),
        (Misbehaviour.TRUNCATED_JSON, {}, None, None),
        (Misbehaviour.DROP_BEFORE_HEADERS, {}, Unreachable, "dropped"),
    ],
)
async def test_a_portal_in_trouble_is_no_rejection(
    caller: Caller, vendor: PretendAkana, kind: Misbehaviour, options: Any, error: type[ProviderError] | None, reason: str | None
) -> None:
    vendor.misbehave("/api/login$", kind, **options)
    for _ in range(3):
        if error is None:  # the cookies are all that counts
            await caller.call()
        else:
            failure = await caller.failure()
            assert (type(failure), failure.operation, failure.reason) == (error, "log in", reason)
    vendor.behave()
    await caller.call()


async def test_a_login_is_never_repeated_by_itself(caller: Caller, vendor: PretendAkana) -> None:
    vendor.misbehave("/api/login", Misbehaviour.UNAVAILABLE)
    await caller.failure()
    assert len(vendor.requests) == 1


async def test_pending_tasks_refuse_until_somebody_has_done_them(caller: Caller, vendor: PretendAkana) -> None:
    vendor.pending_tasks = ["change.password", "accept.legal.agreement"]
    for _ in range(4):
        failure = await caller.failure()
        assert (type(failure), failure.operation, failure.reason) == (Refused, "log in", "login_pending")
    vendor.pending_tasks.clear()
    await caller.call()


async def test_another_tenants_cookie_is_told_apart(connect: Connect) -> None:
    failure = await connect(tenant="acme").failure()
    assert (type(failure), failure.reason) == (Refused, "wrong_tenant")


async def test_a_login_page_behind_a_redirect_is_not_followed(connect: Connect, vendor: PretendAkana, serve: Any) -> None:
    seen: list[Request] = []

    async def sso(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(Request(scope))
            await Response("<html>", media_type="text/html")(scope, receive, send)

    elsewhere = await serve(sso)

    async def gate(scope: Any, receive: Any, send: Any) -> None:
        app = vendor.app if scope["type"] != "http" or scope["path"] == LOGIN else RedirectResponse(elsewhere)
        await app(scope, receive, send)

    failure = await connect(url=await serve(gate)).failure()
    assert (type(failure), failure.operation, failure.reason) == (Confused, "search", "redirected")
    assert not seen


# --- proof of life --------------------------------------------------------------------------------


async def test_a_fresh_login_needs_no_proof(caller: Caller, vendor: PretendAkana) -> None:
    mark = await caller.keeper.mark()
    assert await caller.keeper.survived(mark)
    assert [request.path for request in vendor.requests] == [LOGIN]


async def test_an_older_session_is_proven_once_for_all(caller: Caller, vendor: PretendAkana) -> None:
    await caller.keeper.mark()
    mark = await caller.keeper.mark()
    assert await asyncio.gather(*(caller.keeper.survived(mark) for _ in range(5))) == [True] * 5
    assert [request.path for request in vendor.requests] == [LOGIN, RENEWAL]


async def test_a_session_that_ended_early_has_not_survived(caller: Caller, vendor: PretendAkana) -> None:
    await caller.keeper.mark()
    mark = await caller.keeper.mark()
    vendor.end_sessions()
    assert await asyncio.gather(*(caller.keeper.survived(mark) for _ in range(5))) == [False] * 5
    assert [request.path for request in vendor.requests] == [LOGIN, RENEWAL, LOGIN]


async def test_a_session_replaced_meanwhile_has_not_survived(caller: Caller, vendor: PretendAkana) -> None:
    mark = await caller.keeper.mark()
    await caller.keeper.renew()
    await caller.call()
    assert not await caller.keeper.survived(mark)
    assert count(vendor, RENEWAL) == 0


async def test_a_session_that_cannot_be_replaced_is_an_error(caller: Caller, vendor: PretendAkana) -> None:
    await caller.keeper.mark()
    mark = await caller.keeper.mark()
    vendor.misbehave("/api/login", Misbehaviour.UNAVAILABLE)
    with pytest.raises(Unreachable):
        await caller.keeper.survived(mark)


# --- secrets --------------------------------------------------------------------------------------


def chain(error: BaseException | None) -> Sequence[BaseException]:
    return [] if error is None else [error, *chain(error.__cause__ or error.__context__)]


async def test_no_secret_in_logs_errors_or_observations(
    caller: Caller, vendor: PretendAkana, observed: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await caller.call()
    headers = await caller.keeper.headers()
    said = [repr(caller.keeper), repr(caller.keeper.__dict__)]
    for path, kind in [
        ("search", Misbehaviour.UNAUTHORIZED),
        ("search", Misbehaviour.UNAVAILABLE),
        ("login", Misbehaviour.FORBIDDEN),
    ]:
        vendor.misbehave(path, kind)
        said += [f"{error!r} {error}" for error in chain(await caller.failure())]
        await caller.keeper.renew()
    everything = "\n".join([*said, caplog.text, *map(repr, observed)])
    cookie = headers["Cookie"].partition("=")[2]
    for secret in (vendor.password, cookie[:60], cookie.partition(";")[0][-60:], headers[f"X-{CSRF}"]):
        assert secret not in everything
    assert {"log in", "search"} <= {observation.operation for observation in observed}
