"""Documents from elsewhere and for elsewhere. Pure: bytes in, proposals and an account of every value out; and back.

    reading = formats.read(raw, name="README.md")            the format recognised by content
    reading = formats.read(raw, name="x.json", format="cyclonedx")
    raw = formats.write("croissant-1.1", export)

A new format is a file here with `read(raw, source)`, `write(export)` or both, and a line in READERS or WRITERS.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from registry import canonical
from registry.errors import Missing
from registry.formats import croissant, cyclonedx, dvc, huggingface, own, prov, toolkit
from registry.formats.ledger import Reading
from registry.formats.reading import MAX_BYTES, Hostile, Unreadable, json_tree, text_of
from registry.formats.writing import Export

__all__ = ["MAX_BYTES", "READERS", "WRITERS", "Export", "Reading", "Unreadable", "read", "write", "writers"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reader:
    """A format that can be imported."""

    label: str
    read: Callable[[bytes, str], Reading]


@dataclass(frozen=True)
class Writer:
    """A format that can be exported. `kinds` are the documents that it can say; `places` where each field stands.

    One of lineage has no places: it tells where a thing comes from, not what its document says.
    """

    label: str
    kinds: tuple[str, ...]
    suffix: str
    media_type: str
    write: Callable[[Export], bytes]
    places: dict[str, str]

    @property
    def is_lineage(self) -> bool:
        return not self.places


READERS: dict[str, Reader] = {
    "huggingface": Reader("Hugging Face README", huggingface.read),
    "toolkit": Reader("Model Card Toolkit JSON", toolkit.read),
    "cyclonedx": Reader("CycloneDX ML-BOM", cyclonedx.read),
    "croissant": Reader("Croissant", croissant.read),
    "dvc": Reader("dvc.lock", dvc.read),
    "own": Reader("Cardinal JSON", own.read),
}
JSON = "application/json"
WRITERS: dict[str, Writer] = {
    "huggingface": Writer("Hugging Face README", ("card",), "README.md", "text/markdown", huggingface.write, huggingface.PLACES),
    "toolkit": Writer("Model Card Toolkit JSON 0.0.2", ("card",), "model-card.json", JSON, toolkit.write, toolkit.PLACES),
    "cyclonedx-1.6": Writer("CycloneDX 1.6", ("card",), "cdx.json", "application/vnd.cyclonedx+json", cyclonedx.writer("1.6"), cyclonedx.PLACES),
    "cyclonedx-1.7": Writer("CycloneDX 1.7", ("card",), "cdx.json", "application/vnd.cyclonedx+json", cyclonedx.writer("1.7"), cyclonedx.PLACES),
    "croissant-1.0": Writer("Croissant 1.0 with RAI", ("datasheet",), "croissant.json", "application/ld+json", croissant.writer("1.0"), croissant.PLACES),
    "croissant-1.1": Writer("Croissant 1.1 with RAI", ("datasheet",), "croissant.json", "application/ld+json", croissant.writer("1.1"), croissant.PLACES),
    "own": Writer("Cardinal JSON", ("card", "datasheet"), "json", JSON, own.write, own.PLACES),
    "prov": Writer("PROV-JSON (lineage)", ("card", "datasheet"), "prov.json", JSON, prov.export, {}),
}  # fmt: skip


def read(raw: bytes, *, name: str = "", format: str = "") -> Reading:  # noqa: A002 - the word of the field
    """The file as proposals, with an account of every value. Raises `Unreadable` with a sentence, and nothing else."""
    chosen = format or recognise(raw, name)
    if chosen not in READERS:
        raise Missing(f"There is no format {chosen[:40]!r}; these can be imported: {', '.join(READERS)}.")
    source = f"the file {_named(name)} (sha256 {canonical.digest(raw)[:12]}…)"
    try:
        return READERS[chosen].read(raw, source)
    except (RecursionError, MemoryError) as error:
        raise Hostile("The file is nested too deeply or too large to be read.") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.exception(
            "%s could not be read as %s", _named(name), chosen
        )  # a shape that nobody thought of: ours to mend
        raise Unreadable(
            f"The file has a shape that is not understood as {READERS[chosen].label}; nothing was imported."
        ) from error


def recognise(raw: bytes, name: str = "") -> str:
    """The format of a file, by what it holds; its name only decides where the content leaves it open."""
    text = text_of(raw)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        tree = json_tree(text)
        for one, knows in (
            (own, "own"),
            (cyclonedx, "cyclonedx"),
            (croissant, "croissant"),
            (toolkit, "toolkit"),
        ):
            if isinstance(tree, dict) and one.is_mine(tree):
                return knows
        raise Unreadable(
            f"The format was not recognised. Name it; these can be imported: {', '.join(READERS)}."
        )
    if name.endswith("dvc.lock") or re.match(r"(?:#[^\n]*\n)*(?:schema:[^\n]*\n)?stages:", text):
        return "dvc"
    return "huggingface"


def writers(kind: str) -> dict[str, Writer]:
    """The formats in which a card or a datasheet can leave."""
    return {name: one for name, one in WRITERS.items() if kind in one.kinds}


def write(format: str, export: Export) -> bytes:  # noqa: A002 - the word of the field
    """The document in this format."""
    if format not in writers(export.kind):
        raise Missing(
            f"There is no format {format[:40]!r} for a {export.kind}; there are: {', '.join(writers(export.kind))}."
        )
    return WRITERS[format].write(export)


def left_out(format: str, export: Export) -> list[str]:  # noqa: A002 - the word of the field
    """The filled fields for which this format has no place."""
    if WRITERS[format].is_lineage:
        return []
    return [one.path for one, _ in export.filled() if one.path not in WRITERS[format].places]


def _named(name: str) -> str:
    return "".join(c for c in " ".join(name.split()) if c.isprintable())[:100] or "(without a name)"
