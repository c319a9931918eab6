"""Writes a card as a BOM with one model and its datasets. The same card gives the same bytes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from registry.formats.cyclonedx.places import MODEL, OURS, PLACES_OF_ITS_OWN, RESULTS
from registry.formats.own import said
from registry.formats.several import DATA
from registry.formats.writing import Export, without_empty


def writer(spec: str) -> Callable[[Export], bytes]:
    """The writer of one version of the specification."""

    def write(given: Export) -> bytes:
        seed = f"{given.name}/{given.version}/{given.digest}/{spec}"
        bom = {
            "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": spec,
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
            "version": 1,
            "metadata": {"component": _written_model(given)},
            "components": _written_data(given),
        }
        return json.dumps(without_empty(bom), ensure_ascii=False, indent=2).encode()

    return write


def _written_model(given: Export) -> dict[str, Any]:
    return {
        "type": MODEL,
        "bom-ref": "model",
        "name": given.value("model_details.name") or given.name,
        "version": given.value("model_details.version") or given.version,
        "description": given.value("model_details.overview"),
        "authors": [{"name": name} for name in given.rows("model_details.owners")],
        "licenses": [{"license": {"name": given.value("model_details.licence")}}]
        if given.value("model_details.licence")
        else [],
        "tags": given.rows("model_details.tags"),
        "modelCard": _written_card(given),
        "properties": _written_properties(given),
    }


def _written_card(given: Export) -> dict[str, Any]:
    refs = [{"ref": one["bom-ref"]} for one in _written_data(given)]
    risks, mitigations = given.value("ethics.risks"), given.value("ethics.mitigations")
    return {
        "modelParameters": {
            "task": given.value("model_details.task"),
            "modelArchitecture": given.value("model_details.architecture"),
            "datasets": refs,
            "inputs": [{"format": one} for one in given.rows("operation.inputs")],
            "outputs": [{"format": one} for one in given.rows("operation.outputs")],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {
                    "type": row.get("metric", ""),
                    "value": row.get("value", ""),
                    "slice": row.get("slice", ""),
                    "confidenceInterval": {
                        "lowerBound": row.get("lower", ""),
                        "upperBound": row.get("upper", ""),
                    },
                }
                for row in given.rows(RESULTS)
            ]
        },
        "considerations": {
            "useCases": [given.value("intended_use.uses")],
            "users": [given.value("intended_use.users")],
            "technicalLimitations": [given.value("caveats.caveats")],
            "performanceTradeoffs": [given.value("caveats.tradeoffs")],
            "ethicalConsiderations": [{"name": risks, "mitigationStrategy": mitigations}],
            "fairnessAssessments": [{"harms": given.value("ethics.fairness")}],
        },
    }


def _written_data(given: Export) -> list[dict[str, Any]]:
    """A component for each dataset; what the specification has no word for stands in its properties."""
    found = []
    for kind, path in DATA.items():
        for at, row in enumerate(given.rows(path)):
            told = {"data": kind} | {key: row.get(key, "") for key in ("digest", "rows", "context")}
            properties = [{"name": f"{OURS}{key}", "value": value} for key, value in told.items() if value]
            name = row.get("name") or "unnamed"
            detail = {"type": "dataset", "name": name, "contents": {"properties": properties}}
            found.append({"type": "data", "bom-ref": f"{kind}-{at + 1}", "name": name, "data": [detail]})
    return found


def _written_properties(given: Export) -> list[dict[str, str]]:
    """The fields without a place of their own; results as a whole too, where they name datasets."""
    found = []
    for field, value in given.filled():
        whole = field.path == RESULTS and any(row.get("dataset") for row in value)
        if whole or field.path not in PLACES_OF_ITS_OWN:
            found.append({"name": f"{OURS}{field.path}", "value": said(value)})
    return found
