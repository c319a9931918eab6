"""Reviews: ask for one, read them, judge one."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import reviews as verbs
from governance.models import Judgement, Review
from registry.api.bodies import In
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Revision

REVIEW = {
    "id": 12,
    "kind": "card",
    "model": "credit-risk",
    "version": 3,
    "dataset": None,
    "revision": 4,
    "digest": "3b1c" * 16,
    "state": "in_review",
    "submitted_by": "owner",
    "submitted_at": "2026-11-21T09:40:00Z",
    "closed_at": None,
    "judgements": [],
}


class ReviewFilter(serializers.Serializer[Any]):
    """Which reviews."""

    state = serializers.ChoiceField(choices=Review.State.choices, required=False, allow_blank=True)
    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug of a model."
    )


@extend_schema_serializer(examples=[OpenApiExample("The latest revision", value={"digest": "3b1c" * 16})])
class SubmitIn(In):
    """What should be reviewed."""

    digest = serializers.RegexField(
        r"^[0-9a-f]{64}$",
        required=False,
        help_text="The revision you mean. Refused when there is a newer one.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Approve", value={"outcome": "approve", "digest": "3b1c" * 16, "comment": ""})]
)
class JudgementIn(In):
    """A judgement on exactly what was read."""

    outcome = serializers.ChoiceField(choices=Judgement.Outcome.choices)
    digest = serializers.CharField(max_length=64, help_text="The digest of what you have read.")
    comment = serializers.CharField(
        required=False, allow_blank=True, max_length=5000, help_text="Needed when you ask for changes."
    )


class JudgementOut(serializers.ModelSerializer[Judgement]):
    """One person's judgement."""

    by = serializers.CharField(source="by.username")

    class Meta:
        model = Judgement
        fields = ["outcome", "comment", "digest", "by", "made_at"]


@extend_schema_serializer(examples=[OpenApiExample("A review", value=REVIEW, response_only=True)])
class ReviewOut(serializers.ModelSerializer[Review]):
    """A review of exactly one revision."""

    kind = serializers.ChoiceField(choices=["card", "datasheet"], source="document.kind")
    model = serializers.CharField(source="document.version.model.slug", default=None, allow_null=True)
    version = serializers.IntegerField(source="document.version.number", default=None, allow_null=True)
    dataset = serializers.CharField(source="document.dataset.slug", default=None, allow_null=True)
    revision = serializers.IntegerField(source="revision.number")
    submitted_by = serializers.CharField(source="submitted_by.username")
    judgements = JudgementOut(many=True)

    class Meta:
        model = Review
        fields = [
            "id", "kind", "model", "version", "dataset", "revision", "digest", "state",
            "submitted_by", "submitted_at", "closed_at", "judgements",
        ]  # fmt: skip


class Reviews(Listing):
    """Every visible review, newest first."""

    kind = Review
    needs = ""
    order = "-submitted_at"
    serializer_class = ReviewOut

    @described(
        "reviews_list",
        "List reviews",
        "reviews",
        {200: ReviewOut(many=True)},
        declines=(400, 401),
        parameters=[ReviewFilter],
    )
    def get(self, request: Request) -> Response:
        """Reviews of what is shared with you, newest first."""
        found, chosen = _with_parts(self.get_queryset()), self.chosen(ReviewFilter)
        if state := chosen.get("state"):
            found = found.filter(state=state)
        if model := chosen.get("model"):
            found = found.filter(document__version__model__slug=model)
        return self.rows(found)


class OneReview(Door):
    """A review by its number."""

    kind = Review
    needs = ""
    serializer_class = ReviewOut

    @described("reviews_read", "Read a review", "reviews", {200: ReviewOut})
    def get(self, request: Request, pk: int) -> Response:
        """One review with its judgements."""
        return Response(ReviewOut(self.one(_with_parts(self.get_queryset()), pk=pk)).data)


class Submit(Door):
    """The reviews of a version's card."""

    kind = Revision
    needs = ""
    serializer_class = ReviewOut

    @described(
        "reviews_submit", "Ask for a review", "reviews", {201: ReviewOut}, declines=WRITE, request=SubmitIn
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Ask for a review of the card's latest revision, or of the one with `digest` if it is still the latest."""
        about = visible_version(self.user, slug, number)
        written = (
            self.get_queryset().filter(document__version=about).select_related("document__version__model")
        )
        if digest := self.given(SubmitIn).get("digest"):
            written = written.filter(digest=digest)
        revision = written.order_by("-number").first()
        if revision is None:
            raise Invalid(
                fields={"digest": ["There is no such revision of the card. Save one, then submit it."]}
            )
        review = verbs.submit(revision=revision, by=self.user)
        there = reverse("api-review", args=[review.pk])
        return Response(ReviewOut(review).data, status=201, headers={"Location": there})


class Judge(Door):
    """The judgement in a review."""

    kind = Review
    needs = ""
    serializer_class = ReviewOut

    @described(
        "reviews_judge", "Judge a revision", "reviews", {200: ReviewOut}, declines=WRITE, request=JudgementIn
    )
    def post(self, request: Request, pk: int) -> Response:
        """Approve, or ask for changes. Refused to whoever wrote or submitted it: four eyes."""
        rows = Review.objects.visible_to(self.user).with_subject()
        review, given = self.one(rows, pk=pk), self.given(JudgementIn)
        verb = verbs.approve if given["outcome"] == Judgement.Outcome.APPROVE else verbs.request_changes
        judged = verb(review=review, digest=given["digest"], comment=given.get("comment", ""), by=self.user)
        return Response(ReviewOut(judged).data)


def _with_parts(found: QuerySet[Review]) -> QuerySet[Review]:
    judgements = Judgement.objects.select_related("by").order_by("made_at", "pk")
    rows: QuerySet[Review] = found.with_subject()  # type: ignore[attr-defined]
    return rows.prefetch_related(Prefetch("judgements", judgements))
