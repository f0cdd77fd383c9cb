"""Connections to vendors, shared by all accounts of a process: however many accounts live there, a host sees few of them."""

import ssl
from collections.abc import Collection
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from providers.bodies import ACCEPTED_ENCODINGS
from providers.guard import GuardedTransport

CALL_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=30.0)


class Connections:
    """At most eight for the calls to each origin. Who uses them joins first; when the last one has left, all are closed."""

    def __init__(self) -> None:
        self._users = 0
        self._clients: dict[tuple[str, str, int | None], httpx.AsyncClient] = {}

    def join(self) -> None:
        self._users += 1

    async def leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            clients, self._clients = self._clients, {}
            for client in clients.values():
                await client.aclose()

    def to(self, url: httpx.URL) -> httpx.AsyncClient:
        """What calls to the origin of `url` are sent with; requests bring their own timeout."""
        origin = (url.scheme, url.host, url.port)
        if origin not in self._clients:
            self._clients[origin] = new_client(CALL_LIMITS)
        return self._clients[origin]


def new_client(limits: httpx.Limits, homes: Collection[str] | None = None) -> httpx.AsyncClient:
    """Without cookies and automatic redirects. `homes`: see guard.py; None: it goes to configured hosts alone."""
    return httpx.AsyncClient(
        limits=limits,
        verify=_tls(),
        transport=None if homes is None else GuardedTransport(_tls(), limits, homes),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={"User-Agent": "purser", "Accept-Encoding": ACCEPTED_ENCODINGS},
    )


@cache
def _tls() -> ssl.SSLContext:
    """Reading the certificates takes some 20 ms; once is enough for all accounts."""
    return httpx.create_ssl_context()
