"""The pictures that a snapshot shows, as its document prints them."""

from __future__ import annotations

from typing import Any

from audit.reports.plates import MOST_BYTES, MOST_PLATES, plate
from registry.actions.figures import bytes_of
from registry.errors import Missing
from registry.models import Figure


def of(snapshot: dict[str, Any]) -> dict[str, bytes]:
    """Digest → what is printed, for every kept figure of the card whose bytes are there and are what they were.

    The first MOST_PLATES of them, as far as they fit into MOST_BYTES; the document says so where one is not printed.
    """
    kept = [one["digest"] for one in _shown(snapshot) if one["kept"]][:MOST_PLATES]
    figures = Figure.objects.in_bulk(kept)
    found: dict[str, bytes] = {}
    for digest in dict.fromkeys(kept):
        try:
            made = plate(bytes_of(figure=figures[digest]))
        except (KeyError, Missing):
            continue
        if sum(map(len, found.values())) + len(made) <= MOST_BYTES:
            found[digest] = made
    return found


def _shown(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    sections = snapshot["card"]["sections"] if snapshot.get("card") else []
    values = [field["value"] for section in sections for field in section["fields"]]
    return [one for value in values if isinstance(value, dict) for one in value.get("figures", [])]
