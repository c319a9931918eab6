"""What waits for somebody: derived from the facts at this moment, so that it is always true. Notices are beside the point."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, F, IntegerField, OuterRef, Q, Subquery

from governance.models import Absence, BreakGlass, Notice, Review, ReviewCondition, Stop, Token
from governance.models.notices import MOST_COUNTED
from governance.permissions import LIFT_STOP, may_countersign, may_lift
from registry.models import Model, Revision, User

MOST = 50  # of each kind of thing
JUDGE = "governance.judge_review"


class Counted(Subquery):
    """How many rows a query set has, as a column: several counts in one query."""

    template = "(SELECT count(*) FROM (%(subquery)s) counted)"

    output_field = IntegerField()


@dataclass(frozen=True)
class Task:
    """One thing to do: what, since when, and by when where there is a time."""

    key: str
    what: str
    name: str
    note: str
    url: str
    since: datetime
    due: datetime | None = None
    in_place_of: tuple[str, ...] = ()


def tasks(user: User) -> list[Task]:
    """Everything that waits for `user`, what ends soonest first, then what waits longest. At most nine queries."""
    found = [
        *_glasses(user), *_stops(user), *_conditions(user), *_reviews(user), *_sent_back(user), *_tokens(user),
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.due is None, one.due or one.since, one.key))


class Counts(NamedTuple):
    """What every page says of somebody: reviews that wait, notices that are unread, and why everything is stopped, if it is."""

    waiting: int = 0
    unread: int = 0
    stopped: str = ""


def counts(user: User) -> Counts:
    """How many reviews wait for `user`, how many notices they have not read (a hundred at most), and the reason of a stop
    of all queries. One query.
    """
    reviews = Review.objects.awaiting(user) if user.has_perm(JUDGE) else Review.objects.none()
    unread = Notice.objects.visible_to(user).shown().unread()[:MOST_COUNTED].values("pk")
    stopped = Stop.objects.in_force().filter(reach="all").values("reason")
    columns = (Counted(reviews.order_by().values("pk")), Counted(unread), Subquery(stopped[:1]))
    waiting, told, why = User.objects.filter(pk=user.pk).values_list(*columns).first() or (0, 0, "")
    return Counts(int(waiting or 0), int(told or 0), why or "")


def _reviews(user: User) -> list[Task]:
    """Reviews in which one's sign-off counts, and in whose place one is asked."""
    if not user.has_perm(JUDGE):
        return []
    rows = list(Review.objects.awaiting(user).with_subject().order_by("submitted_at", "pk")[:MOST])
    absent = _absent(user, rows) if rows else {}
    return [
        Task(
            f"review:{one.pk}",
            "Judge",
            str(one.document),
            f"revision {one.revision.number}, submitted by {one.submitted_by}",
            one.get_absolute_url(),
            one.submitted_at,
            in_place_of=tuple(absent[one.pk]),
        )
        for one in rows
    ]


def _absent(user: User, rows: list[Review]) -> dict[int, list[str]]:
    """Review → who is away, has named `user`, and would be asked for it."""
    found: dict[int, list[str]] = defaultdict(list)
    absences = (
        Absence.objects.in_force().filter(stand_in=user).select_related("person").order_by("since", "pk")
    )
    keys = [one.pk for one in rows]
    for absence in absences:
        waiting = Review.objects.awaiting(absence.person).filter(pk__in=keys).values_list("pk", flat=True)
        for key in waiting:
            found[key].append(absence.person.get_username())
    return found


