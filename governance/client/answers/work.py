"""What workers do when they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Server:
    """A tracking server that is followed."""

    name: str
    uri: str
    synced_at: datetime | None
    stale: bool
    paused_at: datetime | None
    problem: str
    problem_since: datetime | None
    in_doubt: int
    unread: int


@dataclass(frozen=True)
class Sync:
    """A read of a tracking server that somebody ordered: waiting, reading, done or failed."""

    id: str
    server: str
    state: str
    ordered_by: str
    ordered_at: datetime
    ended_at: datetime | None
    models_added: int
    versions_added: int
    problems: tuple[str, ...]

    @property
    def is_under_way(self) -> bool:
        """Whether a worker still has to end it."""
        return self.state in ("waiting", "reading")


@dataclass(frozen=True)
class Report:
    """A report: ordered, rendering, ready, failed or cancelled. `sha256` is that of its file."""

    id: str
    model: str
    version: int
    state: str
    percent: int
    step: str
    problem: str
    snapshot: str | None
    sha256: str
    pages: int | None
    size_bytes: int | None
    ordered_by: str
    ordered_at: datetime
    ended_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        """Whether a worker still has to end it."""
        return self.state in ("ordered", "rendering")
