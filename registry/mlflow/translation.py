"""From the entities of MLflow's client to plain facts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from registry.mlflow.facts import (
    DatasetFacts,
    LoggedModelFacts,
    MetricFacts,
    ModelFacts,
    RunFacts,
    VersionFacts,
)

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

LOGGED_MODEL = re.compile(r"models:/(m-[\w-]+)")
LOGGED_KEY = re.compile(r"m-[\w-]{1,76}")
MOST_INPUTS = 20
CONTEXT = "mlflow.data.context"


def model(entity: RegisteredModel) -> ModelFacts:
    """A registered model with its aliases."""
    return ModelFacts(
        name=entity.name,
        description=entity.description or "",
        created_at=_moment(entity.creation_timestamp),
        aliases={alias: int(number) for alias, number in entity.aliases.items()},
        tags=dict(entity.tags),
    )


def version(entity: ModelVersion) -> VersionFacts:
    """A version. The server leaves `model_id` empty, so the logged model is read from the source."""
    logged = LOGGED_MODEL.fullmatch(entity.source or "")
    return VersionFacts(
        model=entity.name,
        number=int(entity.version),
        description=entity.description or "",
        source=entity.source or "",
        run_id=entity.run_id or "",
        logged_model_id=logged[1] if logged else "",
        status=str(entity.status),
        created_at=_moment(entity.creation_timestamp),
        tags=dict(entity.tags),
        stage="" if entity.current_stage in (None, "None") else str(entity.current_stage),
    )


def run(entity: Run) -> RunFacts:
    """A run with its dataset inputs."""
    info, data = entity.info, entity.data
    inputs = entity.inputs.dataset_inputs if entity.inputs else []
    return RunFacts(
        run_id=info.run_id,
        name=info.run_name or "",
        experiment_id=info.experiment_id,
        user=data.tags.get("mlflow.user") or info.user_id or "",
        started_at=_moment(info.start_time) if info.start_time else None,
        ended_at=_moment(info.end_time) if info.end_time else None,
        status=str(info.status),
        params=dict(data.params),
        metrics=dict(data.metrics),
        tags=dict(data.tags),
        git_commit=data.tags.get("mlflow.source.git.commit", ""),
        git_repo=data.tags.get("mlflow.source.git.repoURL", ""),
        dataset_inputs=tuple(map(_dataset, inputs)),
        model_inputs=_model_inputs(entity),
    )


def logged_model(entity: LoggedModel) -> LoggedModelFacts:
    """A logged model; of each metric on each dataset the last value."""
    latest: dict[tuple[str, str, str], MetricFacts] = {}
    for metric in sorted(entity.metrics or [], key=lambda metric: (metric.timestamp, metric.step)):
        name, digest = metric.dataset_name or "", metric.dataset_digest or ""
        latest[metric.key, name, digest] = MetricFacts(metric.key, metric.value, name, digest)
    return LoggedModelFacts(
        logged_model_id=entity.model_id,
        status=str(getattr(entity.status, "value", entity.status)),
        artifact_uri=entity.artifact_location,
        run_id=entity.source_run_id or "",
        params=dict(entity.params or {}),
        tags=dict(entity.tags or {}),
        metrics=tuple(latest[key] for key in sorted(latest)),
    )


def _model_inputs(entity: Run) -> tuple[str, ...]:
    """Logged models that the run used. One that it made itself and then evaluated is an input, too, but no base of it."""
    made = {one.model_id for one in entity.outputs.model_outputs} if entity.outputs else set()
    used = [one.model_id for one in entity.inputs.model_inputs or []] if entity.inputs else []
    return tuple(sorted({key for key in used if LOGGED_KEY.fullmatch(key)} - made))[:MOST_INPUTS]


def _dataset(entry: DatasetInput) -> DatasetFacts:
    dataset = entry.dataset
    return DatasetFacts(
        name=dataset.name,
        digest=dataset.digest,
        source_type=dataset.source_type,
        source=_decoded(dataset.source),
        schema=_decoded(dataset.schema),
        profile=_decoded(dataset.profile),
        context=next((tag.value for tag in entry.tags if tag.key == CONTEXT), ""),
    )


def _decoded(text: str | None) -> Mapping[str, Any]:
    """JSON that a client wrote; one that is no object is kept whole under `text`, so that nothing is lost."""
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {"text": text}
    return value if isinstance(value, dict) else {"text": text}


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
