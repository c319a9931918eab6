"""Where a query comes from: the peer of the connection, or whom a trusted proxy names. Nobody else is believed.

Behind /check the peer is a proxy. Its address is never taken for the caller's: every caller would have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from governance.policies import plain_address

FORWARDED_FOR = b"x-forwarded-for"
LONGEST_CHAIN = 20  # proxies between a caller and the gate
Networks = Sequence[IPv4Network | IPv6Network]
Peer = Sequence[object] | None


def network(
    peer: Peer, headers: Iterable[tuple[bytes, bytes]], trusted: Networks, *, only_proxies: bool
) -> str:
    """The caller's address, or "" when it cannot be known.

    From X-Forwarded-For counts what trusted proxies wrote: read from the right, the first address that is none of
    theirs. What stands further left came from outside.
    """
    here = _peer(str(peer[0])) if peer else None
    if here is None:
        return ""
    if not _is_among(here, trusted):
        return "" if only_proxies else str(here)
    said = b",".join(value for name, value in headers if name == FORWARDED_FOR)
    chain = said.decode("latin-1").split(",") if said else []
    for place, text in enumerate(reversed(chain)):
        address = plain_address(text.strip())
        if address is None or place >= LONGEST_CHAIN:
            return ""
        if not _is_among(address, trusted) or place == len(chain) - 1:
            return str(address)
    return ""


@lru_cache(maxsize=4096)
def _peer(text: str) -> IPv4Address | IPv6Address | None:
    """The address of a connection's other end: the same few again and again, where proxies ask."""
    return plain_address(text)


def _is_among(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(one.version == address.version and address in one for one in networks)
