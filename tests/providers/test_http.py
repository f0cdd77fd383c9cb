"""providers/http.py against servers that misbehave, over real connections."""

import asyncio
import gzip
import json
import logging
import re
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from bot.domain.errors import AgreementBlocked, Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from bot.sandbox.misbehaviour import Misbehaving, Misbehaviour
from providers import failures
from providers.addresses import same_origin
from providers.http import Credential, StaticBearer, VendorHttp
from providers.spec import Observation, Surroundings

SECRET = "s3cret-token"
QUICK = httpx.Timeout(connect=2.0, read=0.3, write=2.0, pool=2.0)


async def good(scope: Any, receive: Any, send: Any) -> None:
    """Reads the request and answers with always the same JSON."""
    await Request(scope, receive).body()
    await JSONResponse({"ok": True, "filler": "x" * 1000})(scope, receive, send)


@pytest.fixture
def vendor() -> Misbehaving:
    return Misbehaving(good)


@pytest.fixture
async def url(serve: Any, vendor: Misbehaving) -> str:
    address = await serve(vendor)
    return f"{address}/things"


@asynccontextmanager
async def opened(surroundings: Surroundings, **options: Any) -> AsyncIterator[VendorHttp]:
    http = VendorHttp("acme", "acme-1", surroundings, **{"timeout": QUICK, "backoff_max": 0.01, **options})
    try:
        yield http
    finally:
        await http.aclose()


@pytest.fixture
async def http(surroundings: Surroundings) -> AsyncIterator[VendorHttp]:
    async with opened(surroundings) as client:
        yield client


@dataclass
class Renewable:
    """Hands out token-0, and after each renewal the next one."""

    renewals: int = 0
    secrets: list[str] = field(default_factory=lambda: ["token-0", "token-1", "token-2"])

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.secrets[self.renewals]}"}

    async def renew(self) -> None:
        self.renewals += 1


# --- the good case --------------------------------------------------------------------------------


async def test_json_is_parsed_and_the_call_observed_once(http: VendorHttp, url: str, observed: list[Observation]) -> None:
    body = await http.json("list things", "GET", url, credential=StaticBearer(SECRET), params={"page": 1})
    assert body["ok"] is True
    assert [(o.provider, o.account, o.operation, o.reason) for o in observed] == [("acme", "acme-1", "list things", "ok")]
    assert 0 < observed[0].seconds < 5


async def test_form_body_and_headers_arrive(http: VendorHttp, vendor: Misbehaving, url: str) -> None:
    await http.json("sign in", "POST", url, form={"pat": "a&b"})
    await http.json("save", "POST", url, body={"a": [1]}, headers={"X-Tenant": "t"})
    form, saved = vendor.requests
    assert form.body == b"pat=a%26b"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.loads(saved.body) == {"a": [1]}
    assert saved.headers["x-tenant"] == "t"


async def test_query_of_an_address_is_kept_when_no_params_are_given(http: VendorHttp, vendor: Misbehaving, url: str) -> None:
    await http.json("next page", "GET", f"{url}?cursor=a%2Cb&limit=2")
    assert vendor.requests[0].query == "cursor=a%2Cb&limit=2"


async def test_connections_are_reused(http: VendorHttp, serve: Any) -> None:
    clients: set[Any] = set()

    async def note_client(scope: Any, receive: Any, send: Any) -> None:
        clients.add(scope.get("client"))
        await JSONResponse({})(scope, receive, send)

    address = await serve(note_client)
    for _ in range(3):
        await http.json("list", "GET", address)
    assert len(clients - {None}) == 1


