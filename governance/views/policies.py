"""Access policies: read as sentences, compare versions, put an earlier one in force again."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance import policies
from governance.actions import policies as verbs
from governance.models import Policy, PolicyVersion
from governance.policies.schema import json_schema
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
    model, one = find(request, slug, environment)
    versions = one.versions.select_related("by").order_by("-number") if one else []
    context = {
        "model": model,
        "policy": one,
        "environment": Environment(environment),
        "sentences": policies.sentences(one.in_force.content) if one and one.in_force else [],
        "versions": [(row, policies.sentences(row.content)) for row in versions],
        "tests": one.in_force.content.get("tests", []) if one and one.in_force else [],
        "draft": one.drafts.select_related("by").order_by("-number").first() if one else None,
        "may_publish": request.user.has_perm("governance.publish_policy"),
    }
    return render(request, "governance/policy.html", context)


def compare(request: PortalRequest, slug: str, environment: str, before: int, after: int) -> HttpResponse:
    """What one version says and another does not, in sentences."""
    model, one = find(request, slug, environment)
    found = (
        {row.number: row for row in one.versions.select_related("by").filter(number__in=[before, after])}
        if one
        else {}
    )
    if {before, after} - set(found):
        raise Http404
    left, right = (policies.sentences(found[number].content) for number in (before, after))
    context = {
        "model": model,
        "environment": Environment(environment),
        "before": found[before],
        "after": found[after],
        "gone": [said for said in left if said not in right],
        "new": [said for said in right if said not in left],
        "kept": [said for said in left if said in right],
        "tests": [len(found[number].content.get("tests", [])) for number in (before, after)],
    }
    return render(request, "governance/policy_compare.html", context)


@require_POST
def put_back(request: PortalRequest, slug: str, environment: str, number: int) -> HttpResponse:
    """Put an earlier version in force again, as a new one."""
    model, one = find(request, slug, environment)
    require(request.user, "governance.publish_policy", on=model)
    version = get_object_or_404(
        PolicyVersion.objects.select_related("policy__model"), policy=one, number=number
    )
    over = request.POST.get("on_top_of", "")
    published = verbs.put_back(
        version=version, on_top_of=int(over) if over.isdecimal() and len(over) < 10 else 0, by=request.user
    )
    messages.success(request, f"What version {number} says is in force again, as version {published.number}.")
    return redirect("policy", slug, environment)


def schema(request: PortalRequest) -> JsonResponse:
    """The published JSON Schema of a policy."""
    return JsonResponse(json_schema(), json_dumps_params={"indent": 2})


def find(request: PortalRequest, slug: str, environment: str) -> tuple[Model, Policy | None]:
    """The model and its policy there, if the model exists for this person."""
    if environment not in Environment.values:
        raise Http404
    model = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    rows = Policy.objects.select_related("in_force__by").filter(model=model, environment=environment)
    return model, rows.first()
