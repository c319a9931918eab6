"""The secrets that model servers ask for. The gate's operator gives them, each bound to the servers that may see it.

An endpoint names one. Whoever may set endpoints can so use a secret where it is meant to be used, and cannot read it, nor
send it to a server of another origin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

NAME = re.compile(r"[a-z][a-z0-9]{0,39}\Z")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z")
SECRET = re.compile(r"[\x21-\x7e]{1,4096}\Z")
PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
# Headers that frame or route a message, or that the gate itself decides about.
NEVER = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "x-request-id", "traceparent"}
)


class Unusable(Exception):
    """No such credential is known to this gate, or it is not meant for this server."""


@dataclass(frozen=True)
class Credential:
    """One secret: the header that carries it and the origins that may get it."""

    header: bytes
    value: bytes = field(repr=False)
    origins: frozenset[Origin]


def origin(url: str) -> Origin:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def header(credentials: Mapping[str, Credential], name: str, url: str) -> list[tuple[bytes, bytes]]:
    """The header with the secret called `name` for the server at `url`; none when the endpoint names none."""
    if not name:
        return []
    found = credentials.get(name)
    if found is None or origin(url) not in found.origins:
        raise Unusable(name)
    return [(found.header, found.value)]


def from_environment(names: Sequence[str], text: Callable[[str, str], str]) -> dict[str, Credential]:
    """The credentials of GATE_CREDENTIALS: for each NAME its secret, its origins and, if not Authorization, its header."""
    return {name: _credential(name, text) for name in names}


def _credential(name: str, text: Callable[[str, str], str]) -> Credential:
    if not NAME.match(name):
        raise ImproperlyConfigured(f"GATE_CREDENTIALS: {name!r} is no name; letters and digits, all small.")
    variable = f"GATE_CREDENTIAL_{name.upper()}"
    secret = text(variable, "")
    if not SECRET.match(secret):
        raise ImproperlyConfigured(f"{variable} (or {variable}_FILE) must hold the secret, in plain ASCII.")
    words = [word.strip() for word in text(f"{variable}_HOSTS", "").split(",") if word.strip()]
    named = text(f"{variable}_HEADER", "")
    if named and (not HEADER.match(named) or named.lower() in NEVER):
        raise ImproperlyConfigured(f"{variable}_HEADER is no header for a secret: {named!r}.")
    value = secret if named else f"Bearer {secret}"
    return Credential(
        header=(named or "authorization").lower().encode(),
        value=value.encode(),
        origins=_origins(f"{variable}_HOSTS", words),
    )


def _origins(variable: str, words: Sequence[str]) -> frozenset[Origin]:
    """Written out, so that nobody sends a secret in clear by leaving out the scheme."""
    found = set()
    for word in words:
        try:
            one = origin(word)
        except ValueError:
            one = ("", "", 0)
        if one[0] not in PORTS or not one[1] or urlsplit(word).path not in ("", "/") or "@" in word:
            raise ImproperlyConfigured(
                f"{variable} must hold origins such as https://api.example:8443, not {word!r}."
            )
        found.add(one)
    if not found:
        raise ImproperlyConfigured(f"{variable} must name the servers that may get this secret.")
    return frozenset(found)
