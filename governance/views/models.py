"""Models and their versions: clearance first."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance import policies
from governance.actions import clearances, reviews
from governance.finding.decisions import COUNTED
from governance.forms import EndpointForm, ReasonForm, ShareForm
from governance.models import BreakGlass, Clearance, Decision, Policy, Review, Suspension, Token
from governance.permissions import STOP_MODEL
from governance.review_forms import GlassForm
from governance.views.anomalies import anomalies_of
from governance.views.reach import audience_of
from governance.views.stops import stop_on
from governance.views.tabs import find_version, model_tabs, version_tabs
from registry.documents import content as contents
from registry.documents import lint
from registry.errors import Invalid
from registry.models import (
    Document,
    Endpoint,
    Manifest,
    Model,
    Revision,
    RunInput,
    System,
    TrackingServer,
    User,
    Version,
)
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest
from registry.views.documents import findings_in, read_sections


def model(request: PortalRequest, slug: str) -> HttpResponse:
    """One model: its versions with their clearances, aliases, systems and policies."""
    one = get_object_or_404(Model.objects.visible_to(request.user).select_related("server"), slug=slug)
    stored = Prefetch("clearances", queryset=Clearance.objects.order_by("environment"))
    versions = one.versions.prefetch_related(stored, "aliases", "endpoints").select_related("card__head")
    context = {
        "model": one,
        "tabs": model_tabs(one, "model") if request.user.has_perm("governance.view_decision") else (),
        "page": page(versions, request, by="-number"),
        "systems": one.systems.order_by("name"),
        "policies": one.policies.select_related("in_force__by").order_by("environment"),
        "share_form": ShareForm() if request.user.has_perm("registry.share_model") else None,
        "audience": audience_of(one),
        "stop": stop_on(request.user, model=one),
        "anomalies": anomalies_of(model=one),
        "may_stop": request.user.has_perm(STOP_MODEL),
        "token_count": Token.objects.visible_to(request.user).filter(models=one, revoked_at=None).count(),
    }
    return render(request, "governance/model.html", context)


def version(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """The clearance of a version: each condition, met or not, why, and the one thing to do."""
    one = find_version(request, slug, number)
    context = frame(one, "version") | {
        "clearances": [
            {"row": row, "conditions": [_with_action(c, one, request.user) for c in row.conditions_now]}
            for row in one.clearances.order_by("environment")
        ],
        "suspension": Suspension.objects.filter(version=one, lifted_at=None).select_related("by").first(),
        "stop": stop_on(request.user, model=one.model),
        "glasses": BreakGlass.objects.filter(version=one)
        .open()
        .select_related("asked_by", "granted_by")
        .order_by("-asked_at"),
        "glass_form": GlassForm() if request.user.has_perm("governance.ask_break_glass") else None,
        "may_grant": request.user.has_perm("governance.break_glass"),
        "form": ReasonForm(),
        "may_suspend": request.user.has_perm("governance.suspend_version"),
        "may_report": request.user.has_perm("audit.order_report"),
        "endpoints": Endpoint.objects.filter(version=one).order_by("environment"),
        "systems": System.objects.filter(models=one.model).order_by("name"),
        "manifest": Manifest.objects.filter(version=one).order_by("-taken_at", "-pk").first(),
        "endpoint_form": EndpointForm() if request.user.has_perm("registry.change_endpoint") else None,
    }
    return render(request, "governance/version.html", context)


def facts(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """What the tracking server says: run, parameters, metrics, data, files."""
    one = find_version(request, slug, number)
    inputs = (
        RunInput.objects.filter(run=one.run).select_related("snapshot__dataset").order_by("context", "pk")
    )
    context = frame(one, "version-facts") | {
        "run": one.run,
        "inputs": inputs if one.run else [],
        "manifest": Manifest.objects.filter(version=one).order_by("-taken_at", "-pk").first(),
        "may_sync": request.user.has_perm("registry.sync_trackingserver"),
    }
    return render(request, "governance/version_facts.html", context)


def card(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """The card's latest revision, and where it stands."""
    one = find_version(request, slug, number)
    head = one.card.head if hasattr(one, "card") else None
    reviews_of = Review.objects.with_subject().filter(document__version=one).order_by("-submitted_at", "-pk")
    review = reviews_of.first() if head else None
    content = head.content if head else {}
    filled, total = contents.completeness("card", content) if head else (0, 0)
    findings = findings_in(one, "card", content) if head else []
    context = frame(one, "version-card") | {
        "head": head,
        "review": review,
        "sections": read_sections("card", content) if head else [],
        "findings": findings,
        "blocking": lint.blocking(findings),
        "filled": filled,
        "total": total,
        "may_write": request.user.has_perm("registry.write_document"),
        "may_submit": head is not None
        and not lint.blocking(findings)
        and request.user.has_perm("governance.submit_review")
        and _to_submit(one, head, review),
        "revisions": one.card.revisions.select_related("by").order_by("-number")[:20] if head else [],
    }
    return render(request, "governance/version_card.html", context)


