"""Bills of materials by REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.doors import Door, visible_version
from registry.api.problems import described
from registry.lineage import bom
from registry.models import Version

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
    "endpoints": [{"environment": "production", "url": "http://models.internal:8080", "protocol": "v2"}],
    "systems": ["retail-credit"],
}  # fmt: skip


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
    protocol = serializers.CharField()


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


class VersionBom(Door):
    """The bill of materials of a version."""

    kind = Version
    needs = ""
    serializer_class = BomOut

    @described("versions_bom", "Read the bill of materials of a version", "lineage", {200: BomOut})
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Files, packages, data, code, base models, pipeline, endpoints and systems."""
        return Response(BomOut(bom.of(visible_version(self.user, slug, number), self.user)).data)
