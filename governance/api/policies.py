"""Access policies: read what is in force, publish the next version on top of what was read."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance import policies
from governance.actions import policies as verbs
from governance.models import Policy, PolicyVersion
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import WRITE, described
from registry.models import Environment, Model
from registry.permissions import require

RULES = [{"effect": "allow", "subjects": ["group:owner", "user:scoring"], "actions": ["predict"]}]
POLICY = {
    "model": "credit-risk",
    "environment": "production",
    "number": 2,
    "digest": "a41f" * 16,
    "rules": RULES,
    "sentences": ["Members of the group owner and scoring may predict."],
    "by": "owner",
    "published_at": "2026-11-21T10:00:00Z",
}


class RuleIn(In):
    """One rule. Default deny; an explicit deny wins."""

    effect = serializers.ChoiceField(choices=policies.EFFECTS)
    subjects = serializers.ListField(
        child=serializers.CharField(max_length=160), max_length=100, help_text='"user:NAME" or "group:NAME".'
    )
    actions = serializers.ListField(child=serializers.ChoiceField(choices=policies.ACTIONS), max_length=10)
    valid_from = serializers.CharField(required=False, max_length=40, help_text="A time with its zone.")
    valid_until = serializers.CharField(required=False, max_length=40, help_text="A time with its zone.")


@extend_schema_serializer(examples=[OpenApiExample("Who may predict", value={"rules": RULES})])
class PolicyIn(In):
    """The rules of the next version."""

    rules = serializers.ListField(child=RuleIn(), max_length=100)


class RuleOut(serializers.Serializer[Any]):
    """One rule, as it is in force."""

    effect = serializers.CharField()
    subjects = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    valid_from = serializers.CharField(required=False)
    valid_until = serializers.CharField(required=False)


@extend_schema_serializer(examples=[OpenApiExample("A policy", value=POLICY, response_only=True)])
class PolicyOut(serializers.ModelSerializer[PolicyVersion]):
    """The policy in force."""

    model = serializers.CharField(source="policy.model.slug")
    environment = serializers.ChoiceField(choices=Environment.choices, source="policy.environment")
    rules = RuleOut(many=True, source="content.rules")
    sentences = serializers.SerializerMethodField(help_text="The rules for people.")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = PolicyVersion
        fields = ["model", "environment", "number", "digest", "rules", "sentences", "by", "published_at"]

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
        rules = self.given(PolicyIn)["rules"]
        agree(request, before.digest if before else "")
        version = verbs.publish(
            model=model,
            environment=environment,
            content={"schema": policies.SCHEMA, "rules": [dict(rule) for rule in rules]},
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
