"""The traffic of a model: who asks, how much, what is refused and why, how fast it is decided."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from governance.finding import traffic as finding
from governance.finding.decisions import LENGTHS, Chosen
from governance.gate.reasons import REASONS
from governance.views.tabs import model_tabs
from registry.models import Model
from registry.permissions import require
from registry.request import PortalRequest

PERIODS = (("day", "24 hours"), ("week", "7 days"), ("month", "30 days"))


def traffic(request: PortalRequest, slug: str) -> HttpResponse:
    """The decisions about one model over a period. Four queries besides the model, however much was asked."""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    require(request.user, "governance.view_decision", on=one)
    period = request.GET.get("period", "day")
    if period not in dict(PERIODS):
        period = "day"
    now = timezone.now()
    asked = Chosen(period=period, model=one.slug)
    course = finding.course(request.user, asked, now)
    rows = finding.of_model(one.slug, course.bars[0].start)
    askers = finding.askers(rows)
    context: dict[str, Any] = {
        "model": one,
        "tabs": model_tabs(one, "model-traffic"),
        "periods": PERIODS,
        "asked": asked,
        "course": course,
        "callers": len({one.caller for one in askers if one.caller}),
        "askers": askers[: finding.MOST_ROWS],
        "more_askers": len(askers) - finding.MOST_ROWS,
        "refusals": [
            {"code": code, "title": REASONS[code].title if code in REASONS else code, "number": number}
            for code, number in finding.refused_for(rows)
        ],
        "latencies": finding.latencies(one.slug, now - (LENGTHS[period] or finding.HOUR)),
        "keeps_times": finding.keeps_times(),
    }
    return render(request, "governance/model_traffic.html", context)
