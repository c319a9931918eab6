"""Reviews: other people's judgement on one revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from registry import canonical
from registry.models import Document

if TYPE_CHECKING:
    from registry.models import User


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(document__in=Document.objects.visible_to(user))

    def open(self) -> Self:
        """Reviews that wait for a judgement."""
        return self.filter(state=Review.State.IN_REVIEW)

    def awaiting(self, user: User) -> Self:
        """Open reviews that `user` may judge: visible, and neither submitted nor written by them."""
        own = Document.objects.filter(revisions__by=user)
        return self.visible_to(user).open().exclude(submitted_by=user).exclude(document__in=own)

    def with_subject(self) -> Self:
        """Everything a row or a page about a review names, in one query."""
        return self.select_related(
            "submitted_by", "revision__by", "document__version__model", "document__dataset"
        )


class Review(models.Model):
    """A judgement asked for on exactly one revision, by digest, together with the `basis` it stands on.

    `basis` is canonical JSON of what else was true when the review was asked for: the artifact's digest, the digests
    of the training data's datasheets, the risk class. An approval holds only while all of it is still so.
    Triggers (migration 0003) refuse an approval without an independent judgement, and any change of what was judged.
    """

    class State(models.TextChoices):
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        WITHDRAWN = "withdrawn", "Withdrawn"

    document = models.ForeignKey("registry.Document", on_delete=models.PROTECT, related_name="reviews")
    revision = models.ForeignKey("registry.Revision", on_delete=models.PROTECT, related_name="reviews")
    digest = models.CharField(max_length=64)
    basis = models.BinaryField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.IN_REVIEW)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"], condition=Q(state="in_review"), name="review_one_open_per_document"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["in_review", "approved", "changes_requested", "withdrawn"]),
                name="review_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="in_review", closed_at__isnull=True)
                | (~Q(state="in_review") & Q(closed_at__isnull=False)),
                name="review_closed_with_a_time",
            ),
        ]
        permissions = [
            ("submit_review", "Can ask for a review"),
            ("judge_review", "Can judge a revision"),
        ]

    def __str__(self) -> str:
        return f"review of {self.revision}"

    @property
    def basis_facts(self) -> dict[str, Any]:
        """What the judgement stands on."""
        facts: dict[str, Any] = canonical.parse(self.basis)
        return facts

    def get_absolute_url(self) -> str:
        return reverse("review", args=[self.pk])

    def kin(self) -> list[models.Model]:
        return [self, *self.revision.kin()]


class Judgement(models.Model):
    """One person's judgement in a review. Made once, never changed; never by an author or the submitter."""

    class Outcome(models.TextChoices):
        APPROVE = "approve", "Approve"
        REQUEST_CHANGES = "request_changes", "Request changes"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="judgements")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    comment = models.TextField(blank=True)
    digest = models.CharField(max_length=64)  # what the judge saw; must equal the review's
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "by"], name="judgement_once_per_person"),
            models.CheckConstraint(
                condition=Q(outcome="approve") | (Q(outcome="request_changes") & ~Q(comment="")),
                name="judgement_against_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} by {self.by}"
