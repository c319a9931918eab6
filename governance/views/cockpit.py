"""The review cockpit: the revision beside the one approved last, what people said about it, and who has still to sign."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.actions.clearances import basis_of
from governance.clearance import Basis
from governance.deputies import absent_for
from governance.forms import ReasonForm
from governance.margin import Margin, margin_of
from governance.models import Review
from governance.permissions import is_independent, may_comment, may_judge
from governance.review_forms import MoreTimeForm, NoteForm
from registry.models import User
from registry.permissions import can
from registry.request import PortalRequest
from registry.views.comparing import by_field
from registry.views.documents import findings_in, read_sections

JUDGE = "governance.judge_review"
SHOWN = (("", "To look at"), ("changed", "Changed"), ("open", "Open comments"), ("all", "All fields"))


def cockpit(request: PortalRequest, one: Review, forms: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page of a review, with the forms of whoever may judge it."""
    document, version = one.document, one.document.version
    baseline = _baseline(one)
    now = basis_of(version) if version else Basis()
    context = _compared(request, one, baseline) | {
        "review": one,
        "version": version,
        "findings": findings_in(document.about, document.kind, one.revision.content),
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


def _compared(request: PortalRequest, one: Review, baseline: Review | None) -> dict[str, Any]:
    """The fields of the revision, each beside what was approved where it differs, with what was said about it."""
    kind, content = one.document.kind, one.revision.content
    diffs = by_field(kind, baseline.revision.content, content) if baseline else {}
    margin = margin_of(one.revision)
    sections = _told(read_sections(kind, content), diffs, margin)
    shown = request.GET.get("show", "")
    name = _name(baseline, one) if baseline else ""
    chosen = _chosen(sections, shown, margin, has_baseline=bool(baseline))
    counts = {"": sum(len(one["fields"]) for one in chosen)} if not shown else {}
    counts |= {"changed": len(diffs), "open": margin.open}
    return {
        "every_section": sections,
        "sections": [section for section in chosen if section["fields"]],
        "quiet": [section for section in chosen if not section["fields"]],
        "shown": shown,
        "filters": [(key, label, counts.get(key)) for key, label in SHOWN if baseline or key != "changed"],
        "change_count": len(diffs),
        "margin": margin,
        "gone": margin.gone if shown != "changed" else [],
        "revision": one.revision,
        "shown_number": one.revision.number,
        "may_comment": bool(may_comment(request.user)),
        "baseline": baseline,
        "baseline_name": name,
        "before": f"Approved: {name}",
        "after": f"In review: revision {one.revision.number}",
        "number_text": str(one.revision.number),
    }


def _told(
    sections: list[dict[str, Any]], diffs: dict[str, dict[str, Any]], margin: Margin
) -> list[dict[str, Any]]:
    """The sections with what differs at each field, and how much there is to look at in each."""
    for section in sections:
        for one in section["fields"]:
            one["diff"] = diffs.get(one["field"].path)
            one["open"] = margin.open_paths.get(one["field"].path, 0)
        section["changed"] = sum(one["diff"] is not None for one in section["fields"])
        section["open"] = sum(one["open"] for one in section["fields"])
    return sections


def _chosen(
    sections: list[dict[str, Any]], shown: str, margin: Margin, *, has_baseline: bool
) -> list[dict[str, Any]]:
    """The sections with what there is to look at in their `fields`, and the rest `folded`; or what is asked for alone.

    To look at is what differs from what was approved, or, before the first approval, whatever says something; and every
    field that somebody has commented on.
    """
    if shown == "all":
        return sections
    if wanted := {"changed": "diff", "open": "open"}.get(shown):
        cut = [
            section | {"fields": [one for one in section["fields"] if one[wanted]]} for section in sections
        ]
        return [section for section in cut if section["fields"]]
    return [section | _parted(section["fields"], margin, has_baseline=has_baseline) for section in sections]


def _parted(fields: list[dict[str, Any]], margin: Margin, *, has_baseline: bool) -> dict[str, Any]:
    def to_look_at(one: dict[str, Any]) -> bool:
        return bool((one["diff"] if has_baseline else one["value"]) or margin.by_path.get(one["field"].path))

    folded = [one for one in fields if not to_look_at(one)]
    return {
        "fields": [one for one in fields if to_look_at(one)],
        "folded": folded,
        "folded_names": ", ".join(one["field"].label for one in folded),
        "folded_because": "as approved" if has_baseline else "empty",
    }


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
