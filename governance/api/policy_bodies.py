"""The bodies of access policies: what is sent, what is answered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from governance import policies
from governance.models import PolicyVersion, Token
from governance.policies.words import QUOTA_SPANS
from registry.api.bodies import In
from registry.models import Environment

RULES = [{"effect": "allow", "subjects": ["group:owner", "user:scoring"], "actions": ["predict"]}]
POLICY = {
    "model": "credit-risk",
    "environment": "production",
    "number": 2,
    "digest": "a41f" * 16,
    "rules": RULES,
    "tests": [],
    "sentences": ["Everybody with the role owner and the account scoring may predict."],
    "by": "owner",
    "published_at": "2026-11-21T10:00:00Z",
}


class HoursParts(serializers.Serializer[Any]):
    """Some days of the week, from one time of day until another, by the clock of a zone; over midnight if it ends first."""

    days = serializers.ListField(child=serializers.ChoiceField(choices=policies.DAYS), max_length=7)
    to = serializers.CharField(max_length=5, help_text="18:00, or 24:00.")
    zone = serializers.CharField(max_length=64, help_text="Such as Europe/Berlin.")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField(max_length=5, help_text="08:00.")}


class HoursIn(In, HoursParts):
    """As above."""


RATE_SPANS = tuple(policies.RATE_SECONDS)


class RateIn(In):
    """So often a second, minute or hour, counted for each account; the whole limit may come at once."""

    limit = serializers.IntegerField(min_value=1, max_value=1_000_000_000)
    per = serializers.ChoiceField(choices=RATE_SPANS)


class QuotaIn(In):
    """So often in a day or month of a zone, counted for each account."""

    limit = serializers.IntegerField(min_value=1, max_value=1_000_000_000)
    per = serializers.ChoiceField(choices=QUOTA_SPANS)
    zone = serializers.CharField(max_length=64)


class RuleIn(In):
    """One rule. Default deny; an explicit deny wins. Every condition that is given must hold."""

    effect = serializers.ChoiceField(choices=policies.EFFECTS)
    subjects = serializers.ListField(
        child=serializers.CharField(max_length=160),
        max_length=100,
        help_text='"user:NAME", "group:NAME" or "service:NAME".',
    )
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=Token.Action.choices), max_length=10
    )
    purposes = serializers.ListField(
        child=serializers.CharField(max_length=80),
        max_length=100,
        required=False,
        help_text="Intended uses of the approved cards; a query names one in the header Cardinal-Purpose.",
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=49), max_length=100, required=False, help_text="CIDR."
    )
    hours = serializers.ListField(child=HoursIn(), max_length=100, required=False)
    valid_from = serializers.CharField(required=False, max_length=40, help_text="A time with its zone.")
    valid_until = serializers.CharField(required=False, max_length=40, help_text="A time with its zone.")
    rate = RateIn(required=False)
    quota = QuotaIn(required=False)
    max_payload_bytes = serializers.IntegerField(required=False, min_value=1, max_value=1_073_741_824)


class TrialIn(In):
    """A test case: it is run before the policy is published, and refuses when it fails."""

    name = serializers.CharField(max_length=120)
    who = serializers.CharField(max_length=160, help_text='"user:NAME" or "service:NAME".')
    groups = serializers.ListField(
        child=serializers.CharField(max_length=150), max_length=100, required=False
    )
    action = serializers.ChoiceField(choices=Token.Action.choices)
    at = serializers.CharField(max_length=40, help_text="A time with its zone.")
    network = serializers.CharField(required=False, max_length=45)
    purpose = serializers.CharField(required=False, max_length=80)
    payload_bytes = serializers.IntegerField(required=False, min_value=0, max_value=1_073_741_824)
    expect = serializers.ChoiceField(choices=policies.EFFECTS)
    code = serializers.CharField(
        required=False, max_length=40, help_text="A reason code among those of the denial."
    )


@extend_schema_serializer(examples=[OpenApiExample("Who may predict", value={"rules": RULES})])
class PolicyIn(In):
    """The rules of the next version, and its test cases."""

    rules = serializers.ListField(child=RuleIn(), max_length=200)
    tests = serializers.ListField(child=TrialIn(), max_length=200, required=False)


def plain(value: Any) -> Any:
    """Plain dictionaries and lists, as they came."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class RuleOut(serializers.Serializer[Any]):
    """One rule, as it is in force."""

    effect = serializers.CharField()
    subjects = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    purposes = serializers.ListField(child=serializers.CharField(), required=False)
    networks = serializers.ListField(child=serializers.CharField(), required=False)
    hours = HoursParts(many=True, required=False)
    valid_from = serializers.CharField(required=False)
    valid_until = serializers.CharField(required=False)
    rate = RateIn(required=False)
    quota = QuotaIn(required=False)
    max_payload_bytes = serializers.IntegerField(required=False)


@extend_schema_serializer(examples=[OpenApiExample("A policy", value=POLICY, response_only=True)])
class PolicyOut(serializers.ModelSerializer[PolicyVersion]):
    """The policy in force."""

    model = serializers.CharField(source="policy.model.slug")
    environment = serializers.ChoiceField(choices=Environment.choices, source="policy.environment")
    rules = RuleOut(many=True, source="content.rules")
    tests = serializers.SerializerMethodField(help_text="The test cases that were run when it was published.")
    sentences = serializers.SerializerMethodField(help_text="The rules for people.")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = PolicyVersion
        fields = [
            "model",
            "environment",
            "number",
            "digest",
            "rules",
            "tests",
            "sentences",
            "by",
            "published_at",
        ]

    @extend_schema_field(TrialIn(many=True))
    def get_tests(self, version: PolicyVersion) -> list[Any]:
        return list(version.content.get("tests", []))

    def get_sentences(self, version: PolicyVersion) -> list[str]:
        return policies.sentences(version.content)


class PolicyFilter(serializers.Serializer[Any]):
    """Which policies."""

    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug of a model."
    )
    environment = serializers.ChoiceField(choices=Environment.choices, required=False, allow_blank=True)


class FlipOut(serializers.Serializer[Any]):
    """Decisions on one caller and action that would come out differently."""

    caller = serializers.CharField()
    action = serializers.CharField()
    becomes = serializers.ChoiceField(choices=["allowed", "denied", "unclear"])
    count = serializers.IntegerField()
    codes = serializers.ListField(child=serializers.CharField(), help_text="Reasons of the denial.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A rule that shuts somebody out",
            value={
                "total": 40,
                "same": 37,
                "skipped": 0,
                "to_denied": 3,
                "to_allowed": 0,
                "unclear": 0,
                "flips": [
                    {
                        "caller": "scoring",
                        "action": "predict",
                        "becomes": "denied",
                        "count": 3,
                        "codes": ["policy_network"],
                    }
                ],
            },
            response_only=True,
        )
    ]
)
class ReplayOut(serializers.Serializer[Any]):
    """What would flip if these rules were in force, among the last 1000 decisions. Groups are those of now."""

    total = serializers.IntegerField()
    same = serializers.IntegerField(help_text="Come out alike.")
    skipped = serializers.IntegerField(help_text="Never came to a policy.")
    to_denied = serializers.IntegerField()
    to_allowed = serializers.IntegerField()
    unclear = serializers.IntegerField(help_text="Cannot be told from what was kept.")
    flips = FlipOut(many=True)
