"""Access policies: read what is in force, publish the next version on top of what was read."""

from __future__ import annotations

from django.db.models import F
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from governance import policies
from governance.access.replay import replay
from governance.actions import policies as verbs
from governance.api.policy_bodies import PolicyFilter, PolicyIn, PolicyOut, ReplayOut, plain
from governance.models import Policy, PolicyVersion
from registry.api.doors import Door, Listing
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import WRITE, described
from registry.errors import Invalid
from registry.models import Environment, Model
from registry.permissions import require


class Policies(Listing):
    """The policies in force."""

    kind = PolicyVersion
    needs = ""
    order = "-published_at"
    serializer_class = PolicyOut

    @described(
        "policies_list", "List access policies", "policies", {200: PolicyOut(many=True)}, declines=(400, 401),
        parameters=[PolicyFilter],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """What is in force for the models that you see, latest first."""
        columns = {"model": "policy__model__slug", "environment": "policy__environment"}
        chosen = {columns[name]: value for name, value in self.chosen(PolicyFilter).items()}
        found = self.get_queryset().filter(policy__in_force=F("pk"), **chosen)
        return self.rows(found.select_related("policy__model", "by"))


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
        """Put rules in force as the next version; send the ETag you have read as If-Match. Holds within a second."""
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
