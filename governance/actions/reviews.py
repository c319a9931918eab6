"""Reviews: ask for one, judge one, take it back. Four eyes, always."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.actions.clearances import basis_of, recompute
from governance.clearance import Basis
from governance.events import ChangesRequested, ReviewApproved, ReviewSubmitted, ReviewWithdrawn
from governance.models import Judgement, Review
from governance.permissions import may_judge
from registry import canonical
from registry.documents import lint
from registry.documents.strictness import strictness_of
from registry.errors import Conflict, Invalid, Refused
from registry.events import publish
from registry.models import Document, Revision, User
from registry.permissions import require
from registry.wording import required, within

State = Review.State


@transaction.atomic
def submit(*, revision: Revision, by: User) -> Review:
    """Ask for a review of `revision`, which must be the latest of its document and have no blocking finding."""
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
def approve(*, review: Review, digest: str, comment: str = "", by: User) -> Review:
    """Approve the revision with this digest. Refused to its authors and its submitter."""
    within(comment, field="comment")
    judged = _judge(review, Judgement.Outcome.APPROVE, digest, comment, by)
    publish(ReviewApproved(review=judged, digest=judged.digest, comment=comment, by=by))
    _reassess(judged, by)
    return judged


@transaction.atomic
def request_changes(*, review: Review, digest: str, comment: str, by: User) -> Review:
    """Send the revision back, saying what has to change."""
    said = required(comment, field="comment", missing="Say what has to change.")
    judged = _judge(review, Judgement.Outcome.REQUEST_CHANGES, digest, said, by)
    publish(ChangesRequested(review=judged, digest=judged.digest, comment=said, by=by))
    _reassess(judged, by)
    return judged


@transaction.atomic
def withdraw(*, review: Review, by: User) -> Review:
    """Take back what one has submitted."""
    require(by, "governance.submit_review", on=review.document)
    if review.submitted_by_id != by.pk:
        raise Conflict("Only the person who submitted it can take it back.")
    _close(review, State.WITHDRAWN)
    publish(ReviewWithdrawn(review=review, by=by))
    _reassess(review, by)
    return review


def _refuse_blocking(document: Document, revision: Revision) -> None:
    """Raise `Invalid` naming each field with a blocking finding, as the page shows them."""
    refused: dict[str, list[str]] = {}
    for one in lint.blocking(lint.inspect(document.kind, revision.content, strictness_of(document.about))):
        refused.setdefault(one.path, []).append(f"{one.label}: {one.sentence}")
    if refused:
        raise Invalid(fields=refused)


def _judge(review: Review, outcome: str, digest: str, comment: str, by: User) -> Review:
    require(by, "governance.judge_review", on=review.document)
    verdict = may_judge(by, review)
    if not verdict:
        raise Refused(verdict, action="governance.judge_review", subject=review)
    locked = Review.objects.select_for_update().get(pk=review.pk)
    if locked.state != State.IN_REVIEW:
        raise Conflict(f"This review was closed a moment ago: {locked.get_state_display().lower()}.")
    if digest != locked.digest:
        raise Conflict("What you saw is not what is under review. Load the page again.")
    version = review.document.version
    if outcome == Judgement.Outcome.APPROVE and version and Basis.of(locked.basis_facts) != basis_of(version):
        raise Conflict(
            "The files, a datasheet or the risk class changed since this was submitted. Ask for it to be submitted again."
        )
    Judgement.objects.create(review=locked, outcome=outcome, comment=comment, digest=digest, by=by)
    _close(locked, State.APPROVED if outcome == Judgement.Outcome.APPROVE else State.CHANGES_REQUESTED)
    return Review.objects.with_subject().get(pk=review.pk)


def _close(review: Review, state: str) -> None:
    """Compare and set: of two who click at once, one wins and the other is told."""
    closed_at = timezone.now()
    if not Review.objects.filter(pk=review.pk, state=State.IN_REVIEW).update(
        state=state, closed_at=closed_at
    ):
        raise Conflict("This review is closed already.")
    review.state, review.closed_at = state, closed_at


def _reassess(review: Review, by: User) -> None:
    if review.document.version:
        recompute(versions=[review.document.version], by=by)
