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


@dataclass(frozen=True, kw_only=True)
class AliasRemoved(Event):
    name: ClassVar[str] = "alias.removed"
    model: Model
    alias: str
    previous: int


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


@dataclass(frozen=True, kw_only=True)
class EndpointRemoved(Event):
    name: ClassVar[str] = "endpoint.removed"
    version: Version
    environment: str
    url: str
