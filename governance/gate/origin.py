"""Where a query comes from: the peer of the connection, or whom a trusted proxy names. Nobody else is believed.

Behind /check the peer is a proxy. Its address is never taken for the caller's: every caller would have it. Of the headers by
which a proxy names a caller only X-Forwarded-For is read, since all three proxies can write it. X-Real-IP and Forwarded are
not: a second source would be one more that a proxy may forget to overwrite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    here = _of(peer)
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


def is_trusted(peer: Peer, trusted: Networks) -> bool:
    """Whether this peer may speak for others. One without an address, as behind a socket in the file system, may not."""
    here = _of(peer)
    return here is not None and _is_among(here, trusted)


def _of(peer: Peer) -> IPv4Address | IPv6Address | None:
    return plain_address(str(peer[0])) if peer else None


def _is_among(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(one.version == address.version and address in one for one in networks)
