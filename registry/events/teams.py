"""Teams, and who belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Team, User


@dataclass(frozen=True, kw_only=True)
class TeamMade(Event):
    name: ClassVar[str] = "team.made"
    team: Team
    handle: str


@dataclass(frozen=True, kw_only=True)
class TeamEdited(Event):
    """Its name or description says something else. Told once for each."""

    name: ClassVar[str] = "team.edited"
    team: Team
    field: str  # name, description
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class TeamArchived(Event):
    """`count` members no longer see what was shared with it."""

    name: ClassVar[str] = "team.archived"
    team: Team
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class TeamJoined(Event):
    name: ClassVar[str] = "team.joined"
    team: Team
    account: User
    lead: bool


@dataclass(frozen=True, kw_only=True)
class TeamLeft(Event):
    name: ClassVar[str] = "team.left"
    team: Team
    account: User
