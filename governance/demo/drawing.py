"""The figure in the card of credit-scorer 2: error rates by age band, drawn from what the run measured."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 620
LEFT, TOP, BOTTOM = 90, 110, 540
PAPER, INK, FAINT = "#ffffff", "#1a1a22", "#d3d3dc"
BARS = {"false_positive_rate": "#3f37b5", "false_negative_rate": "#d9822b"}  # apart in grey too
WORDS = {
    "false_positive_rate": "refused, though repaid",
    "false_negative_rate": "accepted, though defaulted",
}
BAR, STEP = 84, 0.2


def error_rates(known: Mapping[str, Any], bands: Mapping[str, str]) -> bytes:
    """A PNG: for each band of `bands` (key → words) both rates as bars, each with its figure above it."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(picture)
    highest = max(float(known[f"{rate}__{band}"]) for rate in BARS for band in bands)
    scale = (BOTTOM - TOP) / (STEP * (highest // STEP + 1))  # pixels for a rate of 1
    _axis(pen, scale)
    room = (WIDTH - LEFT - 40) // len(bands)
    for n, (band, words) in enumerate(bands.items()):
        middle = LEFT + n * room + room // 2
        pen.text((middle, BOTTOM + 28), words, INK, _font(24), anchor="mm")
        for left, (rate, colour) in zip((middle - BAR - 4, middle + 4), BARS.items(), strict=True):
            value = float(known[f"{rate}__{band}"])
            top = BOTTOM - value * scale
            pen.rectangle((left, top, left + BAR, BOTTOM), fill=colour)
            pen.text((left + BAR // 2, top - 16), f"{value:.1%}", INK, _font(22), anchor="mm")
    _legend(pen)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _axis(pen: ImageDraw.ImageDraw, scale: float) -> None:
    """Lines at every fifth, from zero up."""
    for n in range(round((BOTTOM - TOP) / scale / STEP) + 1):
        height = BOTTOM - n * STEP * scale
        pen.line((LEFT, height, WIDTH - 40, height), fill=INK if n == 0 else FAINT, width=2)
        pen.text((LEFT - 14, height), f"{n * STEP:.0%}", INK, _font(22), anchor="rm")


def _legend(pen: ImageDraw.ImageDraw) -> None:
    pen.text((LEFT, 34), "Error rates by age, evaluation data", INK, _font(28), anchor="lm")
    at = LEFT
    for rate, colour in BARS.items():
        pen.rectangle((at, 64, at + 24, 88), fill=colour)
        pen.text((at + 36, 76), WORDS[rate], INK, _font(22), anchor="lm")
        at += 360
    pen.text((WIDTH // 2, HEIGHT - 18), "Age in years", INK, _font(22), anchor="mm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow brings: a machine without any draws the same picture."""
    return ImageFont.load_default(size)
