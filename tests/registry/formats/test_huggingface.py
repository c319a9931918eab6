"""Hugging Face cards as people write them: every one is read, and of none a word is lost in silence."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from registry import formats
from registry.documents.content import blank
from registry.formats import Reading
from tests.registry.formats.accounting import assert_accounted, content_of, flat, squeezed
from tests.registry.formats.corpus import SHAPES, Card, cards

CORPUS = list(cards())


def read(text: str, name: str = "README.md") -> Reading:
    return formats.read(text.encode(), name=name)


def leaf(reading: Reading, path: str) -> tuple[str, str]:
    """(outcome, field) of the value at this pointer."""
    return next((one.outcome, one.field) for one in reading.report if one.path == path)


def test_the_corpus_is_large_and_varied() -> None:
    assert len(CORPUS) >= 300
    assert len({card.raw for card in CORPUS}) > 300
    assert len({card.shape for card in CORPUS}) == len(set(SHAPES))


def test_every_card_is_imported_without_an_exception_and_without_a_silent_loss() -> None:
    outcomes = Counter()
    for card in CORPUS:
        reading = formats.read(card.raw, name="README.md")
        assert reading.format == "huggingface"
        assert_accounted(reading)
        assert_front_matter_reported(card, reading)
        assert_body_reported(card, reading)
        outcomes.update(reading.counts)

    assert outcomes["mapped"] > 3000
    assert outcomes["kept"] > 1000
    assert outcomes["dropped"] > 300


def assert_front_matter_reported(card: Card, reading: Reading) -> None:
    """Each value that went into the front matter stands in the report, as often as it went in."""
    if card.front is None:
        return
    given = Counter(squeezed(value) for value in flat(card.front))
    told = Counter(squeezed(one.value) for one in reading.report if one.path.startswith("/front matter"))
    assert told == given, card.shape


def assert_body_reported(card: Card, reading: Reading) -> None:
    """Each word of the file stands in a value or in a pointer of the report."""
    told = (
        " ".join(f"{one.path.replace('~1', '/')} {one.value}" for one in reading.report) + f" {reading.notes}"
    )
    known = set(re.findall(r"\w+", told))
    body = card.raw.decode("utf-8-sig").replace("\r\n", "\n")
    body = re.split(r"\n---\n", body, maxsplit=1)[-1] if body.startswith("---") else body

    assert set(re.findall(r"\w+", body)) <= known, card.shape


def test_no_is_a_language_and_a_date_is_text() -> None:
    reading = read("---\nlanguage: no\ndate: 2021-05-06\ntags: [yes, 1.0, 010, 1e5]\n---\n")

    content = content_of(reading)
    assert content["model_details"]["languages"] == ["no"]
    assert content["model_details"]["tags"] == ["yes", "1.0", "010", "1e5"]
    assert reading.unmapped["/front matter/date"] == "2021-05-06"


def test_a_spacy_card_whose_results_lack_a_dataset_keeps_its_results() -> None:
    reading = read(
        "---\nmodel-index:\n- name: nb_core\n  results:\n  - task: {name: NER, type: token-classification}\n"
        "    metrics:\n    - {name: NER Precision, type: precision, value: 0.8454836771}\n---\n"
    )

    content = content_of(reading)
    assert content["metrics"]["results"] == [
        {
            "metric": "NER Precision",
            "value": "0.8454836771",
            "dataset": "",
            "slice": "",
            "lower": "",
            "upper": "",
        }
    ]
    assert content["model_details"]["name"] == "nb_core"
    assert reading.unmapped["/front matter/model-index/0/results/0/task/name"] == "NER"


def test_tabs_are_read_as_spaces_and_said() -> None:
    reading = read("---\ntags:\n-\tspeech\nco2:\n\tkg: 12\n---\n")

    assert content_of(reading)["model_details"]["tags"] == ["speech"]
    assert reading.notes == ("Tabs stood where YAML wants spaces; they were read as spaces.",)


def test_front_matter_that_is_no_yaml_is_dropped_with_the_reason_and_the_body_is_read() -> None:
    reading = read('---\nlicense: "mit\n---\n\n## Uses\n\nReads digits.\n')

    assert content_of(reading)["intended_use"]["uses"] == "Reads digits."
    dropped = next(one for one in reading.report if one.path == "/front matter")
    assert (dropped.outcome, dropped.value) == ("dropped", 'license: "mit')
    assert "This is not YAML" in dropped.reason


def test_a_heading_that_nobody_knows_stays_with_the_section_it_stands_in() -> None:
    reading = read("# bert\n\n## Uses\n\nOne.\n\n### In a bank\n\nTwo.\n\n## Zoology\n\nThree.\n")

    assert content_of(reading)["intended_use"]["uses"] == "One.\n\n### In a bank\n\nTwo."
    assert leaf(reading, "/body/3 Zoology") == ("kept", "")
    assert reading.subject.name == "bert"


@pytest.mark.parametrize(
    "said", ["[More Information Needed]", "More information needed.", "**[More Information Needed]**", "TODO"]
)
def test_a_placeholder_is_no_answer(said: str) -> None:
    reading = read(f"## Uses\n\n{said}\n")

    assert content_of(reading)["intended_use"]["uses"] == ""
    assert leaf(reading, "/body/1 Uses") == ("dropped", "")


def test_bullets_of_the_template_fill_fields_of_their_own() -> None:
    reading = read(
        "# Model Card for Digits\n\n### Model Description\n\n- **Developed by:** The vision team\n"
        "- **Model type:** SVC\n- **Finetuned from model [optional]:** org/base\n- **License:** [More Information Needed]\n"
    )

    details = content_of(reading)["model_details"]
    assert details["owners"] == ["The vision team"]
    assert details["architecture"] == "SVC"
    assert details["base_models"][0]["name"] == "org/base"
    assert details["licence"] == ""
    assert details["name"] == "Digits"


def test_code_holds_no_headings_and_no_front_matter() -> None:
    reading = read("## Usage\n\n```\n# Uses\n---\n```\n")

    assert content_of(reading)["operation"]["usage"] == "```\n# Uses\n---\n```"
    assert content_of(reading)["intended_use"]["uses"] == ""


def test_text_longer_than_its_field_is_cut_and_kept_whole() -> None:
    reading = read("## Uses\n\n" + "word " * 9000)

    cut = next(one for one in reading.report if one.path == "/body/1 Uses")
    assert cut.reason == "Cut to 40000 characters; the whole text is kept unmapped."
    assert len(reading.unmapped["/body/1 Uses"]) > 44_000
    assert len(content_of(reading)["intended_use"]["uses"]) == 39_999


def test_two_licences_do_not_overwrite_each_other() -> None:
    reading = read("---\nlicense: mit\nlicense_name: ours\nmodel_name: a\nmodel-index: [{name: b}]\n---\n")

    assert content_of(reading)["model_details"]["licence"] == "mit"
    assert reading.unmapped["/front matter/license_name"] == "ours"
    assert reading.unmapped["/front matter/model-index/0/name"] == "b"


def test_a_repeated_key_loses_no_value() -> None:
    reading = read("---\nlicense: mit\nlicense: apache-2.0\n---\n")

    assert content_of(reading)["model_details"]["licence"] == "apache-2.0"
    assert reading.unmapped == {"/front matter/license (earlier)": "mit"}


def test_a_task_that_was_never_said_does_not_come_back() -> None:
    content = blank("card")
    content["metrics"]["results"] = [
        {"metric": "auc", "value": "0.9", "dataset": "d", "slice": "", "lower": "", "upper": ""}
    ]
    raw = formats.write("huggingface", formats.Export(kind="card", content=content, name="m"))

    reading = formats.read(raw)

    assert b"type: other" in raw
    assert "model_details.task" not in [proposal.path for proposal in reading.proposals]
