"""AI systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Model, System


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


@dataclass(frozen=True, kw_only=True)
class SystemEdited(Event):
    """One field of a system says something else. Told once for each field."""

    name: ClassVar[str] = "system.edited"
    system: System
    field: str  # name, intended_purpose, operator_role, team
    before: str
    after: str
    substance: bool  # purpose or role: what the risk class was decided about


@dataclass(frozen=True, kw_only=True)
class SystemModelRemoved(Event):
    name: ClassVar[str] = "system.model_removed"
    system: System
    model: Model


@dataclass(frozen=True, kw_only=True)
class SystemRetired(Event):
    name: ClassVar[str] = "system.retired"
    system: System
    reason: str
