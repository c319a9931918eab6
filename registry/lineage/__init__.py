"""Lineage: what a version came from and what came from it, in the words of W3C PROV.

Entities, activities and agents are nodes; an edge points from what depends to what it depends on, as PROV writes it
("run used snapshot", "version wasGeneratedBy run"). Whatever the reader may not see is left out, not blackened: what
one may not see does not exist. What a visible run or card itself says, a base model's name for example, stays.
"""

from registry.lineage.builders import of_dataset, of_system, of_version
from registry.lineage.graph import Edge, Graph, Node

__all__ = ["Edge", "Graph", "Node", "of_dataset", "of_system", "of_version"]
