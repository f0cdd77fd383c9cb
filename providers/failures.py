"""The one place where a vendor's failure gets its name: an error of bot/domain/errors.py and a short stable reason.

Reasons: timeout, pool (all our connections are taken), dns, tls, connect, proxy, dropped, http_NNN, rate_limited, unauthorized,
forbidden, bad_credential, not_found, gone, redirected, bad_redirect, too_many_redirects, downgraded,
led_inside, html, bad_json, too_many_values, empty_body, bad_encoding, bad_url, too_large, and what a provider's own wire
decoders and classifier add (missing_field:NAME, ...).
"""

import codecs
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.domain.errors import Confused, NotFound, ProviderError, RateLimited, Refused, Unreachable
from providers.guard import LedInside

Verdict = tuple[type[ProviderError], str]
Classify = Callable[[int, Any], Verdict | None]
"""A vendor's own reading of an answer: (HTTP status, parsed JSON or None) -> (error class, reason), or None for the usual one.

It sees every answer of 400 and above, and every JSON document that came with a 2xx.
"""

_STATUSES: dict[int, Verdict] = {
    401: (Refused, "unauthorized"),
    402: (Refused, "http_402"),
    403: (Refused, "forbidden"),
    404: (NotFound, "not_found"),
    408: (Unreachable, "http_408"),
    410: (NotFound, "gone"),
    429: (RateLimited, "rate_limited"),
    501: (Confused, "http_501"),
}
# What is parsed may take thirty times the memory of its text, and nothing else runs meanwhile: this many take a tenth of a second
# and some 60 MB. The fullest page that a vendor is asked for (200 apps of Apple's, each with 50 versions) has a third of them.
VALUES_MAX = 500_000
_LONGEST_RETRY_AFTER = timedelta(days=1)


class WrongBody(Exception):
    """A body that cannot be read; `reason` is the code. Never leaves providers/."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def judge_status(status: int) -> Verdict:
    """What a status of 400 and above means where the vendor says nothing more exact."""
    if status in _STATUSES:
        return _STATUSES[status]
    return (Unreachable if status >= 500 else Confused), f"http_{status}"


def is_unauthorized(response: httpx.Response) -> bool:
    return response.status_code == 401


def judge_exception(error: httpx.HTTPError) -> Verdict:
    """What httpx could not do, in our words."""
    match error:
        case httpx.PoolTimeout():
            return Unreachable, "pool"
        case httpx.TimeoutException():
            return Unreachable, "timeout"
        case httpx.ConnectError() if any(isinstance(cause, LedInside) for cause in _causes(error)):
            return Confused, "led_inside"
        case httpx.ConnectError():
            return Unreachable, _why_unconnected(error)
        case httpx.ProxyError():
            return Unreachable, "proxy"
        case httpx.DecodingError():
            return Confused, "bad_encoding"
        case httpx.UnsupportedProtocol():
            return Confused, "bad_url"
        case _:
            return Unreachable, "dropped"


def _why_unconnected(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "dns"
        if isinstance(cause, ssl.SSLError):
            return "tls"
    return "connect"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def parse_json(content: bytes, content_type: str = "") -> Any:
    """Raises WrongBody (empty_body, html, bad_json, too_many_values)."""
    text = content.removeprefix(codecs.BOM_UTF8).strip()  # the parser itself takes its time over blanks
    if not text:
        raise WrongBody("empty_body")
    if "html" in content_type.lower() or text.startswith(b"<"):
        raise WrongBody("html")
    if len(text) - len(text.translate(None, b"{[,")) > VALUES_MAX:
        raise WrongBody("too_many_values")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongBody("bad_json") from error


def json_or_none(response: httpx.Response) -> Any:
    """The answer's JSON, or None where it has none: what a classifier gets to see of a failed call."""
    try:
        return parse_json(response.content, response.headers.get("content-type", ""))
    except WrongBody:
        return None


def date_of(response: httpx.Response) -> datetime | None:
    """The Date header, by which a vendor's clock can be compared with ours."""
    return _http_date(response.headers.get("date", ""))


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """The Retry-After header (RFC 9110, 10.2.3: seconds or an HTTP date), between nothing and a day."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_RETRY_AFTER)
    moment = _http_date(text)
    if moment is None:
        return None
    return min(max(moment - (date_of(response) or now), timedelta(0)), _LONGEST_RETRY_AFTER)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
