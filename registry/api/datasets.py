"""Datasets and the snapshots of them that runs have used."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.doors import Door
from registry.api.problems import described
from registry.models import Dataset, DatasetSnapshot, User

DATASET = {
    "slug": "loans-2024",
    "name": "loans-2024",
    "first_seen_at": "2026-11-02T08:20:00Z",
    "has_datasheet": True,
    "snapshots": [
        {"weak_digest": "5f1b7c2e", "source_type": "local", "source": "loans.csv", "row_count": 40000}
    ],
}


class SnapshotOut(serializers.ModelSerializer[DatasetSnapshot]):
    """One state of a dataset. The digest is MLflow's: it tells snapshots apart and proves nothing."""

    row_count = serializers.IntegerField(allow_null=True)

    class Meta:
        model = DatasetSnapshot
        fields = ["weak_digest", "source_type", "source", "row_count"]


@extend_schema_serializer(examples=[OpenApiExample("A dataset", value=DATASET, response_only=True)])
class DatasetOut(serializers.ModelSerializer[Dataset]):
    """A dataset."""

    has_datasheet = serializers.SerializerMethodField()
    snapshots = SnapshotOut(many=True)

    class Meta:
        model = Dataset
        fields = ["slug", "name", "first_seen_at", "has_datasheet", "snapshots"]

    def get_has_datasheet(self, dataset: Dataset) -> bool:
        document = getattr(dataset, "datasheet", None)
        return bool(document and document.head_id)


class OneDataset(Door):
    """A dataset by its slug."""

    kind = Dataset
    needs = ""
    serializer_class = DatasetOut

    @described("datasets_read", "Read a dataset", "datasets", {200: DatasetOut})
    def get(self, request: Request, slug: str) -> Response:
        """One dataset with its snapshots."""
        return Response(DatasetOut(self.one(with_parts(self.get_queryset(), self.user), slug=slug)).data)


def with_parts(found: QuerySet[Dataset], user: User) -> QuerySet[Dataset]:
    """What an answer about a dataset names besides: a fixed number of queries for any number of datasets."""
    snapshots = DatasetSnapshot.objects.visible_to(user).defer("schema").order_by("pk")
    return found.select_related("datasheet").prefetch_related(Prefetch("snapshots", snapshots))
