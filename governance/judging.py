"""What makes a judgement whole: a role that one holds and that is wanted, every point ticked, a signature if needed."""

from __future__ import annotations

from collections.abc import Sequence

from governance import signing
from governance.models import Judgement, Review, Thread, judging_roles
from governance.permissions import open_roles, still_wanted
from governance.reviews import ANY
from governance.signing import JUDGE, Proof
from registry.errors import Conflict, Invalid, Refused
from registry.models import User
from registry.verdict import denied


def role_for(review: Review, chosen: str, by: User, *, approves: bool) -> str:
    """The role under which `by` judges: the one they chose, else the one that is asked for first."""
    held, useful = judging_roles(by), open_roles(by, review)
    if not held:
        raise Refused(
            denied("judging_role_missing", "You hold no role that judges.", "Ask an administrator for one."),
            action=JUDGE,
            subject=review,
        )
    if chosen and chosen not in held:
        raise Invalid(fields={"role": [f"Choose one of your roles: {', '.join(held)}."]})
    if not approves:
        return chosen or next(iter(useful or held))
    if (chosen or not useful) and chosen not in useful:
        still = ", ".join(one for one in still_wanted(review) if one != ANY)
        raise Refused(
            denied(
                "role_covered",
                "Somebody has signed off in your role already.",
                f"Still wanted: {still}." if still else "Load the page again.",
            ),
            action=JUDGE,
            subject=review,
        )
    return chosen or useful[0]


def refuse_unticked(review: Review, checked: Sequence[str]) -> None:
    """Raise `Invalid` for each point of the checklist that is not ticked, and for ticks that it does not have."""
    missing = [one for one in review.frozen_rule.checklist if one.key not in checked]
    known = {one.key for one in review.frozen_rule.checklist}
    if missing:
        said = [f"Tick this when it is so, or request changes: {one.text}" for one in missing]
        raise Invalid(fields={"checked": said})
    if unknown := sorted(set(checked) - known):
        raise Invalid(fields={"checked": [f"The checklist has no {', '.join(unknown)}."]})


def refuse_open_threads(review: Review) -> None:
    """Raise `Conflict` while a thread is open on what is judged, where the rule asks that none is. The database does too."""
    if not review.frozen_rule.threads_resolved:
        return
    count = Thread.objects.up_to(review.revision).open().count()
    if count:
        raise Conflict(
            f"{count} thread{' is' if count == 1 else 's are'} open, and the rule asks that none is. Resolve"
            f" {'it' if count == 1 else 'them'}, or request changes."
        )


def sign(judgement: Judgement, proof: Proof | None) -> None:
    """Bind what is said to what is judged, when it is signed; the rule may ask that it is."""
    review = judgement.review
    if proof is None or not proof.holds_for(judgement.by):
        if review.frozen_rule.step_up or proof is not None:
            raise Refused(
                denied("signature_needed", "This is signed with your password.", "Give your password."),
                action=JUDGE,
                subject=review,
            )
        return
    judgement.meaning = signing.meaning(review, judgement.outcome, judgement.by)
    judgement.method, judgement.signed_at = proof.method, proof.at
    judgement.signed_digest = signing.bound(
        judgement.meaning, review, judgement.by_id, proof.at, proof.method
    )
