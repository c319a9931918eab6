"""What a tracking server tells by itself."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from registry.events import DeliveriesForgotten, publish
from registry.models import Delivery, TrackingServer, User
from registry.permissions import require

BATCH = 5000  # rows that one statement deletes


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


@transaction.atomic
def forget_deliveries(*, before: datetime, by: User) -> int:
    """Delete the oldest of the deliveries that came before then, at most `BATCH`; returns how many.

    The database refuses to delete one that is younger than thirty days. One that is sent again after that is no
    delivery: its signature has been too old since five minutes after it was made.
    """
    require(by, "registry.sync_trackingserver")
    old = Delivery.objects.filter(received_at__lt=before).order_by("pk").values("pk")[:BATCH]
    count, _ = Delivery.objects.filter(pk__in=old).delete()
    if count:
        publish(DeliveriesForgotten(count=count, before=f"{before:%Y-%m-%d %H:%M} UTC", by=by))
    return count
