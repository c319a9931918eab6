"""Risk classes, and how severe findings are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from registry.models import System


@dataclass(frozen=True, kw_only=True)
class RiskDecided(Event):
    name: ClassVar[str] = "risk.decided"
    system: System
    risk_class: str
    rationale: str


@dataclass(frozen=True, kw_only=True)
class SeveritySet(Event):
    """From now on findings of this rule are this severe for documents of this risk class."""

    name: ClassVar[str] = "lint.severity_set"
    rule: str
    risk_class: str
    severity: str
    previous: str
    rationale: str
