"""Access policies: read as sentences, edit as rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.forms import formset_factory
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from governance import policies
from governance.actions import policies as verbs
from governance.forms import SPARE_RULES, RuleForm, subject_choices
from governance.models import Policy
from registry.errors import Conflict, Invalid
from registry.models import Environment, Model
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest


def index(request: PortalRequest) -> HttpResponse:
    """Every visible policy, as sentences."""
    query = request.GET.get("q", "").strip()
    rows = Policy.objects.visible_to(request.user).filter(in_force__isnull=False)
    if query:
        rows = rows.filter(model__name__icontains=query)
    shown = page(rows.select_related("model", "in_force__by"), request, by="model__name")
    context = {
        "page": shown,
        "stated": [(row, policies.sentences(row.in_force.content)) for row in shown.rows if row.in_force],
        "query": query,
        "count": rows.count(),
        "bare": Model.objects.visible_to(request.user)
        .exclude(policies__in_force__isnull=False)
        .order_by("name")[:50],
        "may_publish": request.user.has_perm("governance.publish_policy"),
    }
    return render(request, "governance/policies.html", context)


def policy(request: PortalRequest, slug: str, environment: str) -> HttpResponse:
    """One policy with its published versions."""
    model, one = _find(request, slug, environment)
    versions = one.versions.select_related("by").order_by("-number") if one else []
    context = {
        "model": model,
        "policy": one,
        "environment": Environment(environment),
        "sentences": policies.sentences(one.in_force.content) if one and one.in_force else [],
        "versions": [(row, policies.sentences(row.content)) for row in versions],
        "may_publish": request.user.has_perm("governance.publish_policy"),
    }
    return render(request, "governance/policy.html", context)


def edit(request: PortalRequest, slug: str, environment: str) -> HttpResponse:
    """Edit the rules and publish them as the next version."""
    model, one = _find(request, slug, environment)
    require(request.user, "governance.publish_policy", on=model)
    in_force = one.in_force if one else None
    rules = in_force.content["rules"] if in_force else []
    rows = formset_factory(RuleForm, extra=SPARE_RULES, max_num=200)
    formset = rows(
        request.POST or None,
        initial=[_row(rule, subject) for rule in rules for subject in rule["subjects"]],
        form_kwargs={"subjects": subject_choices()},
    )
    problems: list[str] = []
    if request.method == "POST" and formset.is_valid():
        content = {"schema": policies.SCHEMA, "rules": [rule for f in formset if (rule := f.rule())]}
        try:
            published = verbs.publish(
                model=model,
                environment=environment,
                content=content,
                on_top_of=_number(request.POST.get("on_top_of", "")),
                by=request.user,
            )
        except Invalid as error:
            problems = [sentence for sentences in error.fields.values() for sentence in sentences]
        except Conflict as error:
            problems = [str(error)]
        else:
            messages.success(request, f"Version {published.number} is in force.")
            return redirect("policy", slug, environment)
    context = {
        "model": model,
        "environment": Environment(environment),
        "formset": formset,
        "on_top_of": in_force.number if in_force else 0,
        "sentences": policies.sentences(in_force.content) if in_force else [],
        "problems": problems,
    }
    return render(request, "governance/policy_edit.html", context)


def _find(request: PortalRequest, slug: str, environment: str) -> tuple[Model, Policy | None]:
    if environment not in Environment.values:
        raise Http404
    model = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    rows = Policy.objects.select_related("in_force__by").filter(model=model, environment=environment)
    return model, rows.first()


def _row(rule: dict[str, Any], subject: str) -> dict[str, Any]:
    return {
        "effect": rule["effect"],
        "subject": subject,
        "action": rule["actions"][0],
        "valid_from": _utc(rule.get("valid_from")),
        "valid_until": _utc(rule.get("valid_until")),
    }


def _utc(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%dT%H:%M}" if moment else ""


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
