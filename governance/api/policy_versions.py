"""Published versions of an access policy: read them all, and put an earlier one in force again."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import policies as verbs
from governance.api.policy_bodies import PolicyOut
from governance.models import PolicyVersion
from registry.api.doors import Door, Listing
from registry.api.preconditions import ETAG, IF_MATCH, agree, tagged
from registry.api.problems import described
from registry.models import Environment, Model
from registry.permissions import require


class PolicyVersions(Listing):
    """Every published version of a policy."""

    kind = PolicyVersion
    needs = ""
    order = "-number"
    serializer_class = PolicyOut

    @described(
        "policy_versions_list", "List the versions of a policy", "policies", {200: PolicyOut(many=True)},
        declines=(400, 401, 404),
    )  # fmt: skip
    def get(self, request: Request, slug: str, environment: str) -> Response:
        """What was in force and is, newest first. Versions never change."""
        self.one(Model.objects.visible_to(self.user), slug=slug)
        return self.rows(_of(self, slug, environment))


class OnePolicyVersion(Door):
    """A published version by its number."""

    kind = PolicyVersion
    needs = ""
    serializer_class = PolicyOut

    @described(
        "policy_versions_read", "Read a version of a policy", "policies", {200: PolicyOut}, parameters=[ETAG]
    )
    def get(self, request: Request, slug: str, environment: str, number: int) -> Response:
        """What it says, in force or not."""
        version = self.one(_of(self, slug, environment), number=number)
        return tagged(PolicyOut(version).data, version.digest)


class Restoration(Door):
    """An earlier version comes into force again."""

    kind = PolicyVersion
    needs = ""
    serializer_class = PolicyOut

    @described(
        "policy_versions_put_back", "Put a version of a policy back", "policies", {201: PolicyOut},
        declines=(400, 401, 403, 404, 409, 412, 428), request=None, parameters=[IF_MATCH],
    )  # fmt: skip
    def post(self, request: Request, slug: str, environment: str, number: int) -> Response:
        """Put what it says in force as the next version, checked like any other; send the ETag of the one in force."""
        version = self.one(_of(self, slug, environment), number=number)
        policy = version.policy
        require(self.user, "governance.publish_policy", on=policy.model)
        agree(request, policy.in_force.digest if policy.in_force else "")
        made = verbs.put_back(
            version=version, on_top_of=policy.in_force.number if policy.in_force else 0, by=self.user
        )
        return tagged(PolicyOut(made).data, made.digest, status=201)


def _of(door: Door, slug: str, environment: str) -> Any:
    if environment not in Environment.values:
        raise Http404
    found = door.get_queryset().filter(policy__model__slug=slug, policy__environment=environment)
    return found.select_related("policy__model", "policy__in_force", "by")
