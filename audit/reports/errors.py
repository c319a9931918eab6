"""Why a document could not be made."""

from __future__ import annotations


class RenderError(Exception):
    """A document could not be made; the message is a sentence for the person who asked for it."""
