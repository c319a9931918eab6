"""Memory: what happened, and the proof."""

from audit.models.reports import Report, Snapshot
from audit.models.trail import Entry, SealedBatch, reference

__all__ = ["Entry", "Report", "SealedBatch", "Snapshot", "reference"]
