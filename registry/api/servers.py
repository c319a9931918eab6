"""Tracking servers: how old the knowledge of each is, and a read now."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry import passes
from registry.api.doors import Door, Listing
from registry.api.problems import described
from registry.models import TrackingServer, Version

NEEDS = "registry.sync_trackingserver"
SERVER = {
    "name": "tracking",
    "uri": "https://mlflow.example.org",
    "synced_at": "2026-11-23T12:00:00Z",
    "stale": False,
    "paused_at": None,
    "problem": "",
    "problem_since": None,
    "in_doubt": 0,
    "unread": 0,
}
PASS = {
    "id": "3f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11",
    "server": "tracking",
    "state": "done",
    "ordered_by": "admin",
    "ordered_at": "2026-11-23T12:00:00Z",
    "ended_at": "2026-11-23T12:00:04Z",
    "models_added": 0,
    "versions_added": 1,
    "problems": [],
}


@extend_schema_serializer(examples=[OpenApiExample("A server", value=SERVER, response_only=True)])
class ServerOut(serializers.ModelSerializer[TrackingServer]):
    """A tracking server that is followed. Never its credentials."""

    stale = serializers.BooleanField(source="is_stale", help_text="Three reads in a row did not end.")
    unread = serializers.IntegerField(help_text="Versions that nobody has read whole yet.")
    in_doubt = serializers.IntegerField(help_text="Models whose sudden absence is not believed.")

    class Meta:
        model = TrackingServer
        fields = [
            "name", "uri", "synced_at", "stale", "paused_at", "problem", "problem_since", "in_doubt", "unread",
        ]  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("Read", value=PASS, response_only=True, status_codes=["200", "202"])]
)
class PassOut(serializers.Serializer[Any]):
    """A read that somebody ordered. Remembered for a day."""

    id = serializers.UUIDField()
    server = serializers.CharField()
    state = serializers.ChoiceField(choices=passes.STATES)
    ordered_by = serializers.CharField()
    ordered_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    models_added = serializers.IntegerField()
    versions_added = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField(), help_text="What could not be read.")


class Servers(Listing):
    """The tracking servers that are followed."""

    kind = TrackingServer
    needs = NEEDS
    order = "name"
    serializer_class = ServerOut

    @described(
        "servers_list",
        "List tracking servers",
        "servers",
        {200: ServerOut(many=True)},
        declines=(400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Each with how old our knowledge of it is, and why the last read failed."""
        return self.rows(counted(self.get_queryset()))


class OneServer(Door):
    """A tracking server by its name."""

    kind = TrackingServer
    needs = NEEDS
    serializer_class = ServerOut

    @described(
        "servers_read", "Read about a tracking server", "servers", {200: ServerOut}, declines=(401, 403, 404)
    )
    def get(self, request: Request, name: str) -> Response:
        """How old our knowledge of it is, and why the last read failed."""
        return Response(ServerOut(self.one(counted(self.get_queryset()), name=name)).data)


class Sync(Door):
    """A read of a tracking server, now."""

    kind = TrackingServer
    needs = NEEDS
    writes_as = "sync"
    serializer_class = PassOut

    @described(
        "servers_sync",
        "Read a tracking server now",
        "servers",
        {202: PassOut},
        declines=(401, 403, 404, 409),
        request=None,
    )
    def post(self, request: Request, name: str) -> Response:
        """Let a worker read the server now. Follow `Location` until its state is `done` or `failed`."""
        server = self.one(name=name)
        made = passes.order(server, self.user)
        there = reverse("api-one-sync", args=[server.name, made["id"]])
        return Response(PassOut(made).data, status=202, headers={"Location": there, "Retry-After": "1"})


class OneSync(Door):
    """A read that was ordered."""

    kind = TrackingServer
    needs = NEEDS
    serializer_class = PassOut

    @described("servers_sync_read", "Follow a read", "servers", {200: PassOut}, declines=(401, 403, 404))
    def get(self, request: Request, name: str, pk: str) -> Response:
        """Where the read stands: waiting for a worker, reading, done or failed."""
        made = passes.found(self.one(name=name), pk)
        if made is None:
            raise Http404
        return Response(PassOut(made).data)


def counted(found: QuerySet[TrackingServer]) -> QuerySet[TrackingServer]:
    """Servers with how many of their versions nobody has read whole."""
    unread = Version.objects.unread().filter(model__server=OuterRef("pk")).values("model__server")
    return found.annotate(unread=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n")), 0))
