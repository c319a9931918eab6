"""Pipelines are recorded as editions, by whoever may write about the version, and never changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from registry.actions import pipelines
from registry.errors import Invalid, Missing, Refused
from registry.models import PipelineStage, User, Version
from tests import factories

pytestmark = pytest.mark.django_db
SOURCE = "ab" * 32
RAW = {"path": "data/raw.csv", "digest": "d1" * 16, "algorithm": "md5", "size": 120}
CLEAN = {"path": "data/clean.csv", "digest": "d2" * 16, "algorithm": "md5", "size": 100}
MODEL = {"path": "model.pkl", "digest": "d3" * 16, "algorithm": "md5", "size": None}
STAGES: list[dict[str, Any]] = [
    {"name": "clean", "cmd": "python clean.py", "deps": [RAW], "params": {}, "outs": [CLEAN]},
    {
        "name": "train",
        "cmd": "python train.py",
        "deps": [CLEAN],
        "params": {"depth": 3, "rate": 0.1},
        "outs": [MODEL],
    },
]


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


def test_stages_are_kept_in_their_order_and_told(version: Version, owner: User) -> None:
    made = pipelines.record(version=version, stages=STAGES, source=SOURCE, by=owner)

    kept = list(PipelineStage.objects.filter(version=version).current())
    assert [stage.name for stage in kept] == [stage.name for stage in made] == ["clean", "train"]
    assert kept[1].params == {"depth": 3, "rate": 0.1}
    assert kept[1].dependencies == [CLEAN]
    entry = Entry.objects.about(version).filter(kind="pipeline.recorded").get()
    assert entry.facts["facts"]["stages"] == 2


def test_several_commands_and_parameters_of_several_files_are_kept(version: Version, owner: User) -> None:
    stage = {
        "name": "train",
        "commands": ("python a.py", "python b.py"),
        "params": (("params.yaml", "depth", "3"), ("other.yaml", "depth", "4")),
        "deps": (),
        "outs": (MODEL | {"files": None},),
    }

    (made,) = pipelines.record(version=version, stages=[stage], source=SOURCE, by=owner)

    made.refresh_from_db()
    assert made.command == "python a.py\npython b.py"
    assert made.params == {"params.yaml:depth": "3", "other.yaml:depth": "4"}
    assert made.outputs == [MODEL]


def test_the_same_file_again_changes_nothing_and_another_is_the_next_edition(
    version: Version, owner: User
) -> None:
    first = pipelines.record(version=version, stages=STAGES, source=SOURCE, by=owner)

    assert pipelines.record(version=version, stages=STAGES, source=SOURCE, by=owner) == first
    pipelines.record(version=version, stages=STAGES[:1], source="cd" * 32, by=owner)
    pipelines.record(version=version, stages=STAGES, source=SOURCE, by=owner)  # the first file is back

    assert set(PipelineStage.objects.values_list("edition", "name")) == {
        (1, "clean"), (1, "train"), (2, "clean"), (3, "clean"), (3, "train"),
    }  # fmt: skip
    assert {stage.edition for stage in PipelineStage.objects.current()} == {3}
    assert Entry.objects.filter(kind="pipeline.recorded").count() == 3


def test_it_takes_the_role_and_the_sight_of_the_version(
    version: Version, reviewer: User, outsider: User
) -> None:
    with pytest.raises(Refused):
        pipelines.record(version=version, stages=STAGES, source=SOURCE, by=reviewer)
    with pytest.raises(Missing):
        pipelines.record(version=version, stages=STAGES, source=SOURCE, by=outsider)

    assert not PipelineStage.objects.exists()


@pytest.mark.parametrize(
    ("stages", "source", "field"),
    [
        ([], SOURCE, "stages"),
        (STAGES * 101, SOURCE, "stages"),
        ([STAGES[0], STAGES[0]], SOURCE, "stages"),
        (STAGES, "ab", "source"),
        ([{"name": ""}], SOURCE, "stages.1"),
        ([STAGES[0], {"name": "x" * 201}], SOURCE, "stages.2"),
        ([{"name": "x", "cmd": "a\x00b"}], SOURCE, "stages.1"),
        ([{"name": "x", "params": {"a": float("nan")}}], SOURCE, "stages.1"),
        ([{"name": "x", "params": {"a": object()}}], SOURCE, "stages.1"),
        ([{"name": "x", "params": {"a": "\x00"}}], SOURCE, "stages.1"),
        ([{"name": "x", "params": {"a": "y" * 100_001}}], SOURCE, "stages.1"),
        ([{"name": "x", "deps": ["raw.csv"]}], SOURCE, "stages.1"),
        ([{"name": "x", "outs": [RAW | {"size": -1}]}], SOURCE, "stages.1"),
        ([{"name": "x", "outs": [RAW | {"size": 1.5}]}], SOURCE, "stages.1"),
        ([{"name": "x", "outs": [RAW | {"digest": "<b>"}]}], SOURCE, "stages.1"),
        ([{"name": "x", "outs": [RAW] * 2_001}], SOURCE, "stages.1"),
    ],
)
def test_what_cannot_be_kept_is_named(
    version: Version, owner: User, stages: Any, source: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        pipelines.record(version=version, stages=stages, source=source, by=owner)

    assert set(refused.value.fields) == {field}
    assert not PipelineStage.objects.exists()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE registry_pipelinestage SET command = 'rm'", "DELETE FROM registry_pipelinestage"],
)
def test_the_database_refuses_to_change_a_stage(version: Version, owner: User, statement: str) -> None:
    pipelines.record(version=version, stages=STAGES, source=SOURCE, by=owner)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("column", ["source = 'x'", "name = ''", "edition = 0"])
def test_the_database_refuses_a_stage_without_name_source_or_edition(
    version: Version, owner: User, column: str
) -> None:
    pipelines.record(version=version, stages=STAGES[:1], source=SOURCE, by=owner)
    names = "version_id, edition, position, name, command, dependencies, params, outputs, source, by_id, recorded_at"
    changed = column.partition(" ")[0]
    values = names.replace(changed, column.partition("= ")[2]).replace("position", "9")
    if changed != "name":
        values = values.replace("name,", "'other',")

    with pytest.raises(DatabaseError, match="stage_"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO registry_pipelinestage ({names}) SELECT {values} FROM registry_pipelinestage"
        )
