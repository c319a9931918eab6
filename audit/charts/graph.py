"""The lineage drawing: data and code, what was done with them, versions, and where they serve, from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from .drawing import BOLD, SCREEN, WIDTH, Palette, colour, fit, frame, two_lines, words

COLUMNS: Mapping[str, int] = {
    "dataset": 0,
    **dict.fromkeys(("snapshot", "commit", "environment", "base", "file", "person", "server"), 1),
    **dict.fromkeys(("run", "stage"), 2),
    **dict.fromkeys(("version", "manifest"), 3),
    **dict.fromkeys(("endpoint", "system"), 4),
}
LAST = 4
HEADS: Mapping[str, str] = {
    "dataset": "DATASET",
    "snapshot": "DATASET SNAPSHOT",
    "commit": "CODE COMMIT",
    "environment": "ENVIRONMENT",
    "base": "BASE MODEL",
    "file": "PIPELINE FILE",
    "person": "RUN BY",
    "server": "TRACKING SERVER",
    "run": "TRAINING RUN",
    "stage": "PIPELINE STAGE",
    "version": "VERSION",
    "manifest": "FILES",
    "endpoint": "ENDPOINT",
    "system": "SYSTEM",
}
TONES: Mapping[str, int] = {
    **dict.fromkeys(("dataset", "snapshot", "file"), 2),
    **dict.fromkeys(("run", "stage", "person", "server"), 4),
    **dict.fromkeys(("version", "manifest"), 0),
    "base": 0,
    "endpoint": 1,
    "system": 3,
}
BOX, TALL, PITCH, MARGIN = 146, 66, 82, 10
GAP = 34  # between columns at least; more columns make a wider drawing
MOST = 12

Node = Mapping[str, Any]
Place = tuple[float, float]


def lineage(
    nodes: Sequence[Node],
    edges: Sequence[Sequence[str]],
    hrefs: Mapping[str, str] | None = None,
    *,
    title: str = "Lineage",
    palette: Palette = SCREEN,
    width: int = WIDTH,
    most: int = MOST,
    more: Mapping[str, int] | None = None,
    focus: str = "",
) -> str:
    """Draw `nodes` ({id, kind, label, detail}) and `edges` ([from, to, word]); `hrefs` makes nodes links.

    A column shows at most `most` nodes; its last box counts the rest, and what `more` (by kind) left out before, and
    edges to them are not drawn. The node called `focus` has a strong outline.
    """
    columns = _columns(nodes, edges, most, more or {})
    width = max(width, len(columns) * (BOX + GAP) - GAP + 2)
    places = _places(columns, width)
    known = {node["id"]: node for column in columns for node in column}
    drawn = [edge for edge in edges if edge[0] in places and edge[1] in places and edge[0] != edge[1]]
    body = [_edge(edge, places, known, palette) for edge in drawn]
    body += [
        _node(node, places[node["id"]], palette, (hrefs or {}).get(node["id"]), strong=node["id"] == focus)
        for node in known.values()
    ]
    tallest = max((len(column) for column in columns), default=1)
    height = 2 * MARGIN + (tallest - 1) * PITCH + TALL + (PITCH - TALL if drawn else 0) / 2
    if not known:
        body = [words(width / 2, height / 2, "No lineage was recorded.", palette, size=11, anchor="middle")]
    # An img hides what is inside it from assistive technology; a drawing with links must not.
    role = "group" if hrefs else "img"
    return frame(title, _told(drawn, known), "lineage", "".join(body), width, height, role)


def _columns(
    nodes: Sequence[Node], edges: Sequence[Sequence[str]], most: int, more: Mapping[str, int]
) -> list[list[Node]]:
    """The nodes by kind, each column by kind, then what came first above what came of it, then so that edges are short."""
    columns: list[list[Node]] = [[] for _ in range(LAST + 1)]
    for node in nodes:
        columns[COLUMNS.get(node["kind"], LAST)].append(node)
    before: dict[str, list[str]] = {}
    for edge in edges:
        before.setdefault(edge[1], []).append(edge[0])
    for left, column in pairwise([[], *(column for column in columns if column)]):
        row = {node["id"]: index for index, node in enumerate(left)}
        heights: dict[str, tuple[int, int, float]] = {}
        steps, kinds = _steps(column, before), list(HEADS)
        for index, node in enumerate(column):
            rows = [row[name] for name in before.get(node["id"], []) if name in row]
            kind = kinds.index(node["kind"]) if node["kind"] in HEADS else len(kinds)
            middle = sum(rows) / len(rows) if rows else float(index)
            heights[node["id"]] = (kind, steps[node["id"]], middle)
        column.sort(key=lambda node, heights=heights: heights[node["id"]])  # type: ignore[misc]
    extra = [0] * (LAST + 1)
    for noun, count in more.items():
        extra[COLUMNS.get(noun, LAST)] += count
    cut = [_cut(column, most, extra[place], place) for place, column in enumerate(columns)]
    return [column for column in cut if column]


def _steps(column: Sequence[Node], before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many others of its column each node comes after; in a cycle the count stops at their number."""
    steps = {node["id"]: 0 for node in column}
    for _ in column:
        later = {
            name: min(
                max((steps[one] + 1 for one in before.get(name, ()) if one in steps), default=0), len(column)
            )
            for name in steps
        }
        if later == steps:
            break
        steps = later
    return steps


