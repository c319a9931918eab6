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
from registry.errors import Conflict, Invalid
from registry.forms.systems import RetireForm, SystemEditForm, SystemForm
from registry.models import Model, System, Team, User
from registry.permissions import require, require_whole
from registry.request import PortalRequest

FACTS = ("name", "intended_purpose", "operator_role", "team")


def system(
    request: PortalRequest, slug: str, form: RiskForm | None = None, add_form: AddModelForm | None = None
) -> HttpResponse:
    """One system: purpose, models, risk decisions. A form with something to mend comes back as it was typed."""
    one = get_object_or_404(System.objects.visible_to(request.user).select_related("created_by"), slug=slug)
    in_service = one.retired_at is None
    may_change = in_service and request.user.has_perm("registry.change_system")
    decisions = list(one.risk_decisions.select_related("by").order_by("-decided_at", "-pk"))
    clearances = Clearance.objects.visible_to(request.user).filter(version__model__systems=one)
    context = {
        "system": one,
        "models": one.models.visible_to(request.user).order_by("name"),
        "decisions": decisions,
        "outdated": bool(
            in_service and decisions and one.redefined_at and one.redefined_at > decisions[0].decided_at
        ),
        "clearances": clearances.filter(environment="production")
        .select_related("version__model")
        .order_by("version__model__name", "version__number"),
        "form": form or RiskForm(),
        "add_form": add_form or AddModelForm(request.user),
        "team": Team.named_in(one.team, request.user),
        "may_decide": in_service and request.user.has_perm("governance.decide_risk"),
        "may_change": may_change,
        "may_retire": may_change and one.is_seen_whole_by(request.user),
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
    one = _changeable(request, slug)
    form = AddModelForm(request.user, request.POST)
    if not form.is_valid():
        return system(request, slug, add_form=form)
    verbs.add_model(system=one, model=form.cleaned_data["model"], by=request.user)
    messages.success(request, f"{one.name} now uses {form.cleaned_data['model']}.")
    return redirect(one)


def edit_system(request: PortalRequest, slug: str) -> HttpResponse:
    """Change what a system is. Whoever was slower sees what it says now, and keeps what they typed."""
    one = _changeable(request, slug)
    facts = {name: getattr(one, name) for name in FACTS}
    form = SystemEditForm(request.POST or None, initial=facts | {"on_top_of": one.edition})
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            edited = verbs.edit(system=one, by=request.user, **form.cleaned_data)
        except Invalid as error:
            for name, sentences in error.fields.items():
                form.add_error(name, sentences)
        except Conflict as error:
            form = SystemEditForm(request.POST | {"on_top_of": str(one.edition)}, initial=facts)
            form.add_error(None, str(error))
            status = 409
        else:
            messages.success(request, f"{edited.name} is changed.")
            return redirect(edited)
    whole = one.is_seen_whole_by(request.user)
    context = {"system": one, "form": form, "conflict": status == 409, "whole": whole}
    return render(request, "governance/system_edit.html", context, status=status)


def remove_model(request: PortalRequest, slug: str, model: str) -> HttpResponse:
    """Take a model out of a system, after a page that says what that means."""
    one = _changeable(request, slug)
    used = get_object_or_404(one.models.visible_to(request.user), slug=model)
    if request.method == "POST":
        verbs.remove_model(system=one, model=used, by=request.user)
        messages.success(request, f"{one.name} no longer uses {used}.")
        return redirect(one if System.objects.visible_to(request.user).filter(pk=one.pk) else "systems")
    cleared = _cleared(request.user, version__model=used)
    context = {"system": one, "model": used, "cleared": cleared}
    return render(request, "governance/system_remove_model.html", context)


def retire_system(request: PortalRequest, slug: str) -> HttpResponse:
    """Take a system out of service, after a page that says how many cleared versions that ends."""
    one = _changeable(request, slug)
    require_whole(request.user, one)
    form = RetireForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verbs.retire(system=one, by=request.user, **form.cleaned_data)
        messages.success(request, f"{one.name} is retired. Clearances were assessed again.")
        return redirect(one)
    context = {"system": one, "form": form, "cleared": _cleared(request.user, version__model__systems=one)}
    return render(request, "governance/system_retire.html", context)


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


def _changeable(request: PortalRequest, slug: str) -> System:
    """The system, for somebody who may change it while it is in service."""
    one: System = get_object_or_404(System.objects.visible_to(request.user), slug=slug)
    require(request.user, "registry.change_system", on=one)
    if one.retired_at:
        raise Conflict(f"{one} is retired and stays as it is.")
    return one


def _cleared(user: User, **about: System | Model) -> int:
    """How many versions are cleared in at least one environment."""
    rows = Clearance.objects.visible_to(user).filter(allowed=True, **about)
    return rows.values("version").distinct().count()
