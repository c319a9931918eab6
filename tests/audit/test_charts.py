"""The drawings: deterministic, escaped, inside their boxes, and readable without eyes."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from audit import charts
from audit.charts.drawing import fit, measure
from audit.charts.plots import ticks

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\"'><img src=file:///etc/passwd>&" + "W" * 5_000
DAYS = ["1 Nov", "2 Nov", "3 Nov"]
NODES = [
    {"id": "d", "kind": "dataset", "label": "applications", "detail": "10 rows"},
    {"id": "r", "kind": "run", "label": "hare-412", "detail": None},
    {"id": "v", "kind": "version", "label": "scorer 2", "detail": "champion"},
    {"id": "s", "kind": "system", "label": "Credit", "detail": "High-risk"},
]
EDGES = [["d", "r", "used by"], ["r", "v", "produced"], ["v", "s", "part of"], ["d", "v", "evaluated"]]


def drawings(text: str = "Allowed") -> list[str]:
    """One of each kind, with `text` wherever words are taken."""
    nodes = [{**node, "label": text, "detail": text} for node in NODES]
    return [
        charts.bars(text, text, [text, "b", "c"], [(text, [3, 0, 12_000]), ("Denied", [1, 2, 0])]),
        charts.lines(text, text, [text, "b", "c"], [(text, [0.1, None, 0.4])], threshold=0.2),
        charts.spark([1, 5, 2], text, text),
        charts.lineage(nodes, [[a, b, text] for a, b, _ in EDGES], title=text),
    ]


@pytest.mark.parametrize("index", range(4))
def test_a_drawing_has_a_title_a_description_and_no_style_attribute(index: int) -> None:
    root = ElementTree.fromstring(drawings()[index])

    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root.get("role") == "img"
    assert not [element for element in root.iter() if "style" in element.attrib]


@pytest.mark.parametrize("index", range(4))
def test_hostile_words_stay_words(index: int) -> None:
    root = ElementTree.fromstring(drawings(HOSTILE)[index])

    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "path", "rect", "text", "circle", "polyline"}


def test_no_word_leaves_its_drawing() -> None:
    for drawing in drawings("M" * 300):
        root = ElementTree.fromstring(drawing)
        for text in root.iter(f"{SVG}text"):
            width, x = measure(text.text or "", float(text.get("font-size", 0))), float(text.get("x", 0))
            start = {"start": x, "middle": x - width / 2, "end": x - width}[text.get("text-anchor", "start")]
            assert start >= -1
            assert start + width <= float(root.get("width", 0)) + 1


def test_the_same_values_give_the_same_drawing() -> None:
    assert drawings() == drawings()


def test_the_height_of_a_bar_is_its_share_of_the_axis() -> None:
    root = ElementTree.fromstring(
        charts.bars("t", "d", DAYS, [("Allowed", [10, 20, 0]), ("Denied", [10, 0, 0])])
    )

    bars = [e for e in root.iter(f"{SVG}rect") if "chart-series" in (e.get("class") or "")]
    heights = [float(bar.get("height", 0)) for bar in bars]
    assert len(bars) == 3  # a zero is no bar
    assert heights[0] == pytest.approx(heights[1])
    assert heights[2] == pytest.approx(heights[0] + heights[1], abs=0.02)


@pytest.mark.parametrize(
    ("highest", "lowest", "expected"),
    [
        (0, 0, [0, 1]),
        (1, 0, [0, 1]),
        (7, 0, [0, 2, 4, 6, 8]),
        (620, 0, [0, 200, 400, 600, 800]),
        (0.3, 0, [0, 0.1, 0.2, 0.3]),
    ],
)
def test_axes_start_at_zero_and_cover_the_highest(highest: Any, lowest: Any, expected: list[float]) -> None:
    marks = ticks(highest, lowest)

    assert marks[0] <= 0
    assert marks[-1] >= highest
    assert marks == pytest.approx(expected)


def test_axes_reach_below_zero_when_a_value_does() -> None:
    assert ticks(3, -2)[0] <= -2


def test_nothing_recorded_is_said() -> None:
    assert "Nothing was recorded" in charts.bars("t", "d", [], [("Allowed", [])])
    assert "Nothing was recorded" in charts.lines("t", "d", ["a"], [("x", [None])])
    assert "No lineage was recorded." in charts.lineage([], [])
    assert "<svg" in charts.spark([])


def test_nodes_stand_in_the_order_data_run_version_system() -> None:
    root = ElementTree.fromstring(charts.lineage(list(reversed(NODES)), EDGES))

    boxes = {
        g.get("class", "").split("-")[-1]: g.find(f"{SVG}rect")
        for g in root.iter(f"{SVG}g")
        if "node" in g.get("class", "")
    }
    places = [float(boxes[kind].get("x", 0)) for kind in ("dataset", "run", "version", "system")]  # type: ignore[union-attr]
    assert places == sorted(places)
    assert len(set(places)) == 4


def test_only_local_links_are_drawn() -> None:
    drawing = charts.lineage(
        NODES, EDGES, {"d": "/datasets/1", "r": "javascript:alert(1)", "v": "//elsewhere.example/"}
    )

    assert re.findall(r'href="([^"]+)"', drawing) == ["/datasets/1"]
    assert 'role="group"' in drawing  # an img would hide the links


def test_edges_to_unknown_nodes_and_loops_are_left_out() -> None:
    assert "chart-edge" not in charts.lineage(NODES, [["d", "gone", "used"], ["d", "d", "used"]])


def test_a_crowded_column_is_cut_and_counted() -> None:
    many = [{"id": f"d{i}", "kind": "dataset", "label": f"data {i}", "detail": ""} for i in range(40)]

    drawing = charts.lineage(many, [])

    assert drawing.count("<rect") == 2 * 12
    assert "and 29 more" in drawing


def test_shortened_words_fit() -> None:
    assert fit("short", 200, 10) == "short"
    assert measure(fit("a long name that does not fit", 60, 10), 10) <= 60
    assert fit("credit-applications-holdout", 100, 10, middle=True).endswith("holdout")


def test_more_columns_make_a_wider_drawing_and_no_box_meets_another() -> None:
    kinds = ("dataset", "snapshot", "run", "version", "system")
    nodes = [{"id": kind, "kind": kind, "label": kind, "detail": ""} for kind in kinds]

    root = ElementTree.fromstring(charts.lineage(nodes, []))

    boxes = [e for e in root.iter(f"{SVG}rect") if float(e.get("width", 0)) > 10]
    left = sorted(float(box.get("x", 0)) for box in boxes)
    assert len(left) == 5
    assert all(after - before > float(boxes[0].get("width", 0)) for before, after in pairwise(left))
    assert left[-1] + float(boxes[0].get("width", 0)) <= float(root.get("width", 0))


def test_what_was_left_out_before_is_counted_in_its_column() -> None:
    drawing = charts.lineage(NODES, EDGES, more={"version": 7})

    assert "and 7 more" in drawing


def test_the_node_in_focus_has_a_strong_outline() -> None:
    assert charts.lineage(NODES, EDGES, focus="v").count('stroke-width="2"') == 1
    assert 'stroke-width="2"' not in charts.lineage(NODES, EDGES)


def test_stages_stand_in_the_order_of_their_pipeline_and_a_cycle_ends() -> None:
    nodes = [
        {"id": name, "kind": "stage", "label": name, "detail": ""} for name in ("train", "clean", "fetch")
    ]
    edges = [["clean", "train", "precedes"], ["fetch", "clean", "precedes"]]

    drawing = charts.lineage(nodes, edges)

    assert drawing.index(">fetch<") < drawing.index(">clean<") < drawing.index(">train<")
    assert charts.lineage(nodes, [*edges, ["train", "fetch", "precedes"]]).count("chart-edge") == 3
