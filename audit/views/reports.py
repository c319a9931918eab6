"""Reports: order one, watch it being made, take it home."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from audit.actions import reports as verbs
from audit.models import Report
from governance.views.tabs import find_version
from registry.models import User, Version
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

PATIENCE = timedelta(seconds=20)  # a free worker takes a report within a second or two
OFFERED = 200
COLOURS = {
    "ordered": "neutral",
    "rendering": "info",
    "ready": "ok",
    "failed": "critical",
    "cancelled": "neutral",
}
PARTS = {"complete": "ok", "partial": "attention", "missing": "critical"}
ENDINGS = {
    "ready": ("The report is ready.", "ok"),
    "failed": ("The report could not be made.", "critical"),
    "cancelled": ("The report was cancelled.", "attention"),
}


class OrderForm(forms.Form):
    """The version that a report is wanted for."""

    version = forms.ModelChoiceField(
        queryset=Version.objects.none(),
        label="Version",
        error_messages={
            "required": "Choose a version.",
            "invalid_choice": "Choose a version from the list; this one is not there for you.",
        },
    )

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        rows = Version.objects.visible_to(user).select_related("model")
        self.fields["version"].queryset = rows.order_by("model__name", "-number")  # type: ignore[attr-defined]


def reports(request: PortalRequest, form: OrderForm | None = None) -> HttpResponse:
    """Every visible report, newest first; filter by model and state."""
    query, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    rows = Report.objects.visible_to(request.user)
    if query:
        rows = rows.filter(version__model__name__icontains=query)
    if state in Report.State.values:
        rows = rows.filter(state=state)
    shown = page(
        rows.select_related("version__model", "ordered_by").defer("problem"), request, by="-ordered_at"
    )
    may_order = request.user.has_perm("audit.order_report")
    context = {
        "page": shown,
        "rows": [(row, COLOURS[row.state]) for row in shown],
        "count": rows.count(),
        "query": query,
        "state": state,
        "states": Report.State.choices,
        "may_order": may_order,
        "form": form or OrderForm(request.user),
        "offered": _offered(request.user) if may_order else [],
    }
    return render(request, "audit/reports.html", context, status=400 if form else 200)


@require_POST
def order(request: PortalRequest) -> HttpResponse:
    """Order a report on the version chosen in the list of reports."""
    require(request.user, "audit.order_report")
    form = OrderForm(request.user, request.POST)
    if not form.is_valid():
        return reports(request, form)
    return _ordered(request, form.cleaned_data["version"])


@require_POST
def order_for(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Order a report on this version."""
    return _ordered(request, find_version(request, slug, number))


def report(request: PortalRequest, pk: str) -> HttpResponse:
    """One report: how far it is, what it is made from, and the file."""
    return render(request, "audit/report.html", _facts(request, _find(request, pk)))


def progress(request: PortalRequest, pk: str) -> HttpResponse:
    """How far the report is, for a page that asks every second; at the end, the rest of the page with a notice."""
    one = _find(request, pk)
    if one.is_under_way:
        return render(request, "audit/report.html#progress", _facts(request, one))
    if not request.htmx:
        return redirect(one)
    answer = render(request, "audit/report.html#body", _facts(request, one))
    text, state = ENDINGS[one.state]
    trigger_client_event(answer, "toast", {"text": text, "state": state})
    return reswap(retarget(answer, "#report"), "outerHTML")


@require_POST
def cancel(request: PortalRequest, pk: str) -> HttpResponse:
    """Stop a report that is not ready yet."""
    one = _find(request, pk)
    verbs.cancel(report=one, by=request.user)
    messages.success(request, "The report is cancelled.")
    return redirect(one)


@require_GET
def file(request: PortalRequest, pk: str) -> HttpResponse:
    """The finished document. Each download stands in the trail."""
    one = _find(request, pk)
    content = verbs.download(report=one, by=request.user)
    name = f"{one.version.model.slug}-v{one.version.number}-{one.sha256[:12]}.pdf"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _find(request: PortalRequest, pk: str) -> Report:
    rows = Report.objects.visible_to(request.user).select_related("version__model", "snapshot", "ordered_by")
    return get_object_or_404(rows, pk=pk)


def _ordered(request: PortalRequest, version: Version) -> HttpResponse:
    ordered = verbs.order(version=version, by=request.user)
    messages.success(
        request, "The report is ordered. You may leave this page; the report appears in the list."
    )
    return redirect(ordered)


def _offered(user: User) -> list[Version]:
    """The newest versions, for the list to choose from; older ones have the button on their own page."""
    rows = (
        Version.objects.visible_to(user).select_related("model").order_by("-registered_at", "-pk")[:OFFERED]
    )
    return sorted(rows, key=lambda one: (one.model.name, -one.number))


def _facts(request: PortalRequest, one: Report) -> dict[str, Any]:
    content = one.snapshot.content if one.snapshot else {}
    return {
        "report": one,
        "state": COLOURS[one.state],
        "percent": one.percent if one.state == Report.State.RENDERING else None,
        "untaken": one.state == Report.State.ORDERED and timezone.now() - one.ordered_at > PATIENCE,
        "clearances": content.get("clearances", []),
        "completeness": [
            row | {"colour": PARTS.get(row["state"], "neutral")} for row in content.get("completeness", [])
        ],
        "may_order": request.user.has_perm("audit.order_report"),
    }
