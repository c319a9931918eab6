"""Reviews: the inbox and the cockpit."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from governance.actions import reviews as verbs
from governance.actions.clearances import basis_of
from governance.clearance import Basis
from governance.forms import JudgementForm
from governance.models import Review
from governance.permissions import may_judge
from registry.documents import content as contents
from registry.errors import Invalid
from registry.paging import page
from registry.permissions import can
from registry.request import PortalRequest
from registry.views.comparing import comparison
from registry.views.documents import findings_in, read_sections

VIEWS = (("awaiting", "Waiting for me"), ("open", "Open"), ("closed", "Closed"))


def reviews(request: PortalRequest) -> HttpResponse:
    """Reviews that wait for me first; then all open, then closed ones."""
    chosen = request.GET.get("show", "awaiting")
    rows = Review.objects.visible_to(request.user)
    if chosen == "open":
        rows = rows.open()
    elif chosen == "closed":
        rows = rows.exclude(state=Review.State.IN_REVIEW)
    elif request.user.has_perm("governance.judge_review"):
        rows = Review.objects.awaiting(request.user)
    else:
        rows = rows.none()
    context = {
        "page": page(rows.with_subject(), request, by="-submitted_at"),
        "count": rows.count(),
        "chosen": chosen,
        "views": VIEWS,
    }
    return render(request, "governance/reviews.html", context)


def review(request: PortalRequest, pk: int) -> HttpResponse:
    """The cockpit: the revision beside the one approved last, changed fields marked."""
    one = get_object_or_404(Review.objects.visible_to(request.user).with_subject(), pk=pk)
    document, kind = one.document, one.document.kind
    baseline = _baseline(one)
    content = one.revision.content
    before = baseline.revision.content if baseline else None
    changed = {change.field.path for change in contents.changes(kind, before, content)} if baseline else set()
    version = document.version
    now = basis_of(version) if version else Basis()
    context = {
        "review": one,
        "version": version,
        "sections": read_sections(kind, content),
        "changed": changed,
        "compared": comparison(kind, before, content) if baseline else {},
        "baseline": baseline,
        "baseline_name": _name(baseline, one) if baseline else "",
        "number_text": str(one.revision.number),
        "findings": findings_in(document.about, kind, content),
        "basis": one.basis_facts,
        "basis_holds": Basis.of(one.basis_facts) == now,
        "judgements": one.judgements.select_related("by").order_by("made_at"),
        "form": JudgementForm(initial={"digest": one.digest}),
        "verdict": may_judge(request.user, one),
        "role": can(request.user, "governance.judge_review"),
        "mine": one.submitted_by_id == request.user.pk,
    }
    return render(request, "governance/review.html", context)


@require_POST
def judge(request: PortalRequest, pk: int) -> HttpResponse:
    """Approve, or ask for changes."""
    one = get_object_or_404(Review.objects.visible_to(request.user).with_subject(), pk=pk)
    form = JudgementForm(request.POST)
    if not form.is_valid():
        raise Invalid(fields={name: [str(e) for e in errors] for name, errors in form.errors.items()})
    given = {"review": one, "digest": form.cleaned_data["digest"], "comment": form.cleaned_data["comment"]}
    if "approve" in request.POST:
        verbs.approve(**given, by=request.user)
        messages.success(request, "Approved. The clearance was assessed again.")
    else:
        verbs.request_changes(**given, by=request.user)
        messages.success(request, "Sent back with your comment.")
    return redirect(one)


@require_POST
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    """Take back what one has submitted."""
    one = get_object_or_404(Review.objects.visible_to(request.user).with_subject(), pk=pk)
    verbs.withdraw(review=one, by=request.user)
    messages.success(request, "Taken back.")
    return redirect(one)


def _baseline(one: Review) -> Review | None:
    """What the revision is compared with: the one approved last, of this document or else of an earlier version's card."""
    approved = Review.objects.with_subject().select_related("revision").filter(state=Review.State.APPROVED)
    same = (
        approved.filter(document=one.document, submitted_at__lt=one.submitted_at)
        .order_by("-submitted_at")
        .first()
    )
    version = one.document.version
    if same or not version:
        return same
    earlier = approved.filter(
        document__version__model=version.model, document__version__number__lt=version.number
    )
    return earlier.order_by("-document__version__number", "-submitted_at").first()


def _name(baseline: Review, one: Review) -> str:
    """The baseline in a few words for headings."""
    number = f"revision {baseline.revision.number}"
    if baseline.document_id == one.document_id or not baseline.document.version:
        return number
    return f"version {baseline.document.version.number}, {number}"
