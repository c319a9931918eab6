"""Cards and datasheets: open one, save a revision."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from registry import canonical
from registry.documents import content as contents
from registry.documents.outline import outline
from registry.errors import Conflict, Invalid
from registry.events import RevisionSaved, publish
from registry.models import Dataset, Document, Figure, Revision, User, Version
from registry.permissions import require
from registry.wording import within


@transaction.atomic
def save(
    *, about: Version | Dataset, content: dict[str, Any], on_top_of: int, note: str = "", by: User
) -> Revision:
    """Save `content` as the next revision of the card (of a version) or the datasheet (of a dataset).

    `on_top_of` is the number of the revision that the author started from, 0 for the first. When somebody saved in
    the meantime nothing is lost and nothing is overwritten: `Conflict` is raised. Content equal to the head returns the head.
    """
    require(by, "registry.write_document", on=about)
    within(note, field="note", longest=300)
    document = _document(about)
    try:
        body = canonical.canonical(contents.tidy(document.kind, content))
    except canonical.NotCanonical as error:
        raise Invalid(fields={"document": [str(error)]}) from error
    head = document.head
    if (head.number if head else 0) != on_top_of:
        raise Conflict(
            f"Revision {head.number if head else 0} was saved by {head.by if head else 'nobody'} while you were editing "
            f"revision {on_top_of}. Your text is kept on this page: compare, then save on top of theirs."
        )
    digest = canonical.digest(body)
    if head and head.digest == digest:
        return head
    revision = Revision.objects.create(
        document=document, number=on_top_of + 1, parent=head, body=body, digest=digest, note=note, by=by
    )
    Document.objects.filter(pk=document.pk).update(head=revision)
    _show_figures(document, content, by)
    publish(RevisionSaved(revision=revision, digest=digest, note=note, by=by))
    return revision


def _show_figures(document: Document, content: dict[str, Any], by: User) -> None:
    """Whoever may read the document may see its figures: those that the author could see, no others."""
    named = {
        figure["digest"]
        for field in outline(document.kind).fields()
        if field.kind == "figures"
        for figure in contents.value(content, field.path) or []
    }
    if named:
        document.figures.add(*Figure.objects.visible_to(by).filter(digest__in=named))


def _document(about: Version | Dataset) -> Document:
    """The document about `about`, locked: two savers queue here, and the second sees the first one's revision.

    Read again once it is locked: what is joined to a row that was waited for is as old as the question was.
    """
    if isinstance(about, Version):
        document, _ = Document.objects.get_or_create(kind=Document.Kind.CARD, version=about)
    else:
        document, _ = Document.objects.get_or_create(kind=Document.Kind.DATASHEET, dataset=about)
    Document.objects.select_for_update().get(pk=document.pk)
    return Document.objects.select_related("head__by").get(pk=document.pk)
