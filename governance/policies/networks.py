"""The condition of place: networks in CIDR form (RFC 4632, RFC 4291)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, ClassVar

from governance.policies.reading import Unreadable, listed, texts
from governance.policies.words import Query

Network = IPv4Network | IPv6Network
MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True)
class Networks:
    """The caller's address lies in one of these networks."""

    ranges: tuple[Network, ...]
    _numbers: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)
    code: ClassVar[str] = "policy_network"
    label: ClassVar[str] = "Network"

    def __post_init__(self) -> None:
        numbers = tuple((one.version, int(one.network_address), int(one.netmask)) for one in self.ranges)
        object.__setattr__(self, "_numbers", numbers)

    @classmethod
    def read(cls, raw: Any) -> Networks:
        """A list of networks in CIDR form."""
        names = texts(raw)
        if names is None:
            raise Unreadable("networks are written like 10.0.0.0/8 or 2001:db8::/32.")
        return cls(tuple(_network(name) for name in names))

    def holds(self, query: Query) -> bool | None:
        found = _number(query.network)
        if found is None:
            return None
        version, number = found
        for family, first, mask in self._numbers:  # noqa: SIM110 - a generator costs more than the question
            if family == version and number & mask == first:
                return True
        return False

    @property
    def words(self) -> str:
        return f"from the network {listed(map(str, self.ranges), 'or')}"


@lru_cache(maxsize=4_096)
def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in `text`, an IPv4 address in IPv6 clothes as what it is; None when it is none."""
    try:
        address = ip_address(text.partition("%")[0])  # without the zone of a link-local one
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4_096)
def _number(text: str) -> tuple[int, int] | None:
    """The address in `text` as its version and a number."""
    address = plain_address(text)
    return None if address is None else (address.version, int(address))


@lru_cache(maxsize=4_096)
def aggregated(address: str) -> str:
    """The network that an address counts with: /24 of IPv4, /64 of IPv6, which is what one household or office has.

    "" where there is no address.
    """
    found = plain_address(address)
    if found is None:
        return ""
    return str(ip_network(f"{found}/{64 if found.version == 6 else 24}", strict=False))


def _network(text: str) -> Network:
    address, slash, length = text.partition("/")
    if not (slash and length.isascii() and length.isdigit()):
        raise Unreadable(_better(text, address))
    try:
        found = ip_network(text)
    except ValueError:
        raise Unreadable(_better(text, address)) from None
    if isinstance(found, IPv6Network) and found.subnet_of(MAPPED):
        return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    return found


def _better(text: str, address: str) -> str:
    try:
        meant = str(ip_network(text, strict=False))
    except ValueError:
        meant = "10.0.0.0/8 or 2001:db8::/32"
    shown = address if len(address) <= 45 and address.isprintable() else "this"
    return f"{shown} is not a network; write it like {meant}."
