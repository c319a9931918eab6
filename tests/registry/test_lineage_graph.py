"""The graph by itself: both directions agree, cycles end, limits hold, and every edge has both ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.lineage.graph import KINDS, RELATIONS, Edge, Graph, Node

NAMES = [f"n{number}" for number in range(9)]
edges = st.builds(
    Edge,
    source=st.sampled_from([*NAMES, "gone"]),
    target=st.sampled_from([*NAMES, "gone"]),
    relation=st.sampled_from(sorted(RELATIONS)),
)
nodes = st.lists(
    st.builds(Node, id=st.sampled_from(NAMES), kind=st.sampled_from(sorted(KINDS)), label=st.just("x")),
    max_size=14,
)
graphs = st.builds(Graph.of, nodes, st.lists(edges, max_size=30))


def ids(graph: Graph) -> set[str]:
    return {node.id for node in graph.nodes}


@given(graphs)
def test_every_edge_has_both_ends_and_nothing_stands_twice(graph: Graph) -> None:
    names = [node.id for node in graph.nodes]

    assert len(names) == len(set(names))
    assert len(graph.edges) == len(set(graph.edges))
    for edge in graph.edges:
        assert {edge.source, edge.target} <= set(names)
        assert edge.source != edge.target


@given(graphs, st.integers(0, 9))
def test_what_is_upstream_of_one_has_it_downstream(graph: Graph, depth: int) -> None:
    for one in ids(graph):
        for other in ids(graph):
            above = other in ids(graph.upstream(one, depth))
            below = one in ids(graph.downstream(other, depth))
            assert above == below


@given(graphs)
def test_a_part_of_a_graph_is_a_part_of_it(graph: Graph) -> None:
    for one in ids(graph):
        part = graph.upstream(one)
        assert one in ids(part)
        assert set(part.nodes) <= set(graph.nodes)
        assert set(part.edges) <= set(graph.edges)
        assert part.upstream(one) == part


@given(graphs, st.sets(st.sampled_from(sorted(KINDS)), max_size=4))
def test_leaving_kinds_out_keeps_what_reaches_what(graph: Graph, kinds: set[str]) -> None:
    less = graph.without(*kinds)

    assert ids(less) == {node.id for node in graph.nodes if node.kind not in kinds}
    for one in ids(less):
        assert ids(less.upstream(one)) == ids(graph.upstream(one)) & ids(less)


@given(graphs, st.randoms())
def test_the_order_is_fixed_whatever_the_order_of_the_edges(graph: Graph, random: object) -> None:
    shuffled = list(graph.edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert Graph.of(graph.nodes, shuffled) == graph


def test_a_cycle_ends() -> None:
    ring = Graph.of(
        [Node(name, "version", name) for name in "abc"],
        [
            Edge("a", "b", "wasDerivedFrom"),
            Edge("b", "c", "wasDerivedFrom"),
            Edge("c", "a", "wasDerivedFrom"),
        ],
    )

    assert ids(ring.upstream("a")) == ids(ring.downstream("a")) == {"a", "b", "c"}


def test_a_depth_and_a_number_of_nodes_are_kept() -> None:
    chain = [Node(f"v{number}", "version", "x") for number in range(20)]
    links = [Edge(f"v{number + 1}", f"v{number}", "wasDerivedFrom") for number in range(19)]

    assert len(Graph.of(chain, links).upstream("v19", 3).nodes) == 4
    cut = Graph.of(chain, links, most=5, more={"version": 2, "file": 0})
    assert [node.id for node in cut.nodes] == ["v0", "v1", "v2", "v3", "v4"]
    assert cut.more == (("version", 17),)
    assert len(cut.edges) == 4


def test_nobody_upstream_of_what_is_not_there() -> None:
    assert Graph().upstream("x") == Graph()


def test_what_stood_between_is_said_in_the_words_of_prov() -> None:
    pipeline = Graph.of(
        [
            Node("v", "version", "v"),
            Node("f2", "file", "f2"),
            Node("train", "stage", "train"),
            Node("f1", "file", "f1"),
            Node("clean", "stage", "clean"),
            Node("f0", "file", "f0"),
            Node("d", "snapshot", "d"),
            Node("p", "person", "p"),
        ],
        [
            Edge("v", "f2", "wasDerivedFrom"),
            Edge("f2", "train", "wasGeneratedBy"),
            Edge("train", "f1", "used"),
            Edge("f1", "clean", "wasGeneratedBy"),
            Edge("clean", "f0", "used"),
            Edge("f0", "d", "wasDerivedFrom"),
            Edge("f2", "p", "wasAttributedTo"),
        ],
    )

    assert {(e.source, e.relation, e.target) for e in pipeline.without("file").edges} == {
        ("v", "wasGeneratedBy", "train"),
        ("train", "wasInformedBy", "clean"),
        ("clean", "used", "d"),
        ("v", "wasAttributedTo", "p"),
    }
