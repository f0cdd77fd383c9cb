"""Addresses inside of a network: what a vendor on the internet has no business to send anybody to."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

WEB = ("http", "https")
# Names that no public DNS has: RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what networks at home and at work use.
_INSIDE_ENDINGS = (
    "localhost",
    "local",
    "internal",
    "lan",
    "home",
    "corp",
    "private",
    "intranet",
    "localdomain",
    "home.arpa",
    "alt",
)
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215


def is_inside(host: str) -> bool:
    """Whether a host is this machine or a private network, as far as its name tells. A name is read as browsers read it:
    https://url.spec.whatwg.org/#host-parsing, by which a last label that is a number makes the whole an IPv4 address."""
    name = _plain(host).strip("[]").rstrip(".")
    try:
        return is_inside_address(ip_address(name.partition("%")[0]))
    except ValueError:
        pass
    labels = name.split(".")
    if len(labels) == 1 or _NUMERIC.fullmatch(labels[-1]):
        return True
    return name.endswith(tuple(f".{ending}" for ending in _INSIDE_ENDINGS))


def is_inside_address(address: IPv4Address | IPv6Address) -> bool:
    """Also for an IPv6 address that leads to an IPv4 one: mapped, 6to4, Teredo, NAT64."""
    return any(not each.is_global or each.is_multicast for each in _meant_by(address))


def leads_inside(origin: str, host: str) -> bool:
    """Whether a host on the internet sends us into a private network. One that lives inside itself may send there."""
    return is_inside(host) and not is_inside(origin)


def may_lead_to(url: str, homes: Collection[str]) -> bool:
    """Whether a browser may be sent there by a vendor whose configured addresses are `homes`. One that lives inside itself may
    send people inside; for every other only the internet is left, and for all of them only the web."""
    try:
        target = urlsplit(url)
        host = target.hostname or ""
    except ValueError:
        return False
    if target.scheme not in WEB or not host or target.username is not None or "\\" in url or "%" in host:
        return False
    return not is_inside(host) or any(is_inside(urlsplit(home).hostname or "") for home in homes)


def _plain(host: str) -> str:
    """Other forms of letters, digits and dots become ours, and what nobody sees is dropped: https://www.unicode.org/reports/tr46"""
    folded = unicodedata.normalize("NFKC", host).replace("\u3002", ".").casefold()
    return "".join(char for char in folded if unicodedata.category(char) not in ("Cc", "Cf", "Mn"))


def _meant_by(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        yield address
        return
    embedded = address.ipv4_mapped or address.sixtofour
    if address.teredo:
        yield from address.teredo
    elif any(address in network for network in _NAT64):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    elif embedded:
        yield embedded
    else:
        yield address
