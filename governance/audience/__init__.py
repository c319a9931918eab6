"""Who is told what: each event that people are told of, whom it concerns, and in which words.

`HEARD` is the whole of it: the name of an event → what follows for people. Whoever did it is never told, nor whoever may
not see what it is about; both are held where notices are written (`actions.notices.tell`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.audience import access, anomalies, people, reviews, stops
from governance.audience.base import Told, cause
from registry.events import Event

Done = tuple[str, int | None]  # what it is about, and for whom it is done; None: for everybody


def heard(event: Event) -> list[Told]:
    """What follows from `event` for people."""
    return HEARD[event.name](event) if event.name in HEARD else []


def settled(event: Event) -> list[Done]:
    """What nobody has to do any more."""
    return SETTLED[event.name](event) if event.name in SETTLED else []


HEARD: dict[str, Callable[[Any], list[Told]]] = {
    "review.submitted": reviews.submitted,
    "review.signed_off": reviews.signed_off,
    "review.approved": reviews.approved,
    "review.changes_requested": reviews.sent_back,
    "review.stale": reviews.stale,
    "review.retired": reviews.retired,
    "review.reminded": reviews.reminded_again,
    "review.escalated": reviews.escalated,
    "condition.set": reviews.condition_set,
    "condition.fulfilled": reviews.condition_settled,
    "condition.extended": reviews.condition_settled,
    "glass.asked": access.glass_asked,
    "glass.granted": access.glass_granted,
    "glass.ended": access.glass_ended,
    "anomaly.seen": anomalies.seen,
    "stop.made": stops.made,
    "stop.lifted": stops.lifted,
    "token.issued": access.token_waits,
    "token.rotated": access.token_waits,
    "token.countersigned": access.token_settled,
    "token.declined": access.token_settled,
    "token.expiring": access.token_expiring,
    "token.revoked": access.token_revoked,
    "token.leaked": access.token_leaked,
    "thread.begun": people.comment_written,
    "comment.written": people.comment_written,
    "thread.resolved": people.thread_resolved,
    "absence.announced": people.absence_announced,
    "absence.ended": people.absence_ended,
}

# What was asked and is done: whoever has not read it need not.
SETTLED: dict[str, Callable[[Any], list[Done]]] = {
    "review.submitted": lambda e: [
        (cause(one), None) for one in e.review.document.reviews.exclude(pk=e.review.pk)
    ],
    "review.signed_off": lambda e: [(cause(e.review), e.by.pk)],
    "review.approved": lambda e: [(cause(e.review), None)],
    "review.changes_requested": lambda e: [(cause(e.review), None)],
    "review.withdrawn": lambda e: [(cause(e.review), None)],
    "condition.fulfilled": lambda e: [(cause(e.condition), None)],
    "condition.extended": lambda e: [(cause(e.condition), None)],
    "glass.granted": lambda e: [(cause(e.glass), None)],
    "glass.ended": lambda e: [(cause(e.glass), None)],
    "anomaly.dismissed": lambda e: [(cause(e.anomaly), None)],
    "token.countersigned": lambda e: [(cause(e.token), None)],
    "token.declined": lambda e: [(cause(e.token), None)],
    "token.rotated": lambda e: [(cause(e.previous), None)],
    "token.revoked": lambda e: [(cause(e.token), None)],
}
