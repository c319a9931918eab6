"""Where a query comes from: the peer of the connection, or whom a trusted proxy names. Nobody else is believed.

Behind /check the peer is a proxy. Its address is never taken for the caller's: every caller would have it. Of the headers by
which a proxy names a caller only X-Forwarded-For is read, since all three proxies can write it. X-Real-IP and Forwarded are
not: a second source would be one more that a proxy may forget to overwrite.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from governance.policies import plain_address

FORWARDED_FOR = b"x-forwarded-for"
LONGEST_CHAIN = 20  # proxies between a caller and the gate
REMEMBERED = 8192  # peers, and what they said, whose address has been worked out
LONGEST = 256  # bytes of what is remembered of them: anybody can say anything
Networks = Sequence[IPv4Network | IPv6Network]


class Origins:
    """Who may speak for others: the proxies in these networks. What has been worked out once is remembered."""

    def __init__(self, trusted: Networks = ()) -> None:
        self._trusted = trusted
        self.is_trusted = lru_cache(maxsize=REMEMBERED)(self._is_trusted)
        self._known = lru_cache(maxsize=REMEMBERED)(self._network)

    def network(self, peer: str, said: bytes, only_proxies: bool) -> str:  # noqa: FBT001 - the cache is quicker without names
        """The caller's address, or "" when it cannot be known; see `_network`."""
        return (self._network if len(said) > LONGEST else self._known)(peer, said, only_proxies)

    def _is_trusted(self, peer: str) -> bool:
        """Whether this peer may speak for others. One without an address, as behind a socket in the file system, may not."""
        here = plain_address(peer)
        return here is not None and self._is_among(here)

    def _network(self, peer: str, said: bytes, only_proxies: bool) -> str:  # noqa: FBT001 - as above
        """The caller's address, or "" when it cannot be known. `said` is X-Forwarded-For as a whole.

        From it counts what trusted proxies wrote: read from the right, the first address that is none of theirs. What
        stands further left came from outside.
        """
        here = plain_address(peer)
        if here is None:
            return ""
        if not self._is_among(here):
            return "" if only_proxies else str(here)
        chain = said.decode("latin-1").split(",") if said else []
        for place, text in enumerate(reversed(chain)):
            address = plain_address(text.strip())
            if address is None or place >= LONGEST_CHAIN:
                return ""
            if not self._is_among(address) or place == len(chain) - 1:
                return str(address)
        return ""

    def _is_among(self, address: IPv4Address | IPv6Address) -> bool:
        return any(one.version == address.version and address in one for one in self._trusted)


NOBODY = Origins()
