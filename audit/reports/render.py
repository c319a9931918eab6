"""A frozen snapshot becomes a document: the same snapshot and the same stored pictures, the same bytes."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785
from markupsafe import Markup

from audit import charts

from .environment import TEMPLATES, brief, count, environment, when
from .errors import RenderError
from .outline import outline
from .plates import NONE, Plates

__all__ = ["RenderError", "Rendered", "canonical", "digest", "document", "html", "ignore", "pdf"]

Snapshot = dict[str, Any]
Progress = Callable[[int, str], None]

MOST_PAGES = 150
MOST_ROWS = 200
MOST_COLUMNS = 10
MOST_DAYS = 124
MOST_FACTS = 60
MOST_IN_COLUMN = 9  # of the lineage drawing: what fits on a page beside its heading
ATTACHMENT = "snapshot.json"


def ignore(percent: int, sentence: str) -> None:
    """Progress nobody asked for."""


def canonical(snapshot: Snapshot) -> bytes:
    """The bytes of the snapshot that are attached to the document and hashed into its digest."""
    _demand_plain(snapshot, "snapshot", 0)
    try:
        body: bytes = rfc8785.dumps(snapshot)
        return body
    except (rfc8785.CanonicalizationError, UnicodeError) as problem:
        raise RenderError(f"The snapshot cannot be written as canonical JSON: {problem}.") from problem


def digest(snapshot: Snapshot) -> str:
    """The SHA-256 of the canonical snapshot, printed on every page of its document."""
    return hashlib.sha256(canonical(snapshot)).hexdigest()


def html(snapshot: Snapshot, *, plates: Plates = NONE) -> str:
    """The document as HTML, without its stylesheet."""
    return _write(snapshot, digest(snapshot), _moment(snapshot), plates)


@dataclass(frozen=True)
class Rendered:
    """A finished document: its bytes, and how many pages it has."""

    body: bytes
    pages: int


def pdf(snapshot: Snapshot, *, plates: Plates = NONE, progress: Progress = ignore) -> bytes:
    """The bytes of `document`."""
    return document(snapshot, plates=plates, progress=progress).body


def document(snapshot: Snapshot, *, plates: Plates = NONE, progress: Progress = ignore) -> Rendered:
    """The document as tagged PDF/A-3u with the snapshot attached, and `plates` printed for the figures it names.

    Raises RenderError when the document would pass 150 pages or asks for anything but the shipped fonts and `plates`.
    """
    from . import press  # noqa: PLC0415 - WeasyPrint loads in the worker only

    progress(5, "Reading the snapshot.")
    body = canonical(snapshot)
    stamp = hashlib.sha256(body).hexdigest()
    taken = _moment(snapshot)
    text = _write(snapshot, stamp, taken, plates)
    progress(15, "Setting the type.")
    with _counted(progress, _expected(text)):
        laid_out = press.lay_out(text, _stylesheet(), plates)
        pages = len(laid_out.pages)
        progress(80, f"Writing {count(pages)} pages.")
        written = press.write(laid_out, body, stamp, taken)
    progress(100, "The document is ready.")
    return Rendered(written, pages)


def _write(snapshot: Snapshot, stamp: str, taken: datetime, plates: Plates) -> str:
    from jinja2 import TemplateError  # noqa: PLC0415 - loads in the worker only

    try:
        return (
            environment()
            .get_template("document.html.j2")
            .render(
                report=snapshot,
                digest=stamp,
                taken=taken.strftime("%Y-%m-%dT%H:%M:%SZ"),
                outline=outline(snapshot),
                drawings=_drawings(snapshot),
                plates=sorted(plates),
                most={"rows": MOST_ROWS, "columns": MOST_COLUMNS, "facts": MOST_FACTS},
                attachment=ATTACHMENT,
            )
        )
    except (TemplateError, KeyError, TypeError) as problem:
        raise RenderError(f"The snapshot does not have the shape of a report: {problem}.") from problem


def _drawings(snapshot: Snapshot) -> dict[str, Markup]:
    """The pictures, drawn from the snapshot alone; every word in them is escaped where it is drawn."""
    lineage, decisions = snapshot["lineage"], snapshot["decisions"]
    days = decisions["by_day"][-MOST_DAYS:]
    name = brief(snapshot["model"]["name"], 60)
    version = snapshot["version"]["number"]
    title = (
        f"Decisions per day on {name}: {count(decisions['allowed'])} allowed and "
        f"{count(decisions['denied'])} denied of {count(decisions['total'])}"
    )
    series = [("Allowed", [day["allowed"] for day in days]), ("Denied", [day["denied"] for day in days])]
    drawn = {
        "lineage": charts.lineage(
            lineage["nodes"],
            lineage["edges"],
            title=f"Lineage of {name}, version {version}",
            palette=charts.PRINT,
            most=MOST_IN_COLUMN,
            more=dict(lineage.get("more", ())),
        ),
        "decisions": charts.bars(
            title, title + ".", [_day(day["day"]) for day in days], series, palette=charts.PRINT
        ),
    }
    return {key: Markup(svg) for key, svg in drawn.items()}  # noqa: S704


def _day(day: str) -> str:
    """A day as the axis prints it: "9 Nov"."""
    parts = when(day).split()
    return f"{parts[0]} {parts[1][:3]}" if len(parts) == 3 else brief(day, 12)


def _stylesheet() -> str:
    from . import press  # noqa: PLC0415 - WeasyPrint loads in the worker only

    return press.font_faces() + (TEMPLATES / "report.css").read_text(encoding="utf-8")


def _moment(snapshot: Snapshot) -> datetime:
    """When the snapshot was taken: the only date the document carries as its own."""
    try:
        taken = datetime.fromisoformat(snapshot["taken_at"])
    except (KeyError, TypeError, ValueError) as problem:
        raise RenderError("The snapshot does not say when it was taken.") from problem
    return (taken.replace(tzinfo=UTC) if taken.tzinfo is None else taken.astimezone(UTC)).replace(
        microsecond=0
    )


def _demand_plain(value: Any, place: str, depth: int) -> None:
    """Refuse what JSON cannot keep exactly, and what would let a template reach more than data."""
    if depth > 24:
        raise RenderError("The snapshot is nested too deeply to be printed.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise RenderError(f"The snapshot has a key that is not text at {place}.")
            _demand_plain(inner, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _demand_plain(inner, f"{place}[{index}]", depth + 1)
    elif type(value) not in (str, int, bool, type(None)):
        raise RenderError(
            f"The snapshot holds a {type(value).__name__} at {place}; only plain JSON without decimals fits."
        )


def _expected(text: str) -> int:
    """A first guess at the number of pages, for the progress bar only."""
    return max(8, len(text) // 5_200)


class _Pages(logging.Handler):
    """Turns the renderer's own log of laid-out pages into progress, and stops a document too long."""

    def __init__(self, progress: Progress, expected: int) -> None:
        super().__init__(logging.INFO)
        self.progress, self.expected, self.thread = progress, expected, threading.get_ident()
        self.round, self.percent, self.most = 0, 15, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one page."""
        if record.thread != self.thread or not str(record.msg).startswith("Step 5"):
            return
        if "Repagination" in record.msg:
            self.round, self.expected = self.round + 1, self.most
            return
        page = int(str(record.args[0])) if isinstance(record.args, tuple) and record.args else 1
        self.most = max(self.most, page)
        if page > MOST_PAGES:
            raise RenderError(
                f"The document would be longer than {MOST_PAGES} pages. Shorten the longest texts of the "
                f"card or the datasheets, or report on a shorter period."
            )
        low, high = (25, 60) if self.round == 0 else (60, 78)
        reached = low + int((high - low) * min(1.0, page / max(1, self.expected)))
        if reached > self.percent:
            self.percent = reached
            self.progress(reached, f"Laying out page {page}.")


@contextmanager
def _counted(progress: Progress, expected: int) -> Iterator[None]:
    """Listen to the renderer's page log while the block runs."""
    log = logging.getLogger("weasyprint.progress")
    handler, level, propagate = _Pages(progress, expected), log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # one line per page belongs in the progress bar, not in the worker's log
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
