"""Hugging Face model cards: a README with YAML in front and Markdown below."""

from registry.formats.huggingface.headings import PLACES
from registry.formats.huggingface.reader import read
from registry.formats.huggingface.writer import write

__all__ = ["PLACES", "read", "write"]
