"""Reviews: the inbox and the cockpit."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form, formset_factory
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance import refusals
from governance.actions import conditions as condition_verbs
from governance.actions import reviews as verbs
from governance.actions.clearances import basis_of
from governance.clearance import Basis
from governance.deputies import absent_for
from governance.forms import ReasonForm
from governance.models import Judgement, Review, ReviewCondition
from governance.permissions import is_independent, may_judge, open_roles, still_wanted
from governance.review_forms import (
    SPARE_CONDITIONS,
    ConditionForm,
    JudgementForm,
    MoreTimeForm,
    NoteForm,
    SigningForm,
)
from governance.signing import meaning, prove, second_factor
from registry.documents import content as contents
from registry.errors import Invalid, Refused
from registry.models import User
from registry.paging import page
from registry.permissions import can, require
from registry.request import PortalRequest
from registry.views.comparing import comparison
from registry.views.documents import findings_in, read_sections

CONDITIONS = formset_factory(ConditionForm, extra=SPARE_CONDITIONS, max_num=20)
JUDGE = "governance.judge_review"
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
    """The cockpit: the revision beside the one approved last, changed fields marked, and who has still to sign."""
    one = _visible(request, pk)
    return _cockpit(request, one, _forms(request, one))


@require_POST
def judge(request: PortalRequest, pk: int) -> HttpResponse:
    """Approve, on conditions or without, or ask for changes."""
    one = _visible(request, pk)
    require(request.user, JUDGE, on=one.document)
    if not (verdict := may_judge(request.user, one)):
        raise Refused(verdict, action=JUDGE, subject=one)
    forms = _forms(request, one, request.POST)
    rows, signs = forms["conditions"], "signing" in forms
    parts = [forms["form"], *([forms["signing"]] if signs else []), *([rows] if rows.is_bound else [])]
    if not all(part.is_valid() for part in parts):
        return _cockpit(request, one, forms, status=400)
    proof = None
    if signs:
        try:
            proof = prove(by=request.user, **forms["signing"].cleaned_data, subject=one)
        except Refused as refused:
            refusals.keep(refused, by=request.user)
            forms["signing"].add_error(None, str(refused))
            return _cockpit(request, one, forms, status=403)
    data = forms["form"].cleaned_data
    given = {
        "review": one,
        "digest": data["digest"],
        "comment": data["comment"],
        "role": data.get("role", ""),
        "proof": proof,
    }
    if "approve" not in request.POST:
        verbs.request_changes(**given, by=request.user)
        messages.success(request, "Sent back with your comment.")
        return redirect(one)
    wishes = [wish for row in rows if (wish := row.wish())] if rows.is_bound else []
    judged = verbs.approve(**given, checked=data.get("checked", ()), conditions=wishes, by=request.user)
    told = (
        "Approved. The clearance was assessed again."
        if judged.is_approved
        else "Signed. Others have to sign too."
    )
    messages.success(request, told)
    return redirect(one)


@require_POST
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    """Take back what one has submitted."""
    one = _visible(request, pk)
    verbs.withdraw(review=one, by=request.user)
    messages.success(request, "Taken back.")
    return redirect(one)


@require_POST
def retire(request: PortalRequest, pk: int) -> HttpResponse:
    """Take an approval away."""
    one = _visible(request, pk)
    verbs.retire(review=one, reason=checked(ReasonForm(request.POST))["reason"], by=request.user)
    messages.success(request, "The approval counts no more. The clearance was assessed again.")
    return redirect(one)


@require_POST
def fulfil(request: PortalRequest, pk: int) -> HttpResponse:
    """Confirm that a condition is fulfilled."""
    one = _condition(request, pk)
    condition_verbs.fulfil(condition=one, note=checked(NoteForm(request.POST))["note"], by=request.user)
    messages.success(request, "Confirmed. The clearance was assessed again.")
    return redirect(one.review)


@require_POST
def extend(request: PortalRequest, pk: int) -> HttpResponse:
    """Give a condition more time."""
    one = _condition(request, pk)
    condition_verbs.extend(condition=one, **checked(MoreTimeForm(request.POST)), by=request.user)
    messages.success(request, "It has more time. The clearance was assessed again.")
    return redirect(one.review)


def checked(form: Form) -> dict[str, Any]:
    """What a short form holds, or `Invalid` naming each field."""
    if not form.is_valid():
        raise Invalid(fields={name: [str(e) for e in errors] for name, errors in form.errors.items()})
    return form.cleaned_data


def _visible(request: PortalRequest, pk: int) -> Review:
    return get_object_or_404(Review.objects.visible_to(request.user).with_subject(), pk=pk)


def _condition(request: PortalRequest, pk: int) -> ReviewCondition:
    rows = ReviewCondition.objects.filter(review__in=Review.objects.visible_to(request.user))
    return get_object_or_404(rows.select_related("review__document", "owner"), pk=pk)


def _forms(request: PortalRequest, one: Review, data: Any = None) -> dict[str, Any]:
    """The forms of a judgement: what is judged, on which conditions, and the signature if the rule asks for one."""
    still = still_wanted(one)
    roles = open_roles(request.user, one, still) if still else ()
    given = data if data is not None and "condition-TOTAL_FORMS" in data else None
    forms: dict[str, Any] = {
        "form": JudgementForm(one, roles, data),
        "conditions": CONDITIONS(given, prefix="condition"),
        "roles": roles,
        "wanted": still,
    }
    if one.state == Review.State.IN_REVIEW and one.frozen_rule.step_up:
        forms["signing"] = SigningForm(data, code=second_factor(request.user) is not None)
        forms["meaning"] = meaning(one, Judgement.Outcome.APPROVE, request.user)
    return forms


def _cockpit(
    request: PortalRequest, one: Review, forms: dict[str, Any], *, status: int = 200
) -> HttpResponse:
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
        "judgements": one.judgements.select_related("by", "in_place_of").order_by("made_at"),
        "rule": one.frozen_rule,
        "held": _held(request.user, one),
        "verdict": may_judge(request.user, one),
        "absent": absent_for(request.user, one, forms["roles"]),
        "role": can(request.user, JUDGE),
        "mine": one.submitted_by_id == request.user.pk,
        "may_retire": one.state in ("approved", "stale") and request.user.has_perm("governance.judge_review"),
        "reason_form": ReasonForm(),
    }
    return render(request, "governance/review.html", context | forms, status=status)


def _held(user: User, one: Review) -> list[dict[str, Any]]:
    """The conditions of the approval, each with the forms that settle it where `user` may."""
    found = one.conditions.select_related("owner", "fulfilled_by", "extended_by", "judgement__by")
    rows = list(found.order_by("due_at", "pk"))
    settles = bool(rows) and user.has_perm(JUDGE) and bool(is_independent(user, one))
    return [
        {
            "row": row,
            "lapsed": not row.fulfilled_at and row.due_at <= timezone.now(),
            "note": NoteForm(auto_id=f"note-{row.pk}-%s")
            if settles and not row.fulfilled_at and row.owner_id != user.pk
            else None,
            "more": MoreTimeForm(auto_id=f"more-{row.pk}-%s"),
        }
        for row in rows
    ]


def _baseline(one: Review) -> Review | None:
    """What the revision is compared with: the one approved last, of this document or else of an earlier version's card."""
    approved = Review.objects.with_subject().select_related("revision").approved_once()
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
