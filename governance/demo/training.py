"""Trains the demo's models with scikit-learn and logs them to a tracking server, once.

Everything that a card can be filled from is logged: data inputs, signature, input example, parameters,
metrics with their dataset, the commit and the environment. Models are stored in the skops format, never as a
pickle.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sklearn.base import BaseEstimator

    from governance.demo.models.blueprint import Blueprint, Data, Fitted

EXPERIMENT = "cardinal-demo"
CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE_FILES = ("credit", "tumour", "digits", "churn")
PACKAGES = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")
EXAMPLE_ROWS = 2


@dataclass(frozen=True)
class TrainedModel:
    """A version in the tracking server's registry; `uri` is what a model server is started with."""

    name: str
    number: int
    uri: str
    alias: str


class Disagreement(Exception):
    """The tracking server holds a model of the demo's name that the demo did not make."""


def blueprints() -> tuple[Blueprint, ...]:
    """Every version of the demo, in the order in which it is registered."""
    modules = [importlib.import_module(f"governance.demo.models.{name}") for name in SOURCE_FILES]
    return tuple(blueprint for module in modules for blueprint in module.BLUEPRINTS)


def served() -> tuple[tuple[str, int], ...]:
    """The name and number of each version that the demo puts behind a model server."""
    return (("credit-scorer", 1), ("credit-scorer", 2), ("tumour-classifier", 1), ("digit-reader", 1))


def train(
    tracking_uri: str, *, only: Collection[str] | None = None, rows: int | None = None
) -> tuple[TrainedModel, ...]:
    """Train and register whatever is missing, of all models or of those in `only`; what stands is left alone.

    `rows` makes the data smaller, for tests. A second call on the same server changes nothing.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # must stand before mlflow is imported
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    try:
        client = mlflow.MlflowClient(tracking_uri)
        wanted = [blueprint for blueprint in blueprints() if only is None or blueprint.model in only]
        with warnings.catch_warnings():
            # MLflow warns of whole-number columns that might be missing one day; the demo's data has no gaps.
            warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")
            return tuple(_ensured(client, blueprint, rows) for blueprint in wanted)
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])


def _ensured(client: MlflowClient, blueprint: Blueprint, rows: int | None) -> TrainedModel:
    from mlflow.exceptions import MlflowException

    try:
        client.get_model_version(blueprint.model, str(blueprint.number))
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        _registered(client, blueprint, _logged(blueprint, blueprint.fit(rows)))
    return TrainedModel(
        name=blueprint.model,
        number=blueprint.number,
        uri=f"models:/{blueprint.model}/{blueprint.number}",
        alias=blueprint.alias,
    )


def _logged(blueprint: Blueprint, fitted: Fitted) -> Any:
    """One run with everything in it; the model's metrics name the evaluation data."""
    import mlflow
    from mlflow.models import infer_signature

    example = fitted.training.inputs.head(EXAMPLE_ROWS)
    answer = getattr(fitted.estimator, fitted.answer)(example)
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name=f"{blueprint.model}-{blueprint.number}", tags=_tags(blueprint)):
        mlflow.log_params({"architecture": blueprint.architecture, **fitted.params})
        mlflow.log_input(_dataset(fitted.training), context="training")
        evaluation = _dataset(fitted.evaluation)
        mlflow.log_input(evaluation, context="evaluation")
        logged = mlflow.sklearn.log_model(
            fitted.estimator,
            name=blueprint.model,
            signature=infer_signature(example, answer),
            input_example=example,
            pip_requirements=_requirements(),
            pyfunc_predict_fn=fitted.answer,
            serialization_format="skops",
            skops_trusted_types=_own_types(fitted.estimator),
        )
        mlflow.log_metrics(dict(fitted.metrics), dataset=evaluation, model_id=logged.model_id)
    return logged


def _registered(client: MlflowClient, blueprint: Blueprint, logged: Any) -> None:
    from mlflow.exceptions import MlflowException

    tags = {"team": blueprint.team} if blueprint.team else {}
    try:
        client.create_registered_model(blueprint.model, tags=tags, description=blueprint.about)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        blueprint.model,
        logged.model_uri,
        run_id=logged.run_id,
        tags={**tags, **blueprint.tags},
        description=blueprint.description,
        model_id=logged.model_id,
        await_creation_for=0,
    )
    if int(version.version) != blueprint.number:
        raise Disagreement(
            f"The tracking server already counts versions of {blueprint.model}: this one became "
            f"{version.version}, "
            f"not {blueprint.number}. Point the demo at an empty tracking server, or remove its var folder."
        )
    if blueprint.alias:
        client.set_registered_model_alias(blueprint.model, blueprint.alias, version.version)


def _dataset(data: Data) -> Any:
    from mlflow.data.pandas_dataset import from_pandas

    table = data.inputs.assign(**{str(data.target.name): data.target})
    return from_pandas(
        table,
        source=data.source,  # None means: made by this code
        name=data.name,
        targets=str(data.target.name),
    )


def _tags(blueprint: Blueprint) -> dict[str, str]:
    found = {
        "team": blueprint.team,
        "licence": "Apache-2.0",
        "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}, no GPU",
        "mlflow.source.git.commit": _commit(),
    }
    return {name: value for name, value in found.items() if value}


def _commit() -> str:
    """The commit of the project's checkout; nothing when it is no checkout, or has no commit yet."""
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--verify", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - our own words
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _requirements() -> list[str]:
    """The packages a model server needs, as installed here; named, so MLflow need not search for them."""
    from importlib.metadata import version

    return [f"{package}=={version(package)}" for package in PACKAGES]


def _own_types(estimator: BaseEstimator) -> list[str]:
    """The types in the estimator that skops does not know; they may be trusted: we have just made them."""
    from skops.io import dumps, get_untrusted_types

    return list(get_untrusted_types(data=dumps(estimator)))
