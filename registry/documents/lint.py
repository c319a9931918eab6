"""What a reviewer would send back, found before the review is asked for.

Each rule is a function of the document alone. How severe its findings are depends on the risk class of the systems
that the document concerns: see `strictness`. Pages, the REST interface and the verb that asks for a review use
`inspect`, so that what is shown beside a field is what refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from registry.documents.content import value
from registry.documents.outline import Field, Outline, outline
from registry.documents.reading import copied, has_number, out_of_order
from registry.documents.strictness import SEVERITIES, Strictness

PLACEHOLDERS = frozenset({
    "more information needed", "information needed", "more info needed", "needs more information", "todo", "to do", "tbd",
    "tba", "tbc", "to be done", "to be added", "to be defined", "to be determined", "fill in", "fill me in", "n/a",
    "xxx", "placeholder", "lorem ipsum", "coming soon", "unknown yet", "?", "??", "???", "-", "–", "...", "…",
})  # fmt: skip
INSIDE = re.compile(
    r"[\[<({]\s*more information needed\s*[\])}>]|\blorem ipsum\b|\bTODO:|\bTBD\b", re.IGNORECASE
)
BARE = re.compile(r"^[\s\[\](){}<>*_`\"'“”.!:…-]+|[\s\[\](){}<>*_`\"'“”.!:…-]+$")
RESULTS = ("metrics.results", "analyses.unitary", "analyses.intersectional")
NAMED = 3  # so many rows are named in a sentence


@dataclass(frozen=True)
class Finding:
    """Something found in a document. `code` is stable; `severity` is blocking, warning or hint."""

    code: str
    path: str
    label: str
    severity: str
    sentence: str


@dataclass(frozen=True)
class Found:
    """A finding before its severity is known."""

    field: Field
    sentence: str


Rule = Callable[[Outline, dict[str, Any]], Iterator[Found]]


def inspect(kind: str, content: dict[str, Any], strictness: Strictness) -> list[Finding]:
    """Every finding about a document, in the order of its outline; of one field the most severe first."""
    plan = outline(kind)
    order = {field.path: place for place, field in enumerate(plan.fields())}
    found = [
        Finding(code, one.field.path, one.field.label, severity, one.sentence)
        for code, rule in RULES.items()
        if (severity := strictness.severity(code)) != "off"
        for one in rule(plan, content)
    ]
    return sorted(found, key=lambda one: (order[one.path], -SEVERITIES.index(one.severity)))


def blocking(findings: list[Finding]) -> list[Finding]:
    """Those that keep a document from being submitted."""
    return [one for one in findings if one.severity == "blocking"]


def required_empty(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A required field without an answer, unless the datasheet's scope leaves it out."""
    for field in plan.fields():
        if field.required and field.asked(content) and not value(content, field.path):
            yield Found(field, "This field is required and empty: write an answer.")


