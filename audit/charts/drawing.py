"""What every drawing shares: the colours of its medium, the width of words, the outer element.

Deterministic, without script and without style attributes, so that a strict Content-Security-Policy and the
report renderer both accept them. Every word that came from outside passes `escape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Number = int | float
Series = Sequence[tuple[str, Sequence[Number | None]]]

WIDTH = 680


@dataclass(frozen=True)
class Palette:
    """The colours of one medium. `font` is named only where no stylesheet reaches the drawing."""

    ink: str = "currentColor"
    muted: str = "currentColor"
    grid: str = "currentColor"
    surface: str = "Canvas"
    alarm: str = "#c8372d"
    series: tuple[str, ...] = ("#6467cf", "#cf5f2d", "#3f9467", "#a05fb4", "#2f8fa8", "#8a7a3c")
    faint: str = "0.2"
    soft: str = "0.75"
    font: str | None = None


SCREEN = Palette()
PRINT = Palette(
    ink="#1a1d29",
    muted="#5b6072",
    grid="#dfe1ea",
    surface="#ffffff",
    alarm="#a61b1b",
    series=("#3730a3", "#d9803f", "#3d7d57", "#8a4fa0", "#2a7287", "#7a6a2c"),
    faint="1",
    soft="1",
    font="Inter",
)

# Widths of a proportional sans face in em, a little generous: cut early rather than overflow.
BOLD = 1.12  # how much wider the bold face is
NARROW, SLIM, WIDE = frozenset("ijlI.,:;'|!"), frozenset('frt()[]{}/\\-_ "'), frozenset("mwMWQO@%&")


def measure(text: str, size: float) -> float:
    """The approximate width of `text` in user units."""
    em = 0.0
    for letter in text:
        if letter in NARROW:
            em += 0.3
        elif letter in SLIM:
            em += 0.44
        elif letter in WIDE:
            em += 0.98
        elif ord(letter) >= 0x1100:
            em += 1.05
        elif letter.isupper():
            em += 0.74
        else:
            em += 0.62
    return em * size


def fit(text: str, room: float, size: float, *, middle: bool = False) -> str:
    """`text`, shortened with an ellipsis so that it stays inside `room`; `middle` keeps both ends."""
    text = " ".join(text[:400].split())
    if measure(text, size) <= room:
        return text
    kept = len(text)
    while kept:
        kept -= 1
        tail = kept // 2 if middle else 0
        cut = text[: kept - tail].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")
        if measure(cut, size) <= room:
            return cut
    return "…"


def two_lines(text: str, room: float, size: float) -> list[str]:
    """A name on one line or two, broken where words meet; the middle goes when two are not enough."""
    text = " ".join(text[:400].split())
    if measure(text, size) <= room:
        return [text]
    breaks = [
        i + 1
        for i, letter in enumerate(text[:-1])
        if letter in " -_/." and measure(text[: i + 1], size) <= room
    ]
    place = breaks[-1] if breaks else 0
    if not place:
        return [fit(text, room, size, middle=True)]
    return [text[:place].rstrip(), fit(text[place:], room, size, middle=True)]


def grouped(number: Number) -> str:
    """A number with thin spaces between its thousands."""
    if isinstance(number, int) or float(number).is_integer():
        return f"{int(number):,}".replace(",", "\u2009")
    return f"{number:.4g}"


def words(
    x: float,
    y: float,
    text: str,
    palette: Palette,
    *,
    size: float = 9,
    anchor: str = "start",
    fill: str = "",
    bold: bool = False,
) -> str:
    """One line of text at (x, y)."""
    colour = fill or palette.muted
    quiet = f' fill-opacity="{palette.soft}"' if colour == palette.muted and not bold else ""
    font = f' font-family="{palette.font}"' if palette.font else ""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}"{quiet}{font}{weight}>'
        f"{escape(text)}</text>"
    )


def frame(
    title: str, description: str, kind: str, body: str, width: float, height: float, role: str = "img"
) -> str:
    """The outer svg element with its text alternative."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart chart-{kind}" role="{role}" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )


def colour(palette: Palette, index: int) -> str:
    """The colour of the series at `index`; colours come round again."""
    return palette.series[index % len(palette.series)]