def _conditions(user: User) -> list[Task]:
    """Conditions that one has to fulfil, and those of others that one may confirm when they are due or overdue."""
    pending = ReviewCondition.objects.filter(
        review__in=Review.objects.visible_to(user), review__state=Review.State.APPROVED, fulfilled_at=None
    ).select_related(
        "owner", "review__revision", "review__document__version__model", "review__document__dataset"
    )
    rows = list(pending.filter(owner=user).order_by("due_at", "pk")[:MOST])
    confirm: list[ReviewCondition] = []
    if user.has_perm(JUDGE):
        wrote = Revision.objects.filter(by=user).values("document")
        others = pending.exclude(owner=user).exclude(review__submitted_by=user)
        confirm = list(others.exclude(review__document__in=wrote).order_by("due_at", "pk")[:MOST])
    return [_condition(one, "Fulfil", "") for one in rows] + [
        _condition(one, "Confirm", f", by {one.owner}") for one in confirm
    ]


def _condition(one: ReviewCondition, what: str, whose: str) -> Task:
    return Task(
        f"reviewcondition:{one.pk}",
        what,
        one.text if len(one.text) <= 120 else f"{one.text[:119]}…",
        f"condition of the approval of {one.review.document}{whose}",
        f"{one.review.get_absolute_url()}#conditions",
        one.review.closed_at or one.due_at,
        one.due_at,
    )


def _glasses(user: User) -> list[Task]:
    """Broken glass that somebody else asks for."""
    if not user.has_perm("governance.break_glass"):
        return []
    rows = BreakGlass.objects.visible_to(user).open().filter(granted_at=None).exclude(asked_by=user)
    return [
        Task(
            f"breakglass:{one.pk}",
            "Grant or turn down",
            str(one.version),
            f"{one.asked_by} asks to break the glass in {one.environment} for {one.minutes} minutes",
            one.version.get_absolute_url(),
            one.asked_at,
        )
        for one in rows.select_related("version__model", "asked_by").order_by("asked_at", "pk")[:MOST]
    ]


def _stops(user: User) -> list[Task]:
    """Stops that one may lift: none of them ends by itself."""
    rows = Stop.objects.visible_to(user).in_force().select_related("model", "token__owner__service", "by")
    if not user.has_perm(LIFT_STOP):
        rows = rows.filter(Q(by=user) | Q(reach=Stop.Reach.ALL))
    return [
        Task(
            f"stop:{one.pk}",
            "Lift when it is mended",
            one.what,
            f"{one.by} stopped them: {one.reason}",
            one.get_absolute_url(),
            one.stopped_at,
        )
        for one in rows.order_by("stopped_at", "pk")[:MOST]
        if may_lift(user, one)
    ]


def _tokens(user: User) -> list[Task]:
    """Tokens that wait for a second person, whom one may be: as `may_countersign` says, for all of them at once."""
    if not user.has_perm("governance.issue_token"):
        return []
    hidden = Token.models.through.objects.filter(token=OuterRef("pk")).exclude(
        model__in=Model.objects.visible_to(user).values("pk")
    )
    rows = Token.objects.visible_to(user).in_state("waiting").exclude(issued_by=user).exclude(owner=user)
    rows = (
        rows.exclude(owner__service__sponsor=user)
        .exclude(Exists(hidden))
        .select_related("owner", "issued_by")
    )
    return [
        Task(
            f"token:{one.pk}",
            "Countersign",
            one.name,
            f"for {one.owner} in {one.environment}, issued by {one.issued_by}",
            one.get_absolute_url(),
            one.issued_at,
        )
        for one in rows.order_by("issued_at", "pk")[:MOST]
        if not one.tag_key or may_countersign(user, one)  # what a tag reaches is known one by one
    ]


def _sent_back(user: User) -> list[Task]:
    """What one submitted and was asked to change, until it is submitted again."""
    rows = Review.objects.visible_to(user).filter(submitted_by=user, state=Review.State.CHANGES_REQUESTED)
    rows = rows.exclude(document__reviews__submitted_at__gt=F("submitted_at")).with_subject()
    return [
        Task(
            f"review:{one.pk}",
            "Change and submit again",
            str(one.document),
            f"revision {one.revision.number} was sent back",
            one.get_absolute_url(),
            one.closed_at or one.submitted_at,
        )
        for one in rows.order_by("closed_at", "pk")[:MOST]
    ]
