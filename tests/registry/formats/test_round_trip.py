"""Out and in again: every format's own validator takes what is written, and what both sides can say comes back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import mlcroissant
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from huggingface_hub import ModelCard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import canonical, formats
from registry.documents.content import blank, tidy
from registry.documents.outline import FIGURE, Field, outline
from registry.formats import WRITERS, Export
from tests.registry.formats.accounting import assert_accounted, content_of
from tests.registry.formats.toolkit_schema import SCHEMA

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"
)  # in rdflib, of its own

PAIRS = [(name, kind) for name, one in WRITERS.items() for kind in one.kinds if one.places]
every_pair = pytest.mark.parametrize(("name", "kind"), PAIRS, ids=[f"{name}-{kind}" for name, kind in PAIRS])

# What Model Card Toolkit's tables have no columns for: results carry no dataset.
UNSAID = {"toolkit": {"metrics.results": ("dataset",)}}
# Written for readers of the other side, and read back as results: the schema has one table for all three. Figures come
# back with their pictures only, which these invented digests do not have: see test_embedded.
ONE_WAY = {"toolkit": {"analyses.unitary", "analyses.intersectional", "analyses.figures"}}

CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r")
LINE = st.text(CHARACTERS, min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)
PROSE = st.text(CHARACTERS | st.sampled_from("\n#-*|`>[]<!:&"), min_size=1, max_size=200).filter(
    lambda text: (
        bool(text.strip()) and text.strip().lower().strip(" \n[]()*_.!") not in ("todo", "tbd", "n/a")
    )
)
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Anything that a person could have put into the field."""
    if field.kind == "prose":
        return PROSE
    if field.kind == "choice":
        return st.sampled_from([option.value for option in field.options])
    if field.kind == "lines":
        return st.lists(LINE, min_size=1, max_size=4, unique=True)
    if field.kind == "figures":
        return st.lists(
            st.fixed_dictionaries(dict.fromkeys(FIGURE, LINE) | {"digest": DIGEST}), min_size=1, max_size=2
        )
    if field.kind == "table":
        columns = [column.key for column in field.columns]
        first = st.fixed_dictionaries({columns[0]: LINE}, optional=dict.fromkeys(columns[1:], LINE))
        return st.lists(first, min_size=1, max_size=3, unique_by=lambda row: row[columns[0]])
    return LINE


