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


@dataclass(frozen=True, kw_only=True)
class ServerCredentialsSet(Event):
    """With what we log in was changed. Names the user, never the secret."""

    name: ClassVar[str] = "server.credentials_set"
    server: TrackingServer
    credentials: str


@dataclass(frozen=True, kw_only=True)
class ServerAuthoritySet(Event):
    """Whose certificates are trusted for it was changed."""

    name: ClassVar[str] = "server.authority_set"
    server: TrackingServer
    authority: str  # in words


@dataclass(frozen=True, kw_only=True)
class DeliveriesForgotten(Event):
    """Webhooks as they came were deleted, because they are older than what is kept."""

    name: ClassVar[str] = "server.deliveries_forgotten"
    count: int
    before: str  # when the oldest that is kept came, or later


@dataclass(frozen=True, kw_only=True)
class ServerPaused(Event):
    name: ClassVar[str] = "server.paused"
    server: TrackingServer


@dataclass(frozen=True, kw_only=True)
class ServerResumed(Event):
    name: ClassVar[str] = "server.resumed"
    server: TrackingServer


@dataclass(frozen=True, kw_only=True)
class ServerFailed(Event):
    """It could not be read to its end. Told when it begins to fail, not with every attempt."""

    name: ClassVar[str] = "server.failed"
    server: TrackingServer
    problem: str


@dataclass(frozen=True, kw_only=True)
class ServerRecovered(Event):
    name: ClassVar[str] = "server.recovered"
    server: TrackingServer


@dataclass(frozen=True, kw_only=True)
class ServerBelieved(Event):
    """Somebody confirmed that what is suddenly missing there is meant to be gone."""

    name: ClassVar[str] = "server.believed"
    server: TrackingServer
    missing: int


@dataclass(frozen=True, kw_only=True)
class ServerHookOrdered(Event):
    name: ClassVar[str] = "server.hook_ordered"
    server: TrackingServer


@dataclass(frozen=True, kw_only=True)
class ServerHookSettled(Event):
    name: ClassVar[str] = "server.hook_settled"
    server: TrackingServer
    state: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class CredentialsRotated(Event):
    """Every stored secret was sealed again with the first key."""

    name: ClassVar[str] = "server.credentials_rotated"
    count: int
