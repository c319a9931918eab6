"""Who is asked for a review, and in whose place. An absence redirects what is asked and gives nobody a right."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import Absence, Judgement, Review, judging_roles
from governance.permissions import is_independent, may_still_judge
from registry.models import User
from registry.permissions import can_see


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked to judge, the roles in which that counts, and those who are away and named them."""

    person: User
    roles: tuple[str, ...]
    in_place_of: tuple[User, ...] = ()


def asked(review: Review) -> list[Asked]:
    """Whom to ask for a judgement now: everybody who may still judge, without those who are away.

    A stand-in is asked in their place where they hold a role that counts themselves. Somebody who is away is asked all
    the same when otherwise nobody would be: nothing waits unseen.
    """
    people = may_still_judge(review)
    rows = Absence.objects.in_force().filter(person__in=[one for one, _ in people])
    away = {one.person_id: one for one in rows.select_related("person").order_by("since", "pk")}
    here = [(one, roles) for one, roles in people if one.pk not in away] or people
    found = {roles for _, wanted in here for roles in wanted}
    # ... and somebody who is away is not covered by people who may judge in other roles only.
    here += [(one, roles) for one, roles in people if one.pk in away and not found & set(roles)]
    held = {one.pk: set(roles) for one, roles in people}
    return [
        Asked(
            one,
            roles,
            tuple(
                absence.person
                for absence in away.values()
                if absence.stand_in_id == one.pk and held[absence.person_id] & set(roles)
            ),
        )
        for one, roles in here
    ]


def in_place_of(by: User, review: Review, role: str) -> User | None:
    """Who is away, has named `by`, and could judge `review` in this role themselves; the longest away first."""
    rows = Absence.objects.in_force().filter(stand_in=by).select_related("person").order_by("since", "pk")
    judged = set(Judgement.objects.filter(review=review).values_list("by", flat=True))
    for absence in rows:
        one = absence.person
        holds = one.pk not in judged and role in judging_roles(one)
        if holds and is_independent(one, review) and can_see(one, review.document):
            return one
    return None
