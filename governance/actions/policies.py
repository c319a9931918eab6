"""Access policies: publish a version."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from governance import policies
from governance.events import PolicyPublished
from governance.models import Policy, PolicyVersion
from registry import canonical
from registry.errors import Conflict, Invalid
from registry.events import publish as tell
from registry.models import Environment, Model, User
from registry.permissions import require


@transaction.atomic
def publish(
    *, model: Model, environment: str, content: dict[str, Any], on_top_of: int, by: User
) -> PolicyVersion:
    """Put `content` in force as the next version of the policy. `on_top_of` is the version it was edited from (0: none)."""
    require(by, "governance.publish_policy", on=model)
    problems = policies.problems(content) or _unknown_subjects(content)
    if environment not in Environment.values:
        problems.append(f"The environment is one of {', '.join(Environment.values)}.")
    if problems:
        raise Invalid(fields={"rules": problems})
    Policy.objects.get_or_create(model=model, environment=environment)
    policy = (
        Policy.objects.select_for_update(of=("self",))
        .select_related("in_force__by")
        .get(model=model, environment=environment)
    )
    before = policy.in_force
    if (before.number if before else 0) != on_top_of:
        raise Conflict(
            "Somebody published another version while you were editing. Compare, then publish again."
        )
    body = canonical.canonical(content)
    digest = canonical.digest(body)
    if before and before.digest == digest:
        return before
    version = PolicyVersion.objects.create(
        policy=policy, number=on_top_of + 1, body=body, digest=digest, by=by
    )
    Policy.objects.filter(pk=policy.pk).update(in_force=version)
    tell(PolicyPublished(policy=version, environment=environment, digest=digest, by=by))
    return version


def _unknown_subjects(content: dict[str, Any]) -> list[str]:
    """Names that nobody has: a typing error would otherwise wait for whoever takes the name later."""
    named = {subject for rule in content["rules"] for subject in rule["subjects"]}
    users = {name.removeprefix("user:") for name in named if name.startswith("user:")}
    groups = {name.removeprefix("group:") for name in named if name.startswith("group:")}
    users -= set(User.objects.filter(username__in=users).values_list("username", flat=True))
    groups -= set(Group.objects.filter(name__in=groups).values_list("name", flat=True))
    return [f"There is no account named {name}." for name in sorted(users)] + [
        f"There is no group named {name}." for name in sorted(groups)
    ]
