"""May this person judge, or hold? The rules beyond role and visibility."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import connection

from governance.models import (
    Anomaly,
    Judgement,
    Review,
    ReviewCondition,
    ServiceAccount,
    Stop,
    Token,
    judging_roles,
)
from governance.models.reviews import JUDGES, judging_roles_of
from governance.reviews import counts, wanted
from registry.models import Model, Revision, User
from registry.models.sight import holding, seeing
from registry.permissions import can, who_can_see
from registry.verdict import ALLOWED, Verdict, denied

COMMENT = "governance.write_comment"
STOP_ALL, STOP_MODEL, LIFT_STOP = "governance.stop_all", "governance.stop_model", "governance.lift_stop"
NAMED = """
SELECT m.token_id, m.model_id FROM governance_token_models m WHERE m.token_id = ANY(%(tokens)s)
UNION
SELECT t.id, m.id FROM governance_token t JOIN registry_model m ON m.tags @> jsonb_build_object(t.tag_key, t.tag_value)
WHERE t.id = ANY(%(tokens)s) AND t.tag_key > ''
"""


def may_judge(user: User, review: Review) -> Verdict:
    """Four eyes: whoever submitted the revision, or wrote any revision of its document, may not judge it; nor may
    anybody twice, nor an account that is no person's or is switched off.

    The database refuses the same (migrations 0003, 0005 and 0041).
    """
    verdict = is_independent(user, review)
    if verdict and Judgement.objects.filter(review=review.pk, by=user).exists():
        return denied(
            "judged_already", "You have judged this already.", "Somebody else judges what is missing."
        )
    return verdict


def is_independent(user: User, review: Review) -> Verdict:
    """Whether `user` is a second pair of eyes: a person who neither submitted nor wrote what is under review."""
    if user.kind != User.Kind.PERSON or not user.is_active:
        return denied(
            "four_eyes_person", "Only a person with an active account judges.", "Somebody else has to."
        )
    if review.submitted_by_id == user.pk:
        return denied("four_eyes_submitter", "You submitted this revision.", "Somebody else has to judge it.")
    if Revision.objects.filter(document=review.document_id, by=user).exists():
        return denied(
            "four_eyes_author",
            "You wrote a revision of this document.",
            "Somebody who did not has to judge it.",
        )
    return ALLOWED


def may_settle(user: User, condition: ReviewCondition) -> Verdict:
    """Whether `user` may confirm a condition or give it more time: an independent judge, and never its owner."""
    if condition.owner_id == user.pk:
        return denied(
            "four_eyes_owner",
            "This condition is yours to fulfil.",
            "A judge who is not its owner confirms it.",
        )
    return is_independent(user, condition.review)


def still_wanted(review: Review) -> tuple[str, ...]:
    """The roles in which somebody still has to approve; "" for any role that judges; empty when it is closed."""
    if review.state != Review.State.IN_REVIEW:
        return ()
    signed = review.judgements.filter(outcome=Judgement.Outcome.APPROVE).values_list("role", flat=True)
    return wanted(review.frozen_rule, signed)


def open_roles(user: User, review: Review, still: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The roles that `user` holds and under which their approval would still count, what is asked for by name first.

    `still` is what is wanted, for whoever has asked for it already.
    """
    still = still_wanted(review) if still is None else still
    return _counting(judging_roles(user), still)


def _counting(held: Iterable[str], still: tuple[str, ...]) -> tuple[str, ...]:
    named = [role for role in held if counts(role, still)]
    return tuple(sorted(named, key=lambda role: (role not in still, role)))


def may_still_judge(review: Review) -> list[tuple[User, tuple[str, ...]]]:
    """Everybody who may judge `review` now, by name, and the roles in which their approval would count.

    What notices, reminders and delegation stand on: nobody who may not judge is ever asked to. Seven queries, however many
    there are.
    """
    if not (still := still_wanted(review)):
        return []
    people = User.objects.filter(
        groups__permissions__codename=JUDGES, is_active=True, kind=User.Kind.PERSON
    ).exclude(pk=review.submitted_by_id)
    people = people.exclude(pk__in=Revision.objects.filter(document=review.document_id).values("by"))
    people = people.exclude(pk__in=review.judgements.values("by")).distinct().order_by("username")
    found = {one.pk: one for one in people}
    held, seen = judging_roles_of(found), who_can_see(found, [review.document])
    able = [
        (one, _counting(held.get(pk, ()), still))
        for pk, one in found.items()
        if (pk, review.document) in seen
    ]
    return [(one, roles) for one, roles in able if roles]


