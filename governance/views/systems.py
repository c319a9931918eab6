"""AI systems and their risk class."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.actions import risk
from governance.forms import AddModelForm, RiskForm
from governance.models import Clearance
from registry.actions import systems as verbs
from registry.errors import Invalid
from registry.forms import SystemForm
from registry.models import System
from registry.permissions import require
from registry.request import PortalRequest


def system(
    request: PortalRequest, slug: str, form: RiskForm | None = None, add_form: AddModelForm | None = None
) -> HttpResponse:
    """One system: purpose, models, risk decisions. A form with something to mend comes back as it was typed."""
    one = get_object_or_404(System.objects.visible_to(request.user).select_related("created_by"), slug=slug)
    clearances = Clearance.objects.visible_to(request.user).filter(version__model__systems=one)
    context = {
        "system": one,
        "models": one.models.visible_to(request.user).order_by("name"),
        "decisions": one.risk_decisions.select_related("by").order_by("-decided_at", "-pk"),
        "clearances": clearances.filter(environment="production")
        .select_related("version__model")
        .order_by("version__model__name", "version__number"),
        "form": form or RiskForm(),
        "add_form": add_form or AddModelForm(request.user),
        "may_decide": request.user.has_perm("governance.decide_risk"),
        "may_change": request.user.has_perm("registry.change_system"),
    }
    return render(request, "governance/system.html", context, status=400 if form or add_form else 200)


def new_system(request: PortalRequest) -> HttpResponse:
    """Register a system."""
    require(request.user, "registry.add_system")
    form = SystemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            created = verbs.register(by=request.user, **form.cleaned_data)
        except Invalid as error:
            for name, sentences in error.fields.items():
                form.add_error(name, sentences)
        else:
            messages.success(request, f"{created.name} is registered. Add the models that it uses.")
            if System.objects.visible_to(request.user).filter(pk=created.pk).exists():
                return redirect(created)
            return redirect("systems")
    return render(request, "governance/system_new.html", {"form": form})


@require_POST
def add_model(request: PortalRequest, slug: str) -> HttpResponse:
    """Put a model into a system."""
    one = get_object_or_404(System.objects.visible_to(request.user), slug=slug)
    form = AddModelForm(request.user, request.POST)
    if not form.is_valid():
        return system(request, slug, add_form=form)
    verbs.add_model(system=one, model=form.cleaned_data["model"], by=request.user)
    messages.success(request, f"{one.name} now uses {form.cleaned_data['model']}.")
    return redirect(one)


@require_POST
def decide_risk(request: PortalRequest, slug: str) -> HttpResponse:
    """Decide the risk class."""
    one = get_object_or_404(System.objects.visible_to(request.user), slug=slug)
    form = RiskForm(request.POST)
    if not form.is_valid():
        return system(request, slug, form=form)
    risk.decide(system=one, by=request.user, **form.cleaned_data)
    messages.success(request, "Decided. Clearances were assessed again.")
    return redirect(one)