async def test_at_most_eight_connections_at_once(http: VendorHttp, serve: Any) -> None:
    running, most = 0, 0
    full = asyncio.Event()

    async def count(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        if scope["type"] != "http":
            return
        running += 1
        most = max(most, running)
        if running == 8:
            full.set()
        await full.wait()
        await JSONResponse({})(scope, receive, send)
        running -= 1

    address = await serve(count)
    await asyncio.gather(*(http.json("list", "GET", address) for _ in range(20)))
    assert most == 8


async def test_long_transfers_do_not_keep_calls_waiting(http: VendorHttp, serve: Any) -> None:
    done = asyncio.Event()

    async def file_or_json(scope: Any, receive: Any, send: Any) -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await done.wait()

        if scope["type"] == "http":
            response = StreamingResponse(slow()) if scope["path"] == "/file" else JSONResponse({"ok": True})
            await response(scope, receive, send)

    address = await serve(file_or_json)
    async with AsyncExitStack() as transfers:
        for _ in range(12):
            await transfers.enter_async_context(http.stream("open file", "GET", f"{address}/file"))
        assert await http.json("list", "GET", address) == {"ok": True}
        done.set()


async def test_no_cookie_is_kept(http: VendorHttp, serve: Any) -> None:
    seen: list[str] = []

    async def set_cookie(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        seen.append(Request(scope).headers.get("cookie", ""))
        response = JSONResponse({})
        response.set_cookie("tracking", "1")
        await response(scope, receive, send)

    address = await serve(set_cookie)
    response = await http.send("one", "GET", address)
    await http.send("two", "GET", address)
    assert response.cookies["tracking"] == "1"
    assert seen == ["", ""]


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "error", "reason", "tries"),
    [
        (Misbehaviour.SERVER_ERROR, {}, Unreachable, "http_500", 4),
        (Misbehaviour.HTML_502, {}, Unreachable, "http_502", 4),
        (Misbehaviour.UNAVAILABLE, {}, Unreachable, "http_503", 4),
        (Misbehaviour.RATE_LIMITED, {}, RateLimited, "rate_limited", 4),
        (Misbehaviour.UNAUTHORIZED, {}, Refused, "unauthorized", 1),
        (Misbehaviour.FORBIDDEN, {}, Refused, "forbidden", 1),
        (Misbehaviour.STATUS, {"status": 404}, NotFound, "not_found", 1),
        (Misbehaviour.STATUS, {"status": 410}, NotFound, "gone", 1),
        (Misbehaviour.STATUS, {"status": 400}, Confused, "http_400", 1),
        (Misbehaviour.STATUS, {"status": 501}, Confused, "http_501", 1),
        (Misbehaviour.HTML_200, {}, Confused, "html", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "<p>hi", "content_type": "application/json"}, Confused, "html", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "{"}, Confused, "bad_json", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": b"\xff\xfe\x00\xd8"}, Confused, "bad_json", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "[" * 200_000}, Confused, "bad_json", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "[" + "1," * 500_000 + "1]"}, Confused, "too_many_values", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": "1" * 5_000}, Confused, "bad_json", 1),
        (Misbehaviour.STATUS, {"status": 200, "body": " \n"}, Confused, "empty_body", 1),
        (Misbehaviour.STATUS, {"status": 204}, Confused, "empty_body", 1),
        (Misbehaviour.TRUNCATED_JSON, {}, Confused, "bad_json", 1),
        (Misbehaviour.REDIRECT_LOOP, {}, Confused, "redirected", 1),
        (Misbehaviour.REDIRECT_ELSEWHERE, {"url": "https://sso.example.com/?next=abc"}, Confused, "redirected", 1),
        (Misbehaviour.DROP_BEFORE_HEADERS, {}, Unreachable, "dropped", 4),
        (Misbehaviour.DROP_MID_BODY, {}, Unreachable, "dropped", 4),
        (Misbehaviour.HANG, {}, Unreachable, "timeout", 4),
        (Misbehaviour.HUGE_BODY, {}, Confused, "too_large", 1),
        (Misbehaviour.GZIP_BOMB, {}, Confused, "too_large", 1),
    ],
)
async def test_a_failure_has_its_name(
    http: VendorHttp,
    vendor: Misbehaving,
    url: str,
    observed: list[Observation],
    kind: Misbehaviour,
    details: dict[str, Any],
    error: type[ProviderError],
    reason: str,
    tries: int,
) -> None:
    vendor.misbehave("/things", kind, **details)
    with pytest.raises(ProviderError) as caught:
        await http.json("list things", "GET", url, credential=StaticBearer(SECRET))
    assert type(caught.value) is error
    assert caught.value.reason == reason
    assert (caught.value.provider, caught.value.account, caught.value.operation) == ("acme", "acme-1", "list things")
    assert len(vendor.requests) == tries
    assert [o.reason for o in observed] == [reason]
    whole_story = "".join(traceback.format_exception(caught.value))
    assert SECRET not in whole_story
    assert "127.0.0.1" not in str(caught.value)
    assert "sso.example.com" not in whole_story


