"""`model-index` in its shapes: new and old spelling, one metric or several, with a dataset or (spaCy) without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.formats.ledger import Ledger

RESULTS = "metrics.results"
NO_TASK = "other"  # what the Hub wants where nobody said which


def read(ledger: Ledger, front: dict[str, Any], top: str) -> None:
    """Every result as a row of the table of metrics. What the row has no column for is kept unmapped."""
    for key in ("model-index", "model_index"):
        for model, path in _maps(front.get(key), f"{top}/{key}"):
            ledger.line("model_details.name", model.get("name"), f"{path}/name")
            for result, place in _maps(model.get("results"), f"{path}/results"):
                _result(ledger, result, place)
    for value, path in each(front.get("metrics"), f"{top}/metrics"):
        ledger.row(RESULTS, {"metric": (value, (path,))})


def _result(ledger: Ledger, result: dict[str, Any], place: str) -> None:
    task, data = _map(result.get("task")), _map(result.get("dataset"))
    task_key = "type" if task.get("type") else "name"
    if task.get(task_key) == NO_TASK:
        ledger.drop(f"{place}/task/{task_key}", "“other” names no task.")
    ledger.line("model_details.task", task.get(task_key), f"{place}/task/{task_key}")
    source = _map(result.get("source"))
    ledger.item("model_details.references", source.get("url"), f"{place}/source/url")
    data_key = "name" if data.get("name") else "type"
    parts = [key for key in ("config", "split") if isinstance(data.get(key), (str, int))]
    shared = {
        "dataset": (data.get(data_key), (f"{place}/dataset/{data_key}",)),
        "slice": (
            ", ".join(str(data[key]) for key in parts),
            tuple(f"{place}/dataset/{key}" for key in parts),
        ),
    }
    if isinstance(result.get("dataset"), str):
        shared["dataset"] = (result["dataset"], (f"{place}/dataset",))
    first = True
    for name in ("metrics", "metric"):
        for metric, path in _maps(result.get(name), f"{place}/{name}"):
            key = "name" if metric.get("name") else "type"
            cells: dict[str, Any] = {
                "metric": (metric.get(key), (f"{path}/{key}",)),
                "value": (metric.get("value"), (f"{path}/value",)),
            }
            ledger.row(RESULTS, cells | (shared if first else _again(shared)))
            first = False


def _again(shared: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """The same cells for a further metric; their values are accounted for already."""
    return {column: (value, ()) for column, (value, _) in shared.items()}


def each(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The single values of "one or several", each with its pointer; an object gives its name."""
    if isinstance(value, list):
        for at, one in enumerate(value):
            yield (one.get("name"), f"{path}/{at}/name") if isinstance(one, dict) else (one, f"{path}/{at}")
    elif value is not None and not isinstance(value, dict):
        yield value, path


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of "one or several"."""
    if isinstance(value, dict):
        yield value, path
    elif isinstance(value, list):
        yield from ((one, f"{path}/{at}") for at, one in enumerate(value) if isinstance(one, dict))
