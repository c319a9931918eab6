"""Lineage and bills of materials by REST."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry import lineage
from registry.api.doors import Door, visible_version
from registry.api.problems import described
from registry.formats import prov
from registry.lineage import Graph, bom
from registry.models import Dataset, Version

NODE = {
    "id": "run-12",
    "kind": "run",
    "label": "run 7f0c9b6e",
    "detail": "2026-11-02 08:20 UTC",
    "facts": [{"label": "Parameter depth", "value": "3"}],
}
EDGE = {"source": "version-3", "target": "run-12", "relation": "wasGeneratedBy"}
GRAPH = {
    "nodes": [
        NODE,
        NODE | {"id": "version-3", "kind": "version", "label": "credit-risk v3", "detail": "champion"},
    ],
    "edges": [EDGE],
    "more": [{"kind": "version", "count": 12}],
}
DIGEST = "3b1c" * 16
BOM = {
    "model": "credit-risk",
    "version": 3,
    "python": "3.11.7",
    "mlflow": "3.17.2",
    "artifact_digest": DIGEST,
    "files": [{"path": "model.skops", "sha256": DIGEST, "size": 1193805}],
    "packages": [{"name": "scikit-learn", "version": "1.9.1", "requirement": "scikit-learn==1.9.1"}],
    "datasets": [
        {"dataset": "loans-2024", "context": "training", "weak_digest": "5f1b7c2e", "rows": 40000,
         "datasheet_revision": 2, "datasheet_digest": DIGEST}
    ],
    "base_models": [{"name": "models:/credit-risk/2", "relation": "fine-tuned", "said_by": "the run",
                     "model": "credit-risk", "version": 2}],
    "run": {"run_id": "7f0c9b6e", "user": "ada", "git_commit": "c0ffee12", "git_repository": "https://git.example/credit",
            "params": {"depth": "3"}},
    "stages": [{"name": "train", "command": "python train.py",
                "dependencies": [{"path": "data/clean.csv", "digest": "d2" * 16, "algorithm": "md5", "size": 100}],
                "outputs": [{"path": "model.pkl", "digest": "d3" * 16, "algorithm": "md5", "size": 1200}]}],
    "endpoints": [{"environment": "production", "url": "http://models.internal:8080"}],
    "systems": ["retail-credit"],
}  # fmt: skip


PROV = OpenApiResponse(
    OpenApiTypes.OBJECT,
    description="A W3C PROV-JSON document.",
    examples=[
        OpenApiExample(
            "PROV-JSON",
            value={
                "prefix": {"cardinal": prov.NAMESPACE},
                "activity": {"cardinal:run-12": {"prov:label": "run 7f0c9b6e"}},
                "entity": {"cardinal:version-3": {"prov:label": "credit-risk v3"}},
                "wasGeneratedBy": {
                    "cardinal:link-1": {
                        "prov:entity": "cardinal:version-3",
                        "prov:activity": "cardinal:run-12",
                    }
                },
            },
        )
    ],
)


class Side(serializers.Serializer[Any]):
    """All of it, or one side of a part."""

    focus = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text="Id of a node; only what hangs on it is answered.",
    )
    direction = serializers.ChoiceField(
        choices=["upstream", "downstream"],
        default="upstream",
        help_text="With `focus`: what it came from, or what came of it.",
    )


class LineageFactOut(serializers.Serializer[Any]):
    """Something that is known of a node."""

    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField(allow_blank=True)


class LineageNodeOut(serializers.Serializer[Any]):
    """A thing, a deed or somebody."""

    id = serializers.CharField()
    kind = serializers.CharField(
        help_text="Such as snapshot, run, version, commit, environment, base, endpoint, system."
    )
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    detail = serializers.CharField(allow_blank=True)
    facts = LineageFactOut(many=True)


class LineageEdgeOut(serializers.Serializer[Any]):
    """`source` depends on `target`."""

    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    relation = serializers.CharField(help_text="A relation of W3C PROV, or Cardinal's `serves` and `partOf`.")


class LineageMoreOut(serializers.Serializer[Any]):
    """What a limit left out."""

    kind = serializers.CharField()
    count = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("Lineage", value=GRAPH, response_only=True)])
class LineageOut(serializers.Serializer[Any]):
    """What you may see of a lineage, in a fixed order. Edges point from what depends to what it depends on."""

    nodes = LineageNodeOut(many=True)
    edges = LineageEdgeOut(many=True)
    more = LineageMoreOut(many=True)


class BomFileOut(serializers.Serializer[Any]):
    """A file of a version."""

    path = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")


class BomPackageOut(serializers.Serializer[Any]):
    """A line of the requirements; `version` is empty when the line pins none."""

    name = serializers.CharField()
    version = serializers.CharField(source="number", allow_blank=True)
    requirement = serializers.CharField(source="line")


class BomDatasetOut(serializers.Serializer[Any]):
    """A snapshot that went in. `weak_digest` is MLflow's: it tells snapshots apart and proves nothing."""

    dataset = serializers.CharField(source="use.snapshot.dataset.slug")
    context = serializers.CharField(source="use.context")  # type: ignore[assignment]
    weak_digest = serializers.CharField(source="use.snapshot.weak_digest")
    rows = serializers.IntegerField(source="use.snapshot.row_count", allow_null=True)
    datasheet_revision = serializers.IntegerField(source="datasheet.number", allow_null=True, default=None)
    datasheet_digest = serializers.CharField(source="datasheet.digest", allow_null=True, default=None)


