"""What a document may load: the shipped fonts and the plates it was given, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from weasyprint.urls import URLFetcher, URLFetcherResponse

from .plates import NONE, Plates

FONTS = Path(__file__).parent / "fonts"
ASSET = re.compile(r"asset:([a-z0-9-]+\.woff2)")
PLATE = re.compile(r"plate:([0-9a-f]{64})")


class AssetFetcher(URLFetcher):  # type: ignore[misc]
    """Serves `asset:NAME` from the fonts folder and `plate:SHA-256` from what was handed over.

    Network, files, data addresses and redirects are refused. A refusal ends the rendering: a document that asks for
    anything else has a defect that must be seen.
    """

    def __init__(self, plates: Plates = NONE) -> None:
        schemes = {"asset", "plate"}
        super().__init__(timeout=1, allowed_protocols=schemes, allow_redirects=False, fail_on_errors=True)
        self.plates = plates
        self.refused: list[str] = []

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
        """The font or the plate named by `url`; anything else raises."""
        found = self._font(url) or self._plate(url)
        if found is None:
            self.refused.append(url[:200])
            raise ValueError(
                f"A document asked for {url[:80]!r}; only shipped fonts and its plates may be loaded."
            )
        media_type, body = found
        return URLFetcherResponse(url, body, {"Content-Type": media_type})

    def _font(self, url: str) -> tuple[str, bytes] | None:
        match = ASSET.fullmatch(url)
        font = FONTS / match[1] if match else None
        return ("font/woff2", font.read_bytes()) if font and font.is_file() else None

    def _plate(self, url: str) -> tuple[str, bytes] | None:
        match = PLATE.fullmatch(url)
        body = self.plates.get(match[1]) if match else None
        if body is None:
            return None
        return ("image/jpeg" if body.startswith(b"\xff\xd8") else "image/png", body)
