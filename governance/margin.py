"""The margin of a revision: what people said about its fields, beside the fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.html import strip_tags

from governance.models import Comment, Thread
from registry.documents import content as contents
from registry.documents.anchors import Place, follow, name_of_row
from registry.documents.outline import outline
from registry.models import Revision
from registry.prose import render_prose


@dataclass(frozen=True)
class Note:
    """A thread where it stands in the revision that is shown. `row_name` is the row as it reads there, or as it read."""

    thread: Thread
    comments: tuple[Comment, ...]
    place: Place
    row_name: str
    is_of_earlier: bool  # begun on a revision before the one that is shown

    @property
    def first_words(self) -> str:
        """The beginning of what was said first, for one line of a list, without the marks of its typesetting."""
        said = next((one.text for one in self.comments if not one.is_withdrawn), "")
        line = " ".join(unescape(strip_tags(render_prose(said))).split())
        return line if len(line) <= 100 else f"{line[:99]}…"


@dataclass(frozen=True)
class Margin:
    """Every thread up to one revision, oldest first."""

    revision: Revision
    notes: tuple[Note, ...]

    @cached_property
    def by_path(self) -> dict[str, list[Note]]:
        """Those that stand at a field, open ones first."""
        found: dict[str, list[Note]] = {}
        for note in sorted(self.notes, key=lambda one: not one.thread.is_open):
            if note.place.there:
                found.setdefault(note.thread.path, []).append(note)
        return found

    @cached_property
    def gone(self) -> list[Note]:
        """Those whose field or row is no longer there."""
        return [note for note in self.notes if not note.place.there]

    @cached_property
    def open_paths(self) -> dict[str, int]:
        """Field → the number of open threads at it."""
        counted = {path: sum(one.thread.is_open for one in notes) for path, notes in self.by_path.items()}
        return {path: count for path, count in counted.items() if count}

    @property
    def open(self) -> int:
        """How many threads nobody has resolved, those about what is gone too."""
        return sum(note.thread.is_open for note in self.notes)


def margin_of(revision: Revision) -> Margin:
    """What was said about `revision` and those before it. Whoever sees the document sees this. Three queries at most."""
    rows = Thread.objects.up_to(revision).order_by("pk")
    return Margin(revision, tuple(placed(rows, revision)))


def placed(rows: QuerySet[Thread], shown: Revision) -> list[Note]:
    """Each of the threads where it stands in the revision `shown`."""
    said = Comment.objects.select_related("by").order_by("pk")
    found = list(rows.whole().prefetch_related(Prefetch("comments", said)))  # type: ignore[attr-defined]
    begun = _contents({one.revision_id for one in found}, shown)
    return [_note(one, begun[one.revision_id], shown) for one in found]


def _contents(revisions: Iterable[int], shown: Revision) -> dict[int, dict[str, Any]]:
    """The content of each revision; that of the one that is shown is at hand."""
    others = set(revisions) - {shown.pk}
    read = Revision.objects.in_bulk(others) if others else {}
    return {pk: one.content for pk, one in read.items()} | {shown.pk: shown.content}


def _note(thread: Thread, before: dict[str, Any], shown: Revision) -> Note:
    kind = thread.document.kind
    place = follow(kind, before, shown.content, thread.path, thread.row)
    return Note(
        thread=thread,
        comments=tuple(thread.comments.all()),
        place=place,
        row_name=_row_name(thread, before, shown.content, place),
        is_of_earlier=thread.revision_id != shown.pk,
    )


def _row_name(thread: Thread, before: dict[str, Any], after: dict[str, Any], place: Place) -> str:
    field = outline(thread.document.kind).field(thread.path)
    if field is None or thread.row is None:
        return ""
    content, row = (after, place.row) if place.row is not None else (before, thread.row)
    rows = contents.value(content, thread.path) or []
    return name_of_row(field, rows[row]) if row < len(rows) else ""
