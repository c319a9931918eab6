"""Cards and datasheets: read a revision, edit, compare."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from registry import prefill
from registry.actions import documents as verbs
from registry.documents import content as contents
from registry.documents.outline import FIGURE, Field, json_schema, outline
from registry.errors import Conflict, Invalid
from registry.forms import DocumentForm
from registry.models import Dataset, Document, Revision, Version
from registry.permissions import require
from registry.request import PortalRequest

KINDS = ("card", "datasheet")


def edit_card(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Write the card of a version. A first card starts from what the tracking server says."""
    version = get_object_or_404(
        Version.objects.visible_to(request.user).select_related("model", "card__head__by"),
        model__slug=slug,
        number=number,
    )
    require(request.user, "registry.write_document", on=version)
    head = version.card.head if hasattr(version, "card") else None
    content, sources = prefill.card(version) if head is None else (head.content, {})
    if head and "fill" in request.GET:
        content, sources = prefill.fill(content, version)
    return _edit(request, version, "card", head, content, sources)


def edit_datasheet(request: PortalRequest, slug: str) -> HttpResponse:
    """Write the datasheet of a dataset."""
    dataset = get_object_or_404(
        Dataset.objects.visible_to(request.user).select_related("datasheet__head__by"), slug=slug
    )
    require(request.user, "registry.write_document", on=dataset)
    head = dataset.datasheet.head if hasattr(dataset, "datasheet") else None
    content = head.content if head else contents.blank("datasheet")
    return _edit(request, dataset, "datasheet", head, content, {})


def _edit(
    request: PortalRequest,
    about: Version | Dataset,
    kind: str,
    head: Revision | None,
    content: dict[str, Any],
    sources: dict[str, str],
) -> HttpResponse:
    form = DocumentForm(kind, content, request.POST or None)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            revision = verbs.save(
                about=about,
                content=form.content(),
                on_top_of=form.cleaned_data["on_top_of"],
                note=form.cleaned_data["note"],
                by=request.user,
            )
        except Invalid as error:
            for path, sentences in error.fields.items():
                form.add_error(_field_of(form, path), sentences)
        except Conflict as error:
            conflict = str(error)
        else:
            messages.success(request, f"Saved as revision {revision.number}.")
            return redirect(revision)
    context = {
        "about": about,
        "kind": kind,
        "title": outline(kind).title,
        "form": form,
        "sections": form.sections(),
        "head": head,
        "on_top_of": head.number if head else 0,
        "sources": sources,
        "conflict": conflict,
        "theirs": _their_changes(kind, head, form) if conflict and head else [],
    }
    return render(request, "registry/document_edit.html", context, status=409 if conflict else 200)


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
    context = {
        "revision": one,
        "number_text": str(one.number),
        "document": one.document,
        "sections": read_sections(kind, content),
        "gaps": contents.gaps(kind, content),
        "revisions": one.document.revisions.select_related("by").order_by("-number")[:50],
        "may_write": request.user.has_perm("registry.write_document"),
        "may_submit": request.user.has_perm("governance.submit_review")
        and one.document.head_id == one.pk
        and kind == "card",
    }
    return render(request, "registry/revision.html", context)


def compare(request: PortalRequest, pk: int, before: int, after: int) -> HttpResponse:
    """Two revisions side by side, only the fields that differ."""
    old, new = _revision(request, pk, before), _revision(request, pk, after)
    context = {
        "document": new.document,
        "old": old,
        "new": new,
        "old_text": str(old.number),
        "new_text": str(new.number),
        "rows": diff_rows(new.document.kind, old.content, new.content),
    }
    return render(request, "registry/compare.html", context)


def schema(request: PortalRequest, kind: str) -> JsonResponse:
    """The published JSON Schema of a document kind."""
    if kind not in KINDS:
        raise Http404
    return JsonResponse(json_schema(kind), json_dumps_params={"indent": 2})


def read_sections(kind: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    """A document's content for reading: sections of fields with label, kind and value."""
    return [
        {
            "key": section.key,
            "title": section.title,
            "fields": [
                {"field": f, "value": _ordered(f, contents.value(content, f.path))} for f in section.fields
            ],
        }
        for section in outline(kind).sections
    ]


def diff_rows(kind: str, before: dict[str, Any] | None, after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(label, text before, text after) of every field that differs."""
    return [
        (change.field.label, as_text(change.field, change.before), as_text(change.field, change.after))
        for change in contents.changes(kind, before, after)
    ]


def as_text(field: Field, given: Any) -> str:
    """A field's value as plain text, one row a line."""
    if field.kind in ("table", "figures"):
        return "\n".join(" · ".join(filter(None, row)) for row in _ordered(field, given))
    return "\n".join(given) if isinstance(given, list) else given or ""


def _ordered(field: Field, given: Any) -> Any:
    """Rows as lists in the order of the columns: canonical JSON has sorted the keys."""
    if field.kind == "figures":
        return [[figure.get(key, "") for key in FIGURE] for figure in given or []]
    if field.kind != "table":
        return given
    return [[row.get(column.key, "") for column in field.columns] for row in given or []]


def _revision(request: PortalRequest, pk: int, number: int) -> Revision:
    rows = Revision.objects.visible_to(request.user).select_related(
        "by", "parent", "document__version__model", "document__dataset"
    )
    return get_object_or_404(rows, document=pk, number=number)


def _field_of(form: DocumentForm, path: str) -> str | None:
    """The form's field that an error path such as "metrics.results.0" belongs to."""
    name = ".".join(path.split(".")[:2])
    return name if name in form.fields else None


def _their_changes(kind: str, head: Revision, form: DocumentForm) -> list[tuple[str, str, str]]:
    return diff_rows(kind, head.content, form.content())
