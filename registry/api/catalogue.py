"""Models and their versions."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import described
from registry.models import Alias, Model, Run, System, Version

MODEL = {
    "slug": "credit-risk",
    "name": "credit-risk",
    "description": "Probability of default of retail loans.",
    "tags": {"team": "credit"},
    "server": "tracking",
    "created_at": "2026-11-02T08:15:00Z",
    "aliases": [{"name": "champion", "version": 3}],
    "systems": ["credit-scoring"],
}
VERSION = {
    "model": "credit-risk",
    "number": 3,
    "source": "models:/m-3f0c",
    "status": "READY",
    "description": "",
    "tags": {},
    "aliases": ["champion"],
    "registered_at": "2026-11-20T10:00:00Z",
}
RUN = {
    "run_id": "0f7d5a3c9b1e4c6f8a2d4b6c8e0f1a3b",
    "status": "FINISHED",
    "params": {"max_depth": "3"},
    "metrics": {"auc": 0.91},
    "git_commit": "9f2c1d7",
    "git_repository": "",
    "started_at": "2026-11-20T09:40:00Z",
    "ended_at": "2026-11-20T09:58:00Z",
}


class AliasOut(serializers.ModelSerializer[Alias]):
    """A movable name of a version."""

    version = serializers.IntegerField(source="version.number")

    class Meta:
        model = Alias
        fields = ["name", "version"]


@extend_schema_serializer(examples=[OpenApiExample("A model", value=MODEL, response_only=True)])
class ModelOut(serializers.ModelSerializer[Model]):
    """A model."""

    server = serializers.CharField(source="server.name", help_text="The tracking server it was read from.")
    tags = serializers.DictField()
    aliases = AliasOut(many=True)
    systems = serializers.SlugRelatedField[System]("slug", many=True, read_only=True)

    class Meta:
        model = Model
        fields = ["slug", "name", "description", "tags", "server", "created_at", "aliases", "systems"]


@extend_schema_serializer(examples=[OpenApiExample("A version", value=VERSION, response_only=True)])
class VersionOut(serializers.ModelSerializer[Version]):
    """A version of a model."""

    model = serializers.CharField(source="model.slug")
    tags = serializers.DictField()
    aliases = serializers.SlugRelatedField[Alias]("name", many=True, read_only=True)

    class Meta:
        model = Version
        fields = ["model", "number", "source", "status", "description", "tags", "aliases", "registered_at"]


class RunOut(serializers.ModelSerializer[Run]):
    """The run a version came from."""

    params = serializers.DictField()
    metrics = serializers.DictField()

    class Meta:
        model = Run
        fields = [
            "run_id", "status", "params", "metrics", "git_commit", "git_repository", "started_at", "ended_at",
        ]  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("A version", value=VERSION | {"run": RUN}, response_only=True)]
)
class VersionDetailOut(VersionOut):
    """A version with its run."""

    run = RunOut(allow_null=True)

    class Meta(VersionOut.Meta):
        fields = [*VersionOut.Meta.fields, "run"]


class OneModel(Door):
    """A model by its slug."""

    kind = Model
    needs = ""
    serializer_class = ModelOut

    @described("models_read", "Read a model", "models", {200: ModelOut})
    def get(self, request: Request, slug: str) -> Response:
        """One model with its aliases and the AI systems that use it."""
        return Response(ModelOut(self.one(with_parts(self.get_queryset(), self), slug=slug)).data)


class Versions(Listing):
    """The versions of a model, newest first."""

    kind = Version
    needs = ""
    order = "-number"
    serializer_class = VersionOut

    @described(
        "versions_list",
        "List the versions of a model",
        "models",
        {200: VersionOut(many=True)},
        declines=(400, 401, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """The versions of one model, newest first."""
        self.one(Model.objects.visible_to(self.user), slug=slug)
        found = self.get_queryset().filter(model__slug=slug)
        return self.rows(found.select_related("model").prefetch_related("aliases"))


class OneVersion(Door):
    """A version by its number."""

    kind = Version
    needs = ""
    serializer_class = VersionDetailOut

    @described("versions_read", "Read a version", "models", {200: VersionDetailOut})
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One version with the run it came from."""
        return Response(VersionDetailOut(visible_version(self.user, slug, number)).data)


def with_parts(found: QuerySet[Model], view: Door) -> QuerySet[Model]:
    """What an answer about a model names besides: a fixed number of queries for any number of models."""
    systems = System.objects.visible_to(view.user)
    return found.select_related("server").prefetch_related(
        Prefetch("aliases", Alias.objects.select_related("version").order_by("name")),
        Prefetch("systems", systems.order_by("slug")),
    )