def placeholder(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """Text that stands for an answer and is none, where an answer is required."""
    for field, words in _placeholders(plan, content):
        if field.required:
            yield Found(field, f"“{words}” is a placeholder, not an answer: write one.")


def placeholder_optional(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """The same where no answer is required."""
    for field, words in _placeholders(plan, content):
        if not field.required:
            yield Found(field, f"“{words}” is a placeholder: write an answer, or leave the field empty.")


def unaccepted(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A value that a tracking server or a file proposed, and that no person has accepted."""
    for path, source in content.get("unaccepted", {}).items():
        field = plan.field(path)
        if field and value(content, path):
            yield Found(
                field,
                f"Proposed from {source.removeprefix('imported from ')}: read it, then accept it or write your own.",
            )


def metric_without_value(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A metric whose figure is missing."""
    yield from _rows_lacking(plan, content, "value", "Give the value of {}.")


def metric_without_dataset(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A figure that does not say what it was measured on."""
    yield from _rows_lacking(plan, content, "dataset", "Name the dataset that {} was measured on.")


def metric_without_slice(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """Results on the whole of the data only: not one names a part of it."""
    field = plan.field("metrics.results")
    rows = value(content, "metrics.results") or []
    if field and rows and not any(row.get("slice") for row in rows):
        yield Found(
            field,
            "Every figure is about the whole data: add results for the groups or conditions that matter.",
        )


def interval_half(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """One bound of an interval says nothing without the other."""
    for field, rows in _results(plan, content):
        half = [row for row in rows if bool(row.get("lower")) != bool(row.get("upper"))]
        if half:
            yield Found(field, f"Give both bounds of the interval, or neither: {_names(half)}.")


def interval_misplaced(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A value outside its own confidence interval, or bounds the wrong way round."""
    for field, rows in _results(plan, content):
        wrong = [
            row for row in rows if out_of_order([row.get(key, "") for key in ("lower", "value", "upper")])
        ]
        if wrong:
            yield Found(field, f"The value lies outside its bounds: check {_names(wrong)}.")


def intended_use_copied(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """What the model is for, in the words that say what it is. That is a description and no intended use."""
    field = plan.field("intended_use.uses")
    if field and copied(value(content, field.path) or "", value(content, "model_details.overview") or ""):
        yield Found(
            field, "This repeats the overview: name each decision or task that the model was made for."
        )


def fairness_without_figures(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """Neither the analyses by group nor the words about fairness hold a number."""
    field = plan.field("ethics.fairness")
    if field is None:
        return
    analysed = [row for path in RESULTS[1:] for row in value(content, path) or []]
    measured = any(has_number(row.get("value", "")) for row in analysed)
    if not measured and not has_number(value(content, field.path) or ""):
        yield Found(
            field,
            "Nothing was measured by group: give figures here, or in the unitary or intersectional results.",
        )


def evaluation_is_training(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A dataset with the same digest stands in both lists: the results say how well it remembers."""
    field = plan.field("evaluation_data.datasets")
    trained = {row.get("digest", "").lower() for row in value(content, "training_data.datasets") or []} - {""}
    same = [
        row
        for row in value(content, "evaluation_data.datasets") or []
        if row.get("digest", "").lower() in trained
    ]
    if field and same:
        yield Found(
            field,
            f"The training data has the same digest: evaluate on data it has not seen ({_names(same)}).",
        )


def figure_without_words(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A picture that somebody who does not see it cannot read (WCAG 2.2, 1.1.1)."""
    for field in plan.fields():
        if field.kind == "figures":
            bare = [one for one in value(content, field.path) or [] if not one.get("alt")]
            if bare:
                names = ", ".join(one.get("caption") or one["digest"][:12] for one in bare[:NAMED])
                yield Found(field, f"Say in words what the figure shows: {names}.")


def gate_unanswered(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """A question that decides which other questions are asked."""
    for field in plan.fields():
        if field.section == "scope" and not value(content, field.path):
            yield Found(field, "Choose an answer: it decides which questions have to be answered.")


def people_unanswered(plan: Outline, content: dict[str, Any]) -> Iterator[Found]:
    """The data is about people, and a question about them has no answer."""
    if value(content, "scope.people") != "yes":
        return
    for field in plan.fields():
        if field.applies == "people" and not field.open and not value(content, field.path):
            yield Found(field, "The data is about people: answer this question.")


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        required_empty,
        placeholder,
        placeholder_optional,
        unaccepted,
        metric_without_value,
        metric_without_dataset,
        metric_without_slice,
        interval_half,
        interval_misplaced,
        intended_use_copied,
        fairness_without_figures,
        evaluation_is_training,
        figure_without_words,
        gate_unanswered,
        people_unanswered,
    )
}


def _placeholders(plan: Outline, content: dict[str, Any]) -> Iterator[tuple[Field, str]]:
    """Each field that holds a placeholder, with the words. Of lists the first; "anything else?" may be answered so."""
    for field in plan.fields():
        if field.kind in ("choice", "figures") or not field.asked(content):
            continue
        for text in _texts(value(content, field.path)):
            words = _placeholder_in(text)
            if words and not (field.open and words.lower() == "n/a"):
                yield field, words
                break


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    for item in given if isinstance(given, list) else []:
        yield from item.values() if isinstance(item, dict) else (item,)


def _placeholder_in(text: str) -> str:
    bare = BARE.sub("", text) or text.strip()
    if " ".join(bare.lower().split()) in PLACEHOLDERS:
        return bare[:60]
    inside = INSIDE.search(text)
    return inside[0][:60] if inside else ""


def _results(plan: Outline, content: dict[str, Any]) -> Iterator[tuple[Field, list[dict[str, str]]]]:
    for path in RESULTS:
        field = plan.field(path)
        if field:
            yield field, value(content, path) or []


def _rows_lacking(plan: Outline, content: dict[str, Any], column: str, sentence: str) -> Iterator[Found]:
    for field, rows in _results(plan, content):
        bare = [row for row in rows if row.get("metric") and not row.get(column)]
        if bare:
            yield Found(field, sentence.format(_names(bare)))


def _names(rows: list[dict[str, str]]) -> str:
    """The first rows by name, and how many more there are."""
    names = [row.get("metric") or row.get("name") or "a row without a name" for row in rows]
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
