"""Lineage for readers: which part of a graph is drawn, and a graph as the plain data of evidence."""

from __future__ import annotations

from typing import Any

from registry import lineage
from registry.lineage import Graph
from registry.models import User, Version

# Drawn as well they would hide the rest: files stand in their stages, and what somebody answers for follows from the run.
UNDRAWN = ("file", "manifest")
UNDRAWN_RELATIONS = ("wasAttributedTo", "actedOnBehalfOf")
# On paper a dataset stands in its snapshots, so that four columns are left, and each can be read.
UNPRINTED = (*UNDRAWN, "dataset")
MOST_PRINTED = 60


def picture(graph: Graph) -> Graph:
    """What of `graph` is drawn on a page."""
    return _drawn(graph.without(*UNDRAWN))


def of_version(version: Version, by: User) -> dict[str, Any]:
    """The lineage of a version as evidence, as `by` may see it, in a fixed order.

    {"nodes": [{"id", "kind", "label", "detail", "facts": [[label, value]]}], "edges": [[from, to, word]],
    "more": [[kind, count]]}. Edges run from what was first to what came of it.
    """
    return plain(_drawn(lineage.of_version(version, by).without(*UNPRINTED)), most=MOST_PRINTED)


def plain(graph: Graph, *, most: int = 0) -> dict[str, Any]:
    """A graph as plain data; with `most`, that many nodes at most, and the rest counted."""
    if most and len(graph.nodes) > most:
        kept = sorted(graph.nodes, key=lambda node: node.kind != "version")  # the versions first
        graph = Graph.of(kept, graph.edges, more=dict(graph.more), most=most)
    return {
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind,
                "label": node.label,
                "detail": node.detail,
                "facts": [list(fact) for fact in node.facts],
            }
            for node in graph.nodes
        ],
        "edges": [[edge.target, edge.source, edge.words] for edge in graph.edges],
        "more": [list(pair) for pair in graph.more],
    }


def _drawn(graph: Graph) -> Graph:
    edges = [edge for edge in graph.edges if edge.relation not in UNDRAWN_RELATIONS]
    return Graph.of(graph.nodes, edges, more=dict(graph.more), most=len(graph.nodes))
