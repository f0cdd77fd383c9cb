"""Absolute http(s) addresses."""

import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse_url(text: str) -> httpx.URL:
    """Raises httpx.InvalidURL, also for a port that httpx takes and no socket does."""
    url = httpx.URL(text)
    if url.port is not None and not 0 < url.port < 65536:
        raise httpx.InvalidURL("no such port")
    return url


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common. Raises httpx.InvalidURL."""
    return _origin(parse_url(one)) == _origin(parse_url(other))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)
