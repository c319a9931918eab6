"""Cards and datasheets: read a revision, walk through the history, compare two."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from registry.documents import content as contents
from registry.documents import lint
from registry.documents.outline import Field, json_schema, outline
from registry.documents.strictness import strictness_of
from registry.models import Dataset, Document, Revision, Version
from registry.paging import page
from registry.request import PortalRequest
from registry.views.comparing import ENOUGH_ROWS, comparison

KINDS = ("card", "datasheet")


def document(request: PortalRequest, pk: int) -> HttpResponse:
    """The latest revision of a document."""
    one = get_object_or_404(Document.objects.visible_to(request.user).select_related("head"), pk=pk)
    if one.head is None:
        raise Http404
    return redirect(one.head)


def revision(request: PortalRequest, pk: int, number: int) -> HttpResponse:
    """One revision, to read and to print."""
    one = _revision(request, pk, number)
    kind = one.document.kind
    content = one.content
    filled, total = contents.completeness(kind, content)
    context = {
        "revision": one,
        "number_text": str(one.number),
        "document": one.document,
        "sections": read_sections(kind, content),
        "findings": findings_in(one.document.about, kind, content),
        "filled": filled,
        "total": total,
        "revisions": one.document.revisions.select_related("by").order_by("-number")[:10],
        "may_write": request.user.has_perm("registry.write_document"),
        "is_latest_card": kind == "card" and one.document.head_id == one.pk,  # where it stands is told there
    }
    return render(request, "registry/revision.html", context)


def revisions(request: PortalRequest, pk: int) -> HttpResponse:
    """The history of a document, newest first. With ?from= and ?to= it leads to the comparison of these two."""
    one = get_object_or_404(
        Document.objects.visible_to(request.user).select_related("version__model", "dataset", "head"), pk=pk
    )
    chosen = [request.GET.get(name, "") for name in ("from", "to")]
    if all(number.isdecimal() and len(number) < 9 for number in chosen):
        return redirect("compare", pk, *map(int, chosen))
    rows = one.revisions.select_related("by").defer("body")
    context = {
        "document": one,
        "page": page(rows, request, by="-number"),
        "count": one.head.number if one.head else 0,
        "before": one.head.number - 1 if one.head else 0,
    }
    return render(request, "registry/revisions.html", context)


def compare(request: PortalRequest, pk: int, before: int, after: int) -> HttpResponse:
    """Two revisions side by side, only the fields that differ."""
    old, new = _revision(request, pk, before), _revision(request, pk, after)
    context = {
        "document": new.document,
        "old": old,
        "new": new,
        "old_text": str(old.number),
        "new_text": str(new.number),
        "compared": comparison(new.document.kind, old.content, new.content),
    }
    return render(request, "registry/compare.html", context)


def schema(request: PortalRequest, kind: str) -> JsonResponse:
    """The published JSON Schema of a document kind."""
    if kind not in KINDS:
        raise Http404
    return JsonResponse(json_schema(kind), json_dumps_params={"indent": 2})


def findings_in(about: Version | Dataset, kind: str, content: dict[str, Any]) -> list[lint.Finding]:
    """What the lint finds in a document, as strict as the systems that it concerns demand."""
    return lint.inspect(kind, content, strictness_of(about))


def read_sections(kind: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    """A document's content for reading: sections of fields with label, kind, value, and whether it is asked at all."""
    waiting = content.get("unaccepted", {})
    return [
        {
            "key": section.key,
            "title": section.title,
            "fields": [
                {
                    "field": field,
                    "value": _shown(field, contents.value(content, field.path)),
                    "source": waiting.get(field.path, ""),
                    "asked": field.asked(content),
                }
                for field in section.fields
            ],
        }
        for section in outline(kind).sections
    ]


def _shown(field: Field, given: Any) -> Any:
    """An answer in its words; a table as its rows, in the columns that tell them apart, and what all of them share."""
    if field.kind == "choice":
        return next((option.label for option in field.options if option.value == given), given)
    if field.kind != "table" or not given:
        return given
    values = {column: {row.get(column.key, "") for row in given} for column in field.columns}
    said = [column for column in field.columns if values[column] != {""}]
    shared = [column for column in said if len(given) >= ENOUGH_ROWS and len(values[column]) == 1]
    shown = [column for column in said if column not in shared] or said
    return {
        "columns": [column.label for column in shown],
        "rows": [[(column.label, row.get(column.key, "")) for column in shown] for row in given],
        "shared": [(column.label, next(iter(values[column]))) for column in shared if column not in shown],
    }


def _revision(request: PortalRequest, pk: int, number: int) -> Revision:
    rows = Revision.objects.visible_to(request.user).select_related(
        "by", "parent", "document__version__model", "document__dataset"
    )
    return get_object_or_404(rows, document=pk, number=number)
