"""What happens on the floor of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events import Event

if TYPE_CHECKING:
    from audit.models import Report
    from governance.models import Batch


@dataclass(frozen=True, kw_only=True)
class ReportOrdered(Event):
    name: ClassVar[str] = "report.ordered"
    report: Report


@dataclass(frozen=True, kw_only=True)
class ReportRendered(Event):
    name: ClassVar[str] = "report.rendered"
    report: Report
    sha256: str
    snapshot: str
    pages: int


@dataclass(frozen=True, kw_only=True)
class ReportFailed(Event):
    name: ClassVar[str] = "report.failed"
    report: Report
    problem: str


@dataclass(frozen=True, kw_only=True)
class ReportCancelled(Event):
    name: ClassVar[str] = "report.cancelled"
    report: Report


@dataclass(frozen=True, kw_only=True)
class ReportDownloaded(Event):
    name: ClassVar[str] = "report.downloaded"
    report: Report
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DecisionsSealed(Event):
    """A batch of gate decisions was taken into the trail. `root` is the Merkle root over their digests."""

    name: ClassVar[str] = "decisions.sealed"
    batch: Batch
    count: int
    allowed: int
    root: str
    models: str
