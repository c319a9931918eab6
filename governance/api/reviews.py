"""Reviews: ask for one, read them, judge one."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import conditions
from governance.actions import reviews as verbs
from governance.api.review_bodies import (
    ConditionOut,
    JudgementIn,
    MoreTimeIn,
    NoteIn,
    ReasonIn,
    ReviewFilter,
    ReviewOut,
    SubmitIn,
)
from governance.models import Judgement, Review, ReviewCondition
from governance.signing import prove
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Revision
from registry.permissions import require


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
        """Approve, or ask for changes. Refused to whoever wrote or submitted it: four eyes.

        The review is approved with the last sign-off that its rule asks for; `wanted` says which are missing.
        """
        rows = Review.objects.visible_to(self.user).with_subject()
        review, given = self.one(rows, pk=pk), self.given(JudgementIn)
        proof = None
        if given.get("password") or given.get("code"):
            require(self.user, "governance.judge_review", on=review.document)
            proof = prove(
                by=self.user,
                password=given.get("password", ""),
                code=given.get("code", ""),
                subject=review,
            )
        said = {
            "review": review,
            "digest": given["digest"],
            "comment": given.get("comment", ""),
            "role": given.get("role", ""),
            "proof": proof,
        }
        if given["outcome"] == Judgement.Outcome.APPROVE:
            wishes = [verbs.Wish(**one) for one in given.get("conditions", ())]
            judged = verbs.approve(**said, checked=given.get("checked", ()), conditions=wishes, by=self.user)
        else:
            judged = verbs.request_changes(**said, by=self.user)
        return Response(ReviewOut(judged).data)


class Retirement(Door):
    """The end of an approval."""

    kind = Review
    needs = ""
    serializer_class = ReviewOut

    @described(
        "reviews_retire",
        "Take an approval away",
        "reviews",
        {200: ReviewOut},
        declines=WRITE,
        request=ReasonIn,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Retire an approval, with a reason. The clearance that rests on it ends within a second."""
        review = self.one(Review.objects.visible_to(self.user).with_subject(), pk=pk)
        return Response(
            ReviewOut(verbs.retire(review=review, reason=self.given(ReasonIn)["reason"], by=self.user)).data
        )


class Confirmation(Door):
    """Whether a condition is fulfilled."""

    kind = Review
    needs = ""
    serializer_class = ConditionOut

    @described(
        "conditions_fulfil",
        "Confirm that a condition is fulfilled",
        "reviews",
        {200: ConditionOut},
        declines=WRITE,
        request=NoteIn,
    )
    def post(self, request: Request, pk: int, condition: int) -> Response:
        """Confirm it, saying how you know. A judge does, and never its owner."""
        held = _condition(self, pk, condition)
        settled = conditions.fulfil(condition=held, note=self.given(NoteIn)["note"], by=self.user)
        return Response(ConditionOut(settled).data)


class Extension(Door):
    """More time for a condition."""

    kind = Review
    needs = ""
    serializer_class = ConditionOut

    @described(
        "conditions_extend",
        "Give a condition more time",
        "reviews",
        {200: ConditionOut},
        declines=WRITE,
        request=MoreTimeIn,
    )
    def post(self, request: Request, pk: int, condition: int) -> Response:
        """Give it more time, with a reason. A judge does, and never its owner."""
        held = _condition(self, pk, condition)
        return Response(
            ConditionOut(conditions.extend(condition=held, **self.given(MoreTimeIn), by=self.user)).data
        )


def _condition(door: Door, pk: int, condition: int) -> ReviewCondition:
    rows = ReviewCondition.objects.filter(review__in=door.get_queryset(), review=pk)
    held: ReviewCondition = door.one(rows.select_related("review__document", "owner"), pk=condition)
    return held


def _with_parts(found: QuerySet[Review]) -> QuerySet[Review]:
    judgements = Judgement.objects.select_related("by", "in_place_of").order_by("made_at", "pk")
    held = ReviewCondition.objects.select_related("owner", "fulfilled_by").order_by("due_at", "pk")
    rows: QuerySet[Review] = found.with_subject()  # type: ignore[attr-defined]
    return rows.prefetch_related(Prefetch("judgements", judgements), Prefetch("conditions", held))