async def test_too_large_without_saying_so(http: VendorHttp, serve: Any) -> None:
    async def spaces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 2**20

    with pytest.raises(Confused) as caught:
        await http.json("list", "GET", await serve(StreamingResponse(spaces())))
    assert caught.value.reason == "too_large"


async def test_what_says_that_it_is_too_large_is_not_read(http: VendorHttp, serve: Any) -> None:
    """Who reads on waits until the time is up."""

    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(30)
        yield b""

    announced = StreamingResponse(nothing(), headers={"content-length": str(17 * 2**20)})
    with pytest.raises(Confused) as caught:
        await http.json("list", "GET", await serve(announced))
    assert caught.value.reason == "too_large"


async def test_a_refused_connection(http: VendorHttp) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(Unreachable) as caught:
            await http.json("list", "GET", f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert caught.value.reason == "connect"
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


async def test_a_name_that_does_not_resolve(http: VendorHttp) -> None:
    with pytest.raises(ProviderError) as caught:
        await http.json("list", "GET", "http://vendor.invalid./")
    assert caught.value.reason == "dns"


async def test_https_spoken_to_a_server_that_does_not(http: VendorHttp, url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await http.json("list", "GET", url.replace("http:", "https:"))
    assert caught.value.reason == "tls"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "127.0.0.1/x", "http://a:b/", "http://127.0.0.1:99999/"])
async def test_a_bad_address(http: VendorHttp, address: str) -> None:
    with pytest.raises(Confused) as caught:
        await http.json("list", "GET", address)
    assert caught.value.reason == "bad_url"


@pytest.mark.parametrize("token", ["line\nbreak-in-it", "zero\u200bwidth-space"])
async def test_a_token_that_no_header_can_carry(http: VendorHttp, url: str, token: str) -> None:
    with pytest.raises(Refused) as caught:
        await http.json("list", "GET", url, credential=StaticBearer(token))
    assert caught.value.reason == "bad_credential"
    assert "break-in-it" not in "".join(traceback.format_exception(caught.value))
    assert "width-space" not in "".join(traceback.format_exception(caught.value))


async def test_a_slow_drip_ends_with_the_deadline(surroundings: Surroundings, vendor: Misbehaving, url: str) -> None:
    vendor.misbehave("/things", Misbehaviour.SLOW_DRIP, pause=0.2)  # never silent for as long as the read timeout
    async with opened(surroundings, deadline=0.5) as http:
        with pytest.raises(Unreachable) as caught:
            await http.json("list", "GET", url)
    assert caught.value.reason == "timeout"
    assert len(vendor.requests) == 1


async def test_a_patient_caller_reads_the_drip(http: VendorHttp, vendor: Misbehaving, url: str) -> None:
    vendor.misbehave("/things", Misbehaviour.SLOW_DRIP, pause=0.01)
    assert (await http.json("list", "GET", url))["ok"] is True


@pytest.mark.parametrize("encoding", ["br", "zstd"])
async def test_an_encoding_that_nobody_asked_for(http: VendorHttp, serve: Any, encoding: str) -> None:
    address = await serve(Response(b"??", headers={"content-encoding": encoding}))
    with pytest.raises(Confused) as caught:
        await http.json("list", "GET", address)
    assert caught.value.reason == "bad_encoding"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b'{"a": 1}', mtime=0), None),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-9], "bad_encoding"),
        (b"no gzip at all", "bad_encoding"),
        (b"", "empty_body"),
    ],
)
async def test_gzip(http: VendorHttp, serve: Any, body: bytes, reason: str | None) -> None:
    address = await serve(Response(body, headers={"content-encoding": "gzip"}, media_type="application/json"))
    if reason is None:
        assert await http.json("list", "GET", address) == {"a": 1}
        return
    with pytest.raises(Confused) as caught:
        await http.json("list", "GET", address)
    assert caught.value.reason == reason