@st.composite
def documents(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A document with some of its fields filled."""
    fields = list(outline(kind).fields())
    content = blank(kind)
    for field in draw(
        st.lists(st.sampled_from(fields), min_size=1, max_size=12, unique_by=lambda one: one.path)
    ):
        content[field.section][field.key] = draw(values(field))
    return tidy(kind, content)


def full(kind: str) -> dict[str, Any]:
    """Every field filled, with what makes writers stumble."""
    content = blank(kind)
    for field in outline(kind).fields():
        content[field.section][field.key] = {
            "lines": [f"one {field.key}", "two: “2” | – 🤗"],
            "table": [{column.key: f"{column.key} {n}" for column in field.columns} for n in (1, 2)],
            "prose": f"About *{field.key}*.\n\n# A heading\n\n<!-- cardinal: end -->\n\n| a | b |\n\n---\n\n```\ncode\n```",
            "choice": "yes",
            "figures": [{"digest": "a" * 64, "caption": "One", "alt": "A line"}],
        }.get(field.kind, f"line: {field.key} # no")
    if kind == "datasheet":
        identity = content["identity"]
        identity |= {"published_on": "2026-01-02", "version": "1.2.3", "url": "https://example.org/data"}
        identity["files"] = [
            {
                "name": "a.csv",
                "link": "https://example.org/a.csv",
                "media_type": "text/csv",
                "sha256": "a" * 64,
                "size": "12 B",
            }
        ]
        identity["columns"] = [
            {"table": "people", "name": "age", "type": "int64", "description": "Age in years"}
        ]
    return tidy(kind, content)


def export(kind: str, content: dict[str, Any]) -> Export:
    return Export(kind, content, name="credit-risk", version="3", digest="ab" * 32)


def said(name: str, field: Field, value: Any) -> Any:
    """The value as far as the format can say it."""
    unsaid = UNSAID.get(name, {}).get(field.path, ())
    return (
        [{key: "" if key in unsaid else cell for key, cell in row.items()} for row in value]
        if unsaid
        else value
    )


def assert_comes_back(name: str, kind: str, content: dict[str, Any]) -> None:
    raw = formats.write(name, export(kind, content))
    reading = formats.read(raw)
    assert_accounted(reading)
    back = content_of(reading)
    assert reading.kind == kind
    for field in outline(kind).fields():
        value = content[field.section][field.key]
        if value and field.path in WRITERS[name].places and field.path not in ONE_WAY.get(name, set()):
            found = back[field.section][field.key]
            wanted = [
                row for row in said(name, field, value) if not isinstance(row, dict) or any(row.values())
            ]
            assert (found[: len(wanted)] if field.kind == "table" else found) == (
                wanted if field.kind == "table" else value
            ), field.path


@every_pair
def test_what_both_sides_can_say_comes_back(name: str, kind: str) -> None:
    assert_comes_back(name, kind, full(kind))


@every_pair
def test_what_both_sides_can_say_comes_back_whatever_was_written(name: str, kind: str) -> None:
    @settings(deadline=None, max_examples=40, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(documents(kind))
    def goes_round(content: dict[str, Any]) -> None:
        assert_comes_back(name, kind, content)
        validate(name, formats.write(name, export(kind, content)))

    goes_round()


@every_pair
def test_an_empty_document_is_written_and_read(name: str, kind: str) -> None:
    raw = formats.write(name, export(kind, blank(kind)))

    validate(name, raw)
    assert formats.read(raw).kind == kind


@every_pair
def test_the_validator_of_the_format_takes_what_is_written(name: str, kind: str) -> None:
    validate(name, formats.write(name, export(kind, full(kind))))


@every_pair
def test_the_same_document_gives_the_same_bytes(name: str, kind: str) -> None:
    one = export(kind, full(kind))

    assert formats.write(name, one) == formats.write(name, one)


def validate(name: str, raw: bytes) -> None:
    """What the format's own validator says."""
    if name.startswith("cyclonedx"):
        version = SchemaVersion.from_version(name.partition("-")[2])
        assert JsonStrictValidator(version).validate_str(raw.decode()) is None
    elif name.startswith("croissant"):
        assert mlcroissant.Dataset(jsonld=json.loads(raw)).metadata.name == "credit-risk"
    elif name == "huggingface":
        card = ModelCard(raw.decode())  # parsed, never `.validate()`: that asks the Hub
        assert "Model Card for" in card.text
        assert isinstance(card.data.to_dict(), dict)
    elif name == "toolkit":
        jsonschema.validate(json.loads(raw), SCHEMA)
    else:
        assert canonical.canonical(json.loads(raw)) == raw


def test_our_schema_of_the_toolkit_refuses_what_the_toolkit_refuses() -> None:
    for wrong in ({"model_details": {"nam": "x"}}, {"considerations": {"users": ["x"]}}, {"extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_a_readme_carries_what_an_earlier_import_could_place_nowhere() -> None:
    raw = b"---\nlicense: mit\nwidget:\n- text: Hello\n- text: World\nco2_eq_emissions:\n  emissions: 12.5\n---\n## Zoology\n\nx\n"
    earlier = formats.read(raw)

    written = formats.write("huggingface", Export("card", content_of(earlier), "m", carried=earlier.unmapped))

    front = yaml.safe_load(written.decode().split("---")[1])
    assert front["widget"] == [{"text": "Hello"}, {"text": "World"}]
    assert front["co2_eq_emissions"] == {"emissions": 12.5}
    assert front["license"] == "mit"


def test_a_format_says_which_fields_it_leaves_out() -> None:
    left = formats.left_out("toolkit", export("card", full("card")))

    assert "operation.oversight" in left
    assert "model_details.name" not in left
    assert formats.left_out("own", export("card", full("card"))) == []


def test_own_json_is_the_bytes_behind_the_digest() -> None:
    content = full("card")

    assert formats.write("own", export("card", content)) == canonical.canonical(content)
