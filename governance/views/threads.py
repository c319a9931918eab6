"""Comments on the fields of cards and datasheets: read them all, begin a thread, answer, settle it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from governance.actions import threads as verbs
from governance.margin import Note, placed
from governance.models import Comment, Thread
from governance.permissions import COMMENT, may_comment
from governance.thread_forms import BeginForm, CommentForm
from registry.documents.outline import outline
from registry.errors import Conflict, Invalid
from registry.models import Document, Revision
from registry.permissions import require
from registry.request import PortalRequest

VIEWS = (("open", "Open"), ("resolved", "Resolved"), ("all", "All"))
TOLD = {"": "Answered.", "resolve": "Resolved.", "reopen": "Reopened."}


def threads(request: PortalRequest, pk: int) -> HttpResponse:
    """Everything that was said about a document, where it stands in the latest revision."""
    document = get_object_or_404(
        Document.objects.visible_to(request.user).select_related("version__model", "dataset", "head"), pk=pk
    )
    if document.head is None:
        raise Http404
    chosen = request.GET.get("show", "open")
    rows = Thread.objects.filter(document=document).order_by("-pk")
    if chosen in ("open", "resolved"):
        rows = rows.filter(resolved_at__isnull=chosen == "open")
    context = {
        "document": document,
        "chosen": chosen,
        "views": VIEWS,
        "may_comment": may_comment(request.user),
        "shown_number": document.head.number,
    }
    return render(request, "governance/threads.html", context | _listed(rows, document.head))


def begin(request: PortalRequest, pk: int, number: int) -> HttpResponse:
    """Say something about a field of a revision: a form of its own, which pages put beside the field."""
    revision = _revision(request, pk, number)
    require(request.user, COMMENT, on=revision.document)
    given = request.POST or request.GET
    about, back = given.get("about", ""), _back(request, revision.get_absolute_url())
    form = BeginForm(revision.document.kind, revision.content, about, request.POST or None)
    if form.is_valid():
        try:
            thread = verbs.begin(
                revision=revision,
                path=form.cleaned_data["path"],
                row=form.cleaned_data.get("row"),
                text=form.cleaned_data["text"],
                by=request.user,
            )
        except (Invalid, Conflict) as declined:
            _add(form, declined)
        else:
            messages.success(request, "Your comment stands there.")
            return redirect(f"{back}#thread-{thread.pk}")
    field = outline(revision.document.kind).field(about)
    context = {
        "form": form,
        "revision": revision,
        "document": revision.document,
        "about": about,
        "back": back,
        "anchor": f"f-{about}" if field else about,
        "name": field.label if field else "",
    }
    template = "governance/thread_new.html" + ("#form" if request.htmx else "")
    return render(request, template, context, status=400 if form.errors else 200)


def thread(request: PortalRequest, pk: int) -> HttpResponse:
    """One thread with everything that was said in it."""
    return _one(request, _thread(request, pk), CommentForm())


@require_POST
def answer(request: PortalRequest, pk: int) -> HttpResponse:
    """Answer in a thread, resolve it or take it up again. What was typed survives a refusal."""
    one = _thread(request, pk)
    require(request.user, COMMENT, on=one.document)
    form, then = CommentForm(request.POST), request.POST.get("then", "")
    if form.is_valid():
        verb = {"resolve": verbs.resolve, "reopen": verbs.reopen}.get(then, verbs.reply)
        try:
            verb(thread=one, text=form.cleaned_data["text"], by=request.user)
        except (Invalid, Conflict) as declined:
            _add(form, declined)
            return _one(request, _thread(request, pk), form, status=declined.status)
        messages.success(request, TOLD.get(then, TOLD[""]))
        return redirect(f"{_back(request, one.get_absolute_url())}#thread-{one.pk}")
    return _one(request, one, form, status=400)


@require_POST
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    """Take back what one has said."""
    rows = Comment.objects.filter(thread__in=Thread.objects.visible_to(request.user))
    comment = get_object_or_404(rows.select_related("thread__document"), pk=pk)
    verbs.withdraw(comment=comment, by=request.user)
    messages.success(request, "Withdrawn. That you said something stays; what you said is shown no more.")
    return redirect(f"{_back(request, comment.thread.get_absolute_url())}#thread-{comment.thread_id}")


def _listed(rows: Any, shown: Revision) -> dict[str, Any]:
    """The threads that stand at a field of `shown`, and those whose field or row is no longer there."""
    notes: list[Note] = placed(rows, shown)
    return {
        "notes": [one for one in notes if one.place.there],
        "gone": [one for one in notes if not one.place.there],
        "count": len(notes),
    }


def _one(request: PortalRequest, one: Thread, form: CommentForm, *, status: int = 200) -> HttpResponse:
    """The page of a thread, where it stands in the latest revision."""
    head = one.document.head
    assert head is not None  # noqa: S101 - a thread is about a revision, so there is one
    (note,) = placed(Thread.objects.filter(pk=one.pk), head)
    context = {
        "thread": one,
        "note": note,
        "document": one.document,
        "form": form,
        "may_comment": may_comment(request.user),
        "back": _back(request, ""),
        "number_text": str(one.revision.number),
        "shown_number": head.number,
    }
    return render(request, "governance/thread.html", context, status=status)


def _add(form: CommentForm, declined: Invalid | Conflict) -> None:
    """What the verb declined, at the field it names."""
    fields = declined.fields if isinstance(declined, Invalid) else {}
    for name, sentences in fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not fields:
        form.add_error(None, str(declined))


def _back(request: PortalRequest, otherwise: str) -> str:
    """The page of the portal to which somebody returns who came from it."""
    asked = (request.POST or request.GET).get("back", "")
    local = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked.partition("#")[0] if local else otherwise


def _thread(request: PortalRequest, pk: int) -> Thread:
    rows = Thread.objects.visible_to(request.user).whole().select_related("document__head")
    return get_object_or_404(rows, pk=pk)


def _revision(request: PortalRequest, pk: int, number: int) -> Revision:
    rows = Revision.objects.visible_to(request.user)
    return get_object_or_404(
        rows.select_related("document__version__model", "document__dataset"), document=pk, number=number
    )
