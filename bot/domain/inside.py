"""Addresses inside of a network: what a vendor on the internet has no business to send anybody to."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

WEB = ("http", "https")


def is_inside(host: str) -> bool:
    """Whether a host is this machine or a private network, as far as its name tells."""
    name = host.rstrip(".").casefold()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return name.replace(".", "").isdigit() or name.startswith("0x")  # 2130706433 and 0x7f.1 are 127.0.0.1 to a browser
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not mapped.is_global or mapped.is_multicast


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
    if target.scheme not in WEB or not host or target.username is not None or "\\" in url:
        return False
    return not is_inside(host) or any(is_inside(urlsplit(home).hostname or "") for home in homes)
