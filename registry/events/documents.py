"""Cards and datasheets, and the figures in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Figure, Revision


@dataclass(frozen=True, kw_only=True)
class RevisionSaved(Event):
    name: ClassVar[str] = "revision.saved"
    revision: Revision
    digest: str
    note: str


@dataclass(frozen=True, kw_only=True)
class FigureAttached(Event):
    """A picture was stored that was not here before."""

    name: ClassVar[str] = "figure.attached"
    figure: Figure
    digest: str
    media_type: str
    size: int  # in bytes
