"""Bars, lines and sparks, with axes that start at a named base."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .drawing import SCREEN, WIDTH, Number, Palette, Series, colour, fit, frame, grouped, measure, words

LEFT, RIGHT, TOP, BOTTOM = 48, 8, 34, 28


def ticks(highest: Number, lowest: Number = 0) -> list[Number]:
    """Round values from zero (from below it, when `lowest` is) that cover the highest."""
    span = max(highest, 0) - min(lowest, 0)
    if span <= 0:
        return [0, 1]
    magnitude = 10.0 ** math.floor(math.log10(span))
    step: Number = next(magnitude * k for k in (0.2, 0.25, 0.5, 1, 2) if span / (magnitude * k) <= 5)
    if all(float(value).is_integer() for value in (highest, lowest)):
        step = max(1, math.ceil(step))
    first, last = math.floor(min(lowest, 0) / step), math.ceil(max(highest, 0) / step)
    return [round(index * step, 10) for index in range(first, last + 1)]


@dataclass(frozen=True)
class Plot:
    """The area inside the axes, and how a value finds its height there."""

    width: float
    height: float
    low: Number
    high: Number
    palette: Palette

    def y(self, value: Number) -> float:
        """The vertical place of `value`."""
        share = (value - self.low) / (self.high - self.low)
        return TOP + (self.height - TOP - BOTTOM) * (1 - share)

    def axes(self, marks: Sequence[Number], labels: Sequence[str], place: Callable[[int], float]) -> str:
        """Hairlines at `marks`, and as many labels along the foot as fit without touching."""
        out = []
        for mark in marks:
            strong = "0.5" if mark == 0 and self.palette.faint != "1" else self.palette.faint
            colour = self.palette.muted if mark == 0 else self.palette.grid
            out.append(
                f'<path class="chart-grid" d="M{LEFT} {self.y(mark):.1f}H{self.width - RIGHT:g}" '
                f'stroke="{colour}" stroke-opacity="{strong}" stroke-width="0.8" fill="none"/>'
            )
            out.append(words(LEFT - 7, self.y(mark) + 3, grouped(mark), self.palette, anchor="end", size=10))
        widest = max((measure(label[:24], 10) for label in labels), default=0) + 14
        each = max(1, -(-int(widest * len(labels)) // int(self.width - LEFT - RIGHT))) if labels else 1
        for index in range(0, len(labels), each):
            text = fit(labels[index], 120, 10)
            half = measure(text, 10) / 2
            x = min(max(place(index), half), self.width - half)
            out.append(words(x, self.height - BOTTOM + 16, text, self.palette, anchor="middle", size=10))
        return "".join(out)


def legend(names: Sequence[str], palette: Palette, width: float) -> str:
    """Which colour is which, in one row above the plot."""
    out, x = [], float(LEFT)
    room = (width - LEFT - RIGHT) / max(1, len(names)) - 24
    for index, name in enumerate(names):
        text = fit(name, room, 11)
        out.append(f'<rect x="{x:.1f}" y="7" width="10" height="10" rx="2" fill="{colour(palette, index)}"/>')
        out.append(words(x + 15, 16, text, palette, size=11, fill=palette.ink))
        x += 33 + measure(text, 11)
    return "".join(out)


def bars(
    title: str,
    description: str,
    days: Sequence[str],
    series: Series,
    *,
    palette: Palette = SCREEN,
    width: int = WIDTH,
    height: int = 230,
) -> str:
    """Stacked bars from zero, one per label in `days`; a missing value counts as zero."""
    rows = [[_at(values, i) for _, values in series] for i in range(len(days))]
    marks = ticks(max((sum(row) for row in rows), default=0))
    plot = Plot(width, height, marks[0], marks[-1], palette)
    slot = (width - LEFT - RIGHT) / max(1, len(days))
    thick = min(slot * 0.72, 44)
    out = [legend([name for name, _ in series], palette, width)]
    out.append(plot.axes(marks, days, lambda i: LEFT + slot * (i + 0.5)))
    for i, row in enumerate(rows):
        x, base = LEFT + slot * (i + 0.5) - thick / 2, 0.0
        told = ", ".join(f"{name} {grouped(value)}" for (name, _), value in zip(series, row, strict=True))
        out.append(f"<g><title>{escape(f'{days[i]}: {told}')}</title>")
        for place, value in enumerate(row):
            if value > 0:
                top, foot = plot.y(base + value), plot.y(base)
                out.append(
                    f'<rect class="chart-series-{place + 1}" x="{x:.2f}" y="{top:.2f}" width="{thick:.2f}" '
                    f'height="{foot - top:.2f}" fill="{colour(palette, place)}"/>'
                )
                base += value
        out.append("</g>")
    if not any(any(row) for row in rows):
        out.append(_nothing(width, height, palette))
    return frame(title, description, "bars", "".join(out), width, height)


def lines(
    title: str,
    description: str,
    labels: Sequence[str],
    series: Series,
    *,
    threshold: Number | None = None,
    palette: Palette = SCREEN,
    width: int = WIDTH,
    height: int = 220,
) -> str:
    """Lines over `labels`; None leaves a gap, and `threshold` is a dashed line with its value."""
    known = [value for _, values in series for value in values if value is not None]
    limits = known + ([] if threshold is None else [threshold])
    marks = ticks(max(limits, default=0), min(limits, default=0))
    plot = Plot(width, height, marks[0], marks[-1], palette)
    step = (width - LEFT - RIGHT - 12) / max(1, len(labels) - 1)

    def place(index: int) -> float:
        return LEFT + 6 + step * index

    out = [legend([name for name, _ in series], palette, width), plot.axes(marks, labels, place)]
    if threshold is not None:
        y = plot.y(threshold)
        out.append(
            f'<path class="chart-threshold" d="M{LEFT} {y:.1f}H{width - RIGHT}" stroke="{palette.alarm}" '
            f'stroke-width="1.2" stroke-dasharray="5 3" fill="none"/>'
        )
        out.append(
            words(
                width - RIGHT, y - 4, f"limit {grouped(threshold)}", palette, anchor="end", fill=palette.alarm
            )
        )
    for index, (name, values) in enumerate(series):
        out.append(_line(name, values[: len(labels)], labels, place, plot, index))
    if not known:
        out.append(_nothing(width, height, palette))
    return frame(title, description, "lines", "".join(out), width, height)


def spark(
    values: Sequence[Number],
    title: str = "Use over time",
    description: str = "",
    *,
    palette: Palette = SCREEN,
    width: int = 96,
    height: int = 20,
) -> str:
    """A line without axes, small enough for a table cell; the newest value carries a dot."""
    highest, lowest = max(values, default=0), min([0, *values])
    span = (highest - lowest) or 1
    step = (width - 8) / max(1, len(values) - 1)
    points = [
        (4 + step * i, height - 4 - (height - 8) * (value - lowest) / span) for i, value in enumerate(values)
    ]
    body = ""
    if points:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body = (
            f'<polyline class="chart-series-1" points="{path}" fill="none" '
            f'stroke="{palette.series[0]}" stroke-width="1.5"/>'
            f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2" fill="{palette.series[0]}"/>'
        )
    told = description or (", ".join(grouped(value) for value in values) or "No values.")
    return frame(title, told, "spark", body, width, height)


def _at(values: Sequence[Number | None], index: int) -> Number:
    return (values[index] or 0) if index < len(values) else 0


def _nothing(width: float, height: float, palette: Palette) -> str:
    return words(
        width / 2, height / 2, "Nothing was recorded in this period.", palette, size=11, anchor="middle"
    )


def _line(
    name: str,
    values: Sequence[Any],
    labels: Sequence[str],
    place: Callable[[int], float],
    plot: Plot,
    index: int,
) -> str:
    tone, out, pen = colour(plot.palette, index), "", False
    path, dots = [], []
    for i, value in enumerate(values):
        if value is None:
            pen = False
            continue
        path.append(f"{'L' if pen else 'M'}{place(i):.1f} {plot.y(value):.1f}")
        told = escape(f"{labels[i]}: {name} {grouped(value)}")
        dots.append(
            f'<circle cx="{place(i):.1f}" cy="{plot.y(value):.1f}" r="2.2" fill="{tone}">'
            f"<title>{told}</title></circle>"
        )
        pen = True
    if path:
        curve = "".join(path)
        out = f'<path class="chart-series-{index + 1}" d="{curve}" fill="none" '
        out += f'stroke="{tone}" stroke-width="1.8"/>'
    return out + "".join(dots)
