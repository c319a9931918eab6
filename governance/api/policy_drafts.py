"""Drafts of access policies: save one on top of what was read, try it, publish it, discard it. A draft decides nothing."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance import policies
from governance.access.replay import replay
from governance.actions import policies as verbs
from governance.api.policy_bodies import RULES, PolicyOut, ReplayOut, plain
from governance.models import Policy, PolicyDraft
from registry.api.bodies import In
from registry.api.doors import Door
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import WRITE, described
from registry.models import Environment, Model
from registry.permissions import require

MAY = "governance.publish_policy"
DRAFT = {
    "model": "credit-risk",
    "environment": "production",
    "state": 3,
    "based_on": 2,
    "in_force": 2,
    "rules": RULES,
    "tests": [],
    "errors": {},
    "by": "owner",
    "saved_at": "2026-11-21T10:00:00Z",
}
TRIAL = {
    "errors": {},
    "tests": [{"name": "The owners get in", "expect": "allow", "outcome": "allowed", "passed": True}],
    "replay": {
        "total": 40,
        "same": 40,
        "skipped": 0,
        "to_denied": 0,
        "to_allowed": 0,
        "unclear": 0,
        "flips": [],
    },
}


@extend_schema_serializer(examples=[OpenApiExample("One rule", value={"rules": RULES, "based_on": 2})])
class DraftIn(In):
    """What is typed so far. It need not be publishable; `errors` of the answer say what is missing."""

    rules = serializers.ListField(child=serializers.DictField(), max_length=200)
    tests = serializers.ListField(child=serializers.DictField(), max_length=200, required=False)
    based_on = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1,
        help_text="Number of the version that it is meant to replace; the one in force, if left out.",
    )  # fmt: skip


@extend_schema_serializer(examples=[OpenApiExample("A draft", value=DRAFT, response_only=True)])
class DraftOut(serializers.Serializer[PolicyDraft]):
    """The draft that everybody edits, as it is now."""

    model = serializers.CharField(source="policy.model.slug")
    environment = serializers.ChoiceField(choices=Environment.choices, source="policy.environment")
    state = serializers.IntegerField(source="number", help_text="Counts the times it was saved.")
    based_on = serializers.IntegerField(help_text="The version that it is meant to replace; 0 for none.")
    in_force = serializers.SerializerMethodField(help_text="The version in force now; 0 for none.")
    rules = serializers.SerializerMethodField()
    tests = serializers.SerializerMethodField()
    errors = serializers.SerializerMethodField(help_text="Path → why this cannot be published yet.")  # type: ignore[assignment]
    by = serializers.CharField(source="by.username")
    saved_at = serializers.DateTimeField()

    def get_in_force(self, draft: PolicyDraft) -> int:
        return draft.policy.in_force.number if draft.policy.in_force else 0

    def get_rules(self, draft: PolicyDraft) -> list[dict[str, Any]]:
        return list(draft.content.get("rules", []))

    def get_tests(self, draft: PolicyDraft) -> list[dict[str, Any]]:
        return list(draft.content.get("tests", []))

    def get_errors(self, draft: PolicyDraft) -> dict[str, list[str]]:
        return verbs.faults(draft.policy.model, draft.content)


class TrialOut(serializers.Serializer[Any]):
    """How a test case came out."""

    name = serializers.CharField()
    expect = serializers.ChoiceField(choices=policies.EFFECTS)
    outcome = serializers.CharField(help_text="allowed, or denied with the codes of the reasons.")
    passed = serializers.BooleanField()


@extend_schema_serializer(examples=[OpenApiExample("It would do", value=TRIAL, response_only=True)])
class TriedOut(serializers.Serializer[Any]):
    """The draft, tried: its test cases, and the last decisions again. With errors neither can be tried."""

    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    tests = TrialOut(many=True)
    replay = ReplayOut(allow_null=True)


class Desk(Door):
    """What all doors to a draft have in common: whoever may not publish hears that, once the model is theirs to see."""

    kind = Policy
    needs = ""

    def about(self, slug: str, environment: str) -> Model:
        """The model, for those who may publish its policies."""
        model: Model = self.one(Model.objects.visible_to(self.user), slug=slug)
        if environment not in Environment.values:
            raise Http404
        require(self.user, MAY, on=model)
        return model

    def draft(self, slug: str, environment: str) -> PolicyDraft:
        """The draft, which must be there."""
        found = PolicyDraft.objects.visible_to(self.user).latest_of(
            self.about(slug, environment), environment
        )
        if found is None:
            raise Http404
        return found


class Draft(Desk):
    """The draft of a policy."""

    kind = Policy
    needs = ""
    serializer_class = DraftOut

    @described(
        "drafts_read", "Read the draft of a policy", "policies", {200: DraftOut}, declines=(401, 403, 404),
        parameters=[ETAG],
    )  # fmt: skip
    def get(self, request: Request, slug: str, environment: str) -> Response:
        """What is typed so far, and why it cannot be published yet."""
        return _told(self.draft(slug, environment))

    @described(
        "drafts_save", "Save the draft of a policy", "policies", {200: DraftOut, 201: DraftOut},
        declines=(*WRITE, 412, 428), request=DraftIn, parameters=[ETAG, IF_MATCH],
    )  # fmt: skip
    def put(self, request: Request, slug: str, environment: str) -> Response:
        """Save what is typed as the next state of the draft; send the ETag you have read as If-Match."""
        model = self.about(slug, environment)
        before = PolicyDraft.objects.latest_of(model, environment)
        given = plain(self.given(DraftIn))
        agree(request, _tag(before) if before else "")
        in_force = Policy.objects.filter(model=model, environment=environment).values_list("in_force__number")
        based_on = given.pop("based_on", None)
        saved = verbs.save_draft(
            model=model,
            environment=environment,
            content={"schema": policies.SCHEMA, **given},
            on_top_of=before.pk if before else 0,
            based_on=(in_force.first() or (0,))[0] or 0 if based_on is None else based_on,
            by=self.user,
        )
        return _told(saved, status=200 if before else 201)

    @described(
        "drafts_discard", "Discard the draft of a policy", "policies", {204: None},
        declines=(401, 403, 404, 409, 412, 428), parameters=[IF_MATCH],
    )  # fmt: skip
    def delete(self, request: Request, slug: str, environment: str) -> Response:
        """Forget what was typed, if it still is what you have read."""
        draft = self.draft(slug, environment)
        agree(request, _tag(draft))
        verbs.discard_draft(
            model=draft.policy.model, environment=environment, on_top_of=draft.pk, by=self.user
        )
        return Response(status=204)


class Tried(Desk):
    """The draft, tried out. Nothing is changed."""

    kind = Policy
    needs = ""
    serializer_class = TriedOut

    @described(
        "drafts_try",
        "Try the draft of a policy",
        "policies",
        {200: TriedOut},
        declines=(401, 403, 404),
        request=None,
    )
    def post(self, request: Request, slug: str, environment: str) -> Response:
        """Run its test cases, and see which of the last 1000 decisions would flip."""
        draft = self.draft(slug, environment)
        model, content = draft.policy.model, draft.content
        errors = verbs.faults(model, content)
        can_be_tried = not policies.faults(content) and not policies.trial_faults(content)
        tried = {
            "errors": errors,
            "tests": policies.trials(content) if can_be_tried else [],
            "replay": replay(model, environment, content) if can_be_tried else None,
        }
        return Response(TriedOut(tried).data)


class Publication(Desk):
    """The draft comes into force."""

    kind = Policy
    needs = ""
    serializer_class = PolicyOut

    @described(
        "drafts_publish", "Publish the draft of a policy", "policies", {201: PolicyOut},
        declines=(400, 401, 403, 404, 409, 412, 428), request=None, parameters=[IF_MATCH],
    )  # fmt: skip
    def post(self, request: Request, slug: str, environment: str) -> Response:
        """Put what you have read in force as the next version; send its ETag as If-Match. The draft ends with it."""
        draft = self.draft(slug, environment)
        agree(request, _tag(draft))
        version = verbs.publish(
            model=draft.policy.model,
            environment=environment,
            content=draft.content,
            on_top_of=draft.based_on,
            by=self.user,
        )
        return tagged(PolicyOut(version).data, version.digest, status=201)


def _told(draft: PolicyDraft, *, status: int = 200) -> Response:
    return tagged(DraftOut(draft).data, _tag(draft), status=status)


def _tag(draft: PolicyDraft) -> str:
    """Of this state and its content: the same words saved again after somebody else's are another state."""
    return hashlib.sha256(f"{draft.pk} {draft.based_on}\n".encode() + bytes(draft.body)).hexdigest()
