"""A card from what the tracking server said. Every value is a proposal until a person accepts it."""

from __future__ import annotations

from typing import Any

from registry.documents import content as contents
from registry.documents.proposals import Proposal, offer
from registry.models import Version


def card(version: Version) -> tuple[dict[str, Any], dict[str, str]]:
    """(content, sources): a new card filled with proposals, and for each filled field in words where it comes from."""
    return fill(contents.blank("card"), version)


def fill(content: dict[str, Any], version: Version) -> tuple[dict[str, Any], dict[str, str]]:
    """Proposals put into the empty fields of `content`; what a person wrote is never touched."""
    return offer("card", content, [Proposal(**one) for one in version.proposals])
