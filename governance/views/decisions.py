"""Decisions of the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from governance import policies
from governance.finding import decisions as finding
from governance.finding import newest, traffic
from governance.gate import steps
from governance.gate.reasons import REASONS
from governance.models import Decision, PolicyVersion, Token
from governance.models.decisions import VIEW_DECISION
from governance.receipts import file_of, receipt
from registry.models import Model
from registry.paging import SIZE, page
from registry.permissions import require
from registry.request import PortalRequest

DAY = timedelta(days=1)
PERMISSION = VIEW_DECISION
ORDER = "-decided_at"


def decisions(request: PortalRequest) -> HttpResponse:
    """What the gate decided, newest first, with the filters that were chosen; new ones come by themselves."""
    require(request.user, PERMISSION)
    asked, now = finding.chosen(request.GET), timezone.now()
    rows = newest.seen_by(request.user, asked, now=now)
    context: dict[str, Any] = {
        "asked": asked,
        "models": Model.objects.visible_to(request.user).order_by("name").values_list("slug", "name")[:500],
        "choices": {
            "period": [(name, label) for name, label, _ in finding.PERIODS],
            "answer": finding.ANSWERS,
            "environment": finding.ENVIRONMENTS,
            "door": finding.DOORS,
        },
        "reasons": traffic.refusals(request.user, now - DAY),
        "now": now.isoformat(),
    }
    try:
        with finding.within_patience(asked):
            context |= _listed(request, asked, rows, now)
    except finding.TooSlow:
        context |= {"too_slow": True, "page": (), "count": None, "course": None}
    context["many"] = context["count"] is not None and context["count"] > finding.COUNTED
    context["live"] = not ({"before", "after"} & request.GET.keys() or asked.until or context.get("too_slow"))
    if context["live"] and context["page"]:
        context["now"] = context["page"].rows[0].decided_at.isoformat()
    htmx = request.htmx and not request.htmx.boosted
    return render(request, "governance/decisions.html#rows" if htmx else "governance/decisions.html", context)


def decision(request: PortalRequest, pk: str) -> HttpResponse:
    """One decision with its whole reasoning, and its receipt."""
    one = _found(request, pk)
    context: dict[str, Any] = {
        "decision": one,
        "token": Token.objects.visible_to(request.user).filter(pk=one.token).first() if one.token else None,
        "model": Model.objects.visible_to(request.user).filter(slug=one.model).first(),
        "why": REASONS.get(one.reason),
        "steps": steps.walked(one.reason, allowed=one.allowed, door=one.door),
        "receipt": receipt(one),
        "took_ms": took / 1000 if (took := getattr(one, "microseconds", None)) is not None else None,
    }
    if context["model"]:
        then = _policy_then(request, one)
        context |= {"policy_then": then, "sentences_then": policies.sentences(then.content) if then else ()}
    if context["model"] and one.caller and not one.allowed:
        context["why_link"] = f"{reverse('why')}?{_asked(one, known=context['token'] is not None)}"
    return render(request, "governance/decision.html", context)


def receipt_file(request: PortalRequest, pk: str) -> HttpResponse:
    """The receipt as a file that can be checked without the portal."""
    found = file_of(request.user, pk)
    if found is None:
        require(request.user, PERMISSION)  # who may read no decision at all is told so
        raise Http404
    named = {"Content-Disposition": f'attachment; filename="{found.name}"'}
    return HttpResponse(found.written, content_type="application/json", headers=named)


def _listed(
    request: PortalRequest, asked: finding.Chosen, rows: newest.Rows, now: datetime
) -> dict[str, Any]:
    """One page of them, how many there are, and their course."""
    try:
        course = traffic.course(request.user, asked, now)
    except finding.TooMany:
        return {
            "page": page(rows, request, by=ORDER),
            "count": finding.COUNTED + 1,
            "course": None,
            "too_many": True,
        }
    if not asked.is_summed:
        return {"page": page(rows, request, by=ORDER), "count": finding.counted(rows), "course": course}
    place = newest.place_of(request.user, asked, course, now=now, size=SIZE)
    rows = newest.by_tokens(rows, asked.caller) if asked.caller else rows
    count = newest.number(rows, place)
    rows = newest.shown(rows, place, request, by=ORDER)
    return {"page": page(rows, request, by=ORDER), "count": count, "course": course}


def _found(request: PortalRequest, pk: str) -> Decision:
    require(request.user, PERMISSION)
    return get_object_or_404(Decision.objects.visible_to(request.user).select_related("batch"), pk=pk)


def _policy_then(request: PortalRequest, one: Decision) -> PolicyVersion | None:
    """The version of the policy that had been published last when this was decided."""
    rows = PolicyVersion.objects.visible_to(request.user).filter(
        policy__model__slug=one.model, policy__environment=one.environment, published_at__lte=one.decided_at
    )
    return rows.select_related("policy__model", "by").order_by("-published_at", "-pk").first()


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
