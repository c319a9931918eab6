"""Lineage by REST."""

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
from registry.lineage import Graph
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
