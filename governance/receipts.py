"""The receipt of a decision: what was decided, and the way from it to the root of its batch, which the trail holds.

Whoever has the receipt can check it without the portal: docs/reference/receipts.md says how, `cardinal receipt` does it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection

from governance.gate import merkle
from governance.gate.record import FIELDS, FIRST, record_digest, stamp
from governance.models import Decision
from registry.models import User

FORMAT = "cardinal-receipt-1"
# The leaves of a tree are in ascending order. Before that they were in the order in which the journal wrote them: rows that
# nobody changes stay as they were written.
AS_WRITTEN = "SELECT id, digest FROM governance_decision WHERE batch_id = %s ORDER BY tableoid, ctid"


@dataclass(frozen=True)
class Receipt:
    """`steps` lead from the decision to the root; None when its batch does not add up to the root any more."""

    decision: Decision
    place: int
    steps: Sequence[merkle.Step] | None
    digest_fits: bool

    @property
    def holds(self) -> bool:
        """Whether decision, digest and root fit each other."""
        return self.digest_fits and self.steps is not None

    @property
    def content(self) -> dict[str, Any]:
        """The receipt as a file."""
        one, batch = self.decision, self.decision.batch
        return {
            "format": FORMAT,
            "decision": fields(one),
            "digest": one.digest,
            "batch": {
                "id": str(batch.pk),
                "count": batch.count,
                "root": batch.root,
                "writer": batch.writer,
                "written_at": stamp(batch.written_at),
            },
            "place": self.place,
            "path": [{"side": side, "hash": other} for side, other in self.steps or ()],
        }

    @property
    def written(self) -> bytes:
        """The file: the same bytes by whatever door it goes out."""
        return json.dumps(self.content, indent=2, ensure_ascii=False).encode()

    @property
    def name(self) -> str:
        """What the file is called."""
        return f"decision-{self.decision.pk}.json"


def file_of(user: User, pk: UUID | str) -> Receipt | None:
    """The receipt of this decision, if it exists and `user` may have it. Two queries."""
    one = Decision.objects.provable_to(user).select_related("batch").filter(pk=pk).first()
    return receipt(one) if one else None


def receipt(one: Decision) -> Receipt:
    """The receipt of a decision that has its batch with it. One query."""
    with connection.cursor() as cursor:
        cursor.execute(AS_WRITTEN, [one.batch_id])
        written = [(str(key), bytes.fromhex(digest)) for key, digest in cursor.fetchall()]
    fits = record_digest(_columns(one)) == one.digest
    for rows in (sorted(written, key=itemgetter(1)), written):
        leaves = [digest for _, digest in rows]
        if merkle.root(leaves).hex() == one.batch.root:
            place = [key for key, _ in rows].index(str(one.pk))
            return Receipt(one, place, merkle.path(leaves, place), fits)
    return Receipt(one, 0, None, fits)


def fields(one: Decision) -> dict[str, Any]:
    """What the digest covers, in plain JSON."""
    plain = {"id": str(one.pk), "batch": str(one.batch_id), "decided_at": stamp(one.decided_at)}
    return {name: plain.get(name, value) for name, value in _columns(one).items()}


def _columns(one: Decision) -> dict[str, Any]:
    names = FIRST if one.form == 1 else FIELDS
    return {name: one.batch_id if name == "batch" else getattr(one, name) for name in names} | (
        {"form": 1} if one.form == 1 else {}
    )