def access(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Who may query this version: policies in sentences, tokens."""
    one = find_version(request, slug, number)
    rows = Policy.objects.filter(model=one.model, in_force__isnull=False).select_related("in_force__by")
    stated = [
        (row, policies.sentences(row.in_force.content))
        for row in rows.order_by("environment")
        if row.in_force
    ]
    tokens = Token.objects.visible_to(request.user).filter(models=one.model).select_related("owner")
    context = frame(one, "version-access") | {
        "policies": stated,
        "tokens": tokens.order_by("-issued_at")[:50],
    }
    return render(request, "governance/version_access.html", context)


def decisions(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """What the gate decided about this version."""
    one = find_version(request, slug, number)
    require(request.user, "governance.view_decision", on=one)
    rows = Decision.objects.visible_to(request.user).filter(model=one.model.slug)
    rows = rows.filter(Q(version=one.number) | Q(version__isnull=True))
    newest = rows.order_by("-decided_at")[:COUNTED]  # millions are not counted for a page
    counted = newest.aggregate(total=Count("pk"), allowed=Count("pk", filter=Q(allowed=True)))
    shown = page(rows, request, by="-decided_at")
    context = frame(one, "version-decisions") | {
        "page": shown,
        "counted": counted,
        "many": counted["total"] == COUNTED,
    }
    return render(request, "governance/version_decisions.html", context)


@require_POST
def submit(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Ask for a review of the card's latest revision."""
    one = find_version(request, slug, number)
    document = get_object_or_404(Document.objects.select_related("head"), version=one, head__isnull=False)
    assert document.head is not None  # noqa: S101 - the filter says so
    review = reviews.submit(revision=document.head, by=request.user)
    messages.success(request, f"Revision {document.head.number} waits for a reviewer.")
    return redirect(review)


@require_POST
def suspend(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Stop the version, or let it go on."""
    one = find_version(request, slug, number)
    lift = "lift" in request.POST
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise Invalid(fields={name: [str(error) for error in errors] for name, errors in form.errors.items()})
    verb = clearances.lift if lift else clearances.suspend
    verb(version=one, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(
        request, "The suspension is lifted." if lift else "Suspended. Queries are refused within a second."
    )
    return redirect(one)


@require_POST
def rehash(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Let a worker hash the files again."""
    one = find_version(request, slug, number)
    require(request.user, "registry.sync_trackingserver", on=one)
    current_app.send_task("registry.rehash_version", [one.pk, request.user.pk])
    messages.info(request, "A worker is hashing the files. The result stands in the history in a moment.")
    return redirect("version-facts", slug, number)


@require_POST
def sync(request: PortalRequest) -> HttpResponse:
    """Let a worker read every tracking server now."""
    require(request.user, "registry.sync_trackingserver")
    for server in TrackingServer.objects.all():
        current_app.send_task("registry.sync_server", [server.pk, request.user.pk])
    messages.info(request, "A worker is reading the tracking server. New versions appear here in a moment.")
    return redirect("models")


def frame(one: Version, tab: str) -> dict[str, Any]:
    """What the head and the tabs of every page of a version show, also those of the floor above."""
    cleared = {row.environment: row.holds for row in Clearance.objects.filter(version=one)}
    aliases = one.aliases.order_by("name").values_list("name", flat=True)
    return {
        "version": one,
        "number_text": str(one.number),
        "tabs": version_tabs(one, tab),
        "cleared": dict(sorted(cleared.items())),
        "aliases": list(aliases),
    }


def _to_submit(one: Version, head: Revision, last: Review | None) -> bool:
    """Whether there is something to submit: one open review at a time, and no revision twice without a reason.

    An approval that no longer counts, or whose next review is due, is such a reason.
    """
    if last is None or last.state == Review.State.WITHDRAWN:
        return True
    if last.state == Review.State.IN_REVIEW:
        return False
    if last.revision_id != head.pk:
        return True
    if last.state in (Review.State.STALE, Review.State.RETIRED):
        return True
    return last.due_at is not None and last.due_at <= timezone.now()


def _with_action(condition: dict[str, Any], one: Version, user: User) -> dict[str, Any]:
    """The condition, and for an unmet one the page where it can be mended."""
    if condition["met"]:
        return condition
    slug, number = one.model.slug, one.number
    places = {
        "card_missing": ("card-edit", "Write the card", "registry.write_document"),
        "card_in_review": ("version-card", "See the review", ""),
        "card_not_approved": ("version-card", "Submit the card", "governance.submit_review"),
        "card_changed": ("version-card", "Submit the new revision", "governance.submit_review"),
        "approval_retired": ("version-card", "Submit the card", "governance.submit_review"),
        "approval_expired": ("version-card", "Submit the card", "governance.submit_review"),
        "condition_lapsed": ("version-card", "See the review", ""),
        "artifact_unknown": ("version-facts", "See the files", ""),
        "artifact_changed": ("version-facts", "See the files", ""),
        "artifact_moved": ("version-facts", "See the files", ""),
        "artifact_gone": ("version-facts", "See the files", ""),
        "datasheet_missing": ("version-lineage", "See the data", ""),
        "datasheet_changed": ("version-card", "See the card", ""),
    }
    if condition["reason"].startswith("risk"):
        system = one.model.systems.first()
        url = reverse("system", args=[system.slug]) if system else reverse("systems")
        return condition | {"url": url, "action": "Open the system"}
    name, action, permission = places.get(condition["reason"], ("", "", ""))
    if not name or (permission and not user.has_perm(permission)):
        return condition | {"why": f"{condition['why']} {condition['remedy']}"}
    return condition | {"url": reverse(name, args=[slug, number]), "action": action}
