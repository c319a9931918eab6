"""Model Card Toolkit JSON: read in its schemas 0.0.1 and 0.0.2, written in 0.0.2."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from registry.formats.embedded import FIGURES, graphics
from registry.formats.ledger import Ledger, Reading, Subject, written
from registry.formats.reading import Unreadable, json_tree, text_of
from registry.formats.several import DATA, heard, items, map_of, maps, prose, texts, told
from registry.formats.writing import Export, without_empty

PARTS = ("model_details", "model_parameters", "quantitative_analysis", "considerations")
RESULTS = "metrics.results"
EVALUATION = re.compile(r"\b(eval\w*|test\w*|valid\w*)\b", re.IGNORECASE)

# field → where it stands in the schema 0.0.2
PLACES: dict[str, str] = {
    "model_details.name": "`model_details.name`",
    "model_details.overview": "`model_details.overview`",
    "model_details.owners": "`model_details.owners[].name`",
    "model_details.contact": "`model_details.owners[].contact`",
    "model_details.version": "`model_details.version.name`",
    "model_details.released_on": "`model_details.version.date`",
    "model_details.changes": "`model_details.version.diff`",
    "model_details.licence": "`model_details.licenses[].custom_text`",
    "model_details.references": "`model_details.references[].reference`",
    "model_details.citation": "`model_details.citations[].citation`",
    "model_details.architecture": "`model_parameters.model_architecture`",
    "training_data.datasets": "`model_parameters.data[]`",
    "evaluation_data.datasets": "`model_parameters.data[]`",
    "operation.inputs": "`model_parameters.input_format`",
    "operation.outputs": "`model_parameters.output_format`",
    "metrics.results": "`quantitative_analysis.performance_metrics[]`",
    "analyses.unitary": "`quantitative_analysis.performance_metrics[].slice`",
    "analyses.intersectional": "`quantitative_analysis.performance_metrics[].slice`",
    "analyses.figures": "`quantitative_analysis.graphics.collection[]`",
    "analyses.reading": "`quantitative_analysis.graphics.description`",
    "intended_use.uses": "`considerations.use_cases[].description`",
    "intended_use.users": "`considerations.users[].description`",
    "caveats.caveats": "`considerations.limitations[].description`",
    "caveats.tradeoffs": "`considerations.tradeoffs[].description`",
    "ethics.risks": "`considerations.ethical_considerations[].name`",
    "ethics.mitigations": "`considerations.ethical_considerations[].mitigation_strategy`",
}


def is_mine(tree: dict[str, Any]) -> bool:
    """Whether the JSON has the parts of a Model Card Toolkit file."""
    return any(isinstance(tree.get(part), dict) for part in PARTS)


def read(raw: bytes, source: str) -> Reading:
    """The file as proposals for a card."""
    tree = json_tree(text_of(raw))
    if not isinstance(tree, dict) or not is_mine(tree):
        raise Unreadable(f"This is no Model Card Toolkit JSON: none of {', '.join(PARTS)} is there.")
    ledger = Ledger("card", tree)
    if "schema_version" in tree:
        ledger.drop("/schema_version", "It names the version of the format.")
    details = map_of(tree.get("model_details"))
    _details(ledger, details)
    _parameters(ledger, map_of(tree.get("model_parameters")))
    _analysis(ledger, map_of(tree.get("quantitative_analysis")))
    _considerations(ledger, map_of(tree.get("considerations")))
    version = map_of(details.get("version")).get("name", details.get("version"))
    return ledger.close("toolkit", source, Subject(written(details.get("name")), written(version)))


def _details(ledger: Ledger, details: dict[str, Any]) -> None:
    top = "/model_details"
    ledger.line("model_details.name", details.get("name"), f"{top}/name")
    ledger.prose("model_details.overview", details.get("overview"), f"{top}/overview")
    ledger.prose(
        "model_details.overview", details.get("documentation"), f"{top}/documentation", title="Documentation"
    )
    items(ledger, "model_details.owners", texts(details.get("owners"), f"{top}/owners", "name"))
    for owner, path in maps(details.get("owners"), f"{top}/owners"):
        ledger.line("model_details.contact", owner.get("contact"), f"{path}/contact")
    version = map_of(details.get("version"))
    ledger.line("model_details.version", details.get("version"), f"{top}/version")
    ledger.line("model_details.version", version.get("name"), f"{top}/version/name")
    ledger.line("model_details.released_on", version.get("date"), f"{top}/version/date")
    ledger.prose("model_details.changes", version.get("diff"), f"{top}/version/diff")
    for key in ("license", "licenses"):
        for text, path in texts(details.get(key), f"{top}/{key}", "identifier", "custom_text"):
            ledger.line("model_details.licence", text, path)
    for key in ("references", "path"):
        items(ledger, "model_details.references", texts(details.get(key), f"{top}/{key}", "reference"))
    for key in ("citation", "citations"):
        prose(ledger, "model_details.citation", texts(details.get(key), f"{top}/{key}", "citation"))


def _parameters(ledger: Ledger, parameters: dict[str, Any]) -> None:
    top = "/model_parameters"
    ledger.line(
        "model_details.architecture", parameters.get("model_architecture"), f"{top}/model_architecture"
    )
    for way in ("input", "output"):
        to, stated = f"operation.{way}s", parameters.get(f"{way}_format")
        ledger.lines(to, written(stated).split("\n"), f"{top}/{way}_format")
        for pair, path in maps(parameters.get(f"{way}_format_map"), f"{top}/{way}_format_map"):
            said = f"{written(pair.get('key'))}: {written(pair.get('value'))}"
            used = [f"{path}/{key}" for key in ("key", "value") if written(pair.get(key))]
            ledger.item(to, said, *used) if used else None
    data = parameters.get("data")
    if isinstance(data, dict):  # 0.0.1: {"train": {...}, "eval": {...}}
        for key, one in data.items():
            for row, path in maps(one, f"{top}/data/{key}"):
                _data(ledger, row, path, "evaluation" if key.startswith(("eval", "test")) else "training")
    for row, path in maps(data if isinstance(data, list) else [], f"{top}/data"):
        _data(ledger, row, path, "")


def _data(ledger: Ledger, row: dict[str, Any], path: str, kind: str) -> None:
    told_before = heard(row.get("description"))
    name = written(row.get("name"))
    by_name = "evaluation" if EVALUATION.search(name) else "training"
    where, cells = told_before or (kind or by_name, {})
    extra: dict[str, Any] = {
        column: (text, (f"{path}/description",) if at == 0 else ())
        for at, (column, text) in enumerate(cells.items())
    }
    ledger.row(DATA[where], {"name": (name, (f"{path}/name",))} | extra, exact=True)
    if told_before:
        ledger.claim(DATA[where], f"{path}/description")
    else:
        ledger.prose(
            f"{DATA[where].split('.')[0]}.preprocessing",
            row.get("description"),
            f"{path}/description",
            title=name,
        )
    ledger.item("model_details.references", row.get("link"), f"{path}/link")
    graphics(ledger, row.get("graphics"), f"{path}/graphics")
    sensitive = map_of(row.get("sensitive"))
    prose(
        ledger,
        "ethics.sensitive_data",
        texts(sensitive.get("sensitive_data"), f"{path}/sensitive/sensitive_data"),
    )
    prose(
        ledger,
        "ethics.sensitive_data",
        texts(sensitive.get("justification"), f"{path}/sensitive/justification"),
    )


def _analysis(ledger: Ledger, analysis: dict[str, Any]) -> None:
    top = "/quantitative_analysis"
    for metric, path in maps(analysis.get("performance_metrics"), f"{top}/performance_metrics"):
        bounds = map_of(metric.get("confidence_interval"))
        cells: dict[str, Any] = {
            "metric": (metric.get("type"), (f"{path}/type",)),
            "value": (metric.get("value"), (f"{path}/value",)),
            "slice": (metric.get("slice"), (f"{path}/slice",)),
        }
        for column in ("lower", "upper"):
            cells[column] = (bounds.get(f"{column}_bound"), (f"{path}/confidence_interval/{column}_bound",))
        ledger.row(RESULTS, cells, exact=True)
    drawn = map_of(analysis.get("graphics"))
    ledger.prose("analyses.reading", drawn.get("description"), f"{top}/graphics/description")
    graphics(ledger, drawn, f"{top}/graphics")


def _considerations(ledger: Ledger, given: dict[str, Any]) -> None:
    top = "/considerations"
    for key, to in (
        ("use_cases", "intended_use.uses"),
        ("users", "intended_use.users"),
        ("limitations", "caveats.caveats"),
        ("tradeoffs", "caveats.tradeoffs"),
    ):
        prose(ledger, to, texts(given.get(key), f"{top}/{key}", "description"))
    ethical = given.get("ethical_considerations")
    prose(ledger, "ethics.risks", texts(ethical, f"{top}/ethical_considerations", "name"))
    mitigations = texts(ethical, f"{top}/ethical_considerations", "mitigation_strategy")
    prose(
        ledger, "ethics.mitigations", (one for one in mitigations if one[1].endswith("/mitigation_strategy"))
    )


def write(given: Export) -> bytes:
    """The card in schema 0.0.2. Results of a dataset go without its name, figures without their words: it has no place.

    A figure whose picture cannot be had goes by its name alone.
    """
    owners: list[dict[str, Any]] = [{"name": name} for name in given.rows("model_details.owners")]
    contact = given.value("model_details.contact")
    if contact:
        owners = [*([owners[0]] if owners else [{}]), *owners[1:]]
        owners[0] = owners[0] | {"contact": contact}
    card = {
        "schema_version": "0.0.2",
        "model_details": {
            "name": given.value("model_details.name") or given.name,
            "overview": given.value("model_details.overview"),
            "owners": owners,
            "version": {
                "name": given.value("model_details.version") or given.version,
                "date": given.value("model_details.released_on"),
                "diff": given.value("model_details.changes"),
            },
            "licenses": [{"custom_text": given.value("model_details.licence")}],
            "references": [{"reference": one} for one in given.rows("model_details.references")],
            "citations": [{"citation": given.value("model_details.citation")}],
        },
        "model_parameters": _written_parameters(given),
        "quantitative_analysis": {
            "performance_metrics": _written_metrics(given),
            "graphics": {
                "description": given.value("analyses.reading"),
                "collection": [_written_graphic(given, row) for row in given.rows(FIGURES)],
            },
        },
        "considerations": {
            "users": [{"description": given.value("intended_use.users")}],
            "use_cases": [{"description": given.value("intended_use.uses")}],
            "limitations": [{"description": given.value("caveats.caveats")}],
            "tradeoffs": [{"description": given.value("caveats.tradeoffs")}],
            "ethical_considerations": [
                {
                    "name": given.value("ethics.risks"),
                    "mitigation_strategy": given.value("ethics.mitigations"),
                }
            ],
        },
    }
    return json.dumps(without_empty(card), ensure_ascii=False, indent=2).encode()


def _written_parameters(given: Export) -> dict[str, Any]:
    return {
        "model_architecture": given.value("model_details.architecture"),
        "data": [
            {"name": row.get("name", ""), "description": told(row, kind)}
            for kind, path in DATA.items()
            for row in given.rows(path)
        ],
        "input_format": "\n".join(given.rows("operation.inputs")),
        "output_format": "\n".join(given.rows("operation.outputs")),
    }


def _written_graphic(given: Export, row: dict[str, str]) -> dict[str, str]:
    picture = given.picture(row.get("digest", ""))
    return {
        "name": row.get("caption", "") or row.get("alt", ""),
        "image": base64.b64encode(picture).decode() if picture else "",
    }


def _written_metrics(given: Export) -> list[dict[str, Any]]:
    rows = [(row, row.get("slice", "")) for row in given.rows(RESULTS)]
    for path in ("analyses.unitary", "analyses.intersectional"):
        rows += [
            (row, f"{row.get('factor', '')}: {row.get('group', '')}".strip(": ")) for row in given.rows(path)
        ]
    return [
        {
            "type": row.get("metric", ""),
            "value": row.get("value", ""),
            "slice": part,
            "confidence_interval": {"lower_bound": row.get("lower", ""), "upper_bound": row.get("upper", "")},
        }
        for row, part in rows
    ]
