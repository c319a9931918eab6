"""Every verb: atomic, keyword-only, says who, and tells what happened."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLISHERS = {"publish", "publish_together", "tell"}  # `tell` where the verb itself is called publish

# Public functions that are no verbs, or tell nothing of their own, each with the reason.
NO_EVENT = {
    "registry/actions/figures.py:bytes_of": "reads only",
    "governance/actions/clearances.py:gather": "reads only",
    "governance/actions/clearances.py:basis_of": "reads only",
    "governance/actions/accounts.py:owed_by": "reads only",
    "governance/actions/policies.py:faults": "reads only",
    "governance/actions/policies.py:intended_uses": "reads only",
    "governance/actions/filters.py:save": "a bookmark of one's own: the trail must not tell what somebody looks for",
    "governance/actions/filters.py:rename": "the same",
    "governance/actions/filters.py:delete": "the same",
    "registry/actions/hooks.py:keep_delivery": "kept as it came, and read by nobody: what follows from it is told",
    "registry/actions/data.py:record_contents": "its parts tell: a run's data, a manifest",
    "governance/actions/second_factor.py:prepare": "a secret that is not in force; enrolling tells",
    "governance/actions/notices.py:tell": "it tells of what stands in the trail already",
    "governance/actions/notices.py:settle": "the same",
    "governance/actions/notices.py:read": "one's own mark: nobody needs to know when somebody reads",
    "governance/actions/notices.py:unread": "the same",
    "governance/actions/notices.py:read_all": "the same",
    "governance/actions/notices.py:put_back": "the same",
    "governance/actions/notices.py:switch": "what one wants to be told of oneself",
    "governance/actions/notices.py:set_rhythm": "the same",
    "governance/actions/letters.py:claim": "mail is a way to tell, and no fact",
    "governance/actions/letters.py:sift": "the same",
    "governance/actions/letters.py:sent": "the same",
    "governance/actions/letters.py:failed": "the same",
    "governance/actions/letters.py:forget": "what it told of stands in the trail",
    "governance/actions/reminders.py:sweep_due": "told once each; what is due stands on the approval",
    "audit/actions/reports.py:freeze": "a step of rendering; what is told is the rendered report",
}
READS_ONLY = {name for name, reason in NO_EVENT.items() if reason == "reads only"}
# `freeze` opens its own transaction, whose isolation it chooses, and acts for whoever ordered the report.
OWN_TRANSACTION = {"audit/actions/reports.py:freeze"}


def modules() -> Iterator[tuple[str, dict[str, ast.FunctionDef]]]:
    """Each module of verbs with its functions."""
    for path in sorted(ROOT.glob("*/actions/*.py")):
        tree = ast.parse(path.read_text())
        yield (
            str(path.relative_to(ROOT)),
            {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)},
        )


FUNCTIONS = [
    (f"{module}:{name}", functions)
    for module, functions in modules()
    for name in functions
    if not name.startswith("_")
]
VERBS = [one for one in FUNCTIONS if one[0] not in READS_ONLY]
every_verb = pytest.mark.parametrize(("verb", "functions"), VERBS, ids=[verb for verb, _ in VERBS])


def decorators(function: ast.FunctionDef) -> set[str]:
    return {ast.unparse(decorator) for decorator in function.decorator_list}


def calls(function: ast.FunctionDef) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def tells(name: str, functions: dict[str, ast.FunctionDef]) -> bool:
    """Whether the function publishes, itself or through a private function of its module."""
    called = calls(functions[name])
    return bool(called & PUBLISHERS) or any(
        tells(private, functions) for private in called if private.startswith("_") and private in functions
    )


def test_there_are_verbs_on_every_floor() -> None:
    assert {verb.partition("/")[0] for verb, _ in VERBS} == {"registry", "governance", "audit"}


@every_verb
def test_a_verb_is_atomic(verb: str, functions: dict[str, ast.FunctionDef]) -> None:
    if verb in OWN_TRANSACTION:
        pytest.skip("opens its own transaction, whose isolation it chooses")

    assert "transaction.atomic" in decorators(functions[verb.partition(":")[2]])


@every_verb
def test_a_verb_takes_keywords_only_and_says_who(verb: str, functions: dict[str, ast.FunctionDef]) -> None:
    arguments = functions[verb.partition(":")[2]].args

    assert not arguments.args
    assert not arguments.posonlyargs
    assert not arguments.vararg
    assert not arguments.kwarg, "a verb names what it takes"
    if verb not in OWN_TRANSACTION:
        assert "by" in {argument.arg for argument in arguments.kwonlyargs}


@every_verb
def test_a_verb_tells_what_happened(verb: str, functions: dict[str, ast.FunctionDef]) -> None:
    assert (verb in NO_EVENT) != tells(verb.partition(":")[2], functions), (
        "publishes, or is listed with a reason"
    )


@every_verb
def test_a_verb_states_its_rule_and_types(verb: str, functions: dict[str, ast.FunctionDef]) -> None:
    function = functions[verb.partition(":")[2]]

    assert ast.get_docstring(function)
    assert function.returns is not None


def test_no_exception_outlives_its_verb() -> None:
    assert set(NO_EVENT) <= {verb for verb, _ in FUNCTIONS}