class BomBaseOut(serializers.Serializer[Any]):
    """A base model; `model` and `version` where a version of this registry is meant and you may see it."""

    name = serializers.CharField(source="base.name")
    relation = serializers.CharField(source="base.relation", allow_blank=True)
    said_by = serializers.CharField(source="base.said_by")
    model = serializers.CharField(source="version.model.slug", allow_null=True, default=None)
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)


class BomRunOut(serializers.Serializer[Any]):
    """The run that made it."""

    run_id = serializers.CharField()
    user = serializers.CharField(source="user_name", allow_blank=True)
    git_commit = serializers.CharField(allow_blank=True)
    git_repository = serializers.CharField(allow_blank=True)
    params = serializers.DictField(child=serializers.CharField(allow_blank=True))


class BomStageFileOut(serializers.Serializer[Any]):
    """A file that a stage read or wrote."""

    path = serializers.CharField(allow_blank=True)
    digest = serializers.CharField(allow_blank=True)
    algorithm = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")


class BomStageOut(serializers.Serializer[Any]):
    """A stage of the pipeline."""

    name = serializers.CharField()
    command = serializers.CharField(allow_blank=True)
    dependencies = BomStageFileOut(many=True)
    outputs = BomStageFileOut(many=True)


class BomEndpointOut(serializers.Serializer[Any]):
    """Where it serves."""

    environment = serializers.CharField()
    url = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A bill of materials", value=BOM, response_only=True)])
class BomOut(serializers.Serializer[Any]):
    """Everything that went into a version and where it is used, each with its digest. What is not recorded is empty."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    python = serializers.CharField(allow_blank=True)
    mlflow = serializers.CharField(allow_blank=True)
    artifact_digest = serializers.CharField(source="manifest.digest", allow_null=True, default=None)
    files = BomFileOut(many=True)
    packages = BomPackageOut(many=True)
    datasets = BomDatasetOut(source="data", many=True)
    base_models = BomBaseOut(source="bases", many=True)
    run = BomRunOut(allow_null=True)
    stages = BomStageOut(many=True)
    endpoints = BomEndpointOut(many=True)
    systems = serializers.SerializerMethodField()

    def get_systems(self, one: bom.Bom) -> list[str]:
        return [system.slug for system in one.systems]


class VersionLineage(Door):
    """What a version came from and what came of it."""

    kind = Version
    needs = ""
    serializer_class = LineageOut

    @described(
        "versions_lineage",
        "Read the lineage of a version",
        "lineage",
        {200: LineageOut},
        declines=(400, 401, 404),
        parameters=[Side],
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Data, code, environment, people, base models, pipeline; endpoints, systems, and versions derived from it."""
        chosen = self.chosen(Side)
        return _answer(lineage.of_version(visible_version(self.user, slug, number), self.user), chosen)


class VersionProv(Door):
    """The lineage of a version as PROV-JSON."""

    kind = Version
    needs = ""
    serializer_class = LineageOut

    @described(
        "versions_prov",
        "Read the lineage of a version as PROV-JSON",
        "lineage",
        {200: PROV},
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        """A W3C PROV document in the namespace urn:cardinal:lineage:."""
        raw = prov.write(visible_version(self.user, slug, number), self.user)
        return HttpResponse(raw, content_type="application/json")


class VersionBom(Door):
    """The bill of materials of a version."""

    kind = Version
    needs = ""
    serializer_class = BomOut

    @described("versions_bom", "Read the bill of materials of a version", "lineage", {200: BomOut})
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Files, packages, data, code, base models, pipeline, endpoints and systems."""
        return Response(BomOut(bom.of(visible_version(self.user, slug, number), self.user)).data)


class DatasetLineage(Door):
    """Who learned from a dataset."""

    kind = Dataset
    needs = ""
    serializer_class = LineageOut

    @described(
        "datasets_lineage",
        "Read the lineage of a dataset",
        "lineage",
        {200: LineageOut},
        declines=(400, 401, 404),
        parameters=[Side],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Its snapshots, the runs that used them, the versions, and where these serve."""
        chosen = self.chosen(Side)
        return _answer(lineage.of_dataset(self.one(slug=slug), self.user), chosen)


def _answer(graph: Graph, chosen: dict[str, Any]) -> Response:
    if focus := chosen.get("focus"):
        graph = graph.upstream(focus) if chosen["direction"] == "upstream" else graph.downstream(focus)
    body = {
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "label": node.label,
                "detail": node.detail,
                "facts": [{"label": label, "value": value} for label, value in node.facts],
            }
            for node in graph.nodes
        ],
        "edges": graph.edges,
        "more": [{"kind": kind, "count": count} for kind, count in graph.more],
    }
    return Response(LineageOut(body).data)
