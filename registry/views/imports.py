"""Files from elsewhere: import one, read what became of it, use it; and documents for elsewhere."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import get_valid_filename
from django.views.decorators.http import require_POST

from registry import formats
from registry.actions import imports as verbs
from registry.documents.outline import outline
from registry.errors import Conflict, Invalid, Missing
from registry.exporting import export_of, file_name
from registry.formats.ledger import DROPPED, KEPT, MAPPED
from registry.forms.imports import ImportForm, UseForm
from registry.models import Dataset, Import, User, Version
from registry.naming import named, named_in
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest
from registry.views.documents import KINDS

SHOWN = 200  # values of each outcome on the page; all of them stand in the report as JSON
GROUPS = (
    (MAPPED, "Mapped", "ok", "They fill fields of the document."),
    (
        KEPT,
        "Kept unmapped",
        "info",
        "No field asks for them; they stay with the import and may leave with an export.",
    ),
    (DROPPED, "Dropped", "neutral", "They go no further than the raw file; each says why."),
)
FORMATS = {name: reader.label for name, reader in formats.READERS.items()}


def imports(request: PortalRequest) -> HttpResponse:
    """What was imported: by me, and for what I may see."""
    query, waiting = request.GET.get("q", "").strip(), request.GET.get("state") == "waiting"
    rows = Import.objects.visible_to(request.user)
    if query:
        rows = rows.filter(name__icontains=query)
    if waiting:
        rows = rows.filter(version=None, dataset=None)
    listed = rows.select_related("version__model", "dataset", "by").defer("report", "unmapped", "proposals")
    context = {
        "page": page(listed, request, by="-taken_at"),
        "count": rows.count(),
        "query": query,
        "waiting": waiting,
        "formats": FORMATS,
        "may_write": request.user.has_perm("registry.write_document"),
    }
    return render(request, "registry/imports.html", context)


def import_new(request: PortalRequest) -> HttpResponse:
    """Choose a file and, if it is known already, what it is for."""
    require(request.user, "registry.write_document")
    if request.method != "POST":
        form = ImportForm(initial={"into": request.GET.get("for", "")})
        return render(request, "registry/import_new.html", {"form": form, "about": _about_of(request)})
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            into, file = form.cleaned_data["into"].strip(), form.cleaned_data["file"]
            about = named(into, request.user) if into else None
            taken = verbs.take(
                name=file.name,
                raw=file.read(),
                format=form.cleaned_data["format"],
                about=about,
                by=request.user,
            )
        except (Invalid, Conflict, Missing) as error:
            for field, sentences in (getattr(error, "fields", {}) or {"into": [str(error)]}).items():
                form.add_error(field if field in form.fields else "into", sentences)
        else:
            messages.success(
                request, f"{taken.name} was read. Below stands what became of every value in it."
            )
            return redirect(taken)
    return render(request, "registry/import_new.html", {"form": form}, status=400)


def imported(request: PortalRequest, pk: int, form: UseForm | None = None) -> HttpResponse:
    """One import: the account of every value, and what it was used for."""
    one = _find(request, pk)
    about, subject = one.about, one.subject
    may_write = request.user.has_perm("registry.write_document")
    offered = (
        named_in(subject["name"], subject["version"], one.kind, request.user)
        if not about and may_write
        else []
    )
    context = {
        "one": one,
        "label": FORMATS.get(one.format, one.format),
        "groups": [_group(one, *group) for group in GROUPS],
        "form": form or UseForm(initial={"into": offered[0] if offered else ""}),
        "offered": offered,
        "may_use": may_write and about is None,
        "may_write": may_write,
    }
    return render(request, "registry/import.html", context, status=400 if form else 200)


@require_POST
def use(request: PortalRequest, pk: int) -> HttpResponse:
    """Use an import that waits for a version or a dataset."""
    one = _find(request, pk)
    require(request.user, "registry.write_document", on=one)
    form = UseForm(request.POST)
    if form.is_valid():
        try:
            verbs.use(one=one, about=named(form.cleaned_data["into"], request.user), by=request.user)
        except Invalid as error:
            form.add_error(
                "into", [sentence for sentences in error.fields.values() for sentence in sentences]
            )
        except (Conflict, Missing) as error:
            form.add_error("into", str(error))
    if form.errors:
        return imported(request, pk, form)
    messages.success(request, f"Used for {one.about}. What was filled in waits to be accepted.")
    return redirect(one)


def raw(request: PortalRequest, pk: int) -> HttpResponse:
    """The bytes as they came: always a download, never shown."""
    one = _find(request, pk)
    return attached(one.raw(), get_valid_filename(one.name), "application/octet-stream")


def report(request: PortalRequest, pk: int) -> HttpResponse:
    """The whole account as JSON."""
    one = _find(request, pk)
    text = json.dumps({"notes": one.notes, "report": one.report}, ensure_ascii=False, indent=1)
    return attached(text.encode(), f"import-{one.pk}-report.json", "application/json")


def export_card(request: PortalRequest, slug: str, number: int, form: str) -> HttpResponse:
    """The card of a version as a file."""
    rows = Version.objects.visible_to(request.user).select_related("model", "card__head", "run")
    return exported(get_object_or_404(rows.named(slug, number)), form, request.user)


def export_datasheet(request: PortalRequest, slug: str, form: str) -> HttpResponse:
    """The datasheet of a dataset as a file."""
    rows = Dataset.objects.visible_to(request.user).select_related("datasheet__head")
    return exported(get_object_or_404(rows, slug=slug), form, request.user)


def exported(about: Version | Dataset, form: str, reader: User) -> HttpResponse:
    """The document in a format, as a download."""
    content = formats.write(form, export_of(about, form, reader=reader))
    return attached(content, file_name(about, form), formats.WRITERS[form].media_type)


def attached(content: bytes, name: str, media_type: str) -> HttpResponse:
    """A download: the browser keeps it and shows nothing of it."""
    return HttpResponse(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode().replace("?", "_")}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def _find(request: PortalRequest, pk: int) -> Import:
    rows = Import.objects.visible_to(request.user).select_related(
        "version__model", "dataset", "by", "revision__document"
    )
    return get_object_or_404(rows, pk=pk)


def _about_of(request: PortalRequest) -> Version | Dataset | None:
    """What the link to this page says that the file is for; a name that means nothing is shown as typed."""
    try:
        return named(request.GET["for"], request.user) if request.GET.get("for") else None
    except Missing:
        return None


def _group(one: Import, outcome: str, title: str, state: str, meaning: str) -> dict[str, Any]:
    leaves = [leaf for leaf in one.report if leaf["outcome"] == outcome]
    labels = _labels(one.kind)
    return {
        "outcome": outcome,
        "title": title,
        "state": state,
        "meaning": meaning,
        "count": len(leaves),
        "rest": max(0, len(leaves) - SHOWN),
        "rows": [
            leaf | {"text": as_text(leaf["value"]), "label": labels.get(leaf.get("field", ""), "")}
            for leaf in leaves[:SHOWN]
        ],
    }


def _labels(kind: str) -> dict[str, str]:
    """What the fields of a document are called; a pipeline has none."""
    if kind not in KINDS:
        return {}
    plan = outline(kind)
    return {field.path: plan.name_of(field) for field in plan.fields()}


def as_text(value: Any) -> str:
    """A value for reading, cut where it is long; the report as JSON has it whole."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:299]}…"
