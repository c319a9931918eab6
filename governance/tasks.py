"""What workers do for control."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction

from governance.actions import clearances, revocations
from registry.models import User, Version

SLICE = 200


@shared_task(name="governance.sweep_clearances")
def sweep_clearances() -> int:
    """A safety net: assess every version again, in case a fact changed past the verbs; returns how many."""
    machine = User.machine()
    keys = list(Version.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), SLICE):
        with transaction.atomic():
            versions = Version.objects.filter(pk__in=keys[start : start + SLICE]).order_by("pk")
            clearances.recompute(versions=versions, by=machine)
    return len(keys)


@shared_task(name="governance.announce_token_ends")
def announce_token_ends() -> int:
    """Tell of each token that ends soon, once; returns of how many."""
    return revocations.announce_ends(by=User.machine())
