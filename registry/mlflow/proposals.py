"""Turns facts of the tracking server into proposed values for a card, each naming where it was read.

Proposals are offered to the author; nothing here decides. What a model is meant for is never proposed: no
tracking server knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.documents.proposals import Proposal
from registry.mlflow.facts import (
    ColumnFacts,
    DatasetFacts,
    LoggedModelFacts,
    ModelFile,
    RunFacts,
    VersionFacts,
)

ARCHITECTURE = ("architecture", "estimator", "estimator_class", "estimator_name", "model_class")
LICENCE = ("licence", "license")
OWNERS = ("owners", "owner", "team")
HARDWARE = ("hardware",)
TASK = ("task", "pipeline_tag")
BASE_MODELS = ("base_model", "base_models", "mlflow.base_model")
REFERENCES = ("references", "reference", "paper", "documentation")
LANGUAGES = ("languages", "language")
INNER = "mlflow."  # tags of MLflow's own, which tell a reader nothing
MOST_PARAMETERS = 100
LIBRARIES = {
    "sklearn": "scikit-learn",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "xgboost": "XGBoost",
}


def propose(
    version: VersionFacts,
    run: RunFacts | None,
    logged_model: LoggedModelFacts | None,
    model_file: ModelFile | None,
) -> tuple[Proposal, ...]:
    """Every field of a card that the facts can fill; a fact that is missing proposes nothing."""
    found = [*_of_version(version, run)]
    if run is not None:
        found += _of_run(run)
    if model_file is not None:
        found += _of_model_file(model_file)
    found += _metrics(run, logged_model)
    return tuple(proposal for proposal in found if proposal.value)


def slice_of(metric: str) -> tuple[str, str]:
    """`recall__digit_3` is the recall of the slice `digit_3`; without `__` there is no slice."""
    name, _, part = metric.partition("__")
    return (name, part) if name else (metric, "")


def _of_version(version: VersionFacts, run: RunFacts | None) -> Iterator[Proposal]:
    yield Proposal("model_details.name", version.model, "registered model")
    yield Proposal("model_details.version", str(version.number), "registered version")
    yield Proposal("model_details.overview", version.description, f"description of {version}")
    tags = [(f"tag {{}} of {version}", version.tags)]
    if run is not None:
        tags.append((f"{_run(run)} tag {{}}", run.tags))
    for field, keys in (("licence", LICENCE), ("owners", OWNERS)):
        value, source = _first(keys, tags)
        if value and field == "owners":
            owners = [{"name": name.strip()} for name in value.split(",") if name.strip()]
            yield Proposal("model_details.owners", owners, source)
        elif value:
            yield Proposal(f"model_details.{field}", value, source)
    for field, words in (("references", REFERENCES), ("languages", LANGUAGES)):
        value, source = _first(words, tags)
        yield Proposal(f"model_details.{field}", _several(value), source)
    yield Proposal("model_details.task", *_first(TASK, tags))
    value, source = _first(BASE_MODELS, tags)
    yield Proposal("model_details.base_models", [{"name": name} for name in _several(value)], source)
    known = {*LICENCE, *OWNERS, *TASK, *BASE_MODELS, *REFERENCES, *LANGUAGES}
    own = sorted(
        f"{key}: {text}" if text else key
        for key, text in version.tags.items()
        if key not in known and not key.startswith(INNER)
    )
    yield Proposal("model_details.tags", own, f"tags of {version}")


def _of_run(run: RunFacts) -> Iterator[Proposal]:
    yield Proposal("model_details.git_commit", run.git_commit, f"{_run(run)} tag mlflow.source.git.commit")
    places = [(f"{_run(run)} parameter {{}}", run.params), (f"{_run(run)} tag {{}}", run.tags)]
    for field, keys in (("model_details.architecture", ARCHITECTURE), ("operation.hardware", HARDWARE)):
        value, source = _first(keys, places)
        yield Proposal(field, value, source)
    yield Proposal("training_data.procedure", _procedure(run), f"parameters of {_run(run)}")
    training = [_dataset(data) for data in run.dataset_inputs if data.context.startswith("train")]
    evaluation = [_dataset(data) for data in run.dataset_inputs if not data.context.startswith("train")]
    yield Proposal("training_data.datasets", training, f"{_run(run)} dataset inputs")
    yield Proposal("evaluation_data.datasets", evaluation, f"{_run(run)} dataset inputs")


def _of_model_file(model_file: ModelFile) -> Iterator[Proposal]:
    yield Proposal("model_details.framework", _framework(model_file), "flavors in the MLmodel file")
    yield Proposal("operation.inputs", "\n".join(map(_line, model_file.inputs)), "signature")
    yield Proposal("operation.outputs", "\n".join(map(_line, model_file.outputs)), "signature")
    if model_file.example_path:
        usage = (
            f"Send JSON as in `{model_file.example_path}`, the input example stored beside the model, "
            "to the model server's `/invocations`."
        )
        yield Proposal("operation.usage", usage, "input example in the MLmodel file")
    python = [f"Python {model_file.python_version}"] if model_file.python_version else []
    environment = "\n".join([*python, *model_file.packages])
    yield Proposal("operation.environment", environment, "MLmodel file and requirements.txt")


def _metrics(run: RunFacts | None, logged_model: LoggedModelFacts | None) -> Iterator[Proposal]:
    """The logged model's metrics name their dataset, the run's do not; so the former are preferred."""
    if logged_model is not None and logged_model.metrics:
        rows = [_metric(metric.name, metric.value, metric.dataset_name) for metric in logged_model.metrics]
        source = f"metrics of logged model {logged_model.logged_model_id}"
        yield Proposal("metrics.results", rows, f"{source}, {_run(run)}" if run else source)
    elif run is not None:
        rows = [_metric(name, value, "") for name, value in sorted(run.metrics.items())]
        yield Proposal("metrics.results", rows, f"metrics of {_run(run)}")


def _procedure(run: RunFacts) -> str:
    """Hyperparameters as they were logged; why they were chosen only a person knows."""
    rows = sorted(run.params.items())[:MOST_PARAMETERS]
    return (
        "\n".join(["Parameters as logged:", "", *(f"- {key}: {value}" for key, value in rows)])
        if rows
        else ""
    )


def _several(value: str) -> list[str]:
    """Comma-separated words, or one a line."""
    return [word.strip() for line in value.splitlines() for word in line.split(",") if word.strip()]


def _metric(key: str, value: float, dataset: str) -> dict[str, Any]:
    name, part = slice_of(key)
    return {"metric": name, "value": value, "dataset": dataset, "slice": part}


def _dataset(data: DatasetFacts) -> dict[str, Any]:
    return {"name": data.name, "digest": data.digest, "rows": data.rows, "context": data.context}


def _line(column: ColumnFacts) -> str:
    kind = column.type if column.required else f"{column.type}, optional"
    return f"{column.name}: {kind}" if column.name else kind


def _framework(model_file: ModelFile) -> str:
    for flavor, settings in model_file.flavors.items():
        if flavor != "python_function":
            number = settings.get(f"{flavor}_version", "")
            return f"{LIBRARIES.get(flavor, flavor)} {number}".strip()
    return ""


def _run(run: RunFacts) -> str:
    return f"run {run.run_id[:8]}…"


def _first(keys: tuple[str, ...], places: list[tuple[str, Mapping[str, str]]]) -> tuple[str, str]:
    """The first value found under any of `keys`, place by place, and the words for that place."""
    for words, values in places:
        for key in keys:
            if values.get(key):
                return values[key], words.format(key)
    return "", ""
