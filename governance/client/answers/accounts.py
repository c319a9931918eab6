"""Who asks, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class OwnToken:
    """The token that this client came with."""

    id: str
    name: str
    environment: str
    actions: tuple[str, ...]
    portal: tuple[str, ...]
    ends_at: datetime


@dataclass(frozen=True)
class Me:
    """Who asks."""

    username: str
    kind: str
    roles: tuple[str, ...]
    token: OwnToken | None


@dataclass(frozen=True)
class Token:
    """A token without its secret."""

    id: str
    name: str
    prefix: str
    environment: str
    owner: str
    models: tuple[str, ...]
    tag: str
    actions: tuple[str, ...]
    portal: tuple[str, ...]
    versions: tuple[int, ...]
    alias: str
    purpose: str
    networks: tuple[str, ...]
    rate: dict[str, Any] | None
    quota: dict[str, Any] | None
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    needs_second: bool
    countersigned_by: str | None
    countersigned_at: datetime | None
    replaces: str | None
    overlap_ends_at: datetime | None
    revoked_at: datetime | None
    ended_as: str
    state: str
    sentence: str


@dataclass(frozen=True)
class Introspection:
    """RFC 7662. Whatever is not active tells nothing more."""

    active: bool
    scope: str = ""
    client_id: str = ""
    username: str = ""
    exp: int = 0
    iat: int = 0
    cardinal: dict[str, Any] | None = None
