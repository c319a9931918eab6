"""Pipelines: how the files of a version were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Version


@dataclass(frozen=True, kw_only=True)
class PipelineRecorded(Event):
    name: ClassVar[str] = "pipeline.recorded"
    version: Version
    stages: int
    source: str  # SHA-256 of the file
