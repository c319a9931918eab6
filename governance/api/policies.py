"""Access policies: read what is in force, publish the next version on top of what was read."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance import policies
from governance.access.replay import replay
from governance.actions import policies as verbs
from governance.models import Policy, PolicyVersion, Token
from governance.policies.words import QUOTA_SPANS
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Environment, Model
from registry.permissions import require

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


class OnePolicy(Door):
    """The policy of a model in an environment."""

    kind = Policy
    needs = ""
    serializer_class = PolicyOut

    @described("policies_read", "Read an access policy", "policies", {200: PolicyOut}, parameters=[ETAG])
    def get(self, request: Request, slug: str, environment: str) -> Response:
        """The rules in force, with their digest as ETag."""
        in_force = self._in_force(slug, environment)
        if in_force is None:
            raise Http404
        return tagged(PolicyOut(in_force).data, in_force.digest)

    @described(
        "policies_publish",
        "Publish an access policy",
        "policies",
        {200: PolicyOut, 201: PolicyOut},
        declines=(*WRITE, 412, 428),
        request=PolicyIn,
        parameters=[ETAG, IF_MATCH],
    )
    def put(self, request: Request, slug: str, environment: str) -> Response:
        """Put rules in force as the next version; send the ETag you have read as If-Match. Holds with the next query."""
        model = self.one(Model.objects.visible_to(self.user), slug=slug)
        before = self._in_force(slug, environment)
        require(self.user, "governance.publish_policy", on=model)
        given = self.given(PolicyIn)
        agree(request, before.digest if before else "")
        version = verbs.publish(
            model=model,
            environment=environment,
            content={"schema": policies.SCHEMA, **plain(given)},
            on_top_of=before.number if before else 0,
            by=self.user,
        )
        return tagged(PolicyOut(version).data, version.digest, status=200 if before else 201)

    def _in_force(self, slug: str, environment: str) -> PolicyVersion | None:
        if environment not in Environment.values:
            raise Http404
        rows = self.get_queryset().select_related("in_force__by", "in_force__policy__model")
        found = rows.filter(model__slug=slug, environment=environment).first()
        return found.in_force if found else None


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


class Replayed(Door):
    """Rules that are tried on the last decisions. Nothing is changed."""

    kind = Policy
    needs = "governance.publish_policy"
    serializer_class = ReplayOut

    @described(
        "policies_replay",
        "Try rules on past decisions",
        "policies",
        {200: ReplayOut},
        declines=WRITE,
        request=PolicyIn,
    )
    def post(self, request: Request, slug: str, environment: str) -> Response:
        """Which of the last 1000 decisions would flip if these rules were in force. Nothing is changed."""
        model = self.one(Model.objects.visible_to(self.user), slug=slug)
        if environment not in Environment.values:
            raise Http404
        content = {"schema": policies.SCHEMA, **plain(self.given(PolicyIn))}
        if problems := verbs.faults(model, content):
            raise Invalid(fields=problems)
        return Response(ReplayOut(replay(model, environment, content)).data)
