"""What an approval needs: read every rule, decide one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import review_rules as verbs
from governance.api.review_bodies import RULE, ReviewRuleOut
from governance.models import ReviewRuleDecision, rules_in_force
from governance.reviews import LONGEST_AGE, MOST_APPROVERS, Item, Rule
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.problems import described

DECIDED = {key: value for key, value in RULE.items() if key not in ("schema", "risk_class")} | {
    "rationale": "Policy 4 asks for two pairs of eyes."
}


class ReviewItemIn(In):
    """A point of the checklist."""

    key = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", help_text="Stable; a judgement names it.")
    text = serializers.CharField(max_length=300, help_text="The sentence that is ticked.")


@extend_schema_serializer(examples=[OpenApiExample("Decide", value=DECIDED)])
class ReviewRuleIn(In):
    """A decision about the whole rule of a risk class."""

    approvers = serializers.IntegerField(min_value=1, max_value=MOST_APPROVERS)
    roles = serializers.ListField(
        child=serializers.CharField(max_length=150),
        max_length=MOST_APPROVERS,
        help_text="One different person for each; the others sign in any role that judges.",
    )
    checklist = serializers.ListField(child=ReviewItemIn(), max_length=20)
    max_age_days = serializers.IntegerField(min_value=1, max_value=LONGEST_AGE)
    again_after_days = serializers.IntegerField(min_value=1, max_value=LONGEST_AGE)
    step_up = serializers.BooleanField()
    threads_resolved = serializers.BooleanField(
        required=False, help_text="Whether nobody approves while a thread is open. Else not."
    )
    rationale = serializers.CharField(max_length=5000, help_text="It stands in the trail.")


@extend_schema_serializer(
    many=False, examples=[OpenApiExample("Rules", value={"rules": [RULE]}, response_only=True)]
)
class ReviewRulesOut(serializers.Serializer[Any]):
    """The rule of every risk class."""

    rules = ReviewRuleOut(many=True)


class ReviewRules(Door):
    """Every rule."""

    kind = ReviewRuleDecision
    needs = ""
    serializer_class = ReviewRulesOut

    @described(
        "review_rules_list", "List the review rules", "reviews", {200: ReviewRulesOut}, declines=(401,)
    )
    def get(self, request: Request) -> Response:
        """What an approval needs for each risk class."""
        return Response({"rules": [_shown(one) for one in rules_in_force().values()]})


class OneReviewRule(Door):
    """The rule of a risk class."""

    kind = ReviewRuleDecision
    needs = ""
    serializer_class = ReviewRuleOut

    @described(
        "review_rules_decide",
        "Decide what an approval needs",
        "reviews",
        {200: ReviewRuleOut},
        declines=(400, 401, 403, 404, 413, 415),
        request=ReviewRuleIn,
    )
    def put(self, request: Request, risk_class: str) -> Response:
        """Decide with a reason. It holds for whatever is submitted from then on."""
        if risk_class not in rules_in_force():
            raise NotFound
        given = self.given(ReviewRuleIn)
        rationale = given.pop("rationale")
        items = tuple(Item(one["key"], one["text"]) for one in given.pop("checklist"))
        rule = Rule(risk_class=risk_class, roles=tuple(given.pop("roles")), checklist=items, **given)
        verbs.decide(rule=rule, rationale=rationale, by=self.user)
        return Response(_shown(rules_in_force()[risk_class]))


def _shown(rule: Rule) -> dict[str, Any]:
    """The rule with all that it says, also where it asks for nothing."""
    return rule.as_json() | {"threads_resolved": rule.threads_resolved}
