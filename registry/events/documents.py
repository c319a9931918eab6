"""Cards and datasheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Revision


@dataclass(frozen=True, kw_only=True)
class RevisionSaved(Event):
    name: ClassVar[str] = "revision.saved"
    revision: Revision
    digest: str
    note: str
