"""Lineage as evidence: plain, canonical, bounded for paper, and only what whoever ordered the report may see."""

from __future__ import annotations

import pytest

from audit.lineage import of_version, plain
from registry import canonical
from registry.lineage import Edge, Graph, Node
from registry.models import User
from tests import factories
from tests.registry.lineage_rows import furnished, made, named

pytestmark = pytest.mark.django_db


def test_evidence_is_canonical_and_has_four_columns(auditor: User) -> None:
    told = of_version(furnished(), auditor)

    canonical.canonical(told)
    kinds = {node["kind"] for node in told["nodes"]}
    assert not kinds & {"dataset", "file", "manifest"}
    assert {"snapshot", "commit", "environment", "stage", "run", "version", "endpoint", "system"} <= kinds
    known = {node["id"] for node in told["nodes"]}
    assert all({start, end} <= known for start, end, _ in told["edges"])


def test_evidence_holds_what_the_person_who_ordered_it_may_see(owner: User, auditor: User) -> None:
    version = furnished()
    made(model=factories.model(server=version.model.server, shared=False, name="secret"), base=named(version))

    assert "secret v1" in str(of_version(version, auditor))
    assert "secret" not in str(of_version(version, owner))


def test_too_many_parts_are_counted_and_versions_stay() -> None:
    nodes = [Node(f"f{n}", "file", "x") for n in range(9)] + [Node("v", "version", "v")]

    told = plain(Graph.of(nodes, [Edge("v", "f0", "wasDerivedFrom")]), most=3)

    assert [node["id"] for node in told["nodes"]] == ["f0", "f1", "v"]
    assert told["more"] == [["file", 7]]
    assert told["edges"] == [["f0", "v", "is the basis of"]]
