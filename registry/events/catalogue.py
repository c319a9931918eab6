"""Models, versions, their aliases, files and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import Dataset, Endpoint, Manifest, Model, Version


@dataclass(frozen=True, kw_only=True)
class ModelRegistered(Event):
    name: ClassVar[str] = "model.registered"
    model: Model


@dataclass(frozen=True, kw_only=True)
class ModelShared(Event):
    name: ClassVar[str] = "model.shared"
    model: Model
    audience: str


@dataclass(frozen=True, kw_only=True)
class ModelUnshared(Event):
    name: ClassVar[str] = "model.unshared"
    model: Model
    audience: str


@dataclass(frozen=True, kw_only=True)
class VersionRegistered(Event):
    name: ClassVar[str] = "version.registered"
    version: Version
    source: str


@dataclass(frozen=True, kw_only=True)
class AliasMoved(Event):
    name: ClassVar[str] = "alias.moved"
    model: Model
    alias: str
    version: Version
    previous: int  # the number it named before; 0 when the alias is new
    seen_by: str  # "here" when it was moved from Cardinal, else how the move was noticed


@dataclass(frozen=True, kw_only=True)
class AliasRemoved(Event):
    name: ClassVar[str] = "alias.removed"
    model: Model
    alias: str
    previous: int
    seen_by: str


@dataclass(frozen=True, kw_only=True)
class AliasOrdered(Event):
    """Somebody asked here for an alias to move. `number` is 0 where it is to go."""

    name: ClassVar[str] = "alias.ordered"
    model: Model
    alias: str
    number: int


@dataclass(frozen=True, kw_only=True)
class AliasOrderFailed(Event):
    name: ClassVar[str] = "alias.order_failed"
    model: Model
    alias: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class ModelRenamed(Event):
    """The tracking server has it under another name; it is the same model, and keeps its address here."""

    name: ClassVar[str] = "model.renamed"
    model: Model
    previous: str


@dataclass(frozen=True, kw_only=True)
class ModelGone(Event):
    """The tracking server no longer has it. Nothing is deleted here; its clearances end."""

    name: ClassVar[str] = "model.gone"
    model: Model


@dataclass(frozen=True, kw_only=True)
class ModelBack(Event):
    name: ClassVar[str] = "model.back"
    model: Model


@dataclass(frozen=True, kw_only=True)
class ModelChanged(Event):
    """Description or tags changed in the tracking server; the ledger holds before and after."""

    name: ClassVar[str] = "model.changed"
    model: Model
    what: str


@dataclass(frozen=True, kw_only=True)
class VersionGone(Event):
    name: ClassVar[str] = "version.gone"
    version: Version


@dataclass(frozen=True, kw_only=True)
class VersionBack(Event):
    name: ClassVar[str] = "version.back"
    version: Version


@dataclass(frozen=True, kw_only=True)
class VersionChanged(Event):
    """Description, tags, stage or status changed in the tracking server."""

    name: ClassVar[str] = "version.changed"
    version: Version
    what: str


@dataclass(frozen=True, kw_only=True)
class FilesGone(Event):
    """The tracking server says that it has no files of the version. Its clearance ends."""

    name: ClassVar[str] = "version.files_gone"
    version: Version
    problem: str


@dataclass(frozen=True, kw_only=True)
class FilesBack(Event):
    name: ClassVar[str] = "version.files_back"
    version: Version


@dataclass(frozen=True, kw_only=True)
class SourceMoved(Event):
    """The tracking server says that the files of the version lie elsewhere. Its clearance ends until they are hashed."""

    name: ClassVar[str] = "version.source_moved"
    version: Version
    source: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class SourceHashed(Event):
    """The files where they lie now were hashed. Whether they are as approved, the manifest says."""

    name: ClassVar[str] = "version.source_hashed"
    version: Version
    source: str


@dataclass(frozen=True, kw_only=True)
class VersionUnread(Event):
    """What it consists of could not be read whole, so it is not hashed and not cleared. Told once per reason."""

    name: ClassVar[str] = "version.unread"
    version: Version
    problem: str


@dataclass(frozen=True, kw_only=True)
class ManifestTaken(Event):
    """The files of a version were hashed and are new, or differ from the last time."""

    name: ClassVar[str] = "manifest.taken"
    version: Version
    manifest: Manifest
    digest: str
    previous: str  # the digest before; empty the first time

    def subjects(self) -> list[models.Model]:
        return self.version.kin()


@dataclass(frozen=True, kw_only=True)
class TrainingDataAdded(Event):
    """The run of a known version turns out to have learned from more: what was approved did not name it."""

    name: ClassVar[str] = "version.training_data_added"
    version: Version
    dataset: Dataset
    snapshot: str  # MLflow's weak digest


@dataclass(frozen=True, kw_only=True)
class DatasetSeen(Event):
    name: ClassVar[str] = "dataset.seen"
    dataset: Dataset
    snapshot: str  # MLflow's weak digest


@dataclass(frozen=True, kw_only=True)
class EndpointSet(Event):
    name: ClassVar[str] = "endpoint.set"
    endpoint: Endpoint
    environment: str
    url: str
    protocol: str
    credential: str  # its name


@dataclass(frozen=True, kw_only=True)
class EndpointRemoved(Event):
    name: ClassVar[str] = "endpoint.removed"
    version: Version
    environment: str
    url: str
