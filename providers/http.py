"""The one wrapper around httpx: every byte that goes to a vendor or comes from one passes here.

A call either returns or raises a ProviderError; no httpx exception leaves. What a failure is called is decided in failures.py.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from bot.domain.errors import Confused, ProviderError, RateLimited, Refused, Unreachable
from bot.domain.inside import leads_inside
from bot.domain.ports import Step
from providers import failures
from providers.addresses import parse_url, same_origin
from providers.bodies import settle
from providers.connections import new_client
from providers.failures import Classify, Verdict, WrongBody
from providers.spec import Observation, Surroundings
from providers.transfers import transferred

T = TypeVar("T")

# That other accounts use all connections to a host is no fault of the host's: only the deadline of the whole call ends that wait.
DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=15.0, write=15.0, pool=None)
# A transfer lasts as long as somebody's phone needs, so the next must not wait for it: 200 at once are a release day. It is
# bounded because each one holds two sockets and its buffers; whoever finds no room within the deadline is told to come again.
TRANSFER_LIMITS = httpx.Limits(max_connections=256, max_keepalive_connections=4, keepalive_expiry=30.0)
REDIRECTS_MAX = 5

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_OPENED = frozenset({200, 206, 416})

# Both log addresses (INFO) and headers (DEBUG); vendors put tokens into both, and what happened is observed without them.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Credential(Protocol):
    """What proves to a vendor who we are."""

    async def headers(self) -> Mapping[str, str]:
        """The headers to send. Raises ProviderError when they cannot be had."""
        ...

    async def renew(self) -> None:
        """Called once after a 401. When `headers` then differ from those refused, the call is repeated once."""
        ...


@dataclass(frozen=True, slots=True)
class StaticBearer:
    """A token that never changes: a 401 is final."""

    token: str = field(repr=False)

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def renew(self) -> None:
        return None


class CallOptions(TypedDict, total=False):
    """What a call may carry. `repeatable` says that a POST may be sent again (a token exchange); unset, the method decides."""

    credential: Credential
    params: Mapping[str, str | int]
    form: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    repeatable: bool


@dataclass(frozen=True, slots=True)
class _Call:
    operation: str
    method: str
    url: str
    credential: Credential | None = None
    params: Mapping[str, str | int] | None = None
    form: Mapping[str, str] | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool | None = None

    @property
    def may_repeat(self) -> bool:
        return self.method in _REPEATABLE if self.repeatable is None else self.repeatable

    async def secret_headers(self) -> Mapping[str, str]:
        return await self.credential.headers() if self.credential else {}


class VendorHttp:
    """All calls of one account over HTTP/1.1, without cookies and automatic redirects.

    Calls share the eight connections to their host with all accounts of the process. Transfers have others, because they may last
    for minutes and must not keep calls waiting.

    `refuses` tells of an answer whether the credential has to be renewed, once.

    `deadline` bounds a whole call in seconds, repetitions and waits included (for `stream` only the opening). `patience` is the
    longest Retry-After in seconds that is waited for; a vendor who asks for more gets peace at once. `backoff_max` bounds the
    random wait before a repetition. `on_answer` is shown every answer to a call, refusals and repetitions included; it returns
    how many requests are left, where the answer says so.
    """

    def __init__(
        self,
        provider: str,
        account: str,
        surroundings: Surroundings,
        *,
        tries: int = 4,
        timeout: httpx.Timeout = DEFAULT_TIMEOUT,
        deadline: float = 60.0,
        patience: float = 10.0,
        backoff_max: float = 8.0,
        refuses: Callable[[httpx.Response], bool] = failures.is_unauthorized,
        classify: Classify | None = None,
        on_answer: Callable[[httpx.Response], int | None] = lambda _: None,
    ) -> None:
        self.provider = provider
        self.account = account
        self._surroundings = surroundings
        self._tries = tries
        self._deadline = deadline
        self._patience = timedelta(seconds=patience)
        self._refuses = refuses
        self._backoff = wait_random_exponential(multiplier=0.5, max=backoff_max)
        self._classify = classify
        self._on_answer = on_answer
        self._timeout = timeout
        self._connections = surroundings.connections
        self._connections.join()
        self._transfers = new_client(TRANSFER_LIMITS, surroundings.homes)

    async def aclose(self) -> None:
        """Closes all connections that no other account uses."""
        await self._connections.leave()
        await self._transfers.aclose()

    def error(self, operation: str, kind: type[ProviderError], reason: str) -> ProviderError:
        """An error of this account."""
        return kind(self.provider, self.account, operation, reason)

    def found(self, operation: str, items: int) -> None:
        """Tells whoever watches that so many more of what `operation` lists are there."""
        self._surroundings.watch(Step(self.account, operation, items=items))

    async def json(self, operation: str, method: str, url: str, **options: Unpack[CallOptions]) -> Any:
        """The parsed JSON of a 2xx answer, at most 16 MiB of it. Raises ProviderError."""
        with self._observed(operation):
            return self.parse(operation, await self._settled(_Call(operation, method, url, **options)))

    async def send(self, operation: str, method: str, url: str, **options: Unpack[CallOptions]) -> httpx.Response:
        """A 2xx or 3xx answer with its body read; redirects are not followed. Raises ProviderError."""
        with self._observed(operation):
            return await self._settled(_Call(operation, method, url, **options))

    def parse(self, operation: str, response: httpx.Response) -> Any:
        """The JSON of an answer that `send` returned. Raises ProviderError (redirected, html, bad_json, ...)."""
        if not response.is_success:
            raise self.error(operation, Confused, "redirected")
        with self._translated(operation):
            payload = failures.parse_json(response.content, response.headers.get("content-type", ""))
        verdict = self._classify(response.status_code, payload) if self._classify else None
        if verdict:
            raise self._named(operation, verdict, response)
        return payload

    @asynccontextmanager
    async def stream(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        follow: int = REDIRECTS_MAX,
    ) -> AsyncIterator[httpx.Response]:
        """An open 200, 206 or 416 answer whose body is not read yet. Entering and reading raise ProviderError.

        Follows up to `follow` redirects, never from https to http. The credential goes to the origin of `url` alone.
        """
        call = _Call(
            operation, method, url, credential, headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})}
        )
        with self._observed(operation):
            response = await self._with_retries(call, partial(self._opened, call, follow))
            try:
                with self._translated(operation):
                    yield response
            finally:
                await response.aclose()

    async def chunks(self, operation: str, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body of a streamed answer. Raises Unreachable when it breaks off, so that a short file never looks whole; Confused
        (bad_encoding) when it cannot be decoded."""
        with self._translated(operation):
            async for piece in transferred(response):
                yield piece

    def next_hop(self, operation: str, url: str, location: str) -> str:
        """Where `location` leads from `url`. Raises Confused (bad_redirect, downgraded, led_inside)."""
        try:
            target = parse_url(str(httpx.URL(url).join(location)))
        except httpx.InvalidURL:
            raise self.error(operation, Confused, "bad_redirect") from None
        if target.scheme not in ("http", "https") or not target.host:
            raise self.error(operation, Confused, "bad_redirect")
        if url.startswith("https:") and target.scheme == "http":
            raise self.error(operation, Confused, "downgraded")
        if leads_inside(parse_url(url).host, target.host):
            raise self.error(operation, Confused, "led_inside")
        return str(target)

    @contextmanager
    def _observed(self, operation: str) -> Iterator[None]:
        started, reason = time.perf_counter(), "cancelled"
        try:
            yield
            reason = "ok"
        except ProviderError as error:
            reason = error.reason
            raise
        finally:
            seconds = time.perf_counter() - started
            self._surroundings.observe(Observation(self.provider, self.account, operation, reason, seconds))

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        try:
            yield
        except httpx.InvalidURL:
            raise self.error(operation, Confused, "bad_url") from None
        except httpx.HTTPError as error:
            raise self.error(operation, *failures.judge_exception(error)) from error
        except WrongBody as error:
            raise self.error(operation, Confused, error.reason) from error

    def _named(self, operation: str, verdict: Verdict, response: httpx.Response) -> ProviderError:
        error = self.error(operation, *verdict)
        if isinstance(error, RateLimited):
            error.retry_after = failures.retry_after(response, self._surroundings.clock())
        return error

    def _failure(self, operation: str, response: httpx.Response) -> ProviderError:
        verdict = self._classify(response.status_code, failures.json_or_none(response)) if self._classify else None
        return self._named(operation, verdict or failures.judge_status(response.status_code), response)

    async def _with_retries(self, call: _Call, attempt: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._tries if call.may_repeat else 1) | stop_before_delay(self._deadline),
            wait=self._wait,
            retry=retry_if_exception(partial(self._may_pass, call.operation)),
            reraise=True,
        )
        async with self.in_time(call.operation):
            return await retrying(attempt)

    @asynccontextmanager
    async def in_time(self, operation: str) -> AsyncIterator[None]:
        """Holds what happens inside to the deadline of a call. Raises ProviderError (Unreachable: timeout)."""
        try:
            async with asyncio.timeout(self._deadline):
                yield
        except TimeoutError as error:
            raise self.error(operation, Unreachable, "timeout") from error

    def _may_pass(self, operation: str, error: BaseException) -> bool:
        # An error of another operation comes from the credential, whose own call was repeated already.
        if not isinstance(error, (Unreachable, RateLimited)) or error.operation != operation:
            return False
        return self._asked(error) <= self._patience

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self._asked(error).total_seconds() + self._backoff(state)

    def _asked(self, error: BaseException | None) -> timedelta:
        cause = error.__cause__ if error else None
        if not isinstance(cause, httpx.HTTPStatusError):
            return timedelta(0)
        return failures.retry_after(cause.response, self._surroundings.clock()) or timedelta(0)

    async def _settled(self, call: _Call) -> httpx.Response:
        return await self._with_retries(call, partial(self._answered, call))

    async def _answered(self, call: _Call) -> httpx.Response:
        secret = await call.secret_headers()
        response = await self._round_trip(call, secret)
        if self._refuses(response) and await _renewed(call, secret):
            response = await self._round_trip(call, await call.secret_headers())
        if response.status_code >= 400:
            raise self._failure(call.operation, response) from _status_error(response)
        return response

    async def _round_trip(self, call: _Call, secret: Mapping[str, str]) -> httpx.Response:
        with self._translated(call.operation):
            response = await self._sent(None, call, call.url, secret)
            left = self._on_answer(response)
            self._surroundings.watch(Step(self.account, call.operation, requests=1, left=left))
            return await settle(response)

    async def _sent(self, client: httpx.AsyncClient | None, call: _Call, url: str, secret: Mapping[str, str]) -> httpx.Response:
        """`client` None: with the connections that all accounts share."""
        headers = {"Accept": "application/json", **call.headers, **secret}
        content = {"params": call.params, "data": call.form, "json": call.body}
        try:
            target = parse_url(url)
            client = client or self._connections.to(target)
            request = client.build_request(call.method, target, headers=headers, timeout=self._timeout, **content)
            return await client.send(request, stream=True)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # A header that cannot be sent, such as a token with a line break. These messages quote it: not chained.
            raise self.error(call.operation, Refused, "bad_credential") from None

    async def _opened(self, call: _Call, follow: int) -> httpx.Response:
        secret = await call.secret_headers()
        response = await self._reached(call, secret, follow)
        is_ours = same_origin(str(response.request.url), call.url)
        if response.status_code == 401 and is_ours and await _renewed(call, secret):
            response = await self._reached(call, await call.secret_headers(), follow)
        if response.status_code not in _OPENED:
            raise self._failure(call.operation, response) from _status_error(response)
        return response

    async def _reached(self, call: _Call, secret: Mapping[str, str], follow: int) -> httpx.Response:
        """The last answer after all redirects: open where it can be used, else read and closed."""
        with self._translated(call.operation):
            response = await self._followed(call, secret, follow)
            is_page = response.status_code == 200 and "html" in response.headers.get("content-type", "").lower()
            if response.status_code in _OPENED and not is_page:
                return response
            response = await settle(response)
        if response.status_code < 400:
            raise self.error(call.operation, Confused, "html" if is_page else f"http_{response.status_code}")
        return response

    async def _followed(self, call: _Call, secret: Mapping[str, str], follow: int) -> httpx.Response:
        url = call.url
        for _ in range(follow + 1):
            response = await self._sent(self._transfers, call, url, secret)
            if not response.has_redirect_location:
                return response
            await response.aclose()
            url = self.next_hop(call.operation, url, response.headers["location"])
            secret = secret if same_origin(url, call.url) else {}
        raise self.error(call.operation, Confused, "too_many_redirects")


async def _renewed(call: _Call, refused: Mapping[str, str]) -> bool:
    """Whether other headers than the refused ones can be had. Another caller may have renewed them meanwhile."""
    if call.credential is None:
        return False
    if dict(await call.credential.headers()) == dict(refused):
        await call.credential.renew()
    return dict(await call.credential.headers()) != dict(refused)


def _status_error(response: httpx.Response) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError(f"status {response.status_code}", request=response.request, response=response)
