"""Files from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Dataset, Import, Version


@dataclass(frozen=True, kw_only=True)
class ImportTaken(Event):
    name: ClassVar[str] = "import.taken"
    imported: Import
    digest: str
    format: str
    mapped: int
    kept: int
    dropped: int


@dataclass(frozen=True, kw_only=True)
class ImportUsed(Event):
    name: ClassVar[str] = "import.used"
    imported: Import
    about: Version | Dataset
    proposed: int  # fields that were filled, to be accepted by a person
