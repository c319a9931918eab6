"""What the demo brings along is what it says: files that are read as intended, a figure drawn from its numbers."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from governance.demo import README, SKETCHED, drawing, elsewhere, papers
from registry import formats, pictures

LOW, HIGH = 0.1, 0.5


def rates(youngest: float) -> dict[str, float]:
    """Both rates of every band; only the wrongly refused of the first band differ."""
    return {f"{rate}__{band}": LOW for rate in drawing.BARS for band in papers.BANDS} | {
        "false_positive_rate__age_18_25": youngest
    }


def tallest(picture: bytes, colour: str) -> int:
    """The height of the tallest bar of a colour, in pixels; the legend lies above."""
    image = Image.open(BytesIO(picture)).crop((0, drawing.TOP, drawing.WIDTH, drawing.HEIGHT))
    wanted = tuple(bytes.fromhex(colour[1:]))
    columns = image.load()
    assert columns
    return max(sum(columns[x, y] == wanted for y in range(image.height)) for x in range(0, image.width, 4))


def test_the_bars_of_the_figure_are_as_high_as_the_rates() -> None:
    even = drawing.error_rates(rates(HIGH), papers.BANDS)
    refused, accepted = (tallest(even, colour) for colour in drawing.BARS.values())

    assert refused == pytest.approx(accepted * HIGH / LOW, abs=8)
    assert pictures.examine(even).media_type == "image/png"


@pytest.mark.parametrize(
    ("name", "format", "kind"),
    [
        (README, "huggingface", "card"),
        (elsewhere.PIPELINE, "dvc", "pipeline"),
        (elsewhere.CROISSANT, "croissant", "datasheet"),
    ],
)
def test_the_files_from_elsewhere_are_recognised(name: str, format: str, kind: str) -> None:  # noqa: A002
    reading = formats.read((elsewhere.HERE / name).read_bytes(), name=name)

    assert (reading.format, reading.kind) == (format, kind)
    assert reading.counts["mapped"]
    assert not reading.notes


def test_the_croissant_file_is_about_the_data_that_it_is_used_for() -> None:
    reading = formats.read((elsewhere.HERE / elsewhere.CROISSANT).read_bytes(), name=elsewhere.CROISSANT)

    assert reading.subject.name == SKETCHED
