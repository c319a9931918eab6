"""Where a hit stands: "in the card of version 3, Intended uses: … the calibrated score …"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models.functions import Length

from registry.documents import content as contents
from registry.documents.outline import outline
from registry.models import Document, SearchRow
from registry.search.query import Query

BEFORE, AFTER = 60, 120  # characters around the first hit
LARGEST = 300_000  # bytes of a document that are looked through for a page
OWN = ("name", "slug")  # pieces that the page shows anyway


@dataclass(frozen=True)
class Snippet:
    """Where it stands, and the text around it in parts: (text, whether it is the hit). Escaping is left to the page."""

    where: str
    parts: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The parts as plain text."""
        return "".join(part for part, _ in self.parts)


class Marker:
    """Finds the words of a query in text: as typed, and by their English stems."""

    def __init__(self, query: Query) -> None:
        words = sorted({*query.words, *_stems(query.words)}, key=len, reverse=True)
        # A stem may end in i where the word has y: happi, happy.
        forms = [re.escape(word[:-1]) + "[iy]" if word.endswith("i") else re.escape(word) for word in words]
        self.pattern = re.compile(rf"(?<![^\W_])(?:{'|'.join(forms)})\w*", re.IGNORECASE) if forms else None
        self.begun = [word[:-1].lower() if word.endswith("i") else word.lower() for word in words]

    def found(self, text: str) -> bool:
        """Whether one of the words stands in `text`."""
        return bool(self.pattern and self.pattern.search(text))

    def marked(self, text: str) -> tuple[tuple[str, bool], ...]:
        """`text` in parts, hits apart."""
        parts, end = [], 0
        for hit in self.pattern.finditer(text) if self.pattern else ():
            if hit.start() > end:
                parts.append((text[end : hit.start()], False))
            parts.append((hit[0], True))
            end = hit.end()
        return (*parts, (text[end:], False)) if end < len(text) else tuple(parts)

    def snippet(self, where: str, text: str) -> Snippet | None:
        """The surroundings of the first hit in `text`, on one line."""
        # Most texts hold none of the words at all, which is seen far sooner than where they begin.
        lower = text.lower()
        hit = self.pattern.search(text) if self.pattern and any(map(lower.__contains__, self.begun)) else None
        if hit is None:
            return None
        start = max(0, hit.start() - BEFORE)
        start = text.find(" ", start, hit.start()) + 1 if start else 0  # begin with a whole word
        stop = min(len(text), hit.end() + AFTER)
        line = " ".join(text[start:stop].split())
        return Snippet(where, self.marked(f"{'… ' if start else ''}{line}{' …' if stop < len(text) else ''}"))


def snippets(query: Query, rows: Iterable[SearchRow]) -> dict[int, Snippet]:
    """For each of these rows of the index, by its key, where the query stands; nothing where the name says it all.

    At most two queries for any number of rows: the stems, and the documents of those that their own facts do not explain.
    """
    if not query.groups:
        return {}
    marker = Marker(query)
    found: dict[int, Snippet] = {}
    silent = []
    for row in rows:
        own = next(
            filter(None, (marker.snippet(f"in the {label}", text) for _, label, text in told(row))), None
        )
        if own:
            found[row.pk] = own
        elif not marker.found(row.name):
            silent.append(row)
    return found | _in_documents(query, marker, silent)


def told(row: SearchRow) -> Iterator[tuple[str, str, str]]:
    """The pieces of a row beside its names."""
    return ((weight, label, text) for weight, label, text in row.pieces if label not in OWN)


def _in_documents(query: Query, marker: Marker, rows: list[SearchRow]) -> dict[int, Snippet]:
    subjects = {(row.kind, getattr(row, f"{row.kind}_id", None) or row.document_id): row.pk for row in rows}
    models = [key for kind, key in subjects if kind == SearchRow.Kind.MODEL]
    datasets = [key for kind, key in subjects if kind == SearchRow.Kind.DATASET]
    documents = [key for kind, key in subjects if kind in (SearchRow.Kind.CARD, SearchRow.Kind.DATASHEET)]
    if not rows:
        return {}
    of = SearchRow.objects.filter(card_of__in=models) | SearchRow.objects.filter(sheet_of__in=datasets)
    of |= SearchRow.objects.filter(document__in=documents)
    hits = Document.objects.filter(indexed__in=of.filter(vector=query.anything()))
    hits = (
        hits.select_related("head", "version", "indexed")
        .only(
            "kind", "head__body", "version__number", "indexed__kind", "indexed__card_of", "indexed__sheet_of"
        )
        .annotate(size=Length("head__body"))
        .filter(size__lte=LARGEST)
    )
    found: dict[int, Snippet] = {}
    for document in hits.order_by("-version__number", "pk")[: 4 * len(rows)]:
        row = document.indexed
        keys = [("model", row.card_of_id), ("dataset", row.sheet_of_id), (row.kind, document.pk)]
        place = next((subjects[key] for key in keys if key in subjects and subjects[key] not in found), None)
        snippet = _in_document(marker, document) if place else None
        if place and snippet:
            found[place] = snippet
    return found


def _in_document(marker: Marker, document: Document) -> Snippet | None:
    content = document.head.content if document.head else {}
    name = f"the card of version {document.version.number}" if document.version else "the datasheet"
    for field in outline(document.kind).fields():
        snippet = marker.snippet(f"in {name}, {field.label}", plain(contents.value(content, field.path)))
        if snippet:
            return snippet
    return None


def plain(value: Any) -> str:
    """A field's value as text."""
    if isinstance(value, Mapping):
        return " · ".join(filter(None, map(plain, value.values())))
    return " · ".join(map(plain, value)) if isinstance(value, list) else str(value or "")


def _stems(words: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT stem FROM unnest(tsvector_to_array(to_tsvector('pg_catalog.english', %s))) stem",
            [" ".join(words)],
        )
        return [stem for (stem,) in cursor.fetchall()]
