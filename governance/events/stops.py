"""Queries are stopped, and pass again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import Stop


@dataclass(frozen=True, kw_only=True)
class StopMade(Event):
    """Within a second every gate refuses `what`, until somebody lifts it."""

    name: ClassVar[str] = "stop.made"
    stop: Stop
    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StopLifted(Event):
    """The other conditions decide again. `made_by` is whoever had stopped it."""

    name: ClassVar[str] = "stop.lifted"
    stop: Stop
    what: str
    made_by: str
    reason: str
