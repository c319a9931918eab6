"""Decisions as the gate's journal writes them: many at once, in batches with a true root."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.gate import merkle
from governance.gate.record import record_digest
from governance.models import Batch, Decision

PLAIN: dict[str, Any] = {
    "allowed": True, "reason": "allowed", "environment": "production", "model": "", "version": 1, "action": "predict",
    "caller": "owner", "token": "", "method": "POST", "door": "check", "request_id": "abcdefgh", "network": "192.0.2.7",
    "purpose": "", "payload_bytes": 12, "form": 2,
}  # fmt: skip


def written(*rows: dict[str, Any], at: datetime | None = None) -> list[Decision]:
    """One batch of decisions, each as `PLAIN` but for what it names."""
    now = at or timezone.now()
    batch = uuid.uuid4()
    made = []
    for row in rows:
        fields = PLAIN | {"id": uuid.uuid4(), "batch": batch, "decided_at": now} | row
        if not fields["allowed"] and fields["reason"] == "allowed":
            fields["reason"] = "not_cleared"
        digest = record_digest(fields)
        made.append(Decision(**{**fields, "batch": None, "batch_id": batch, "digest": digest}))
    for one in made:
        one.batch_id = batch
    Batch.objects.create(
        id=batch, writer="gate:1", count=len(made), allowed=sum(one.allowed for one in made),
        root=merkle.root([bytes.fromhex(one.digest) for one in made]).hex(), written_at=now,
    )  # fmt: skip
    return Decision.objects.bulk_create(made)
