"""Aliases over time: who held what from when to when, and whether it was moved here or outside."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from registry.actions import catalogue
from registry.forms.servers import AliasForm
from registry.models import AliasOrder, LedgerRow, Model
from registry.paging import page
from registry.request import PortalRequest

SHOWN = 5


def ledger(request: PortalRequest, slug: str) -> HttpResponse:
    """The ledger of one model, newest first, by kind and by name; outside control or all."""
    one = get_object_or_404(Model.objects.visible_to(request.user).select_related("server"), slug=slug)
    kind, name = request.GET.get("what", ""), request.GET.get("name", "").strip()
    outside = request.GET.get("control") == "outside"
    rows = with_ends(LedgerRow.objects.filter(model=one)).select_related("version__model", "by")
    if kind in LedgerRow.What.values:
        rows = rows.filter(what=kind)
    if name:
        rows = rows.filter(name__icontains=name)
    if outside:
        rows = rows.filter(LedgerRow.OUTSIDE)
    context: dict[str, Any] = {
        "model": one,
        "page": page(rows, request, by="-at"),
        "count": rows.count(),
        "kinds": LedgerRow.What.choices,
        "what": kind,
        "name": name,
        "outside": outside,
        "held": one.aliases.select_related("version__model").order_by("name"),
        "form": AliasForm() if request.user.has_perm("registry.move_alias") and not one.gone_at else None,
        "orders": AliasOrder.objects.filter(model=one)
        .exclude(state=AliasOrder.State.DONE)
        .select_related("by")
        .order_by("-pk")[:SHOWN],
    }
    return render(request, "registry/ledger.html", context)


@require_POST
def move(request: PortalRequest, slug: str) -> HttpResponse:
    """Ask a worker to move an alias in the tracking server."""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    given = AliasForm(request.POST).checked()
    catalogue.set_alias(model=one, name=given["name"], number=given["version"], by=request.user)
    messages.info(request, "A worker is moving the alias in the tracking server. The result appears here.")
    return redirect("model-ledger", slug)


def with_ends(rows: QuerySet[LedgerRow]) -> QuerySet[LedgerRow]:
    """Each row with `until`: when the next one about the same alias, tag, stage or description came.

    An alias belongs to the model, whichever version held it; the others belong to the model or to one version.
    """
    later = LedgerRow.objects.annotate(of=Coalesce("version_id", 0)).filter(
        Q(what=LedgerRow.What.ALIAS) | Q(of=Coalesce(OuterRef("version_id"), 0)),
        model=OuterRef("model"),
        what=OuterRef("what"),
        name=OuterRef("name"),
        pk__gt=OuterRef("pk"),
    )
    return rows.annotate(until=Subquery(later.order_by("pk").values("at")[:1]))
