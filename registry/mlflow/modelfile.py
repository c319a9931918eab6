"""Reads the text of an `MLmodel` file and of `requirements.txt`. Nothing is loaded, nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from registry.mlflow.facts import ColumnFacts, ModelFile, Unacceptable


def parse(text: str, requirements: str = "") -> ModelFile:
    """The facts in an `MLmodel` file; a file that is not a YAML mapping is `Unacceptable`."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise Unacceptable("The MLmodel file is not valid YAML; log the model again.") from problem
    if not isinstance(document, dict):
        raise Unacceptable("The MLmodel file holds no mapping; log the model again.")
    flavors = _mapping(document.get("flavors"))
    signature = _mapping(document.get("signature"))
    example = _mapping(document.get("saved_input_example_info"))
    size = document.get("model_size_bytes")
    return ModelFile(
        flavors={str(name): _plain(flavor) for name, flavor in flavors.items()},
        inputs=_columns(signature.get("inputs")),
        outputs=_columns(signature.get("outputs")),
        example_path=str(example.get("serving_input_path") or ""),
        size_bytes=size if isinstance(size, int) else None,
        python_version=str(_mapping(flavors.get("python_function")).get("python_version") or ""),
        mlflow_version=str(document.get("mlflow_version") or ""),
        packages=_packages(requirements),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(flavor: object) -> dict[str, str]:
    """The short settings of a flavor, library versions among them; nested ones are of no use to a reader."""
    return {
        str(key): str(value)
        for key, value in _mapping(flavor).items()
        if isinstance(value, str | int | float)
    }


def _columns(encoded: object) -> tuple[ColumnFacts, ...]:
    if not isinstance(encoded, str) or not encoded:
        return ()
    try:
        entries = json.loads(encoded)
    except json.JSONDecodeError as problem:
        raise Unacceptable(
            "The signature in the MLmodel file is not valid JSON; log the model again."
        ) from problem
    return (
        tuple(_column(entry) for entry in entries if isinstance(entry, dict))
        if isinstance(entries, list)
        else ()
    )


def _column(entry: Mapping[str, Any]) -> ColumnFacts:
    tensor = _mapping(entry.get("tensor-spec"))
    kind = (
        f"tensor of {tensor.get('dtype')} {tensor.get('shape')}"
        if tensor
        else str(entry.get("type", "unknown"))
    )
    return ColumnFacts(
        name=str(entry.get("name") or ""), type=kind, required=bool(entry.get("required", True))
    )


def _packages(requirements: str) -> tuple[str, ...]:
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return tuple(line for line in lines if line and not line.startswith("-"))
