"""Purposes: the intended uses of a card, each a paragraph or a point of a list, in a form that fits a header."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+")


def uses(prose: str) -> dict[str, str]:
    """The intended uses in a card's text, read as Markdown: purpose → what it stands for. Without a letter it is none."""
    blocks: list[list[str]] = [[]]
    for line in prose.splitlines():
        if BULLET.match(line) or not line.strip():
            blocks.append([])
        blocks[-1].append(BULLET.sub("", line).strip())
    found: dict[str, str] = {}
    for block in blocks:
        said = " ".join(block).strip()
        if name := purpose(said):
            found.setdefault(name, said)
    return found


def purpose(line: str) -> str:
    """The line in small letters, digits and hyphens, cut at a word after 80 characters."""
    plain = unicodedata.normalize("NFKD", line).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return (
        name if len(name) <= LONGEST else name[: LONGEST + 1].rpartition("-")[0][:LONGEST] or name[:LONGEST]
    )
