"""The graph itself: frozen, in a fixed order, bounded, and calm about cycles. Knows no database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

MOST_NODES = 400
DEPTH = 50  # steps; longer chains than this are cut, cycles end by themselves

# In the order in which they are listed: data and code, what was done, by whom, what came of it, where it is used.
KINDS: Mapping[str, str] = {
    "dataset": "Dataset",
    "snapshot": "Dataset snapshot",
    "commit": "Code commit",
    "environment": "Environment",
    "base": "Base model",
    "file": "Pipeline file",
    "stage": "Pipeline stage",
    "run": "Run",
    "person": "Person",
    "server": "Tracking server",
    "manifest": "Files",
    "version": "Version",
    "endpoint": "Endpoint",
    "system": "System",
}
ACTIVITIES = frozenset({"run", "stage"})
AGENTS = frozenset({"person", "server"})

# relation: how it is said from what was first to what came of it. The last two are Cardinal's own kinds of derivation.
RELATIONS: Mapping[str, str] = {
    "used": "was used by",
    "wasGeneratedBy": "generated",
    "wasDerivedFrom": "is the basis of",
    "specializationOf": "was seen as",
    "wasInformedBy": "precedes",
    "wasAssociatedWith": "carried out",
    "wasAttributedTo": "answers for",
    "hadMember": "belongs to",
    "actedOnBehalfOf": "let act",
    "serves": "serves at",
    "partOf": "is part of",
}


@dataclass(frozen=True)
class Node:
    """A thing, a deed or somebody. `facts` are (label, value) in the order of reading; `url` leads to its page."""

    id: str
    kind: str
    label: str
    detail: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    url: str = ""

    @property
    def noun(self) -> str:
        """Its kind, as a reader calls it."""
        return KINDS.get(self.kind, self.kind)


@dataclass(frozen=True)
class Edge:
    """`source` depends on `target`."""

    source: str
    target: str
    relation: str

    @property
    def words(self) -> str:
        """The relation from `target` to `source`, in plain words."""
        return RELATIONS.get(self.relation, self.relation)


@dataclass(frozen=True)
class Graph:
    """Nodes and edges. `more` counts by kind what a limit left out. Make one with `Graph.of`."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    more: tuple[tuple[str, int], ...] = field(default=())

    @classmethod
    def of(
        cls,
        nodes: Iterable[Node],
        edges: Iterable[Edge],
        *,
        more: Mapping[str, int] | None = None,
        most: int = MOST_NODES,
    ) -> Graph:
        """A graph in its fixed order: by kind, and inside a kind as given.

        The first node with an id wins, and the first `most` of all nodes stay. Edges without both ends, loops and
        repetitions are left out.
        """
        first: dict[str, Node] = {}
        for node in nodes:
            first.setdefault(node.id, node)
        kept = dict(list(first.items())[:most])
        rest = Counter(node.kind for node in list(first.values())[most:])
        rest.update(more or {})
        order = list(KINDS)
        ranked = sorted(kept.values(), key=lambda n: order.index(n.kind) if n.kind in KINDS else len(order))
        place = {node.id: index for index, node in enumerate(ranked)}
        whole = {e for e in edges if e.source in place and e.target in place and e.source != e.target}
        return cls(
            tuple(ranked),
            tuple(sorted(whole, key=lambda e: (place[e.target], place[e.source], e.relation))),
            tuple(sorted((kind, count) for kind, count in rest.items() if count)),
        )

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    def upstream(self, start: str, depth: int = DEPTH) -> Graph:
        """What `start` depends on, directly or not, at most `depth` steps away, and `start` itself."""
        return self._around(start, depth, [(edge.source, edge.target) for edge in self.edges])

    def downstream(self, start: str, depth: int = DEPTH) -> Graph:
        """What depends on `start`, directly or not, at most `depth` steps away, and `start` itself."""
        return self._around(start, depth, [(edge.target, edge.source) for edge in self.edges])

    def without(self, *kinds: str) -> Graph:
        """The graph without nodes of these kinds; what was connected through one is connected directly."""
        nodes, edges = self.by_id, set(self.edges)
        for gone in (node.id for node in self.nodes if node.kind in kinds):
            before = [edge.source for edge in edges if edge.target == gone]
            after = [edge.target for edge in edges if edge.source == gone]
            linked = {(edge.source, edge.target) for edge in edges}
            edges = {edge for edge in edges if gone not in (edge.source, edge.target)} | {
                Edge(one, other, _through(nodes[one].kind, nodes[other].kind))
                for one in before
                for other in after
                if (one, other) not in linked and one != other
            }
        kept = [node for node in self.nodes if node.kind not in kinds]
        return Graph.of(kept, edges, more={k: n for k, n in self.more if k not in kinds}, most=len(kept))

    def _around(self, start: str, depth: int, steps: Sequence[tuple[str, str]]) -> Graph:
        if start not in self.by_id:
            return Graph()
        ways: dict[str, list[str]] = defaultdict(list)
        for here, there in steps:
            ways[here].append(there)
        reached, edge = {start}, [start]
        for _ in range(depth):
            edge = sorted({there for here in edge for there in ways[here]} - reached)
            if not edge:
                break
            reached.update(edge)
        kept = [node for node in self.nodes if node.id in reached]
        return Graph.of(kept, self.edges, most=len(kept))


def _through(source: str, target: str) -> str:
    """What remains of "source ... target" when what stood between them is not shown."""
    if target in AGENTS:
        return "wasAssociatedWith" if source in ACTIVITIES else "wasAttributedTo"
    if target in ACTIVITIES:
        return "wasInformedBy" if source in ACTIVITIES else "wasGeneratedBy"
    return "used" if source in ACTIVITIES else "wasDerivedFrom"
