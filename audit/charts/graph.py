"""The lineage drawing: datasets, runs, versions, and where a version serves, from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from .drawing import SCREEN, WIDTH, Palette, colour, fit, frame, two_lines, words

COLUMNS: Mapping[str, int] = {"dataset": 0, "run": 1, "version": 2, "endpoint": 3, "system": 3}
HEADS: Mapping[str, str] = {
    "dataset": "DATASET",
    "run": "TRAINING RUN",
    "version": "VERSION",
    "endpoint": "ENDPOINT",
    "system": "SYSTEM",
}
TONES: Mapping[str, int] = {"dataset": 2, "run": 4, "version": 0, "endpoint": 1, "system": 3}
BOX, TALL, PITCH, MARGIN = 146, 66, 82, 10
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
) -> str:
    """Draw `nodes` ({id, kind, label, detail}) and `edges` ([from, to, word]); `hrefs` makes nodes links.

    A column shows at most twelve nodes; its last box counts the rest, and edges to them are not drawn.
    """
    columns = _columns(nodes, edges)
    places = _places(columns, width)
    known = {node["id"]: node for column in columns for node in column}
    drawn = [edge for edge in edges if edge[0] in places and edge[1] in places and edge[0] != edge[1]]
    body = [_edge(edge, places, known, palette) for edge in drawn]
    body += [
        _node(node, places[node["id"]], palette, (hrefs or {}).get(node["id"])) for node in known.values()
    ]
    tallest = max((len(column) for column in columns), default=1)
    height = 2 * MARGIN + (tallest - 1) * PITCH + TALL + (PITCH - TALL if drawn else 0) / 2
    if not known:
        body = [words(width / 2, height / 2, "No lineage was recorded.", palette, size=11, anchor="middle")]
    # An img hides what is inside it from assistive technology; a drawing with links must not.
    role = "group" if hrefs else "img"
    return frame(title, _told(drawn, known), "lineage", "".join(body), width, height, role)


def _columns(nodes: Sequence[Node], edges: Sequence[Sequence[str]]) -> list[list[Node]]:
    """The nodes by kind, each column in the order that keeps edges short."""
    columns: list[list[Node]] = [[] for _ in range(4)]
    for node in nodes:
        columns[COLUMNS.get(node["kind"], 3)].append(node)
    columns = [_cut(column) for column in columns if column]
    before: dict[str, list[str]] = {}
    for edge in edges:
        before.setdefault(edge[1], []).append(edge[0])
    for left, column in pairwise(columns):
        row = {node["id"]: index for index, node in enumerate(left)}
        heights: dict[str, float] = {}
        for index, node in enumerate(column):
            rows = [row[name] for name in before.get(node["id"], []) if name in row]
            heights[node["id"]] = sum(rows) / len(rows) if rows else float(index)
        column.sort(key=lambda node, heights=heights: heights[node["id"]])  # type: ignore[misc]
    return columns


def _cut(column: list[Node]) -> list[Node]:
    if len(column) <= MOST:
        return list(column)
    rest = len(column) - MOST + 1
    more = {
        "id": f"more {column[0]['kind']}",
        "kind": column[0]["kind"],
        "label": f"and {rest} more",
        "detail": "",
    }
    return [*column[: MOST - 1], more]


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


def _node(node: Node, place: Place, palette: Palette, href: str | None) -> str:
    x, y = place
    kind, label, detail = node["kind"], str(node["label"]), str(node.get("detail") or "")
    tone = colour(palette, TONES.get(kind, 5))
    room = BOX - 20
    name = two_lines(label, room, 11.5)
    told = escape(f"{HEADS.get(kind, kind).capitalize()}: {label}" + (f", {detail}" if detail else ""))
    grey = f'stroke="{palette.grid if palette.faint == "1" else palette.muted}"'
    faint = "" if palette.faint == "1" else ' stroke-opacity="0.45"'
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
