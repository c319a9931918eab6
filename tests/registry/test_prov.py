"""PROV-JSON: what leaves is read back equal by the library of the format, and every relation has both ends."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prov.model import ProvDocument, ProvElement, ProvRelation

from registry.formats import prov
from registry.lineage.graph import ACTIVITIES, AGENTS, KINDS, Edge, Graph, Node
from registry.models import Dataset, User, Version
from tests.registry.lineage_rows import furnished, made, named


def read(raw: bytes) -> ProvDocument:
    return ProvDocument.deserialize(io.BytesIO(raw), format="json")


def assert_both_ends(document: ProvDocument) -> None:
    known = {record.identifier for record in document.get_records(ProvElement)}
    relations = list(document.get_records(ProvRelation))
    assert relations
    for relation in relations:
        ends = [value for _, value in relation.formal_attributes[:2]]
        assert None not in ends
        assert set(ends) <= known


@pytest.mark.django_db
def test_a_version_is_read_back_equal_with_both_ends_of_every_relation(auditor: User) -> None:
    base = made(dataset="corpus")
    version = furnished()
    Version.objects.filter(pk=version.pk).update(tags={"base_model": named(base)})

    raw = prov.write(version, auditor)

    document = read(raw)
    assert document == ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert_both_ends(document)
    told = json.loads(raw)
    assert told["prefix"]["cardinal"] == "urn:cardinal:lineage:"
    assert {"used", "wasGeneratedBy", "wasDerivedFrom", "wasAssociatedWith", "wasAttributedTo"} <= set(told)
    assert {"actedOnBehalfOf", "hadMember", "specializationOf", "entity", "activity", "agent"} <= set(told)
    assert raw == prov.write(version, auditor)


@pytest.mark.django_db
def test_a_dataset_says_who_learned_from_it_and_not_to_whom_may_not_see_it(
    auditor: User, outsider: User
) -> None:
    version = furnished("loans")
    dataset = Dataset.objects.get(name="loans")

    assert_both_ends(read(prov.write(dataset, auditor)))
    told = prov.write(dataset, outsider).decode()
    assert str(version) not in told
    assert "run" not in json.loads(told).get("activity", {})


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), words, words), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8),
)
def test_any_graph_with_any_words_is_read_back_equal(
    parts: list[tuple[str, str, str]], pairs: list[tuple[int, int]]
) -> None:
    nodes = [Node(f"n-{n}", kind, a, b, ((a, b), (b, a))) for n, (kind, a, b) in enumerate(parts)]
    edges = [
        Edge(nodes[a].id, nodes[b].id, relation(nodes[a].kind, nodes[b].kind))
        for a, b in pairs
        if a < len(nodes) and b < len(nodes)
    ]
    graph = Graph.of(nodes, edges)

    back = read(prov.encode(graph))

    assert back == prov.document(graph)
    assert len(list(back.get_records(ProvElement))) == len(graph.nodes)
    assert len(list(back.get_records(ProvRelation))) == len(graph.edges)


def relation(source: str, target: str) -> str:
    """A relation that PROV allows between these kinds."""
    if source in AGENTS and target in AGENTS:
        return "actedOnBehalfOf"
    if target in AGENTS:
        return "wasAssociatedWith" if source in ACTIVITIES else "wasAttributedTo"
    if source in AGENTS:
        return "serves"
    if target in ACTIVITIES:
        return "wasInformedBy" if source in ACTIVITIES else "wasGeneratedBy"
    return "used" if source in ACTIVITIES else "hadMember"
