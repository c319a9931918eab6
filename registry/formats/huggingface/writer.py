"""Writes a card as a README for the Hugging Face Hub. Every field stands in the body between marks, so all come back."""

from __future__ import annotations

import re
from typing import Any

import yaml

from registry.documents.outline import outline
from registry.formats.huggingface.headings import HEADINGS
from registry.formats.huggingface.marked import block
from registry.formats.huggingface.results import NO_TASK
from registry.formats.writing import Export, planted, without_empty

PLAIN_LICENCE = re.compile(r"[a-z0-9][a-z0-9.\-]{0,40}")


def write(given: Export) -> bytes:
    """The README in UTF-8."""
    front = yaml.safe_dump(_front(given), allow_unicode=True, sort_keys=False, width=100)
    body = [f"# Model Card for {' '.join((given.value('model_details.name') or given.name).split())}"]
    for section in outline("card").sections:
        fields = [(one, given.value(one.path)) for one in section.fields if given.value(one.path)]
        body += [f"## {section.title}"] if fields else []
        for one, value in fields:
            body += [f"### {HEADINGS.get(one.path, (one.label,))[0]}", block(one, value)]
    text = "\n\n".join(body)
    return f"---\n{front}---\n\n{text}\n".encode()


def _front(given: Export) -> dict[str, Any]:
    licence = given.value("model_details.licence")
    plain = bool(PLAIN_LICENCE.fullmatch(licence))
    front = {
        "license": licence if plain else "other" if licence else "",
        "license_name": "" if plain else licence,
        "language": given.rows("model_details.languages"),
        "library_name": given.value("model_details.framework"),
        "pipeline_tag": given.value("model_details.task"),
        "tags": given.rows("model_details.tags"),
        "datasets": [
            row["name"] for row in given.rows("training_data.datasets") if row.get("context") == "training"
        ],
        "metrics": list(dict.fromkeys(row["metric"] for row in given.rows("metrics.results"))),
        "base_model": [row["name"] for row in given.rows("model_details.base_models")],
        "model-index": _index(given),
    }
    written: dict[str, Any] = without_empty(front)
    return written | {
        key: value for key, value in planted(given.carried, "/front matter").items() if key not in front
    }


def _index(given: Export) -> list[dict[str, Any]]:
    """Results by dataset and slice. The Hub wants a task, a dataset with a type, and a type for each metric."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in given.rows("metrics.results"):
        if row.get("metric") and row.get("value") and row.get("dataset"):
            metric = {"type": row["metric"], "value": row["value"], "name": row["metric"]}
            grouped.setdefault((row["dataset"], row.get("slice", "")), []).append(metric)
    task = given.value("model_details.task") or NO_TASK
    results = [
        {"task": {"type": task}, "dataset": {"type": name, "name": name, "split": part}, "metrics": metrics}
        for (name, part), metrics in grouped.items()
    ]
    name = given.value("model_details.name") or given.name
    return [{"name": name, "results": results}] if results else []
