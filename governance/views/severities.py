"""How severe a finding in a document is: read by everybody, decided by compliance."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render

from governance.actions import severities as verbs
from governance.forms import SEVERITY_LABELS, SeverityForm
from governance.models import SeverityDecision, decided_severities
from registry.documents.strictness import CLASSES, rules
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

STATES = {"blocking": "critical", "warning": "attention", "hint": "neutral", "off": "neutral"}


def severities(request: PortalRequest) -> HttpResponse:
    """Every rule and what it means for each risk class. A change holds for whatever is submitted from then on."""
    decided = decided_severities()
    form = SeverityForm(decided, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require(request.user, "governance.set_severity")
        if form.is_valid():
            return _decided(request, form)
    may_decide = request.user.has_perm("governance.set_severity")
    context = {
        "classes": [one.capitalize() for one in CLASSES],
        "rows": [
            {
                "code": rule.code,
                "label": rule.label,
                "cells": [_cell(form, decided, rule.code, one, may_decide=may_decide) for one in CLASSES],
            }
            for rule in rules().values()
        ],
        "form": form,
        "page": page(SeverityDecision.objects.select_related("by"), request, by="-decided_at", size=20),
        "may_decide": may_decide,
    }
    return render(request, "governance/severities.html", context, status=400 if form.errors else 200)


def _decided(request: PortalRequest, form: SeverityForm) -> HttpResponse:
    with transaction.atomic():  # all of one form, or none of it
        made = [
            verbs.decide(
                rule=rule,
                risk_class=risk_class,
                severity=severity,
                rationale=form.cleaned_data["rationale"],
                by=request.user,
            )
            for (rule, risk_class), severity in form.changed().items()
        ]
    count = sum(one is not None for one in made)
    messages.success(request, f"Decided: {count} changed." if count else "Nothing was changed.")
    return redirect("severities")


def _cell(
    form: SeverityForm, decided: dict[tuple[str, str], str], rule: str, risk_class: str, *, may_decide: bool
) -> dict[str, object]:
    default = rules()[rule].severity[risk_class]
    severity = decided.get((rule, risk_class), default)
    return {
        "risk_class": risk_class.capitalize(),
        "bound": form[f"{rule}.{risk_class}"] if may_decide else None,
        "state": STATES[severity],
        "word": SEVERITY_LABELS[severity],
        "default": SEVERITY_LABELS[default] if severity != default else "",
    }
