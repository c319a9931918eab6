"""AI systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import System


@dataclass(frozen=True, kw_only=True)
class SystemRegistered(Event):
    name: ClassVar[str] = "system.registered"
    system: System
    operator_role: str


@dataclass(frozen=True, kw_only=True)
class SystemChanged(Event):
    name: ClassVar[str] = "system.changed"
    system: System
    what: str
