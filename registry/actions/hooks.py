"""What a tracking server tells by itself."""

from __future__ import annotations

from django.db import transaction

from registry.models import Delivery, TrackingServer, User


@transaction.atomic
def keep_delivery(
    *, server: TrackingServer, delivery_id: str, event: str, model: str, body: bytes, by: User
) -> bool:
    """Keep a verified delivery as it came; False when it was here already. A retry carries the same id."""
    _, is_new = Delivery.objects.get_or_create(
        server=server,
        delivery_id=delivery_id,
        defaults={"event": event[:80], "model_name": model[:256], "body": body},
    )
    return is_new
