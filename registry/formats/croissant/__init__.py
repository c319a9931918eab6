"""Croissant 1.0 and 1.1 with the RAI vocabulary: datasets as JSON-LD, read and written as datasheets."""

from registry.formats.croissant.places import PLACES
from registry.formats.croissant.reader import is_mine, read
from registry.formats.croissant.writer import writer

__all__ = ["PLACES", "is_mine", "read", "writer"]
