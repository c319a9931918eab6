"""Something unusual was seen at the gate, and somebody has judged it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Anomaly


@dataclass(frozen=True, kw_only=True)
class AnomalySeen(Event):
    """Told once while it is open, however often it is seen."""

    name: ClassVar[str] = "anomaly.seen"
    anomaly: Anomaly
    what: str


@dataclass(frozen=True, kw_only=True)
class AnomalyDismissed(Event):
    name: ClassVar[str] = "anomaly.dismissed"
    anomaly: Anomaly
    what: str
    reason: str
