"""What a document may load: the shipped fonts, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from weasyprint.urls import URLFetcher, URLFetcherResponse

FONTS = Path(__file__).parent / "fonts"
ASSET = re.compile(r"asset:([a-z0-9-]+\.woff2)")


class AssetFetcher(URLFetcher):  # type: ignore[misc]
    """Serves `asset:NAME` from the fonts folder. Network, files, data addresses and redirects are refused.

    A refusal ends the rendering: a document that asks for anything else has a defect that must be seen.
    """

    def __init__(self) -> None:
        super().__init__(timeout=1, allowed_protocols={"asset"}, allow_redirects=False, fail_on_errors=True)
        self.refused: list[str] = []

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:
        """The font named by `url`; anything else raises."""
        match = ASSET.fullmatch(url)
        font = FONTS / match[1] if match else None
        if font is None or not font.is_file():
            self.refused.append(url[:200])
            raise ValueError(f"A document asked for {url[:80]!r}; only shipped fonts may be loaded.")
        return URLFetcherResponse(url, font.read_bytes(), {"Content-Type": "font/woff2"})
