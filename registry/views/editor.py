"""The editor of cards and datasheets. Nothing typed is lost: what is not saved is kept as a draft of its author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from registry import drafts, prefill
from registry.actions import documents as verbs
from registry.documents import content as contents
from registry.documents.merge import Merge, settle, three_way
from registry.errors import Conflict, Invalid
from registry.forms.documents import DocumentForm
from registry.models import Dataset, Draft, Revision, Version
from registry.permissions import require
from registry.request import PortalRequest
from registry.views.desk import page_of
from registry.views.documents import findings_in, read_sections
from registry.views.figures import take_uploads


@dataclass(frozen=True)
class Subject:
    """What is written about, and the revision that is there."""

    about: Version | Dataset
    kind: str
    head: Revision | None

    @property
    def number(self) -> int:
        """The number of the latest revision; 0 before the first."""
        return self.head.number if self.head else 0

    @property
    def address(self) -> str:
        """Where its editor is."""
        if isinstance(self.about, Version):
            return reverse("card-edit", args=[self.about.model.slug, self.about.number])
        return reverse("datasheet-edit", args=[self.about.slug])

    def revision(self, number: int) -> dict[str, Any]:
        """The content of the revision with this number; empty before the first."""
        if self.head and self.head.number == number:
            return self.head.content
        subject = {"document__version" if self.kind == "card" else "document__dataset": self.about}
        one = Revision.objects.filter(number=number, **subject).first()
        return one.content if one else contents.blank(self.kind)

    def start(self) -> dict[str, Any]:
        """What a person who opens the editor begins with: a first card holds what the tracking server says."""
        if self.head:
            return self.head.content
        return prefill.card(self.about)[0] if isinstance(self.about, Version) else contents.blank(self.kind)


def edit_card(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Write the card of a version."""
    return _edit(request, _card(request, slug, number))


def edit_datasheet(request: PortalRequest, slug: str) -> HttpResponse:
    """Write the datasheet of a dataset."""
    return _edit(request, _datasheet(request, slug))


