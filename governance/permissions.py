"""May this person judge, or hold? The rules beyond role and visibility."""

from __future__ import annotations

from governance.models import Review
from registry.models import Revision, User
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
