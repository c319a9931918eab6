"""Teams: which there are, who belongs to one, and what hangs on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.teams import holdings
from registry.actions import teams as verbs
from registry.errors import Invalid
from registry.forms.teams import ArchiveTeamForm, MemberForm, NewTeamForm, TeamForm
from registry.models import Team, TeamMember
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest
from registry.spreadsheets import answer

STANDING = Q(members__ended_at=None)


def index(request: PortalRequest) -> HttpResponse:
    """One's own teams, and all of them for those who may see who belongs where; a form for those who make them."""
    may_manage = request.user.has_perm(verbs.MANAGES)
    form = NewTeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require(request.user, verbs.MANAGES)
        if form.is_valid():
            try:
                made = verbs.make(**form.cleaned_data, by=request.user)
            except Invalid as error:
                form.take(error)
            else:
                messages.success(request, f"{made} is made. Put its members in.")
                return redirect(made)
    words = request.GET.get("q", "").strip().replace("\x00", "")
    rows = Team.objects.visible_to(request.user).select_related("group")
    rows = rows.annotate(size=Count("members", filter=STANDING, distinct=True))
    leads = (
        TeamMember.objects.standing().filter(is_lead=True).select_related("user").order_by("user__username")
    )
    rows = rows.prefetch_related(Prefetch("members", queryset=leads, to_attr="leads"))
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(group__name__icontains=words))
    context = {
        "page": page(rows, request, by="name"),
        "words": words,
        "form": form if may_manage else None,
    }
    status = 400 if request.method == "POST" else 200
    return render(request, "governance/teams.html", context, status=status)


def team(request: PortalRequest, slug: str) -> HttpResponse:
    """Who belongs to a team, what it answers for, what its members see by it, and which policies name it."""
    one = _team(request, slug)
    return _shown(request, one)


@require_POST
def edit(request: PortalRequest, slug: str) -> HttpResponse:
    """Another name, or other words about it."""
    one, form = _team(request, slug), TeamForm(request.POST)
    require(request.user, verbs.MANAGES)
    if form.is_valid():
        try:
            verbs.edit(team=one, **form.cleaned_data, by=request.user)
        except Invalid as error:
            form.take(error)
        else:
            messages.success(request, "Saved.")
            return redirect(one)
    return _shown(request, one, edit_form=form)


@require_POST
def add(request: PortalRequest, slug: str) -> HttpResponse:
    """Put somebody in. Who exists is asked only for those who may."""
    one, form = _team(request, slug), MemberForm(request.POST)
    if not one.is_led_by(request.user):
        require(request.user, verbs.MANAGES)
    if form.is_valid():
        account, lead = form.cleaned_data["account"], form.cleaned_data["lead"]
        try:
            verbs.add(team=one, user=account, lead=lead, by=request.user)
        except Invalid as error:
            form.take(error)
        else:
            messages.success(request, f"{account} belongs to {one} now.")
            return redirect(one)
    return _shown(request, one, member_form=form)


@require_POST
def remove(request: PortalRequest, slug: str, username: str) -> HttpResponse:
    """Take somebody out, or leave."""
    one = _team(request, slug)
    held = get_object_or_404(one.members.standing().select_related("user"), user__username=username)
    verbs.remove(team=one, user=held.user, by=request.user)
    messages.success(request, f"{held.user} no longer belongs to {one}.")
    return redirect("teams" if held.user == request.user else one)


@require_POST
def archive(request: PortalRequest, slug: str) -> HttpResponse:
    """End the team for good."""
    one, form = _team(request, slug), ArchiveTeamForm(request.POST)
    require(request.user, verbs.MANAGES)
    if form.is_valid():
        verbs.archive(team=one, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(request, f"{one} is archived. Nobody sees or may do anything by it any more.")
        return redirect(one)
    return _shown(request, one, archive_form=form)


def members_csv(request: PortalRequest, slug: str) -> StreamingHttpResponse:
    """Everybody who belongs to it or did, for spreadsheets."""
    one = _team(request, slug)
    rows = one.members.select_related("user", "by", "ended_by").order_by("since", "pk")
    head = ["account", "kind", "lead", "since", "by", "until", "ended by"]
    cells = (
        [
            row.user.username,
            row.user.kind,
            "yes" if row.is_lead else "no",
            row.since.isoformat(),
            row.by.username,
            row.ended_at.isoformat() if row.ended_at else "",
            row.ended_by.username if row.ended_by else "",
        ]
        for row in rows.iterator()
    )
    return answer(f"team-{one.slug}", timezone.now().date(), head, cells)


def _team(request: PortalRequest, slug: str) -> Team:
    rows = Team.objects.visible_to(request.user).select_related("group", "created_by", "archived_by")
    return get_object_or_404(rows, slug=slug)


def _shown(request: PortalRequest, one: Team, **forms: Any) -> HttpResponse:
    may_manage = request.user.has_perm(verbs.MANAGES) and one.archived_at is None
    leads = one.archived_at is None and one.is_led_by(request.user)
    members = one.members.standing()
    context = {
        "team": one,
        "page": page(members.select_related("user", "by"), request, by="user__username"),
        "count": members.count(),
        "holdings": holdings(one, request.user),
        "may_manage": may_manage,
        "leads": leads,
        "edit_form": TeamForm(initial={"name": one.name, "description": one.description}),
        "member_form": MemberForm(),
        "archive_form": ArchiveTeamForm(),
    } | forms
    return render(request, "governance/team.html", context, status=400 if forms else 200)
