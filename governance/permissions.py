"""May this person judge, or hold? The rules beyond role and visibility."""

from __future__ import annotations

from governance.models import Judgement, Review, ReviewCondition, ServiceAccount, Token, judging_roles
from governance.models.reviews import JUDGES
from governance.reviews import counts, wanted
from registry.models import Model, Revision, User
from registry.permissions import can, can_see
from registry.verdict import ALLOWED, Verdict, denied

COMMENT = "governance.write_comment"


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
    named = [role for role in judging_roles(user) if counts(role, still)]
    return tuple(sorted(named, key=lambda role: (role not in still, role)))


def may_still_judge(review: Review) -> list[tuple[User, tuple[str, ...]]]:
    """Everybody who may judge `review` now, by name, and the roles in which their approval would count.

    What notices, reminders and delegation stand on: nobody who may not judge is ever asked to.
    """
    if not (still := still_wanted(review)):
        return []
    people = User.objects.filter(
        groups__permissions__codename=JUDGES, is_active=True, kind=User.Kind.PERSON
    ).exclude(pk=review.submitted_by_id)
    people = people.exclude(pk__in=Revision.objects.filter(document=review.document_id).values("by"))
    people = people.exclude(pk__in=review.judgements.values("by")).distinct().order_by("username")
    found = [(one, open_roles(one, review, still)) for one in people if can_see(one, review.document)]
    return [(one, roles) for one, roles in found if roles]


def may_comment(user: User) -> Verdict:
    """Whether `user` may say something about what they see: a person whose role writes or judges documents.

    Which roles those are says the table of roles. The database asks the same (migration 0050).
    """
    if user.kind != User.Kind.PERSON:
        return denied("comment_person", "Only a person comments.", "Somebody who signs in can.")
    return can(user, COMMENT)


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