# --- repetitions ----------------------------------------------------------------------------------


async def test_a_passing_failure_is_repeated(
    http: VendorHttp, vendor: Misbehaving, url: str, observed: list[Observation]
) -> None:
    vendor.misbehave("/things", Misbehaviour.HTML_502, times=1)
    vendor.misbehave("/things", Misbehaviour.DROP_BEFORE_HEADERS, times=1)
    vendor.misbehave("/things", Misbehaviour.DROP_MID_BODY, times=1)
    assert (await http.json("list", "GET", url))["ok"] is True
    assert len(vendor.requests) == 4
    assert [o.reason for o in observed] == ["ok"]


@pytest.mark.parametrize(("options", "tries"), [({}, 1), ({"repeatable": True}, 4)])
async def test_a_post_is_repeated_only_where_the_caller_says_so(
    http: VendorHttp, vendor: Misbehaving, url: str, options: dict[str, Any], tries: int
) -> None:
    vendor.misbehave("/things", Misbehaviour.SERVER_ERROR)
    with pytest.raises(Unreachable):
        await http.json("save", "POST", url, body={}, **options)
    assert len(vendor.requests) == tries


async def test_retry_after_is_waited_for(http: VendorHttp, vendor: Misbehaving, url: str, observed: list[Observation]) -> None:
    vendor.misbehave("/things", Misbehaviour.UNAVAILABLE, times=1, retry_after=1)
    assert (await http.json("list", "GET", url))["ok"] is True
    assert observed[0].seconds >= 1


async def test_a_long_retry_after_is_handed_to_the_caller_at_once(
    http: VendorHttp, vendor: Misbehaving, url: str, observed: list[Observation]
) -> None:
    vendor.misbehave("/things", Misbehaviour.RATE_LIMITED, retry_after=3600)
    with pytest.raises(RateLimited) as caught:
        await http.json("list", "GET", url)
    assert caught.value.retry_after == timedelta(hours=1)
    assert len(vendor.requests) == 1
    assert observed[0].seconds < 1


async def test_no_wait_runs_past_the_deadline(surroundings: Surroundings, vendor: Misbehaving, url: str) -> None:
    vendor.misbehave("/things", Misbehaviour.RATE_LIMITED, retry_after=5)
    async with opened(surroundings, deadline=3.0) as http:
        with pytest.raises(RateLimited) as caught:
            await http.json("list", "GET", url)
    assert caught.value.retry_after == timedelta(seconds=5)
    assert len(vendor.requests) == 1


NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("7", None, timedelta(seconds=7)),
        ("0", None, timedelta(0)),
        ("99999999999999999999", None, timedelta(days=1)),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), None, timedelta(minutes=2)),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), None, timedelta(0)),
        # The vendor's clock runs an hour ahead of ours: what counts is the distance on its own clock.
        (
            format_datetime(NOW + timedelta(minutes=62), usegmt=True),
            format_datetime(NOW + timedelta(minutes=60), usegmt=True),
            timedelta(minutes=2),
        ),
        ("-5", None, None),
        ("soon", None, None),
        ("", None, None),
        ("٣", None, None),
    ],
)
def test_retry_after(value: str, date: str | None, expected: timedelta | None) -> None:
    headers = [("retry-after", value.encode())] + ([("date", date.encode())] if date else [])
    assert failures.retry_after(httpx.Response(429, headers=headers), NOW) == expected


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_retry_after_takes_anything(value: str) -> None:
    wait = failures.retry_after(httpx.Response(429, headers=[("retry-after", value.encode())]), NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(days=1)


@given(st.binary())
def test_any_bytes_are_json_or_a_wrong_body(content: bytes) -> None:
    with suppress(failures.WrongBody):
        failures.parse_json(content)


def test_a_byte_order_mark_and_blanks_around_json_mean_nothing() -> None:
    assert failures.parse_json(b'\xef\xbb\xbf \r\n\t{"a": [1]}\n ') == {"a": [1]}


# --- credentials ----------------------------------------------------------------------------------


def demanding(token: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        good = request.headers.get("authorization") == f"Bearer {token}"
        return JSONResponse({"ok": good}, 200 if good else 401)

    return answer


def asgi(answer: Callable[[Request], Response]) -> Misbehaving:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(Request(scope, receive))(scope, receive, send)

    return Misbehaving(app)


async def test_a_401_renews_the_credential_and_repeats_once(http: VendorHttp, serve: Any) -> None:
    vendor, credential = asgi(demanding("token-1")), Renewable()
    assert await http.json("list", "GET", await serve(vendor), credential=credential) == {"ok": True}
    assert (credential.renewals, len(vendor.requests)) == (1, 2)


async def test_a_second_401_is_final(http: VendorHttp, serve: Any) -> None:
    vendor, credential = asgi(demanding("token-2")), Renewable()
    with pytest.raises(Refused) as caught:
        await http.json("list", "GET", await serve(vendor), credential=credential)
    assert caught.value.reason == "unauthorized"
    assert (credential.renewals, len(vendor.requests)) == (1, 2)


async def test_callers_refused_together_renew_once(http: VendorHttp, serve: Any) -> None:
    gate = asyncio.Barrier(4)
    credential = Renewable()

    async def together(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        if request.headers["authorization"] == "Bearer token-0":
            await gate.wait()
        await demanding("token-1")(request)(scope, receive, send)

    address = await serve(together)
    answers = await asyncio.gather(*(http.json("list", "GET", address, credential=credential) for _ in range(4)))
    assert answers == [{"ok": True}] * 4
    assert credential.renewals == 1


async def test_a_credential_that_cannot_be_had_is_not_asked_for_again(http: VendorHttp, url: str, vendor: Misbehaving) -> None:
    @dataclass
    class Unavailable:
        asked: int = 0

        async def headers(self) -> Mapping[str, str]:
            self.asked += 1
            raise Unreachable("acme", "acme-1", "sign in", "http_503")

        async def renew(self) -> None:
            raise AssertionError("nothing to renew")

    credential = Unavailable()
    with pytest.raises(Unreachable) as caught:
        await http.json("list", "GET", url, credential=credential)
    assert caught.value.operation == "sign in"
    assert (credential.asked, vendor.requests) == (1, [])


def test_credentials_hide_their_token() -> None:
    credential: Credential = StaticBearer(SECRET)
    assert SECRET not in repr(credential)


# --- classification -------------------------------------------------------------------------------


def classify(status: int, body: Any) -> failures.Verdict | None:
    code = body.get("code") if isinstance(body, dict) else None
    return {"PLA": (AgreementBlocked, "pla"), "SLOW": (RateLimited, "quota"), "NO": (Confused, "status_false")}.get(str(code))


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (403, '{"code": "PLA"}', AgreementBlocked, "pla"),
        (403, '{"code": "ROLE"}', Refused, "forbidden"),
        (403, "<html>", Refused, "forbidden"),
        (403, "", Refused, "forbidden"),
        (400, '{"code": "SLOW"}', RateLimited, "quota"),
        (200, '{"code": "NO"}', Confused, "status_false"),
    ],
)
async def test_a_vendors_own_codes_go_first(
    surroundings: Surroundings, serve: Any, status: int, body: str, error: type[ProviderError], reason: str
) -> None:
    address = await serve(asgi(lambda _: Response(body, status, media_type="application/json")))
    async with opened(surroundings, classify=classify) as http:
        with pytest.raises(ProviderError) as caught:
            await http.json("list", "GET", address)
    assert (type(caught.value), caught.value.reason) == (error, reason)


async def test_send_hands_redirects_to_the_caller_and_tells_the_vendors_time(http: VendorHttp, serve: Any) -> None:
    response = await http.send("open", "GET", await serve(asgi(lambda _: RedirectResponse("/elsewhere", 302))))
    assert (response.status_code, response.headers["location"]) == (302, "/elsewhere")
    moment = failures.date_of(response)
    assert moment is not None
    assert moment.tzinfo is UTC


# --- streams --------------------------------------------------------------------------------------


async def read_all(http: VendorHttp, url: str, **options: Any) -> bytes:
    async with http.stream("open file", "GET", url, **options) as response:
        return b"".join([chunk async for chunk in http.chunks("open file", response)])


async def test_the_credential_stays_with_the_first_origin(http: VendorHttp, serve: Any) -> None:
    storage = asgi(lambda _: Response(b"bytes"))
    storage_url = await serve(storage)
    first = asgi(lambda request: RedirectResponse(f"{storage_url}/f" if request.url.path == "/near" else "/near", 302))
    first_url = await serve(first)
    headers = {"Range": "bytes=1-"}
    assert await read_all(http, first_url, credential=StaticBearer(SECRET), headers=headers) == b"bytes"
    assert [r.authorization for r in first.requests] == [f"Bearer {SECRET}"] * 2
    assert [r.authorization for r in storage.requests] == [None]
    assert storage.requests[0].headers["range"] == "bytes=1-"


async def test_the_credential_does_not_come_back_after_a_foreign_hop(http: VendorHttp, serve: Any) -> None:
    addresses: dict[str, str] = {}
    foreign = asgi(lambda _: RedirectResponse(f"{addresses['home']}/back", 302))
    home = asgi(lambda r: Response(b"x") if r.url.path == "/back" else RedirectResponse(addresses["foreign"], 302))
    addresses |= {"foreign": await serve(foreign), "home": await serve(home)}
    await read_all(http, addresses["home"], credential=StaticBearer(SECRET))
    assert [r.authorization for r in home.requests] == [f"Bearer {SECRET}", None]
    assert foreign.requests[0].authorization is None


@pytest.mark.parametrize("follow", [0, 5])
async def test_redirects_end(http: VendorHttp, vendor: Misbehaving, url: str, follow: int) -> None:
    vendor.misbehave("/things", Misbehaviour.REDIRECT_LOOP)
    with pytest.raises(Confused) as caught:
        await read_all(http, url, follow=follow)
    assert caught.value.reason == "too_many_redirects"
    assert len(vendor.requests) == follow + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "itms-services://?action=x"])
