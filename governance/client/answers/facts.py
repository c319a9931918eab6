"""What exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Alias:
    """A movable name of a version."""

    name: str
    version: int


@dataclass(frozen=True)
class Model:
    """A model."""

    slug: str
    name: str
    description: str
    tags: dict[str, Any]
    server: str
    created_at: datetime
    aliases: tuple[Alias, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """The run that a version came from."""

    run_id: str
    status: str
    params: dict[str, Any]
    metrics: dict[str, Any]
    git_commit: str
    git_repository: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Version:
    """A version. `run` is read with a single one, and not in lists."""

    model: str
    number: int
    source: str
    status: str
    description: str
    tags: dict[str, Any]
    aliases: tuple[str, ...]
    registered_at: datetime
    run: Run | None = None


@dataclass(frozen=True)
class Snapshot:
    """One state of a dataset."""

    weak_digest: str
    source_type: str
    source: str
    row_count: int | None


@dataclass(frozen=True)
class Dataset:
    """A dataset."""

    slug: str
    name: str
    first_seen_at: datetime
    has_datasheet: bool
    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True)
class Revision:
    """A card or a datasheet, as it is now. `digest` is what a later change has to name."""

    number: int
    digest: str
    note: str
    by: str
    created_at: datetime
    content: dict[str, Any]
