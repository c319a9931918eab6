"""Lineage of a version in W3C PROV's words: datasets were used by a run, which generated the version, which serves."""

from __future__ import annotations

from typing import Any

from registry.models import Endpoint, RunInput, System, Version


def of_version(version: Version) -> dict[str, Any]:
    """{"nodes": [{"id", "kind", "label", "detail"}], "edges": [[from, to, word]]}, in a fixed order."""
    centre = f"version-{version.pk}"
    nodes = [{"id": centre, "kind": "version", "label": str(version), "detail": _aliases(version)}]
    edges: list[list[str]] = []
    if version.run:
        run = f"run-{version.run.pk}"
        commit = version.run.git_commit
        detail = f"commit {commit[:10]}" if commit else "no commit recorded"
        nodes.append({"id": run, "kind": "run", "label": str(version.run), "detail": detail})
        edges.append([run, centre, "generated"])
        for used in _inputs(version):
            key = f"dataset-{used.snapshot.pk}"
            rows = used.snapshot.row_count
            size = f", {rows} rows" if rows is not None else ""
            label = used.snapshot.dataset.name
            if all(node["id"] != key for node in nodes):
                nodes.append(
                    {"id": key, "kind": "dataset", "label": label, "detail": f"{used.context}{size}"}
                )
            edges.append([key, run, "used"])
    for endpoint in Endpoint.objects.filter(version=version).order_by("environment"):
        key = f"endpoint-{endpoint.pk}"
        nodes.append({"id": key, "kind": "endpoint", "label": endpoint.environment, "detail": endpoint.url})
        edges.append([centre, key, "serves"])
    for system in System.objects.filter(models=version.model).order_by("pk"):
        key = f"system-{system.pk}"
        nodes.append(
            {"id": key, "kind": "system", "label": system.name, "detail": system.get_operator_role_display()}
        )
        edges.append([centre, key, "part of"])
    return {"nodes": nodes, "edges": edges}


def _inputs(version: Version) -> list[RunInput]:
    rows = RunInput.objects.filter(run=version.run).select_related("snapshot__dataset")
    return list(rows.order_by("snapshot__dataset__name", "context", "pk"))


def _aliases(version: Version) -> str:
    names = sorted(version.aliases.values_list("name", flat=True))
    return ", ".join(names) if names else "no alias"