async def test_a_redirect_that_no_http_client_follows(http: VendorHttp, vendor: Misbehaving, url: str, target: str) -> None:
    vendor.misbehave("/things", Misbehaviour.REDIRECT_ELSEWHERE, url=target)
    with pytest.raises(ProviderError):
        await read_all(http, url)
    assert all(request.path == "/things" for request in vendor.requests)


def test_https_is_never_left(surroundings: Surroundings) -> None:
    http = VendorHttp("acme", "acme-1", surroundings)
    with pytest.raises(Confused) as caught:
        http.next_hop("open file", "https://store.example.com/a", "http://store.example.com/b")
    assert caught.value.reason == "downgraded"
    for nowhere in ("http://a:99999/", "https://", "mailto:a@b", "http://a:b/"):
        with pytest.raises(Confused) as caught:
            http.next_hop("open file", "http://store.example.com/a", nowhere)
        assert caught.value.reason == "bad_redirect"
    assert http.next_hop("open file", "http://127.0.0.1:1/a", "http://127.0.0.1:2/b") == "http://127.0.0.1:2/b"
    for inside in ("https://127.0.0.1/b", "https://[::1]/b", "https://169.254.169.254/b", "https://localhost/b", "//10.0.0.1/b"):
        with pytest.raises(Confused, match="led_inside"):
            http.next_hop("open file", "https://store.example.com/a", inside)
    assert http.next_hop("open file", "https://a.example.com/x/", "y?z=1") == "https://a.example.com/x/y?z=1"


@pytest.mark.parametrize(
    ("homes", "may"),
    [
        (("https://8.8.8.8",), False),
        (("https://8.8.8.8", "https://files.10.0.0.1"), True),
        (("http://127.0.0.1:9",), True),
        (("http://localhost",), True),
        (None, True),
    ],
)
async def test_who_answers_is_looked_at_before_anything_is_sent(
    surroundings: Surroundings, vendor: Misbehaving, url: str, homes: tuple[str, ...] | None, may: bool
) -> None:
    """A name says nothing about where it leads: a vendor on the internet may own one that leads to us."""
    async with opened(replace(surroundings, homes=homes)) as http:
        if may:
            assert await read_all(http, url)
            return
        with pytest.raises(Confused, match="led_inside"):
            await read_all(http, url)
    assert vendor.requests == []


