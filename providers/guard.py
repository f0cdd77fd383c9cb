"""Where a name really leads: the address of whoever answers the call, judged before a request is sent.

Only the configured hosts of an account are trusted. Where a vendor sends us on, a name of the internet may lead to this machine
or into our network; that is refused, unless the account itself lives inside.
"""

import asyncio
import socket
import ssl
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from bot.domain.inside import is_inside, is_inside_address
from providers.addresses import parse_url


class LedInside(httpcore.ConnectError):
    """A host on the internet sent us into a private network."""


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Like httpx's own. `homes` are the configured addresses of the account. What goes through a proxy, the proxy judges."""

    def __init__(self, tls: ssl.SSLContext, limits: httpx.Limits, homes: Collection[str]) -> None:
        super().__init__(verify=tls, limits=limits)
        self._pool = httpcore.AsyncConnectionPool(  # httpx has no parameter for its backend
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedBackend([parse_url(home).host for home in homes]),
        )


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, homes: Collection[str]) -> None:
        self._homes = homes
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        peer = stream.get_extra_info("server_addr")
        if _is_private(peer) and not await self._lives_inside():
            await stream.aclose()
            raise LedInside
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _lives_inside(self) -> bool:
        """Asked only about what is inside: a vendor in our own network, under whatever name."""
        return any([is_inside(home) or await _resolves_inside(home) for home in self._homes])


def _is_private(peer: Any) -> bool:
    return is_inside_address(ip_address(str(peer[0]).partition("%")[0]))


async def _resolves_inside(host: str) -> bool:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_is_private(address) for *_, address in found)
