"""CycloneDX ML-BOM: read in 1.5 to 1.7, written in 1.6 and 1.7. A field without a place of its own is a property."""

from registry.formats.cyclonedx.places import PLACES
from registry.formats.cyclonedx.reader import is_mine, read
from registry.formats.cyclonedx.writer import writer

__all__ = ["PLACES", "is_mine", "read", "writer"]