def test_origins() -> None:
    assert same_origin("https://a.example.com/x", "https://A.example.com:443/y")
    assert not same_origin("https://a.example.com", "https://a.example.com:8443")
    assert not same_origin("http://a.example.com", "https://a.example.com")
    assert not same_origin("https://a.example.com", "https://a.example.com.evil.test")


async def test_a_transfer_that_breaks_off_never_looks_whole(
    http: VendorHttp, vendor: Misbehaving, url: str, observed: list[Observation]
) -> None:
    vendor.misbehave("/things", Misbehaviour.DROP_MID_BODY)
    with pytest.raises(Unreachable) as caught:
        await read_all(http, url)
    assert caught.value.reason == "dropped"
    assert len(vendor.requests) == 1
    assert [o.reason for o in observed] == ["dropped"]


async def test_a_transfer_has_no_deadline_but_a_silence_has(surroundings: Surroundings, vendor: Misbehaving, url: str) -> None:
    vendor.misbehave("/things", Misbehaviour.SLOW_DRIP, pause=0.05, times=1)
    vendor.misbehave("/things", Misbehaviour.SLOW_DRIP, pause=1.0)
    async with opened(surroundings, deadline=0.25) as http:
        assert json.loads(await read_all(http, url))["ok"] is True
        with pytest.raises(Unreachable) as caught:
            await read_all(http, url)
    assert caught.value.reason == "timeout"


async def test_opening_is_repeated_and_401_renews(http: VendorHttp, serve: Any) -> None:
    vendor, credential = asgi(demanding("token-1")), Renewable()
    vendor.misbehave("/", Misbehaviour.HTML_502, times=2)
    assert json.loads(await read_all(http, await serve(vendor), credential=credential)) == {"ok": True}
    assert (credential.renewals, len(vendor.requests)) == (1, 4)


async def test_a_401_of_a_foreign_host_is_not_our_credentials_fault(http: VendorHttp, serve: Any) -> None:
    storage_url, credential = await serve(asgi(lambda _: Response(status_code=401))), Renewable()
    first = asgi(lambda _: RedirectResponse(storage_url, 302))
    with pytest.raises(Refused):
        await read_all(http, await serve(first), credential=credential)
    assert credential.renewals == 0


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (Response("<h1>Log in", media_type="text/html"), Confused, "html"),
        (Response(status_code=204), Confused, "http_204"),
        (Response(status_code=304), Confused, "http_304"),
        (Response("gone", 404), NotFound, "not_found"),
        (Response(b"x" * 17 * 2**20, 403), Confused, "too_large"),
    ],
)
async def test_what_is_no_file(http: VendorHttp, serve: Any, answer: Response, error: type[ProviderError], reason: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await read_all(http, await serve(answer))
    assert (type(caught.value), caught.value.reason) == (error, reason)


async def test_leaving_early_closes_the_connection(http: VendorHttp, serve: Any, observed: list[Observation]) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            ended.set()

    address = await serve(StreamingResponse(endless()))
    async with http.stream("open file", "GET", address) as response:
        async for _ in http.chunks("open file", response):
            break
    await asyncio.wait_for(ended.wait(), 5)
    assert [o.reason for o in observed] == ["ok"]


async def test_a_cancelled_call_is_observed(http: VendorHttp, vendor: Misbehaving, url: str, observed: list[Observation]) -> None:
    vendor.misbehave("/things", Misbehaviour.HANG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await http.json("list", "GET", url)
    assert [o.reason for o in observed] == ["cancelled"]


# --- logs -----------------------------------------------------------------------------------------


@pytest.fixture
def every_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


async def test_no_address_and_no_secret_is_logged(http: VendorHttp, serve: Any, every_log: pytest.LogCaptureFixture) -> None:
    storage_url = await serve(asgi(lambda _: Response(b"bytes")))
    first = asgi(lambda _: RedirectResponse(f"{storage_url}/f?X-Signature=signed-secret", 302))
    await read_all(http, f"{await serve(first)}/download/one-time-token", credential=StaticBearer(SECRET))
    assert not re.search("signed-secret|one-time-token|s3cret", every_log.text)
