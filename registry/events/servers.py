"""Tracking servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from registry.events.base import Event

if TYPE_CHECKING:
    from registry.models import TrackingServer


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
