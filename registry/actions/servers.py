"""Tracking servers: follow one, and note how the last look at it went."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from registry.errors import Invalid
from registry.events import ServerAdded, ServerMoved, ServerSynced, publish
from registry.models import TrackingServer, User
from registry.permissions import require


@transaction.atomic
def add(*, name: str, uri: str, by: User) -> TrackingServer:
    """Follow the MLflow server at `uri` under a short `name`. Both are unique."""
    require(by, "registry.sync_trackingserver")
    if not uri.startswith(("http://", "https://")):
        raise Invalid(fields={"uri": ["The address of a tracking server starts with http:// or https://."]})
    try:
        with transaction.atomic():
            server = TrackingServer.objects.create(name=name, uri=uri.rstrip("/"))
    except IntegrityError as error:
        raise Invalid(fields={"name": ["This name or address is followed already."]}) from error
    publish(ServerAdded(server=server, by=by))
    return server


@transaction.atomic
def move(*, server: TrackingServer, uri: str, by: User) -> TrackingServer:
    """The same tracking server now answers at another address."""
    require(by, "registry.sync_trackingserver")
    if not uri.startswith(("http://", "https://")):
        raise Invalid(fields={"uri": ["The address of a tracking server starts with http:// or https://."]})
    previous, server.uri = server.uri, uri.rstrip("/")
    if server.uri == previous:
        return server
    try:
        with transaction.atomic():
            server.save(update_fields=["uri"])
    except IntegrityError as error:
        raise Invalid(fields={"uri": ["This address is followed already."]}) from error
    publish(ServerMoved(server=server, uri=server.uri, previous=previous, by=by))
    return server


@transaction.atomic
def note_synced(
    *, server: TrackingServer, models_added: int, versions_added: int, by: User
) -> TrackingServer:
    """The server was read to its end just now. The trail hears of it only when something was new."""
    server.synced_at = timezone.now()
    server.problem = ""
    server.save(update_fields=["synced_at", "problem"])
    if models_added or versions_added:
        publish(ServerSynced(server=server, models_added=models_added, versions_added=versions_added, by=by))
    return server
