"""The editor of policies: a draft that several may edit, tried on its tests and on past decisions before it is published."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BaseFormSet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from governance import policies
from governance.access.replay import replay
from governance.actions import policies as verbs
from governance.models import Policy, PolicyDraft
from governance.policy_forms import RuleForm, TrialForm, WholeForm, content_of, fits, rule_forms, trial_forms
from governance.views.policies import find
from registry.errors import Conflict, Invalid
from registry.models import Environment, Model
from registry.permissions import require
from registry.request import PortalRequest

BLANK: dict[str, Any] = {"schema": policies.SCHEMA, "rules": []}


@dataclass
class Desk:
    """What lies on the page: whose policy, what is in it, and which state it stands on."""

    model: Model
    environment: str
    policy: Policy | None
    draft: PolicyDraft | None
    content: dict[str, Any]
    on_top_of: int
    based_on: int
    told: str = ""
    taken: list[str] = field(default_factory=list)  # what others changed, in sentences

    @property
    def in_force(self) -> int:
        """The number of the version in force; 0 for none."""
        return self.policy.in_force.number if self.policy and self.policy.in_force else 0

    def at(self, number: int) -> dict[str, Any]:
        """The content of the published version with this number; empty before the first."""
        version = self.policy.versions.filter(number=number).first() if self.policy else None
        return version.content if version else BLANK

    def together(self, base: dict[str, Any], theirs: dict[str, Any]) -> None:
        """Put what somebody else made of `base` into what lies here."""
        merged = policies.merge(base, theirs, self.content)
        self.content = merged.content
        for verb, changes in (("added", merged.added), ("removed", merged.removed)):
            self.taken += [f"{verb}: {_said(part, value)}" for part, value in changes]


FIELDS = {"rate": "rate_limit", "quota": "quota_limit"}


def edit(request: PortalRequest, slug: str, environment: str) -> HttpResponse:
    """Edit the draft, try it, publish it."""
    model, policy = find(request, slug, environment)
    require(request.user, "governance.publish_policy", on=model)
    purposes = [(name, f"{name}: {said}"[:300]) for name, said in verbs.intended_uses(model).items()]
    desk = _opened(model, environment, policy)
    as_json = request.GET.get("view") == "json" or not fits(desk.content)
    if request.method != "POST":
        return _page(request, desk, as_json=as_json, purposes=purposes)
    if "discard" in request.POST:
        verbs.discard_draft(
            model=model, environment=environment, on_top_of=_number(request, "on_top_of"), by=request.user
        )
        messages.info(request, "Discarded. This is the version in force.")
        return redirect("policy-edit", slug, environment)
    whole = WholeForm(request.POST) if "json" in request.POST else None
    rules, tests = rule_forms(request.POST, BLANK, purposes), trial_forms(request.POST, BLANK)
    if not (
        whole.is_valid() if whole else rules.is_valid() & tests.is_valid()
    ):  # both, so that both show their errors
        desk.on_top_of, desk.based_on = _number(request, "on_top_of"), _number(request, "based_on")
        return _page(
            request, desk, whole=whole, rules=rules, tests=tests, purposes=purposes, as_json=bool(whole)
        )
    content = whole.cleaned_data["json"] if whole else content_of(rules, tests)
    return _typed(request, desk, content, purposes, whole=whole, rules=rules, tests=tests)


def _opened(model: Model, environment: str, policy: Policy | None) -> Desk:
    """The draft, or what is in force. When another version came into force since, both are put together."""
    draft = policy.drafts.select_related("by").order_by("-number").first() if policy else None
    number = policy.in_force.number if policy and policy.in_force else 0
    desk = Desk(model, environment, policy, draft, BLANK, draft.pk if draft else 0, number)
    desk.content = draft.content if draft else desk.at(number)
    if draft and draft.based_on != number:
        desk.together(desk.at(draft.based_on), desk.at(number))
        desk.told = (
            f"Version {number} came into force since this draft was begun. What it changed is put in below."
        )
    return desk


def _typed(
    request: PortalRequest,
    desk: Desk,
    content: dict[str, Any],
    purposes: list[tuple[str, str]],
    **typed: Any,
) -> HttpResponse:
    """Save what was typed as the draft, and publish it if the button says so."""
    base = _base(request, desk)
    try:
        saved = verbs.save_draft(
            model=desk.model,
            environment=desk.environment,
            content=content,
            on_top_of=_number(request, "on_top_of"),
            based_on=_number(request, "based_on"),
            by=request.user,
        )
    except Conflict as error:
        return _conflict(request, desk, base, content, str(error), purposes)
    except Invalid as error:
        desk.on_top_of, desk.based_on = _number(request, "on_top_of"), _number(request, "based_on")
        return _refused(request, desk, content, error, purposes, **typed)
    place = reverse("policy-edit", args=[desk.model.slug, desk.environment])
    view = "view=json&" if typed["whole"] else ""
    if "publish" not in request.POST:
        messages.success(request, f"Saved as state {saved.number} of the draft. It decides nothing yet.")
        return redirect(f"{place}?{view}{'try=1#replay' if 'try' in request.POST else ''}".rstrip("?&"))
    try:
        published = verbs.publish(
            model=desk.model,
            environment=desk.environment,
            content=saved.content,
            on_top_of=saved.based_on,
            by=request.user,
        )
    except Invalid as error:
        desk.draft, desk.on_top_of = saved, saved.pk
        return _refused(request, desk, content, error, purposes, **typed)
    messages.success(request, f"Version {published.number} is in force.")
    return redirect("policy", desk.model.slug, desk.environment)


def _conflict(
    request: PortalRequest,
    desk: Desk,
    base: dict[str, Any],
    content: dict[str, Any],
    told: str,
    purposes: list[tuple[str, str]],
) -> HttpResponse:
    """Somebody saved or published meanwhile: what both typed, put together, on top of theirs."""
    _, policy = find(request, desk.model.slug, desk.environment)
    latest = _opened(desk.model, desk.environment, policy)
    theirs, latest.content, latest.told = latest.content, content, told
    latest.together(base, theirs)
    return _page(request, latest, as_json=not fits(latest.content), purposes=purposes, status=409)


def _base(request: PortalRequest, desk: Desk) -> dict[str, Any]:
    """What was on the page before somebody typed: a state of the draft, or a version."""
    state = _number(request, "on_top_of")
    found = desk.policy.drafts.filter(pk=state).first() if desk.policy and state else None
    return found.content if found else desk.at(_number(request, "based_on"))


def _refused(
    request: PortalRequest,
    desk: Desk,
    content: dict[str, Any],
    error: Invalid,
    purposes: list[tuple[str, str]],
    *,
    whole: WholeForm | None,
    rules: BaseFormSet[RuleForm],
    tests: BaseFormSet[TrialForm],
) -> HttpResponse:
    """The page as it was typed, each sentence beside its field."""
    problems = []
    rows: dict[str, list[forms.Form]] = {"rules": [], "tests": []}
    if whole is None:  # found before any error is put in: a row with an error no longer says what it holds
        rows["rules"] = [form for form in rules if form.rule()]
        rows["tests"] = [form for form in tests if form.trial()]
    for path, sentences in error.fields.items():
        part, _, rest = path.partition(".")
        place, _, name = rest.partition(".")
        if not place.isdigit() or int(place) >= len(rows.get(part, [])):
            problems += sentences
            continue
        form, field_name = rows[part][int(place)], FIELDS.get(name, name)
        for sentence in sentences:
            form.add_error(field_name if field_name in form.fields else None, sentence)
    return _page(
        request,
        desk,
        whole=whole,
        rules=rules,
        tests=tests,
        purposes=purposes,
        as_json=bool(whole),
        problems=problems,
    )


def _page(
    request: PortalRequest,
    desk: Desk,
    *,
    purposes: list[tuple[str, str]],
    as_json: bool,
    whole: WholeForm | None = None,
    rules: BaseFormSet[RuleForm] | None = None,
    tests: BaseFormSet[TrialForm] | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    can_be_rows = fits(desk.content)
    rows = desk.content if can_be_rows else BLANK
    shown = json.dumps(desk.content, indent=2, ensure_ascii=False)
    tried = (
        "try" in request.GET and not policies.faults(desk.content) and not policies.trial_faults(desk.content)
    )
    context = {
        "model": desk.model,
        "environment": Environment(desk.environment),
        "desk": desk,
        "as_json": as_json,
        "can_be_rows": can_be_rows,
        "whole": whole or WholeForm(initial={"json": shown}),
        "rules": rules
        if rules is not None and rules.is_bound and whole is None
        else rule_forms(None, rows, purposes),
        "tests": tests if tests is not None and tests.is_bound and whole is None else trial_forms(None, rows),
        "problems": problems or [],
        "in_force": policies.sentences(desk.at(desk.in_force)),
        "sentences": policies.sentences(desk.content),
        "trials": policies.trials(desk.content) if tried else [],
        "unready": verbs.faults(desk.model, desk.content) if "try" in request.GET else {},
        "replay": replay(desk.model, desk.environment, desk.content) if tried else None,
    }
    return render(request, "governance/policy_edit.html", context, status=status)


def _said(part: str, value: Any) -> str:
    if part == "tests":
        return f"the test “{value.get('name', '')}”" if isinstance(value, dict) else "a test"
    return " ".join(policies.sentences({"schema": policies.SCHEMA, "rules": [value]}))


def _number(request: PortalRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else 0
