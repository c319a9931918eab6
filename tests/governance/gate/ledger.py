"""What an outsider makes of the journal: each answer is found in it, and each batch is what its root says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from governance.gate import reasons
from governance.gate.merkle import root
from governance.gate.record import FIELDS, record_digest
from tests.governance.gate.crowd import Heard


def rows(address: str, query: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of the database at `address`."""
    with psycopg.connect(address, row_factory=dict_row, connect_timeout=10) as connection:
        return connection.execute(query, values).fetchall()


def check(address: str, heard: Iterable[Heard]) -> int:
    """Every decision that somebody heard is stored as it was told, and every batch is whole. The number stored.

    More may be stored than was heard: whoever died between the commit and the answer said less than was decided.
    """
    stored = {str(row["id"]): row for row in rows(address, "SELECT * FROM governance_decision")}
    said = [one for one in heard if one.decision]
    lost = [one for one in said if one.decision not in stored]
    assert not lost, f"{len(lost)} of {len(said)} answered decisions are lost"
    assert len({one.decision for one in said}) == len(said), "two answers share a decision"
    for one in said:
        row = stored[one.decision]
        assert row["allowed"] == (one.status == 200)
        told = reasons.told(row["reason"]).code
        assert told == (one.reason or "allowed")
    _whole(address, stored.values())
    return len(stored)


def _whole(address: str, decisions: Iterable[dict[str, Any]]) -> None:
    """Each decision's digest is that of its fields; each batch has as many as it says, under the root that it says."""
    of_batch: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in decisions:
        fields = {name: row["batch_id" if name == "batch" else name] for name in FIELDS}
        assert record_digest(fields) == row["digest"]
        of_batch[row["batch_id"]].append(row)
    batches = rows(address, "SELECT * FROM governance_batch")
    assert {row["id"] for row in batches} == set(of_batch)
    for batch in batches:
        found = of_batch[batch["id"]]
        assert (batch["count"], batch["allowed"]) == (len(found), sum(row["allowed"] for row in found))
        digests = sorted(bytes.fromhex(row["digest"]) for row in found)
        assert root(digests).hex() == batch["root"]