def who_could_judge(people: Iterable[User], review: Review) -> dict[int, list[str]]:
    """Those of `people` who are independent of `review` and see it: key → the roles that they hold and that judge.

    What `is_independent` and `judging_roles` say of one, for many, and whatever is signed off by now.
    """
    wrote = set(Revision.objects.filter(document=review.document_id).values_list("by", flat=True))
    others = {
        one.pk
        for one in people
        if one.kind == User.Kind.PERSON
        and one.is_active
        and one.pk != review.submitted_by_id
        and one.pk not in wrote
    }
    seen = who_can_see(others, [review.document])
    return judging_roles_of(pk for pk in others if (pk, review.document) in seen)


def may_comment(user: User) -> Verdict:
    """Whether `user` may say something about what they see: a person whose role writes or judges documents.

    Which roles those are says the table of roles. The database asks the same (migration 0050).
    """
    if user.kind != User.Kind.PERSON:
        return denied("comment_person", "Only a person comments.", "Somebody who signs in can.")
    return can(user, COMMENT)


def who_may_countersign(people: Iterable[User], token: Token) -> list[User]:
    """Those of `people` whom `may_countersign` allows, in their order. Some queries, however many they are."""
    known = list(people)
    own = {token.issued_by_id, token.owner_id}
    own.update(ServiceAccount.objects.filter(account=token.owner_id).values_list("sponsor", flat=True))
    reached = frozenset(token.reach().values_list("pk", flat=True))
    seen = seeing([one.pk for one in known], [reached], whole=True) if reached else None
    return [one for one in known if one.pk not in own and (seen is None or (one.pk, reached) in seen)]


def who_sees_token(people: Collection[int], tokens: Sequence[Token]) -> set[tuple[int, Token]]:
    """(account, token) for each of `people` (keys) for whom the token exists, as `Token.objects.visible_to` says of one."""
    active = set(User.objects.filter(pk__in=people, is_active=True).values_list("pk", flat=True))
    rows = ServiceAccount.objects.filter(account__in=[one.owner_id for one in tokens])
    sponsors = dict(rows.values_list("account", "sponsor"))
    behind = _models_named(tokens)
    seen = seeing(holding("governance.view_token", active), behind.values())
    return {
        (pk, one)
        for one in tokens
        for pk in active
        if pk in (one.owner_id, one.issued_by_id, sponsors.get(one.owner_id)) or (pk, behind[one]) in seen
    }


def _models_named(tokens: Sequence[Token]) -> dict[Token, frozenset[int]]:
    """The models that each token names, or that bear its tag."""
    found: dict[UUID, set[int]] = {one.pk: set() for one in tokens}
    with connection.cursor() as cursor:
        cursor.execute(NAMED, {"tokens": [*found]})
        for token, model in cursor.fetchall():
            found[token].add(model)
    return {one: frozenset(found[one.pk]) for one in tokens}


def may_countersign(user: User, token: Token) -> Verdict:
    """Four eyes for tokens: neither whoever issued it, nor whose it is, nor who answers for that account; and only who sees
    all it reaches. The database refuses the first three as well (migration 0045).
    """
    sponsored = ServiceAccount.objects.filter(account=token.owner_id, sponsor=user).exists()
    if sponsored or user.pk in (token.issued_by_id, token.owner_id):
        return denied(
            "four_eyes_token",
            "You issued this token, or it acts for you.",
            "Somebody else has to countersign it.",
        )
    if token.reach().exclude(pk__in=Model.objects.visible_to(user)).exists():
        return denied(
            "token_beyond_sight",
            "It reaches models that are not shared with you.",
            "Somebody who sees them all has to do it.",
        )
    return ALLOWED


def may_end_token(user: User, token: Token) -> Verdict:
    """Whose it is, who issued it, who answers for its account; of others whoever may revoke their tokens."""
    service = getattr(token.owner, "service", None)
    if user.pk in (token.owner_id, token.issued_by_id, service and service.sponsor_id):
        return ALLOWED
    return can(user, "governance.revoke_token")


def may_lift(user: User, stop: Stop) -> Verdict:
    """A stop of everything: whoever may make one. Any other: whoever made it and still may, or lifts those of others.

    So what compliance has stopped its owner cannot set going again, and a mistake of one's own is quickly mended.
    """
    if stop.reach == Stop.Reach.ALL:
        return can(user, STOP_ALL)
    if stop.by_id == user.pk and (
        can(user, STOP_MODEL) if stop.token is None else may_end_token(user, stop.token)
    ):
        return ALLOWED
    return can(user, LIFT_STOP)


def may_dismiss(user: User, anomaly: Anomaly) -> Verdict:
    """Of a token whoever may revoke it, of a model whoever may stop the queries to it."""
    return may_end_token(user, anomaly.token) if anomaly.token else can(user, STOP_MODEL)
