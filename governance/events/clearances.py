"""Clearances, suspensions and broken glass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from governance.models import BreakGlass
    from registry.models import Version


@dataclass(frozen=True, kw_only=True)
class BreakGlassAsked(Event):
    name: ClassVar[str] = "glass.asked"
    glass: BreakGlass
    version: Version
    environment: str
    minutes: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassGranted(Event):
    """From now on the gate lets queries pass, whatever the clearance says, until `ends_at`."""

    name: ClassVar[str] = "glass.granted"
    glass: BreakGlass
    version: Version
    environment: str
    asked_by: str
    reason: str
    ends_at: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassEnded(Event):
    """Over: by somebody, or by itself. `unused` when it was never granted."""

    name: ClassVar[str] = "glass.ended"
    glass: BreakGlass
    version: Version
    environment: str
    unused: bool
    by_time: bool


@dataclass(frozen=True, kw_only=True)
class VersionSuspended(Event):
    name: ClassVar[str] = "version.suspended"
    version: Version
    reason: str


@dataclass(frozen=True, kw_only=True)
class SuspensionLifted(Event):
    name: ClassVar[str] = "version.suspension_lifted"
    version: Version
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClearanceGranted(Event):
    """All conditions hold, because of what `by` just did."""

    name: ClassVar[str] = "clearance.granted"
    version: Version
    environment: str


@dataclass(frozen=True, kw_only=True)
class ClearanceLapsed(Event):
    """A condition no longer holds, because of what `by` just did. `codes` are the reason codes."""

    name: ClassVar[str] = "clearance.lapsed"
    version: Version
    environment: str
    codes: str
