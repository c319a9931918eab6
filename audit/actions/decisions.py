"""Gate decisions enter the trail: one entry a batch, with the batch's Merkle root."""

from __future__ import annotations

from django.db import transaction

from audit.events import DecisionsSealed
from audit.models import SealedBatch
from governance.models import Batch, Decision
from registry.events import publish
from registry.models import User

SLICE = 500


@transaction.atomic
def seal(*, by: User) -> int:
    """Take batches that the trail does not know yet into it, oldest first; returns how many."""
    batches = list(
        Batch.objects.exclude(pk__in=SealedBatch.objects.values("batch")).order_by("written_at", "pk")[:SLICE]
    )
    for batch in batches:
        models = sorted(
            set(Decision.objects.filter(batch=batch).exclude(model="").values_list("model", flat=True))
        )
        publish(
            DecisionsSealed(
                batch=batch,
                count=batch.count,
                allowed=batch.allowed,
                root=batch.root,
                models=", ".join(models[:5]),
                by=by,
            )
        )
        SealedBatch.objects.create(batch=batch.pk)
    return len(batches)
