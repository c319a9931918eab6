"""What workers do for control."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.db.models.functions import Now

from governance import mailing
from governance.actions import anomalies, clearances, glass, letters, reminders, revocations
from governance.models import Clearance, count_batches, decisions
from registry.models import User, Version

SLICE = 200
NOTICE_DAYS = 180
MOST_LOOKS = 20  # at 50 000 decisions; the next round brings the next
MOST_LAPSED = 10_000  # in one round; the next minute brings the next
ROUNDS = 50  # of counting; the next run goes on


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


@shared_task(name="governance.make_room_for_decisions")
def make_room_for_decisions() -> int:
    """The partitions of the coming months, so that none is missing when its month begins."""
    return decisions.make_room()


@shared_task(name="governance.sweep_lapsed")
def sweep_lapsed() -> int:
    """Bring after what time has ended: clearances past their end, and broken glass; returns how many versions.

    Nothing waits for this: the gate looks at the database's clock. It brings the row, the event and the notices.
    """
    machine = User.machine()
    with transaction.atomic():
        glass.sweep(by=machine)
    lapsed = Clearance.objects.filter(valid_until__lte=Now()).order_by("valid_until")
    keys = list(dict.fromkeys(lapsed.values_list("version", flat=True)[:MOST_LAPSED]))
    for start in range(0, len(keys), SLICE):
        with transaction.atomic():
            clearances.recompute(
                versions=Version.objects.filter(pk__in=keys[start : start + SLICE]), by=machine
            )
    return len(keys)


@shared_task(name="governance.look_for_anomalies")
def look_for_anomalies() -> int:
    """Look through what the gate has decided since the last time for what is unusual; returns how many decisions."""
    machine, count = User.machine(), 0
    for _ in range(MOST_LOOKS):
        looked = anomalies.look(by=machine)
        count += looked or 0
        if not looked:
            break
    return count


@shared_task(name="governance.announce_token_ends")
def announce_token_ends() -> int:
    """Tell of each token that ends soon, once; returns of how many."""
    return revocations.announce_ends(by=User.machine())


@shared_task(name="governance.sweep_reminders")
def sweep_reminders() -> int:
    """Remind of reviews that wait, and tell of what is due by time; returns of how many."""
    machine = User.machine()
    return reminders.sweep_reviews(by=machine) + reminders.sweep_due(by=machine)


@shared_task(name="governance.send_letters")
def send_letters() -> int:
    """Send the mail that is due; returns how many. Sent again or by two workers, each letter goes once."""
    return mailing.send_due()


@shared_task(name="governance.forget_notices")
def forget_notices() -> int:
    """Delete notices that are half a year old; returns how many."""
    machine, count = User.machine(), 0
    while forgotten := letters.forget(days=NOTICE_DAYS, by=machine):
        count += forgotten
    return count


@shared_task(name="governance.count_decisions")
def count_decisions() -> int:
    """Count new batches of decisions into their hours; returns how many. What waits is counted live by whoever looks."""
    count = 0
    for _ in range(ROUNDS):
        found = count_batches()
        count += found
        if not found:
            break
    return count
