"""Who is asked for a review, and in whose place. An absence redirects what is asked and gives nobody a right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from governance.models import Absence, Judgement, Review
from governance.models.reviews import judging_groups
from governance.permissions import may_still_judge, who_could_judge
from registry.models import User

ALIKE = "SELECT user_id FROM registry_membership WHERE group_id = ANY(%s)"


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


def could_stand_in(user: User) -> QuerySet[User]:
    """People who hold a role of `user` that judges, and so may be named to stand in."""
    alike = RawSQL(ALIKE, (list(judging_groups(user).values_list("pk", flat=True)),))  # noqa: S611 - fixed text
    people = User.objects.filter(pk__in=alike, is_active=True, kind=User.Kind.PERSON)
    return people.exclude(pk=user.pk).order_by("username")


def absent_for(user: User, review: Review, roles: Iterable[str]) -> list[User]:
    """In whose place `user` would judge `review` in one of `roles`; who is away longest first. One query where nobody is."""
    if not (wanted := set(roles)):
        return []
    rows = Absence.objects.in_force().filter(stand_in=user).select_related("person").order_by("since", "pk")
    people = [absence.person for absence in rows]
    if not people:
        return []
    judged = set(Judgement.objects.filter(review=review).values_list("by", flat=True))
    held = who_could_judge(people, review)
    return [one for one in people if one.pk not in judged and wanted & set(held.get(one.pk, ()))]


def in_place_of(by: User, review: Review, role: str) -> User | None:
    """Who is away, has named `by`, and could judge `review` in this role themselves."""
    return next(iter(absent_for(by, review, [role])), None)
