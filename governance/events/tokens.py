"""Tokens, how long they live, and the accounts of programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Token
    from registry.models import Model, User


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    name: ClassVar[str] = "token.issued"
    token: Token
    owner: str
    environment: str
    expires_at: str
    waits: bool  # for a second person


@dataclass(frozen=True, kw_only=True)
class TokenRotated(Event):
    """`token` replaces `previous`, which goes on until then."""

    name: ClassVar[str] = "token.rotated"
    token: Token
    previous: Token
    owner: str
    until: str
    expires_at: str
    waits: bool


@dataclass(frozen=True, kw_only=True)
class TokenCountersigned(Event):
    name: ClassVar[str] = "token.countersigned"
    token: Token
    owner: str


@dataclass(frozen=True, kw_only=True)
class TokenDeclined(Event):
    name: ClassVar[str] = "token.declined"
    token: Token
    owner: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    name: ClassVar[str] = "token.revoked"
    token: Token
    owner: str


@dataclass(frozen=True, kw_only=True)
class TokensRevoked(Event):
    """Many at once; each has an entry of its own as well."""

    name: ClassVar[str] = "token.revoked_together"
    reach: str
    target: User | Model | None
    count: int


@dataclass(frozen=True, kw_only=True)
class TokenLeaked(Event):
    """Somebody found it where it should not be, and it was revoked. `place` is what they told, without the token."""

    name: ClassVar[str] = "token.leaked"
    token: Token
    owner: str
    place: str


@dataclass(frozen=True, kw_only=True)
class TokenExpiring(Event):
    """It ends within so many days, 14 and then 3. Told once each."""

    name: ClassVar[str] = "token.expiring"
    token: Token
    owner: str
    expires_at: str
    days: int


@dataclass(frozen=True, kw_only=True)
class TokenLifeSet(Event):
    """From now on a token for models of this risk class lives so many days."""

    name: ClassVar[str] = "token.life_set"
    risk_class: str
    days: int
    previous: int
    rationale: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountMade(Event):
    name: ClassVar[str] = "service.made"
    account: User
    sponsor: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountPassedOn(Event):
    name: ClassVar[str] = "service.passed_on"
    account: User
    sponsor: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class ServiceAccountEnded(Event):
    name: ClassVar[str] = "service.ended"
    account: User
    count: int
