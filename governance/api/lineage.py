"""What is affected, by REST: with the clearances, so on the floor that knows them."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models.impact import Affected as Weighed
from governance.models.impact import weighed
from registry.api.doors import Door
from registry.api.problems import described
from registry.errors import Invalid
from registry.lineage import affected
from registry.lineage.affected import Found
from registry.models import Dataset, User, Version

AFFECTED = {
    "versions": [
        {
            "model": "credit-risk",
            "version": 3,
            "why": "Learned from snapshot 5f1b7c2e",
            "cleared": ["production"],
            "systems": ["retail-credit"],
            "endpoints": ["http://models.internal:8080"],
        }
    ],
    "more": 0,
}


class SnapshotChoice(serializers.Serializer[Any]):
    """Which state of the data."""

    snapshot = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="MLflow's weak digest; all snapshots without it.",
    )


class Question(serializers.Serializer[Any]):
    """One of `package` (perhaps with its `version`), `commit` or `base`."""

    package = serializers.CharField(required=False, allow_blank=True, max_length=200)
    version = serializers.CharField(required=False, allow_blank=True, max_length=100)
    commit = serializers.CharField(
        required=False, allow_blank=True, max_length=64, help_text="Whole, or the first seven digits or more."
    )
    base = serializers.CharField(
        required=False, allow_blank=True, max_length=400, help_text="A name, or models:/name/version."
    )


class AffectedVersionOut(serializers.Serializer[Any]):
    """A version that is affected."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    why = serializers.CharField()
    cleared = serializers.ListField(
        child=serializers.CharField(), help_text="Environments that it is cleared for; empty when for none."
    )
    systems = serializers.SerializerMethodField()
    endpoints = serializers.SerializerMethodField()

    def get_systems(self, one: Weighed) -> list[str]:
        return [system.slug for system in one.systems]

    def get_endpoints(self, one: Weighed) -> list[str]:
        return [endpoint.url for endpoint in one.endpoints]


@extend_schema_serializer(examples=[OpenApiExample("Affected", value=AFFECTED, response_only=True)])
class AffectedOut(serializers.Serializer[Any]):
    """The affected versions that you may see, cleared ones first; `more` were found beyond the limit."""

    versions = AffectedVersionOut(many=True)
    more = serializers.IntegerField()


class DatasetAffected(Door):
    """Who learned from a dataset, and which of them may serve."""

    kind = Dataset
    needs = ""
    serializer_class = AffectedOut

    @described(
        "datasets_affected",
        "What is affected by a dataset",
        "lineage",
        {200: AffectedOut},
        declines=(400, 401, 404),
        parameters=[SnapshotChoice],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Versions that learned from the dataset or from one snapshot of it, and those derived from them."""
        dataset, snapshot = self.one(slug=slug), None
        if digest := self.chosen(SnapshotChoice).get("snapshot"):
            seen = dataset.snapshots.visible_to(self.user)
            snapshot = get_object_or_404(seen, weak_digest=digest)
        return answer(affected.learned_from(dataset, self.user, snapshot), self.user)


class Affected(Door):
    """Who contains a package, ran a commit, or stands on a base model."""

    kind = Version
    needs = ""
    serializer_class = AffectedOut

    @described(
        "lineage_affected",
        "What is affected by a package, a commit or a base model",
        "lineage",
        {200: AffectedOut},
        declines=(400, 401),
        parameters=[Question],
    )
    def get(self, request: Request) -> Response:
        """The first of `package`, `commit` and `base` that is given decides."""
        asked = self.chosen(Question)
        if package := asked.get("package"):
            return answer(affected.containing(package, asked.get("version", ""), self.user), self.user)
        if commit := asked.get("commit"):
            return answer(affected.from_commit(commit, self.user), self.user)
        if base := asked.get("base"):
            return answer(affected.standing_on(base, self.user), self.user)
        raise Invalid(fields={"package": ["Give a package, a commit or a base model."]})


def answer(found: Found, user: User) -> Response:
    """What was found, with what control knows of it."""
    return Response(AffectedOut({"versions": weighed(found, user), "more": found.more}).data)