def draft_card(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Keep or discard what was typed into a card."""
    return _draft(request, _card(request, slug, number))


def draft_datasheet(request: PortalRequest, slug: str) -> HttpResponse:
    """Keep or discard what was typed into a datasheet."""
    return _draft(request, _datasheet(request, slug))


def _card(request: PortalRequest, slug: str, number: int) -> Subject:
    version = get_object_or_404(
        Version.objects.visible_to(request.user).select_related("model", "card__head__by"),
        model__slug=slug,
        number=number,
    )
    require(request.user, "registry.write_document", on=version)
    return Subject(version, "card", version.card.head if hasattr(version, "card") else None)


def _datasheet(request: PortalRequest, slug: str) -> Subject:
    dataset = get_object_or_404(
        Dataset.objects.visible_to(request.user).select_related("datasheet__head__by"), slug=slug
    )
    require(request.user, "registry.write_document", on=dataset)
    return Subject(dataset, "datasheet", dataset.datasheet.head if hasattr(dataset, "datasheet") else None)


def _edit(request: PortalRequest, subject: Subject) -> HttpResponse:
    if request.method == "POST":
        return _typed(request, subject)
    draft = drafts.find(about=subject.about, by=request.user)
    if draft:
        form = _restored(subject, draft)
        if "fill" not in request.GET or not form.is_valid():
            return _page(request, subject, form, draft=draft)
        return _filled(request, subject, form)
    form = DocumentForm(subject.kind, subject.start(), on_top_of=subject.number)
    return _filled(request, subject, form) if "fill" in request.GET else _page(request, subject, form)


def _typed(request: PortalRequest, subject: Subject) -> HttpResponse:
    """Something was sent: take the pictures in, then do what the button says. Unless it is saved, it becomes a draft."""
    data = request.POST.copy()
    refused = take_uploads(subject.kind, data, request.FILES, by=request.user)
    form = DocumentForm(subject.kind, subject.revision(_base(data)), data=data)
    for path, sentences in refused.items():
        form.add_error(path, sentences)
    if form.is_valid() and "preview" not in data and "more" not in data:
        if "fill" in data:
            answer = _filled(request, subject, form)
        elif "settle" in data or "both" in _choices(data).values():
            answer = _settled(request, subject, form)
        else:
            answer = _save(request, subject, form)
            if answer.status_code == 302:
                return answer
    else:
        answer = _page(request, subject, form, preview="preview" in data)
    _keep(request, subject, data)
    return answer


def _save(request: PortalRequest, subject: Subject, form: DocumentForm) -> HttpResponse:
    base, note = form.cleaned_data["on_top_of"], form.cleaned_data["note"]
    content = settle(subject.kind, form.content(), subject.revision(base), _choices(form.data))
    try:
        revision = verbs.save(
            about=subject.about, content=content, on_top_of=base, note=note, by=request.user
        )
    except Invalid as error:
        for path, sentences in error.fields.items():
            form.add_error(form.field_of(path), sentences)
        return _page(request, subject, form)
    except Conflict as error:
        return _conflict(request, subject, form, content, str(error))
    drafts.discard(about=subject.about, by=request.user)
    messages.success(request, f"Saved as revision {revision.number}.")
    return redirect(revision)


def _conflict(
    request: PortalRequest, subject: Subject, form: DocumentForm, yours: dict[str, Any], told: str
) -> HttpResponse:
    """Somebody saved in the meantime: both texts put together, on top of theirs, with what has to be settled."""
    latest = _latest(subject)
    base = latest.revision(form.cleaned_data["on_top_of"])
    merge = three_way(subject.kind, base, latest.revision(latest.number), yours)
    again = DocumentForm(subject.kind, merge.content, on_top_of=latest.number, note=form.cleaned_data["note"])
    return _page(request, latest, again, merge=merge, told=told, status=409)


def _settled(request: PortalRequest, subject: Subject, form: DocumentForm) -> HttpResponse:
    """The clashes as they were chosen, in the boxes, to be read once more before they are saved."""
    base = form.cleaned_data["on_top_of"]
    content = settle(subject.kind, form.content(), subject.revision(base), _choices(form.data))
    again = DocumentForm(subject.kind, content, on_top_of=base, note=form.cleaned_data["note"])
    return _page(request, subject, again, settled=True)


def _filled(request: PortalRequest, subject: Subject, form: DocumentForm) -> HttpResponse:
    """What the tracking server says, in the fields that are empty; nothing is saved by that."""
    content, taken = form.content(), dict[str, str]()
    if isinstance(subject.about, Version):
        content, taken = prefill.fill(content, subject.about)
    known = form.cleaned_data if form.is_bound else {}
    base, note = known.get("on_top_of", subject.number), known.get("note", "")
    again = DocumentForm(subject.kind, content, on_top_of=base, note=note)
    return _page(request, subject, again, took=len(taken))


def _page(
    request: PortalRequest,
    subject: Subject,
    form: DocumentForm,
    *,
    merge: Merge | None = None,
    told: str = "",
    draft: Draft | None = None,
    preview: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    content = form.content()
    context: dict[str, Any] = {"preview": read_sections(subject.kind, content) if preview else None}
    if request.htmx and preview and not form.errors:
        return render(request, "registry/document_edit.html#preview", context)
    findings = findings_in(subject.about, subject.kind, content)
    context |= {
        "about": subject.about,
        "kind": subject.kind,
        "head": subject.head,
        "draft": draft,
        "draft_url": f"{subject.address}draft/",
        "told": told,
        "stale": bool(draft) and _base(form.data) != subject.number,
        **page_of(subject.kind, form, content, findings, merge),
        **more,
    }
    answer = render(request, "registry/document_edit.html", context, status=status)
    if request.htmx:  # a preview of what cannot be read: the page with its errors instead of the part
        answer.headers["HX-Retarget"] = answer.headers["HX-Reselect"] = "#main"
        answer.headers["HX-Reswap"] = "outerHTML"
    return answer


def _draft(request: PortalRequest, subject: Subject) -> HttpResponse:
    """POST keeps what was typed, or discards it. GET hands a fresh form token to a page that was open for long."""
    if request.method != "POST":
        return JsonResponse({"token": get_token(request)})
    if "discard" in request.POST:
        drafts.discard(about=subject.about, by=request.user)
        messages.info(request, "Discarded. This is the latest revision.")
        return redirect(subject.address)
    _keep(request, subject, request.POST)
    return HttpResponse(status=204)


def _keep(request: PortalRequest, subject: Subject, data: QueryDict) -> None:
    """Keep what was typed; what equals the latest revision is no draft."""
    form = DocumentForm(subject.kind, subject.revision(_base(data)), data=data)
    latest = _latest(subject)
    if form.is_valid() and latest.head and form.content() == latest.head.content:
        drafts.discard(about=subject.about, by=request.user)
        return
    typed = data.copy()
    for name in ("csrfmiddlewaretoken", "preview", "more", "settle", "fill", "save"):
        typed.pop(name, None)
    drafts.keep(about=subject.about, typed=typed.urlencode(), by=request.user)


def _restored(subject: Subject, draft: Draft) -> DocumentForm:
    data = QueryDict(draft.typed)
    return DocumentForm(subject.kind, subject.revision(_base(data)), data=data)


def _latest(subject: Subject) -> Subject:
    """The subject with the revision that is there now."""
    subject.about.refresh_from_db()
    name = "card" if subject.kind == "card" else "datasheet"
    document = getattr(subject.about, name, None)
    return Subject(subject.about, subject.kind, document.head if document else None)


def _base(data: Any) -> int:
    """The number of the revision that was edited."""
    number = str(data.get("on_top_of", ""))
    return int(number) if number.isdecimal() and len(number) < 9 else 0


def _choices(data: Any) -> dict[str, str]:
    """How each clash is to be settled: path → yours, theirs or both."""
    return {key.removeprefix("settle-"): value for key, value in data.items() if key.startswith("settle-")}
