"""What was unusual at the gate, and the way to dismiss it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.actions import anomalies as verbs
from governance.models import Anomaly, Token
from governance.models.anomalies import AnomalyQuerySet
from governance.permissions import may_dismiss
from registry.models import Model
from registry.paging import page
from registry.request import PortalRequest

MOST, MOST_OF_ONE = 200, 5


def anomalies(request: PortalRequest) -> HttpResponse:
    """What is open, and what was dismissed."""
    rows = with_parts(Anomaly.objects.visible_to(request.user))
    found = list(rows.open().order_by("-seen_at", "-pk")[:MOST])
    context = {
        "open": [(one, bool(may_dismiss(request.user, one))) for one in found],
        "page": page(rows.exclude(dismissed_at=None), request, by="-seen_at", size=20),
    }
    return render(request, "governance/anomalies.html", context)


@require_POST
def dismiss(request: PortalRequest, pk: int) -> HttpResponse:
    """Say why it is nothing to act on."""
    one = get_object_or_404(with_parts(Anomaly.objects.visible_to(request.user)), pk=pk)
    verbs.dismiss(anomaly=one, reason=request.POST.get("reason", ""), by=request.user)
    messages.success(request, "Dismissed. It stays on record.")
    return redirect("anomalies")


def with_parts(rows: AnomalyQuerySet) -> AnomalyQuerySet:
    """Anomalies with what is shown of them."""
    return rows.select_related("model", "token__owner__service", "dismissed_by")


def anomalies_of(*, model: Model | None = None, token: Token | None = None) -> list[Anomaly]:
    """The open ones about a model or a token that one sees. One query."""
    rows = with_parts(Anomaly.objects.open()).filter(model=model, token=token)
    return list(rows.order_by("-seen_at", "-pk")[:MOST_OF_ONE])
