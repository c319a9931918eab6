"""What happens, told upwards. A floor never imports the floor above: it publishes, and whoever must know listens.

`publish` runs inside the transaction that made the event true. A listener that fails undoes the change:
no trail, no change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, transaction
from django.dispatch import Signal

if TYPE_CHECKING:
    from registry.models import (
        Dataset,
        Endpoint,
        Manifest,
        Model,
        Revision,
        System,
        TrackingServer,
        User,
        Version,
    )

happened = Signal()  # provides: event


class Unheard(RuntimeError):
    """An event was published where nobody could keep it. A programming error, never caught."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened because of `by`. Subclasses name it `floor_noun.past_tense`; names never change."""

    name: ClassVar[str]
    by: User

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Every field but the actor, by name."""
        for one in fields(self):
            if one.name != "by":
                yield one.name, getattr(self, one.name)

    def subjects(self) -> list[models.Model]:
        """The objects whose history this event belongs to."""
        found: dict[tuple[type, Any], models.Model] = {}
        for _, value in self.facts():
            for relative in value.kin() if hasattr(value, "kin") else []:
                found[type(relative), relative.pk] = relative
        return list(found.values())


def publish(event: Event) -> None:
    """Tell `event` to whoever listens, inside the transaction that made it true."""
    if not transaction.get_connection().in_atomic_block:
        raise Unheard(f"{event.name} was published outside a transaction")
    if not happened.has_listeners(type(event)):
        raise Unheard(f"nobody keeps {event.name}")
    happened.send(sender=type(event), event=event)  # send, never send_robust: a listener may veto


@dataclass(frozen=True, kw_only=True)
class ServerAdded(Event):
    name: ClassVar[str] = "server.added"
    server: TrackingServer


@dataclass(frozen=True, kw_only=True)
class ServerMoved(Event):
    name: ClassVar[str] = "server.moved"
    server: TrackingServer
    uri: str
    previous: str


@dataclass(frozen=True, kw_only=True)
class ServerSynced(Event):
    """Only told when something was new or changed."""

    name: ClassVar[str] = "server.synced"
    server: TrackingServer
    models_added: int
    versions_added: int


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
class SystemRegistered(Event):
    name: ClassVar[str] = "system.registered"
    system: System
    operator_role: str


@dataclass(frozen=True, kw_only=True)
class SystemChanged(Event):
    name: ClassVar[str] = "system.changed"
    system: System
    what: str


@dataclass(frozen=True, kw_only=True)
class RevisionSaved(Event):
    name: ClassVar[str] = "revision.saved"
    revision: Revision
    digest: str
    note: str


@dataclass(frozen=True, kw_only=True)
class AccountChanged(Event):
    name: ClassVar[str] = "account.changed"
    account: User
    created: bool
    roles: str
    state: str


@dataclass(frozen=True, kw_only=True)
class ActionRefused(Event):
    """A rule forbade something. Told in a transaction of its own, after the attempt was rolled back."""

    name: ClassVar[str] = "action.refused"
    action: str
    subject: str
    codes: str
    sentence: str
    target: Any = None

    def facts(self) -> Iterator[tuple[str, Any]]:
        yield from (pair for pair in super().facts() if pair[0] != "target" or pair[1] is not None)
