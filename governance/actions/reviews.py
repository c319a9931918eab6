"""Reviews: ask for one, judge one, take it back. Four eyes, always."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.actions.clearances import basis_of, recompute
from governance.clearance import Basis
from governance.deputies import in_place_of
from governance.events import (
    ChangesRequested,
    ConditionSet,
    ReviewApproved,
    ReviewRetired,
    ReviewSignedOff,
    ReviewStale,
    ReviewSubmitted,
    ReviewWithdrawn,
)
from governance.judging import refuse_open_threads, refuse_unticked, role_for, sign
from governance.models import Judgement, Review, ReviewCondition, rule_for
from governance.permissions import may_judge, still_wanted
from governance.reviews import SUPERSEDED
from governance.signing import Proof
from registry import canonical
from registry.documents import lint
from registry.documents.strictness import strictness_of
from registry.errors import Conflict, Invalid, Refused
from registry.events import publish
from registry.models import Document, Revision, User, Version
from registry.permissions import can_see, require
from registry.wording import required, within

State = Review.State
JUDGE = "governance.judge_review"
MOST_CONDITIONS = 20


@dataclass(frozen=True)
class Wish:
    """A condition that a judge sets with an approval."""

    text: str
    owner: User
    due_at: datetime


@dataclass(frozen=True)
class Said:
    """What a judge says: the digest they have read, under which role, with what remark, and proof of who they are."""

    digest: str
    comment: str = ""
    role: str = ""
    checked: Sequence[str] = ()
    proof: Proof | None = None


@transaction.atomic
def submit(*, revision: Revision, by: User) -> Review:
    """Ask for a review of `revision`, which must be the latest of its document and have no blocking finding.

    The rule of the risk class decides who judges, and is frozen into the review; whoever submits has no say in it.
    """
    require(by, "governance.submit_review", on=revision.document)
    document = (
        Document.objects.select_for_update(of=("self",))
        .select_related("version", "dataset")
        .get(pk=revision.document_id)
    )
    if document.head_id != revision.pk:
        raise Conflict("There is a newer revision. Submit that one.")
    _refuse_blocking(document, revision)
    basis = basis_of(document.version) if document.version else Basis()
    try:
        with transaction.atomic():
            review = Review.objects.create(
                document=document,
                revision=revision,
                digest=revision.digest,
                basis=canonical.canonical(basis.as_json()),
                rule=rule_for(document.about).as_json(),
                submitted_by=by,
            )
    except IntegrityError as error:
        raise Conflict(
            "A review of this document is open already. A reviewer judges it, or its submitter withdraws it, first."
        ) from error
    publish(ReviewSubmitted(review=review, digest=review.digest, by=by))
    _reassess(review, by)
    return review


@transaction.atomic
def approve(
    *,
    review: Review,
    digest: str,
    comment: str = "",
    role: str = "",
    checked: Sequence[str] = (),
    conditions: Sequence[Wish] = (),
    proof: Proof | None = None,
    by: User,
) -> Review:
    """Sign off the revision with this digest, under one role that one holds. Refused to its authors and its submitter.

    The review is approved with the last sign-off that its rule asks for; until then it stays open. `conditions` are what
    has to be done, by whom and by when, for the approval to go on counting.
    """
    within(comment, field="comment")
    said = Said(digest, comment, role, checked, proof)
    locked, judgement = _judge(review, Judgement.Outcome.APPROVE, said, by)
    for wish in conditions[: MOST_CONDITIONS + 1]:
        _set(judgement, wish, by)
    if len(conditions) > MOST_CONDITIONS:
        raise Invalid(fields={"conditions": [f"Set at most {MOST_CONDITIONS} conditions."]})
    still = still_wanted(locked)
    told = {
        "digest": locked.digest,
        "role": judgement.role,
        "comment": comment,
        "in_place_of": _absent(judgement),
    }
    if still:
        names = ", ".join(one or "anybody who judges" for one in still)
        publish(
            ReviewSignedOff(review=locked, **told, wanted=names, signature=judgement.signed_digest, by=by)
        )
        return _whole(locked)
    for earlier in locked.document.reviews.filter(state__in=[State.APPROVED, State.STALE]).order_by("pk"):
        _retire(earlier, SUPERSEDED, by)
    _close(locked, State.APPROVED)
    count = locked.conditions.count()
    publish(ReviewApproved(review=locked, **told, signature=judgement.signed_digest, conditions=count, by=by))
    _reassess(locked, by)
    return _whole(locked)


@transaction.atomic
def request_changes(
    *, review: Review, digest: str, comment: str, role: str = "", proof: Proof | None = None, by: User
) -> Review:
    """Send the revision back, saying what has to change. One judge is enough, whoever has signed off before."""
    said = required(comment, field="comment", missing="Say what has to change.")
    locked, judgement = _judge(
        review, Judgement.Outcome.REQUEST_CHANGES, Said(digest, said, role, (), proof), by
    )
    _close(locked, State.CHANGES_REQUESTED)
    publish(
        ChangesRequested(
            review=locked, digest=locked.digest, comment=said, in_place_of=_absent(judgement), by=by
        )
    )
    _reassess(locked, by)
    return _whole(locked)


@transaction.atomic
def withdraw(*, review: Review, by: User) -> Review:
    """Take back what one has submitted."""
    require(by, "governance.submit_review", on=review.document)
    if review.submitted_by_id != by.pk:
        raise Conflict("Only the person who submitted it can take it back.")
    _lock(review)
    _close(review, State.WITHDRAWN)
    publish(ReviewWithdrawn(review=review, by=by))
    _reassess(review, by)
    return _whole(review)


@transaction.atomic
def retire(*, review: Review, reason: str, by: User) -> Review:
    """Take an approval away, with a reason. It only takes away, so one judge is enough; to approve again needs a review."""
    require(by, JUDGE, on=review.document)
    said = required(reason, field="reason", missing="Say why the approval is taken away.", longest=500)
    locked = _lock(review)
    if locked.state not in (State.APPROVED, State.STALE):
        raise Conflict(
            f"Only an approval can be retired; this review is {locked.get_state_display().lower()}."
        )
    _retire(locked, said, by)
    _reassess(locked, by)
    return _whole(locked)


@transaction.atomic
def outdate(*, revision: Revision, by: User) -> None:
    """The approval of a datasheet is stale once there is another revision. Cards: see `clearances.recompute`."""
    approved = Review.objects.filter(document=revision.document_id, state=State.APPROVED)
    for review in approved.exclude(revision=revision).with_subject():
        review.state, review.stale_codes, review.ended_at = State.STALE, "datasheet_changed", timezone.now()
        review.save(update_fields=["state", "stale_codes", "ended_at"])
        publish(ReviewStale(review=review, codes=review.stale_codes, by=by))


def _refuse_blocking(document: Document, revision: Revision) -> None:
    """Raise `Invalid` naming each field with a blocking finding, as the page shows them."""
    refused: dict[str, list[str]] = {}
    for one in lint.blocking(lint.inspect(document.kind, revision.content, strictness_of(document.about))):
        refused.setdefault(one.path, []).append(f"{one.label}: {one.sentence}")
    if refused:
        raise Invalid(fields=refused)


def _lock(review: Review) -> Review:
    """The review as it is, locked. The version first: whoever reassesses it takes the two in the same order."""
    if review.document.version_id:
        Version.objects.select_for_update(no_key=True).get(pk=review.document.version_id)
    return Review.objects.select_for_update(of=("self",)).with_subject().get(pk=review.pk)


def _judge(review: Review, outcome: str, said: Said, by: User) -> tuple[Review, Judgement]:
    require(by, JUDGE, on=review.document)
    locked = _lock(review)
    if locked.state != State.IN_REVIEW:
        raise Conflict(f"This review was closed a moment ago: {locked.get_state_display().lower()}.")
    verdict = may_judge(by, locked)
    if not verdict:
        raise Refused(verdict, action=JUDGE, subject=review)
    if said.digest != locked.digest:
        raise Conflict("What you saw is not what is under review. Load the page again.")
    approves = outcome == Judgement.Outcome.APPROVE
    version = locked.document.version
    if approves and version and Basis.of(locked.basis_facts) != basis_of(version):
        raise Conflict(
            "The files, a datasheet or the risk class changed since this was submitted. Ask for it to be submitted again."
        )
    if approves:
        refuse_unticked(locked, said.checked)
        refuse_open_threads(locked)
    judgement = Judgement(
        review=locked,
        outcome=outcome,
        role=role_for(locked, said.role, by, approves=approves),
        checked=list(said.checked),
        comment=said.comment,
        digest=said.digest,
        by=by,
    )
    judgement.in_place_of = in_place_of(by, locked, judgement.role)
    sign(judgement, said.proof)
    judgement.save(force_insert=True)
    return locked, judgement


def _absent(judgement: Judgement) -> str:
    """In whose place it was made; nobody's where it was made in one's own."""
    return judgement.in_place_of.get_username() if judgement.in_place_of else ""


def _set(judgement: Judgement, wish: Wish, by: User) -> None:
    review = judgement.review
    text = required(wish.text, field="conditions", missing="Say what has to be done.", longest=1_000)
    if wish.due_at <= timezone.now():
        raise Invalid(fields={"conditions": ["A condition is due in the future."]})
    if not wish.owner.is_active or not can_see(wish.owner, review.document):
        raise Invalid(
            fields={"conditions": [f"{wish.owner.get_username()} cannot see this; name somebody who can."]}
        )
    condition = ReviewCondition.objects.create(
        judgement=judgement, review=review, text=text, owner=wish.owner, due_at=wish.due_at
    )
    publish(
        ConditionSet(
            condition=condition,
            text=text,
            owner=wish.owner.get_username(),
            due_at=wish.due_at.astimezone(UTC).isoformat(),
            by=by,
        )
    )


def _retire(review: Review, reason: str, by: User) -> None:
    review.state, review.retired_because, review.ended_at = State.RETIRED, reason, timezone.now()
    review.save(update_fields=["state", "retired_because", "ended_at"])
    publish(ReviewRetired(review=review, reason=reason, by=by))


def _close(review: Review, state: str) -> None:
    """Compare and set: of two who click at once, one wins and the other is told."""
    closed = Review.objects.filter(pk=review.pk, state=State.IN_REVIEW).update(
        state=state, closed_at=timezone.now()
    )
    if not closed:
        raise Conflict("This review is closed already.")


def _whole(review: Review) -> Review:
    return Review.objects.with_subject().get(pk=review.pk)


def _reassess(review: Review, by: User) -> None:
    if review.document.version:
        recompute(versions=[review.document.version], by=by)
