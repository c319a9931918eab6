"""What a tracking server says, as plain frozen values, and the ways in which it can fail to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class Unreachable(Exception):
    """The tracking server is down, slow, refuses us or does not speak MLflow.

    The message names the remedy.
    """


class Absent(Exception):
    """The tracking server answered, and does not have what was asked for."""


class Unacceptable(Exception):
    """The tracking server has it, but its shape or size is outside what the registry takes."""


@dataclass(frozen=True)
class ModelFacts:
    """A registered model. A name may be reused after a deletion, so `created_at` belongs to its key."""

    name: str
    description: str
    created_at: datetime
    aliases: Mapping[str, int]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class VersionFacts:
    """A numbered version of a registered model; `run_id`, `logged_model_id` are empty when there is none."""

    model: str
    number: int
    description: str
    source: str
    run_id: str
    logged_model_id: str
    status: str
    created_at: datetime
    tags: Mapping[str, str]
    stage: str = ""  # empty for MLflow's "None"

    def __str__(self) -> str:
        return f"{self.model} version {self.number}"


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset that a run declared as input. MLflow's `digest` is weak: 8 characters over the first rows."""

    name: str
    digest: str
    source_type: str
    source: Mapping[str, Any]
    schema: Mapping[str, Any]
    profile: Mapping[str, Any]
    context: str

    @property
    def rows(self) -> int | None:
        """How many rows the dataset had, if its profile says so."""
        rows = self.profile.get("num_rows")
        return int(rows) if isinstance(rows, int | float) else None


@dataclass(frozen=True)
class RunFacts:
    """A training run: who, when, with what, on which data, from which commit."""

    run_id: str
    name: str
    experiment_id: str
    user: str
    started_at: datetime | None
    ended_at: datetime | None
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    git_commit: str
    git_repo: str
    dataset_inputs: tuple[DatasetFacts, ...]
    model_inputs: tuple[str, ...] = ()  # ids of logged models it started from, none of its own


@dataclass(frozen=True)
class MetricFacts:
    """One measured value, with the dataset it was measured on when the run said so."""

    name: str
    value: float
    dataset_name: str
    dataset_digest: str


@dataclass(frozen=True)
class LoggedModelFacts:
    """The model as it was logged, before anybody registered it."""

    logged_model_id: str
    status: str
    artifact_uri: str
    run_id: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[MetricFacts, ...]


@dataclass(frozen=True)
class ColumnFacts:
    """One input or output of a signature; `name` is empty for a bare tensor."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True)
class ModelFile:
    """What the file `MLmodel` and the requirements beside it say."""

    flavors: Mapping[str, Mapping[str, str]]
    inputs: tuple[ColumnFacts, ...]
    outputs: tuple[ColumnFacts, ...]
    example_path: str
    size_bytes: int | None
    python_version: str
    mlflow_version: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class FileFacts:
    """One file of a version, by its path below the model folder, and the size the server states."""

    path: str
    size: int | None
