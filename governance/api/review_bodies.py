"""What comes in and goes out about reviews."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from governance.models import Judgement, Review, ReviewCondition
from governance.reviews import wanted
from registry.api.bodies import In
from registry.documents.strictness import CLASSES
from registry.models import User

RULE = {
    "schema": "cardinal/review-rule/1",
    "risk_class": "high",
    "approvers": 2,
    "roles": ["reviewer", "compliance"],
    "checklist": [{"key": "card_read", "text": "I have read the whole card."}],
    "max_age_days": 365,
    "again_after_days": 300,
    "step_up": True,
}
CONDITION = {
    "id": 3,
    "text": "Measure the groups again.",
    "owner": "owner",
    "due_at": "2027-03-01T12:00:00Z",
    "extended_because": "",
    "fulfilled_at": None,
    "fulfilled_by": None,
    "note": "",
}
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
    "rule": RULE,
    "wanted": ["reviewer", "compliance"],
    "due_at": None,
    "ends_at": None,
    "stale_codes": "",
    "retired_because": "",
    "ended_at": None,
    "judgements": [],
    "conditions": [],
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


class ConditionIn(In):
    """A condition of an approval."""

    text = serializers.CharField(max_length=1_000, help_text="What has to be done.")
    owner = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True, kind=User.Kind.PERSON),
        help_text="Who does it: the name of an account.",
    )
    due_at = serializers.DateTimeField(help_text="From then on an unfulfilled condition ends the clearance.")


JUDGED = {
    "outcome": "approve",
    "digest": "3b1c" * 16,
    "role": "reviewer",
    "checked": ["card_read"],
    "conditions": [{"text": "Measure the groups again.", "owner": "owner", "due_at": "2027-03-01T12:00:00Z"}],
    "password": "…",
    "code": "123456",
}


@extend_schema_serializer(examples=[OpenApiExample("Approve, on a condition, signed", value=JUDGED)])
class JudgementIn(In):
    """A judgement on exactly what was read. Password and code sign it where the rule asks for that; neither is kept."""

    outcome = serializers.ChoiceField(choices=Judgement.Outcome.choices)
    digest = serializers.CharField(max_length=64, help_text="The digest of what you have read.")
    comment = serializers.CharField(
        required=False, allow_blank=True, max_length=5000, help_text="Needed when you ask for changes."
    )
    role = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=150,
        help_text="Under which of your roles; else the one that is asked for first.",
    )
    checked = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        max_length=50,
        help_text="Keys of the rule's checklist. An approval ticks all of them.",
    )
    conditions = serializers.ListField(
        child=ConditionIn(), required=False, max_length=20, help_text="With an approval."
    )
    password = serializers.CharField(
        required=False, max_length=200, trim_whitespace=False, write_only=True, help_text="Signs. Never kept."
    )
    code = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=8,
        write_only=True,
        help_text="One-time code, when you have enrolled a second factor.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Why", value={"reason": "The figures were mistaken."})])
class ReasonIn(In):
    """Why."""

    reason = serializers.CharField(max_length=500)


@extend_schema_serializer(examples=[OpenApiExample("How", value={"note": "I read the new table."})])
class NoteIn(In):
    """How one knows."""

    note = serializers.CharField(max_length=1_000)


@extend_schema_serializer(
    examples=[
        OpenApiExample("More time", value={"due_at": "2027-04-01T12:00:00Z", "reason": "The data came late."})
    ]
)
class MoreTimeIn(In):
    """Until when, and why."""

    due_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=1_000)


class JudgementOut(serializers.ModelSerializer[Judgement]):
    """One person's judgement under one role. Signed where the rule asks for it."""

    by = serializers.CharField(source="by.username")
    in_place_of = serializers.CharField(
        source="in_place_of.username",
        default=None,
        allow_null=True,
        help_text="Who was asked and was away, where `by` stood in.",
    )

    class Meta:
        model = Judgement
        fields = [
            "outcome", "role", "checked", "comment", "digest", "meaning", "method", "signed_digest", "signed_at",
            "by", "in_place_of", "made_at",
        ]  # fmt: skip
        extra_kwargs = {
            "meaning": {"help_text": "The sentence that was signed."},
            "method": {"help_text": "How: password, or password+totp. Empty when it was not signed."},
            "signed_digest": {"help_text": "Binds the sentence to what was judged, by whom, when and how."},
        }


@extend_schema_serializer(examples=[OpenApiExample("A condition", value=CONDITION, response_only=True)])
class ConditionOut(serializers.ModelSerializer[ReviewCondition]):
    """A condition of an approval."""

    owner = serializers.CharField(source="owner.username")
    fulfilled_by = serializers.CharField(source="fulfilled_by.username", default=None, allow_null=True)

    class Meta:
        model = ReviewCondition
        fields = ["id", "text", "owner", "due_at", "extended_because", "fulfilled_at", "fulfilled_by", "note"]


class ReviewItemOut(serializers.Serializer[Any]):
    """A point of a checklist."""

    key = serializers.CharField(max_length=40)
    text = serializers.CharField(max_length=300)


@extend_schema_serializer(examples=[OpenApiExample("A rule", value=RULE, response_only=True)])
class ReviewRuleOut(serializers.Serializer[Any]):
    """What an approval needs."""

    schema = serializers.CharField()
    risk_class = serializers.ChoiceField(choices=CLASSES)
    approvers = serializers.IntegerField()
    roles = serializers.ListField(child=serializers.CharField())
    checklist = serializers.ListField(child=ReviewItemOut())
    max_age_days = serializers.IntegerField()
    again_after_days = serializers.IntegerField()
    step_up = serializers.BooleanField(help_text="Whether a judgement is signed with the password.")
    threads_resolved = serializers.BooleanField(
        default=False, help_text="Whether nobody approves while a thread is open."
    )


@extend_schema_serializer(examples=[OpenApiExample("A review", value=REVIEW, response_only=True)])
class ReviewOut(serializers.ModelSerializer[Review]):
    """A review of exactly one revision."""

    kind = serializers.ChoiceField(choices=["card", "datasheet"], source="document.kind")
    model = serializers.CharField(source="document.version.model.slug", default=None, allow_null=True)
    version = serializers.IntegerField(source="document.version.number", default=None, allow_null=True)
    dataset = serializers.CharField(source="document.dataset.slug", default=None, allow_null=True)
    revision = serializers.IntegerField(source="revision.number")
    submitted_by = serializers.CharField(source="submitted_by.username")
    rule = ReviewRuleOut(help_text="As it was in force at the submission.")
    wanted = serializers.SerializerMethodField(
        help_text="Roles in which somebody still has to approve; “” for any."
    )
    due_at = serializers.DateTimeField(allow_null=True, help_text="When the next review is due.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="When age alone ends the approval.")
    judgements = JudgementOut(many=True)
    conditions = ConditionOut(many=True)

    class Meta:
        model = Review
        fields = [
            "id", "kind", "model", "version", "dataset", "revision", "digest", "state",
            "submitted_by", "submitted_at", "closed_at", "rule", "wanted", "due_at", "ends_at",
            "stale_codes", "retired_because", "ended_at", "judgements", "conditions",
        ]  # fmt: skip

    def get_wanted(self, review: Review) -> list[str]:
        """From the judgements that are loaded already."""
        if review.state != Review.State.IN_REVIEW:
            return []
        signed = [one.role for one in review.judgements.all() if one.outcome == Judgement.Outcome.APPROVE]
        return list(wanted(review.frozen_rule, signed))
