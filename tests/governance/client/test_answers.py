"""What the client promises is what the interface describes; and it needs nothing of the portal."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml

from governance.client import VERSION, answers
from governance.client.answers import SCHEMAS
from governance.client.catalogue import Named
from governance.client.command import cardinal
from governance.client.command.asking import ACTIONS, ENVIRONMENTS
from governance.client.command.tokens import SCOPES
from governance.client.errors import Misconfigured, Unexpected
from governance.client.reading import plain, read
from governance.models import Token
from registry.models import Environment
from tests.governance.client.bare import ROOT

NAMES = {"string": str, "integer": int, "boolean": bool, "array": tuple, "object": dict}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The committed description of the interface."""
    described = yaml.load((ROOT / "docs/reference/openapi.yaml").read_text(), yaml.CSafeLoader)
    found: dict[str, Any] = described["components"]["schemas"]
    return found


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.__name__)
def test_every_field_is_one_of_the_interface_and_of_its_type(kind: type, schemas: dict[str, Any]) -> None:
    described = schemas[SCHEMAS[kind]]["properties"]
    hints = get_type_hints(kind)

    for one in dataclasses.fields(kind):
        assert one.name in described, one.name
        hint = hints[one.name]
        assert kinds(described[one.name], schemas) <= allowed(hint), (one.name, described[one.name], hint)


def kinds(schema: dict[str, Any], schemas: dict[str, Any]) -> set[Any]:
    """What the description says that may come: types of Python, None among them."""
    if "$ref" in schema:
        return kinds(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return set().union(*(kinds(one, schemas) for one in schema[word]))
    if "enum" in schema and "type" not in schema:
        return {type(one) for one in schema["enum"]}
    said = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found = {None if one == "null" else NAMES[one] for one in said}
    return {datetime if one is str and schema.get("format") == "date-time" else one for one in found}


def allowed(hint: Any) -> set[Any]:
    """What the field takes."""
    if get_origin(hint) is UnionType:
        return set().union(*(allowed(one) for one in get_args(hint)))
    if hint is NoneType:
        return {None}
    return {dict} if dataclasses.is_dataclass(hint) else {get_origin(hint) or hint}


def test_every_answer_has_a_schema_and_is_frozen() -> None:
    ours = {one for one in vars(answers).values() if dataclasses.is_dataclass(one)}

    assert ours == set(SCHEMAS)
    assert all(one.__dataclass_params__.frozen for one in ours)  # type: ignore[attr-defined]


def test_the_words_of_the_command_are_those_of_the_portal() -> None:
    assert set(ACTIONS) == set(Token.Action.values)
    assert set(SCOPES) == set(Token.Portal.values)
    assert set(ENVIRONMENTS) == set(Environment.values)


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_project_installs_the_command(tmp_path: Path) -> None:
    """In a folder of its own, without dependencies, as `pip install --no-deps` would."""
    source, there = tmp_path / "source", tmp_path / "there"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "governance", source / "governance", ignore=shutil.ignore_patterns("__pycache__"))
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
         "--target", there, source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr

    told = subprocess.run(
        [sys.executable, there / "bin" / "cardinal", "--version"],
        cwd=tmp_path, env={"PYTHONPATH": str(there)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert told.stdout == f"cardinal {VERSION}\n", told.stderr
    assert (there / "governance/client/py.typed").exists()


@pytest.mark.parametrize("module", ["django", "celery", "registry", "governance.models", "yaml"])
def test_a_bare_machine_has_nothing_of_the_portal(module: str) -> None:
    """The finder that all tests of the command run under does keep out what it shall."""
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.governance.client.bare import Nothing;"
        f"sys.meta_path.insert(0, Nothing()); import {module}"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert f"No module named '{module.partition('.')[0] if '.' not in module else module}'" in ran.stderr


def test_an_answer_is_read_whatever_it_holds_besides() -> None:
    made = read(answers.Alias, {"name": "champion", "version": 3, "since": "a later release"})

    assert made == answers.Alias("champion", 3)


@pytest.mark.parametrize(
    "data",
    [None, [], {"name": "a"}, {"name": "a", "version": "3"}, {"name": "a", "version": True}, {"name": None, "version": 3},
     {"name": "a", "version": 3.0}],
)  # fmt: skip
def test_an_answer_that_is_none_names_the_part(data: Any) -> None:
    with pytest.raises(Unexpected, match="Alias"):
        read(answers.Alias, data)


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T12:00:00", 7, ""])
def test_a_time_without_a_zone_is_no_time(text: Any) -> None:
    data = {"slug": "a", "name": "a", "first_seen_at": text, "has_datasheet": True, "snapshots": []}

    with pytest.raises(Unexpected, match="first_seen_at"):
        read(answers.Dataset, data)


def test_what_was_read_is_told_again() -> None:
    data = {"slug": "a", "name": "a", "first_seen_at": "2026-11-23T12:00:00Z", "has_datasheet": True,
            "snapshots": [{"weak_digest": "1", "source_type": "", "source": "", "row_count": None}]}  # fmt: skip

    made = read(answers.Dataset, data)

    assert made.first_seen_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert plain(made) == data


@pytest.mark.parametrize(
    ("text", "named"),
    [("a@champion", Named("a", alias="champion")), ("a-b_c/12", Named("a-b_c", number=12)), ("a@1", Named("a", alias="1"))],
)  # fmt: skip
def test_a_version_is_named_in_two_ways(text: str, named: Named) -> None:
    assert Named.of(text) == named
    assert str(named) == text


@pytest.mark.parametrize("text", ["", "a", "a@", "a/", "@b", "/1", "a/0", "a/-1", "a/1/2", "a@b/c", "a b@c", "a/1\n", "ä/1", "a/١"])  # fmt: skip
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        Named.of(text)


def test_every_command_says_what_it_does_and_takes_json() -> None:
    for name, command in commands():
        assert command.help, name
        assert name in ("login", "logout") or "--json" in {o for p in command.params for o in p.opts}, name
        assert all(getattr(one, "help", "") or one.opts == ["--environment", "-e"] or one.param_type_name == "argument"
                   or getattr(one, "show_default", False) or getattr(one.type, "choices", None)
                   for one in command.params), name  # fmt: skip


def commands() -> list[tuple[str, Any]]:
    """Every command by the words it is called with."""
    found: list[tuple[str, Any]] = []
    for name, one in cardinal.commands.items():
        inner = getattr(one, "commands", None)
        found += [(f"{name} {word}", leaf) for word, leaf in inner.items()] if inner else [(name, one)]
    return found
