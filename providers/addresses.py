"""Absolute http(s) addresses."""

from functools import lru_cache

import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_ADDRESS = 2000  # what every browser and Slack button takes


@lru_cache(maxsize=64)  # the same few are met at every call, and Apple's are long
def parse_url(text: str) -> httpx.URL:
    """Raises httpx.InvalidURL, also for a port that httpx takes and no socket does, and for lone surrogates (no text)."""
    try:
        url = httpx.URL(text)
    except UnicodeEncodeError:
        raise httpx.InvalidURL("not text") from None
    if url.port is not None and not 0 < url.port < 65536:
        raise httpx.InvalidURL("no such port")
    return url


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common. Raises httpx.InvalidURL."""
    return _origin(parse_url(one)) == _origin(parse_url(other))


def web_address(text: str) -> str | None:
    """The http(s) address in `text` in ASCII, as a browser may be sent to it. None: javascript:, a password, no host, ..."""
    try:
        url = parse_url(text.strip())
    except httpx.InvalidURL:
        return None
    is_fit = url.scheme in ("http", "https") and url.host and not url.userinfo and "\\" not in text
    return str(url) if is_fit and len(str(url)) <= _LONGEST_ADDRESS else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)
