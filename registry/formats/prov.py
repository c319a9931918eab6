"""Lineage as W3C PROV-JSON (member submission of 24 April 2013), in a namespace of Cardinal's own.

What a graph says becomes a PROV document: things are entities, deeds activities, somebody an agent, and each edge the
PROV relation of its name. Where a version serves, and what it is part of, are derivations with a type of Cardinal's.
Facts are attributes. What the reader may not see is not in the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from registry import lineage
from registry.formats.writing import Export
from registry.lineage.graph import ACTIVITIES, AGENTS, Edge, Graph, Node
from registry.models import Dataset, User, Version

if TYPE_CHECKING:
    from prov.model import ProvDocument

NAMESPACE = "urn:cardinal:lineage:"
PREFIX = "cardinal"
OWN = ("serves", "partOf")
SOFTWARE = ("server",)
MOST_ATTRIBUTES = 700


def write(about: Version | Dataset, user: User) -> bytes:
    """The lineage of a version or a dataset as PROV-JSON in UTF-8, as `user` may see it. The same rows, the same bytes."""
    if isinstance(about, Version):
        return encode(lineage.of_version(about, user))
    return encode(lineage.of_dataset(about, user))


def export(given: Export) -> bytes:
    """The lineage of what is exported, as its reader may see it."""
    return write(given.about, given.reader)


def encode(graph: Graph) -> bytes:
    """A graph as PROV-JSON."""
    return str(document(graph).serialize(format="json", indent=1, sort_keys=True)).encode()


def document(graph: Graph) -> ProvDocument:
    """A graph as a document of the `prov` library."""
    from prov.model import ProvDocument  # noqa: PLC0415 - loaded by whoever exports, not by every page

    made = ProvDocument()
    made.add_namespace(PREFIX, NAMESPACE)
    for node in graph.nodes:
        _record(made, node)
    for number, edge in enumerate(graph.edges, start=1):
        _relation(made, edge, number)
    return made


def _record(made: ProvDocument, node: Node) -> None:
    attributes: list[tuple[str, Any]] = [("prov:label", node.label), ("prov:type", _type(made, node))]
    if node.detail:
        attributes.append((f"{PREFIX}:detail", node.detail))
    attributes += [(f"{PREFIX}:{_name(label)}", value) for label, value in node.facts[:MOST_ATTRIBUTES]]
    name = f"{PREFIX}:{node.id}"
    if node.kind in ACTIVITIES:
        made.activity(name, other_attributes=attributes)
    elif node.kind in AGENTS:
        made.agent(name, attributes)
    else:
        made.entity(name, attributes)


def _type(made: ProvDocument, node: Node) -> Any:
    """PROV's own type for people and software; Cardinal's kind for everything else."""
    if node.kind in AGENTS:
        return made.valid_qualified_name("prov:SoftwareAgent" if node.kind in SOFTWARE else "prov:Person")
    return made.valid_qualified_name(f"{PREFIX}:{node.kind}")


def _relation(made: ProvDocument, edge: Edge, number: int) -> None:
    source, target = f"{PREFIX}:{edge.source}", f"{PREFIX}:{edge.target}"
    name = f"{PREFIX}:link-{number}"
    if edge.relation in OWN:
        kind = made.valid_qualified_name(f"{PREFIX}:{edge.relation}")
        made.derivation(source, target, identifier=name, other_attributes={"prov:type": kind})
    elif (
        edge.relation == "specializationOf"
    ):  # this one and the next have neither identifier nor attributes in PROV
        made.specialization(source, target)
    elif edge.relation == "hadMember":
        made.membership(source, target)
    else:
        relations: dict[str, Callable[..., object]] = {
            "used": made.usage,
            "wasGeneratedBy": made.generation,
            "wasDerivedFrom": made.derivation,
            "wasInformedBy": made.communication,
            "wasAssociatedWith": made.association,
            "wasAttributedTo": made.attribution,
            "actedOnBehalfOf": made.delegation,
        }
        relations[edge.relation](source, target, identifier=name)


def _name(label: str) -> str:
    """A fact's label as the local part of a qualified name."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.")
    return words[:80] or "fact"
