"""The lint: each rule, true and false; severities by risk class; what blocks here blocks the review."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents import lint
from registry.documents.content import blank
from registry.documents.outline import outline
from registry.documents.strictness import CLASSES, SEVERITIES, Strictness, rules, strictest
from tests import factories

EVERYTHING = Strictness(decided={(code, "undecided"): "warning" for code in rules()})
METRIC = {
    "metric": "auc",
    "value": "0.9",
    "dataset": "holdout",
    "slice": "age 18 to 25",
    "lower": "0.8",
    "upper": "0.95",
}
OVERVIEW = "Scores the risk that an applicant for a retail loan does not repay within two years."


def document(kind: str, **fields: Any) -> dict[str, Any]:
    """A document with these fields ("section__key"), and nothing else."""
    content = blank(kind)
    for name, value in fields.items():
        section, _, key = name.partition("__")
        if section == "unaccepted":
            content["unaccepted"] = value
        else:
            content[section][key] = value
    return content


def codes(kind: str, content: dict[str, Any], *, of: str = "") -> set[str]:
    """The rules that find something, of one field if it is named."""
    return {one.code for one in lint.inspect(kind, content, EVERYTHING) if not of or one.path == of}


def metrics(**changed: str) -> dict[str, Any]:
    return document("card", metrics__results=[METRIC | changed])


def results(rows: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    return document("card", analyses__unitary=rows, **more)


TRUTH: list[tuple[str, str, dict[str, Any], bool]] = [
    ("required_empty", "card", document("card"), True),
    ("required_empty", "card", factories.complete("card"), False),
    ("placeholder", "card", document("card", caveats__caveats="More information needed."), True),
    ("placeholder", "card", document("card", caveats__caveats="[More Information Needed]"), True),
    ("placeholder", "card", document("card", caveats__caveats="**TBD**"), True),
    (
        "placeholder",
        "card",
        document("card", caveats__caveats="It drifts. [more information needed] It fails."),
        True,
    ),
    ("placeholder", "card", document("card", caveats__caveats="Lorem ipsum dolor sit amet."), True),
    ("placeholder", "card", document("card", model_details__owners=["Credit", "TODO"]), True),
    ("placeholder", "card", document("card", metrics__results=[METRIC | {"value": "tbd"}]), True),
    ("placeholder", "card", document("card", caveats__caveats="More information is in the manual."), False),
    ("placeholder", "card", document("card", ethics__fairness="TBD"), False),
    ("placeholder", "datasheet", document("datasheet", motivation__mot_purpose="n/a"), True),
    ("placeholder_optional", "card", document("card", ethics__fairness="TBD"), True),
    ("placeholder_optional", "card", document("card", ethics__fairness=""), False),
    ("placeholder_optional", "datasheet", document("datasheet", motivation__mot_other="N/A"), False),
    ("placeholder_optional", "datasheet", document("datasheet", motivation__mot_other="TODO"), True),
    (
        "placeholder_optional",
        "datasheet",
        document("datasheet", scope__people="no", composition__com_groups="TODO"),
        False,
    ),
    (
        "unaccepted",
        "card",
        document("card", factors__relevant="Age", unaccepted={"factors.relevant": "run 7"}),
        True,
    ),
    ("unaccepted", "card", document("card", factors__relevant="Age"), False),
    ("metric_without_value", "card", metrics(value=""), True),
    ("metric_without_value", "card", metrics(), False),
    ("metric_without_dataset", "card", metrics(dataset=""), True),
    ("metric_without_dataset", "card", metrics(), False),
    ("metric_without_dataset", "card", results([{"metric": "fpr", "value": "0.1"}]), True),
    ("metric_without_slice", "card", metrics(slice=""), True),
    (
        "metric_without_slice",
        "card",
        document("card", metrics__results=[METRIC, METRIC | {"slice": ""}]),
        False,
    ),
    ("metric_without_slice", "card", document("card"), False),
    ("interval_half", "card", metrics(upper=""), True),
    ("interval_half", "card", metrics(lower=""), True),
    ("interval_half", "card", metrics(lower="", upper=""), False),
    ("interval_misplaced", "card", metrics(value="0.99"), True),
    ("interval_misplaced", "card", metrics(lower="0.95", upper="0.8", value=""), True),
    ("interval_misplaced", "card", metrics(lower="−1", value="0", upper="1"), False),
    ("interval_misplaced", "card", metrics(lower="80 %", value="90%", upper="95 %"), False),
    ("interval_misplaced", "card", metrics(lower="0,8", value="0,99", upper="0,9"), True),
    ("interval_misplaced", "card", metrics(lower="900", value="1,000", upper="1,100"), False),
    ("interval_misplaced", "card", metrics(lower="low", value="0.9", upper="high"), False),
    (
        "intended_use_copied",
        "card",
        document("card", model_details__overview=OVERVIEW, intended_use__uses=f"- {OVERVIEW.upper()}"),
        True,
    ),
    (
        "intended_use_copied",
        "card",
        document("card", model_details__overview=f"Version 3. {OVERVIEW}", intended_use__uses=OVERVIEW),
        True,
    ),
    (
        "intended_use_copied",
        "card",
        document(
            "card",
            model_details__overview=OVERVIEW,
            intended_use__uses="A clerk decides whether an application needs a second look; never alone, never above 50 000 EUR.",
        ),
        False,
    ),
    ("intended_use_copied", "card", document("card", model_details__overview=OVERVIEW), False),
    ("fairness_without_figures", "card", document("card", ethics__fairness="It is fair."), True),
    (
        "fairness_without_figures",
        "card",
        document("card", ethics__fairness="Refusals differ by 2.1 times."),
        False,
    ),
    (
        "fairness_without_figures",
        "card",
        results([{"group": "18 to 25", "metric": "fpr", "value": "0.31"}]),
        False,
    ),
    (
        "fairness_without_figures",
        "card",
        results([{"group": "18 to 25", "metric": "fpr", "value": "low"}]),
        True,
    ),
    (
        "fairness_without_figures",
        "card",
        document("card", analyses__intersectional=[{"metric": "fpr", "value": "0.31"}]),
        False,
    ),
    (
        "evaluation_is_training",
        "card",
        document(
            "card",
            evaluation_data__datasets=[{"name": "holdout", "digest": "ABC1"}],
            training_data__datasets=[{"name": "loans", "digest": "abc1"}],
        ),
        True,
    ),
    (
        "evaluation_is_training",
        "card",
        document(
            "card",
            evaluation_data__datasets=[{"name": "holdout", "digest": ""}],
            training_data__datasets=[{"name": "loans", "digest": ""}],
        ),
        False,
    ),
    (
        "figure_without_words",
        "card",
        document("card", analyses__figures=[{"digest": "0" * 64, "caption": "ROC", "alt": ""}]),
        True,
    ),
    (
        "figure_without_words",
        "card",
        document("card", analyses__figures=[{"digest": "0" * 64, "caption": "", "alt": "It rises."}]),
        False,
    ),
    ("gate_unanswered", "datasheet", document("datasheet"), True),
    (
        "gate_unanswered",
        "datasheet",
        document("datasheet", scope__people="no", scope__sample="unsure", scope__preprocessed="yes"),
        False,
    ),
    ("gate_unanswered", "card", document("card"), False),
    ("people_unanswered", "datasheet", document("datasheet", scope__people="yes"), True),
    ("people_unanswered", "datasheet", document("datasheet", scope__people="no"), False),
    ("people_unanswered", "datasheet", document("datasheet"), False),
]


@pytest.mark.parametrize(("code", "kind", "content", "found"), TRUTH)
def test_a_rule_finds_what_it_is_for_and_nothing_else(
    code: str, kind: str, content: dict[str, Any], found: bool
) -> None:
    assert (code in codes(kind, content)) is found


def test_every_rule_is_in_the_truth_table_both_ways() -> None:
    assert set(rules()) == set(lint.RULES)
    for code in rules():
        assert {found for named, _, _, found in TRUTH if named == code} == {True, False}, code


def test_every_rule_has_a_severity_for_every_class() -> None:
    for rule in rules().values():
        assert tuple(rule.severity) == CLASSES
        assert set(rule.severity.values()) <= set(SEVERITIES), rule.code


def test_fairness_without_figures_blocks_a_high_risk_system_and_nobody_else() -> None:
    content = factories.complete("card")
    content["ethics"]["fairness"] = "It is fair."

    def severity(*classes: str) -> str:
        found = lint.inspect("card", content, strictest(classes, {}))
        return next((one.severity for one in found if one.code == "fairness_without_figures"), "off")

    assert [severity(one) for one in ("", "minimal", "limited", "high")] == [
        "hint",
        "off",
        "hint",
        "blocking",
    ]
    assert severity("minimal", "high") == "blocking", "of several systems the strictest counts"
    assert severity() == "hint", "no system at all is an undecided one"


def test_what_was_decided_holds_instead_of_the_default() -> None:
    decided = {("required_empty", "minimal"): "off", ("required_empty", "high"): "hint"}

    assert strictest(["minimal"], decided).severity("required_empty") == "off"
    assert strictest(["minimal", "high"], decided).severity("required_empty") == "hint"
    assert strictest(["limited"], decided).severity("required_empty") == "blocking"
    assert not [
        one
        for one in lint.inspect("card", blank("card"), strictest(["minimal"], decided))
        if one.code == "required_empty"
    ]


def test_a_finding_names_its_field_and_what_to_do() -> None:
    (found,) = (
        one
        for one in lint.inspect("card", metrics(dataset=""), EVERYTHING)
        if one.code == "metric_without_dataset"
    )

    assert (found.path, found.label, found.severity) == ("metrics.results", "Results", "warning")
    assert found.sentence == "Name the dataset that auc was measured on."


def test_findings_stand_in_the_order_of_the_outline() -> None:
    order = [field.path for field in outline("datasheet").fields()]
    found = [
        order.index(one.path)
        for one in lint.inspect("datasheet", document("datasheet", scope__people="yes"), EVERYTHING)
    ]

    assert found == sorted(found)


@given(text=st.text(max_size=400), of=st.text(max_size=400))
def test_a_text_is_a_copy_of_itself_and_copying_never_fails(text: str, of: str) -> None:
    lint.copied(text, of)
    assert lint.copied(text, text) or not lint.copied(text, f"{text} {text}")


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_lint(text: str) -> None:
    row = dict.fromkeys(METRIC, text)
    content = document("card", metrics__results=[row], ethics__fairness=text, intended_use__uses=text)

    lint.inspect("card", content, EVERYTHING)


def test_a_long_text_is_judged_in_no_time() -> None:
    long = "word " * 8_000

    assert lint.copied(long, long)
    assert codes("card", document("card", intended_use__uses=long, model_details__overview=long[:-5]))
