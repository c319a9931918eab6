"""May this person judge, or hold? The rules beyond role and visibility."""

from __future__ import annotations

from governance.models import Review, ServiceAccount, Token
from registry.models import Model, Revision, User
from registry.verdict import ALLOWED, Verdict, denied


def may_judge(user: User, review: Review) -> Verdict:
    """Four eyes: whoever submitted the revision, or wrote any revision of its document, may not judge it.

    The database refuses the same (migration 0003).
    """
    if review.submitted_by_id == user.pk:
        return denied("four_eyes_submitter", "You submitted this revision.", "Somebody else has to judge it.")
    if Revision.objects.filter(document=review.document_id, by=user).exists():
        return denied(
            "four_eyes_author",
            "You wrote a revision of this document.",
            "Somebody who did not has to judge it.",
        )
    return ALLOWED


def may_countersign(user: User, token: Token) -> Verdict:
    """Four eyes for tokens: neither whoever issued it, nor whose it is, nor who answers for that account; and only who sees
    all it reaches. The database refuses the first three as well (migration 0042).
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
