"""Access policies: save and discard a draft, publish a version, put an earlier one in force again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from governance import policies
from governance.events import PolicyDraftDiscarded, PolicyDrafted, PolicyPublished
from governance.models import Policy, PolicyDraft, PolicyVersion, Review
from registry import canonical
from registry.errors import Conflict, Invalid, Missing
from registry.events import publish as tell
from registry.models import Document, Environment, Model, User
from registry.permissions import require

LONGEST = 400_000  # bytes of a policy; the gate reads it with every query


@transaction.atomic
def save_draft(
    *, model: Model, environment: str, content: dict[str, Any], on_top_of: int, based_on: int, by: User
) -> PolicyDraft:
    """Save what was typed as the next state of the draft that everybody edits. It need not be publishable.

    `on_top_of` is the key of the state that it was typed on (0: none); keys are never used twice,
    `based_on` the number of the version in force that it is meant to replace (0: none). When somebody saved in the meantime nothing is overwritten:
    `Conflict` is raised, and `policies.merge` puts both together. Content equal to the latest state returns that.
    """
    require(by, "governance.publish_policy", on=model)
    body = _stored(content)
    policy = _locked(model, environment)
    before = policy.drafts.order_by("-number").first()
    if (before.pk if before else 0) != on_top_of or _number(policy.in_force) != based_on:
        raise Conflict(
            f"{before.by if before else 'Somebody'} saved or published while you were editing. "
            "Your text is kept on this page with theirs in it: read it, then save again."
        )
    if before and (bytes(before.body), before.based_on) == (body, based_on):
        return before
    draft = PolicyDraft.objects.create(
        policy=policy,
        number=before.number + 1 if before else 1,
        based_on=based_on,
        body=body,
        by=by,
    )
    tell(PolicyDrafted(policy=policy, state=draft.number, by=by))
    return draft


@transaction.atomic
def discard_draft(*, model: Model, environment: str, on_top_of: int, by: User) -> None:
    """Forget the draft, if it still is what was read: the state with the key `on_top_of`."""
    require(by, "governance.publish_policy", on=model)
    policy = _locked(model, environment)
    latest = policy.drafts.order_by("-number").first()
    if latest is None:
        raise Missing("There is no draft.")
    if latest.pk != on_top_of:
        raise Conflict(f"{latest.by} has saved the draft since you read it. Read it before you discard it.")
    policy.drafts.all().delete()
    tell(PolicyDraftDiscarded(policy=policy, state=latest.number, by=by))


@transaction.atomic
def publish(
    *, model: Model, environment: str, content: dict[str, Any], on_top_of: int, by: User
) -> PolicyVersion:
    """Put `content` in force as the next version of the policy. `on_top_of` is the version it was edited from (0: none).

    Its test cases are run first: one that fails refuses. Publishing what the draft says ends the draft; a draft that
    says something else stays.
    """
    require(by, "governance.publish_policy", on=model)
    if problems := faults(model, content):
        raise Invalid(fields=problems)
    body = _stored(content)
    policy = _locked(model, environment)
    before = policy.in_force
    if _number(before) != on_top_of:
        raise Conflict(
            "Somebody published another version while you were editing. Compare, then publish again."
        )
    draft = policy.drafts.order_by("-number").first()
    if draft and bytes(draft.body) == body:
        policy.drafts.all().delete()
    digest = canonical.digest(body)
    if before and before.digest == digest:
        return before
    version = PolicyVersion.objects.create(
        policy=policy, number=on_top_of + 1, body=body, digest=digest, by=by
    )
    Policy.objects.filter(pk=policy.pk).update(in_force=version)
    tell(PolicyPublished(policy=version, environment=environment, digest=digest, by=by))
    return version


@transaction.atomic
def put_back(*, version: PolicyVersion, on_top_of: int, by: User) -> PolicyVersion:
    """Put an earlier version in force again, as a new one with the same content. It is checked like any other."""
    policy = version.policy
    return publish(
        model=policy.model,
        environment=policy.environment,
        content=version.content,
        on_top_of=on_top_of,
        by=by,
    )


def faults(model: Model, content: Any) -> dict[str, list[str]]:
    """Why `content` cannot be published for `model`: path → sentences. Empty when it can."""
    found = [*policies.faults(content), *policies.trial_faults(content)]
    if not found:
        found += [*_unknown_subjects(content), *_unknown_purposes(model, content), *_failing(content)]
    told: dict[str, list[str]] = {}
    for fault in found:
        told.setdefault(fault.path or "rules", []).append(fault.sentence)
    return told


def intended_uses(model: Model) -> dict[str, str]:
    """The purposes that a policy of `model` may name: the intended uses of the approved cards of its versions."""
    reviews = Review.objects.filter(
        document__in=Document.objects.filter(version__model=model), state=Review.State.APPROVED
    )
    latest = reviews.order_by("document", "-closed_at", "-pk").distinct("document").select_related("revision")
    found: dict[str, str] = {}
    for review in latest:
        prose = review.revision.content.get("intended_use", {}).get("uses", "")
        found |= policies.uses(prose if isinstance(prose, str) else "")
    return found


def _locked(model: Model, environment: str) -> Policy:
    if environment not in Environment.values:
        raise Invalid(fields={"environment": [f"The environment is one of {', '.join(Environment.values)}."]})
    policy, _ = Policy.objects.get_or_create(model=model, environment=environment)
    Policy.objects.select_for_update().get(
        pk=policy.pk
    )  # then read: what is joined may be older than the lock
    return Policy.objects.select_related("in_force__by", "model").get(pk=policy.pk)


def _number(version: PolicyVersion | None) -> int:
    return version.number if version else 0


def _stored(content: dict[str, Any]) -> bytes:
    try:
        body = canonical.canonical(content)
    except canonical.NotCanonical as error:
        raise Invalid(fields={"rules": [str(error)]}) from error
    if len(body) > LONGEST:
        raise Invalid(fields={"rules": [f"A policy has at most {LONGEST} bytes; this one has {len(body)}."]})
    return body


def _unknown_subjects(content: dict[str, Any]) -> Iterable[policies.Fault]:
    """Names that nobody has: a typing error would otherwise wait for whoever takes the name later."""
    named = {(n, subject) for n, rule in enumerate(content["rules"]) for subject in rule["subjects"]}
    names = {subject.partition(":")[2] for _, subject in named}
    kinds = dict(User.objects.filter(username__in=names).values_list("username", "kind"))
    groups = dict(Group.objects.filter(name__in=names).values_list("name", "team__archived_at"))
    for n, subject in sorted(named, key=lambda one: (one[0], one[1].startswith("group:"), one[1])):
        kind, _, name = subject.partition(":")
        if kind == "group" and name not in groups:
            yield policies.Fault(f"rules.{n}.subjects", f"There is no role or team named {name}.")
        elif kind == "group" and groups[name]:
            yield policies.Fault(
                f"rules.{n}.subjects", f"The team {name} is archived: it has no members any more."
            )
        elif kind != "group" and name not in kinds:
            yield policies.Fault(f"rules.{n}.subjects", f"There is no account named {name}.")
        elif kind == "service" and kinds[name] != User.Kind.SERVICE:
            yield policies.Fault(f"rules.{n}.subjects", f"{name} is a person: write user:{name}.")


def _unknown_purposes(model: Model, content: dict[str, Any]) -> Iterable[policies.Fault]:
    named = {(n, one) for n, rule in enumerate(content["rules"]) for one in rule.get("purposes", [])}
    known = intended_uses(model) if named else {}
    for n, one in sorted(named):
        if one not in known:
            choice = ", ".join(sorted(known)) or "none, since no card is approved"
            yield policies.Fault(
                f"rules.{n}.purposes",
                f"{one} is no intended use of an approved card of this model ({choice}).",
            )


def _failing(content: dict[str, Any]) -> Iterable[policies.Fault]:
    for n, trial in enumerate(policies.trials(content)):
        if not trial.passed:
            code = f" ({trial.expected_code})" if trial.expected_code else ""
            yield policies.Fault(
                f"tests.{n}",
                f"The test “{trial.name}” expects {trial.expect}{code}, but it is {trial.outcome}.",
            )
