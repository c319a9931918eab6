"""Decisions of the gate."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from governance.gate.reasons import REASONS
from governance.models import Decision, Token
from registry.models import Model
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

DAY = timedelta(days=1)


def decisions(request: PortalRequest) -> HttpResponse:
    """What the gate decided, newest first; filter by model, answer and reason."""
    require(request.user, "governance.view_decision")
    chosen = {name: request.GET.get(name, "").strip() for name in ("model", "answer", "reason", "caller")}
    rows = Decision.objects.visible_to(request.user)
    if chosen["model"]:
        rows = rows.filter(model=chosen["model"])
    if chosen["answer"] in ("allowed", "refused"):
        rows = rows.filter(allowed=chosen["answer"] == "allowed")
    if chosen["reason"]:
        rows = rows.filter(reason=chosen["reason"])
    if chosen["caller"]:
        rows = rows.filter(caller=chosen["caller"])
    recent = Decision.objects.visible_to(request.user).filter(decided_at__gt=timezone.now() - DAY)
    context: dict[str, Any] = {
        "page": page(rows, request, by="-decided_at"),
        "count": rows.count(),
        "chosen": chosen,
        "models": Model.objects.visible_to(request.user).order_by("name").values_list("slug", "name")[:500],
        "reasons": recent.filter(allowed=False)
        .values("reason")
        .annotate(n=Count("pk"))
        .order_by("-n", "reason")[:20],
        "hours": list(
            recent.annotate(hour=TruncHour("decided_at"))
            .values("hour")
            # Refusals first: once the count is called "allowed", that name no longer means the column.
            .annotate(
                denied=Count("pk", filter=Q(allowed=False)), allowed=Count("pk", filter=Q(allowed=True))
            )
            .order_by("hour")
        ),
    }
    context["totals"] = {
        answer: sum(row[answer] for row in context["hours"]) for answer in ("allowed", "denied")
    }
    htmx = request.htmx and not request.htmx.boosted
    return render(request, "governance/decisions.html#rows" if htmx else "governance/decisions.html", context)


def decision(request: PortalRequest, pk: str) -> HttpResponse:
    """One decision with its whole reasoning."""
    require(request.user, "governance.view_decision")
    one = get_object_or_404(Decision.objects.visible_to(request.user).select_related("batch"), pk=pk)
    context: dict[str, Any] = {
        "decision": one,
        "token": Token.objects.visible_to(request.user).filter(pk=one.token).first() if one.token else None,
        "model": Model.objects.visible_to(request.user).filter(slug=one.model).first(),
        "why": REASONS.get(one.reason),
    }
    if context["model"] and one.caller and not one.allowed:
        context["why_link"] = f"{reverse('why')}?{_asked(one, known=context['token'] is not None)}"
    return render(request, "governance/decision.html", context)


def _asked(one: Decision, *, known: bool) -> str:
    """The decision as a question to the page that explains."""
    facts = {
        "caller": one.caller,
        "token": one.token if known else "",
        "model": one.model,
        "version": one.version or "",
        "action": one.action,
        "environment": one.environment,
        "network": one.network,
        "purpose": one.purpose,
        "payload_bytes": "" if one.payload_bytes is None else one.payload_bytes,
        "at": f"{one.decided_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    }
    return urlencode({name: value for name, value in facts.items() if value != ""})
