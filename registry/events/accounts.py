"""Accounts, and what a rule forbade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import User


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
    name: ClassVar[str] = "account.changed"
    account: User
    created: bool
    roles: str
    state: str


@dataclass(frozen=True, kw_only=True)
class AccountOff(Event):
    """Nobody signs in with it, and nothing asks for it, from now on. `count` tokens ended with it."""

    name: ClassVar[str] = "account.switched_off"
    account: User
    reason: str
    successor: str  # the name of who answers now for what it answered for; empty where there was nothing
    count: int


@dataclass(frozen=True, kw_only=True)
class AccountOn(Event):
    """Its roles and teams count again; its sessions and tokens stay ended."""

    name: ClassVar[str] = "account.switched_on"
    account: User
    reason: str


@dataclass(frozen=True, kw_only=True)
class RoleGiven(Event):
    """`until` is empty for a role without an end."""

    name: ClassVar[str] = "role.given"
    account: User
    role: str
    since: str
    until: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RoleTaken(Event):
    name: ClassVar[str] = "role.taken"
    account: User
    role: str


@dataclass(frozen=True, kw_only=True)
class RoleLapsed(Event):
    """Its time was over. It had stopped to count at that second; this is told within a minute after."""

    name: ClassVar[str] = "role.lapsed"
    account: User
    role: str


@dataclass(frozen=True, kw_only=True)
class ActionRefused(Event):
    """A rule forbade something. Told in a transaction of its own, after the attempt was rolled back."""

    name: ClassVar[str] = "action.refused"
    action: str
    subject: str
    codes: str
    sentence: str
    target: Any = None

    def facts(self) -> Iterator[tuple[str, Any]]:
        yield from (pair for pair in super().facts() if pair[0] != "target" or pair[1] is not None)