def _cut(column: list[Node], most: int, extra: int, place: int) -> list[Node]:
    if len(column) <= most and not extra:
        return list(column)
    kept = column[: most - 1]
    rest = len(column) - len(kept) + extra
    more = {"id": f"more {place}", "kind": "more", "label": f"and {rest} more", "detail": "not drawn"}
    return [*kept, more]


def _places(columns: Sequence[Sequence[Node]], width: float) -> dict[str, Place]:
    """The upper left corner of each node. Rows keep to one grid, so that long edges find a lane."""
    tallest = max((len(column) for column in columns), default=1)
    step = (width - BOX - 2) / max(1, len(columns) - 1)
    places: dict[str, Place] = {}
    for index, column in enumerate(columns):
        x = 1 + step * index if len(columns) > 1 else (width - BOX) / 2
        first = (tallest - len(column)) // 2
        for row, node in enumerate(column):
            places[node["id"]] = (x, MARGIN + (first + row) * PITCH)
    return places


def _edge(
    edge: Sequence[str], places: Mapping[str, Place], known: Mapping[str, Node], palette: Palette
) -> str:
    (ax, ay), (bx, by) = places[edge[0]], places[edge[1]]
    ay, by = ay + TALL / 2, by + TALL / 2
    word = edge[2] if len(edge) > 2 else "leads to"
    told = escape(f"{known[edge[0]]['label']} {word} {known[edge[1]]['label']}"[:400])
    if ax == bx:  # two of one kind: an arc along the left side
        path = f"M{ax:.1f} {ay:.1f}C{ax - 26:.1f} {ay:.1f} {bx - 26:.1f} {by:.1f} {bx - 6:.1f} {by:.1f}"
    else:
        path = _curve(ax + BOX, ay, bx - 6, by)
    tone = f'stroke="{palette.muted}" stroke-opacity="{palette.soft}" stroke-width="1.2" fill="none"'
    tip = f"M{bx - 7:.1f} {by - 3.5:.1f}L{bx:.1f} {by:.1f}L{bx - 7:.1f} {by + 3.5:.1f}Z"
    return (
        f'<g class="chart-edge"><title>{told}</title><path d="{path}" {tone}/>'
        f'<path d="{tip}" fill="{palette.muted}" fill-opacity="{palette.soft}"/></g>'
    )


def _curve(ax: float, ay: float, bx: float, by: float) -> str:
    """A curve to the next column; an edge that skips columns runs between the rows, not behind a box."""
    if 0 < bx - ax < BOX:
        middle = (ax + bx) / 2
        return f"M{ax:.1f} {ay:.1f}C{middle:.1f} {ay:.1f} {middle:.1f} {by:.1f} {bx:.1f} {by:.1f}"
    lane = min(ay, by) + PITCH / 2
    turn = 34 if bx > ax else -34
    return (
        f"M{ax:.1f} {ay:.1f}C{ax + turn / 2:.1f} {ay:.1f} {ax + turn / 2:.1f} {lane:.1f} "
        f"{ax + turn:.1f} {lane:.1f}"
        f"H{bx - turn:.1f}C{bx - turn / 2:.1f} {lane:.1f} {bx - turn / 2:.1f} {by:.1f} {bx:.1f} {by:.1f}"
    )


def _node(node: Node, place: Place, palette: Palette, href: str | None, *, strong: bool = False) -> str:
    x, y = place
    kind, label, detail = node["kind"], str(node["label"]), str(node.get("detail") or "")
    tone = colour(palette, TONES.get(kind, 5))
    room = BOX - 20
    name = two_lines(label, room, 11.5 * BOLD)
    told = escape(
        f"{HEADS.get(kind, kind[:20].upper()).capitalize()}: {label}" + (f", {detail}" if detail else "")
    )
    grey = f'stroke="{palette.grid if palette.faint == "1" else palette.muted}"'
    faint = "" if palette.faint == "1" else ' stroke-opacity="0.45"'
    if strong:
        grey, faint = f'stroke="{palette.ink}" stroke-width="2"', ""
    body = (
        f'<g class="chart-node chart-node-{escape(kind)}"><title>{told}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{BOX}" height="{TALL}" rx="4" '
        f'fill="{palette.surface}" {grey}{faint}/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="4" height="{TALL}" rx="2" fill="{tone}"/>'
        + words(x + 13, y + 16, HEADS.get(kind, kind.upper()[:20]), palette, size=8)
        + "".join(
            words(x + 13, y + 31 + 13 * row, line, palette, size=11.5, fill=palette.ink, bold=True)
            for row, line in enumerate(name)
        )
        + words(x + 13, y + 32 + 13 * len(name), fit(detail, room, 10), palette, size=10)
        + "</g>"
    )
    safe = href if href and href.startswith(("/", "#", "?")) and not href.startswith("//") else None
    return f'<a href="{escape(safe)}">{body}</a>' if safe else body


def _told(edges: Sequence[Sequence[str]], known: Mapping[str, Node]) -> str:
    """The drawing in words, for those who do not see it."""
    parts = [
        f"{fit(str(known[edge[0]]['label']), 300, 9)} {edge[2] if len(edge) > 2 else 'leads to'} "
        f"{fit(str(known[edge[1]]['label']), 300, 9)}"
        for edge in edges[:40]
    ]
    rest = f"; and {len(edges) - 40} more links" if len(edges) > 40 else ""
    return ("; ".join(parts) + rest + ".") if parts else "No links were recorded."
