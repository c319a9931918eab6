"""Reads the model of a BOM leniently; every value that no field takes is kept."""

from __future__ import annotations

from typing import Any

from registry.documents.outline import outline
from registry.formats.cyclonedx.places import MODEL, OURS, RESULTS
from registry.formats.ledger import Ledger, Reading, Subject, written
from registry.formats.own import back
from registry.formats.reading import Unreadable, json_tree, text_of
from registry.formats.several import DATA, items, map_of, maps, prose, texts

ABOUT_THE_FILE = "It is about the file, not about the model."
LIBRARIES = ("library", "framework")


def is_mine(tree: dict[str, Any]) -> bool:
    """Whether the JSON says that it is a CycloneDX BOM."""
    return tree.get("bomFormat") == "CycloneDX"


def read(raw: bytes, source: str) -> Reading:
    """The model of the BOM as proposals for a card; datasets and libraries beside it go to their fields."""
    tree = json_tree(text_of(raw))
    if not isinstance(tree, dict) or not is_mine(tree):
        raise Unreadable('This is no CycloneDX BOM in JSON: "bomFormat" is not "CycloneDX".')
    found = _model(tree)
    if found is None:
        raise Unreadable(f"There is no component of type {MODEL} in this BOM.")
    ledger = Ledger("card", tree)
    for key in ("bomFormat", "specVersion", "$schema", "serialNumber", "version"):
        if key in tree:
            ledger.drop(f"/{key}", ABOUT_THE_FILE)
    model, path = found
    _properties(ledger, model, path)
    _component(ledger, model, path)
    _card(ledger, map_of(model.get("modelCard")), f"{path}/modelCard")
    for other, place in maps(tree.get("components"), "/components"):
        _other(ledger, other, place)
    return ledger.close(
        "cyclonedx", source, Subject(written(model.get("name")), written(model.get("version")))
    )


def _model(tree: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    own = (map_of(map_of(tree.get("metadata")).get("component")), "/metadata/component")
    for model, path in [own, *maps(tree.get("components"), "/components")]:
        if model.get("type") == MODEL or isinstance(model.get("modelCard"), dict):
            return model, path
    return None


def _properties(ledger: Ledger, model: dict[str, Any], path: str) -> None:
    """What was written here comes back to its field: text as it is, lists and tables as JSON."""
    for one, place in maps(model.get("properties"), f"{path}/properties"):
        name, value = written(one.get("name")), one.get("value")
        field = outline("card").field(name.removeprefix(OURS)) if name.startswith(OURS) else None
        if field is None or not isinstance(value, str) or not ledger.usable(f"{place}/value"):
            continue
        ledger.drop(f"{place}/name", "It names the field that the value goes to.")
        back(ledger, field.path, value, f"{place}/value")


def _component(ledger: Ledger, model: dict[str, Any], path: str) -> None:
    for key in ("type", "bom-ref"):
        if key in model:
            ledger.drop(f"{path}/{key}", ABOUT_THE_FILE)
    ledger.line("model_details.name", model.get("name"), f"{path}/name")
    ledger.line("model_details.version", model.get("version"), f"{path}/version")
    ledger.prose("model_details.overview", model.get("description"), f"{path}/description")
    for key in ("author", "publisher", "authors", "manufacturer", "supplier"):
        items(ledger, "model_details.owners", texts(model.get(key), f"{path}/{key}", "name"))
    items(ledger, "model_details.tags", texts(model.get("tags"), f"{path}/tags"))
    for one, place in maps(model.get("licenses"), f"{path}/licenses"):
        for text, where in texts(one.get("license"), f"{place}/license", "id", "name"):
            ledger.line("model_details.licence", text, where)
        ledger.line("model_details.licence", one.get("expression"), f"{place}/expression")
    references = texts(model.get("externalReferences"), f"{path}/externalReferences", "url")
    items(ledger, "model_details.references", references)
    ancestors = map_of(model.get("pedigree")).get("ancestors")
    for one, place in maps(ancestors, f"{path}/pedigree/ancestors"):
        ledger.row("model_details.base_models", {"name": (one.get("name"), (f"{place}/name",))})


def _card(ledger: Ledger, card: dict[str, Any], top: str) -> None:
    given, path = map_of(card.get("modelParameters")), f"{top}/modelParameters"
    ledger.line("model_details.task", given.get("task"), f"{path}/task")
    for key in ("modelArchitecture", "architectureFamily"):
        ledger.line("model_details.architecture", given.get(key), f"{path}/{key}")
    for key in ("inputs", "outputs"):
        items(ledger, f"operation.{key}", texts(given.get(key), f"{path}/{key}", "format"))
    for one, place in maps(given.get("datasets"), f"{path}/datasets"):
        _data(ledger, one, place, one)
    told = RESULTS in ledger.values  # whole, with datasets, in a property
    metrics = map_of(card.get("quantitativeAnalysis")).get("performanceMetrics")
    for one, place in maps(metrics, f"{top}/quantitativeAnalysis/performanceMetrics"):
        bounds = map_of(one.get("confidenceInterval"))
        pairs = (("metric", "type"), ("value", "value"), ("slice", "slice"))
        cells: dict[str, Any] = {column: (one.get(key), (f"{place}/{key}",)) for column, key in pairs}
        for column in ("lower", "upper"):
            cells[column] = (bounds.get(f"{column}Bound"), (f"{place}/confidenceInterval/{column}Bound",))
        ledger.row(RESULTS, cells, exact=not told)
    _considerations(ledger, map_of(card.get("considerations")), f"{top}/considerations")


def _considerations(ledger: Ledger, given: dict[str, Any], path: str) -> None:
    for key, to in (
        ("useCases", "intended_use.uses"),
        ("users", "intended_use.users"),
        ("technicalLimitations", "caveats.caveats"),
        ("performanceTradeoffs", "caveats.tradeoffs"),
    ):
        prose(ledger, to, texts(given.get(key), f"{path}/{key}"))
    for one, place in maps(given.get("ethicalConsiderations"), f"{path}/ethicalConsiderations"):
        ledger.prose("ethics.risks", one.get("name"), f"{place}/name")
        ledger.prose("ethics.mitigations", one.get("mitigationStrategy"), f"{place}/mitigationStrategy")
    for one, place in maps(given.get("fairnessAssessments"), f"{path}/fairnessAssessments"):
        for key, title in (("groupAtRisk", "Group at risk"), ("benefits", "Benefits"), ("harms", "Harms"), ("mitigationStrategy", "Mitigation")):  # fmt: skip
            ledger.prose("ethics.fairness", one.get(key), f"{place}/{key}", title=title)


def _other(ledger: Ledger, other: dict[str, Any], path: str) -> None:
    if other.get("type") in LIBRARIES:
        used = [f"{path}/{key}" for key in ("name", "version") if written(other.get(key))]
        ledger.item(
            "operation.environment", "==".join(written(other[one.rsplit("/", 1)[1]]) for one in used), *used
        )
    elif other.get("type") == "data":
        for key in ("type", "bom-ref"):
            if key in other:
                ledger.drop(f"{path}/{key}", ABOUT_THE_FILE)
        inner = next(maps(other.get("data"), f"{path}/data"), None)
        _data(ledger, other, path, inner[0] if inner else other, inner[1] if inner else path)


def _data(ledger: Ledger, one: dict[str, Any], path: str, detail: dict[str, Any], place: str = "") -> None:
    place = place or path
    if isinstance(one.get("ref"), str):
        ledger.drop(f"{path}/ref", "It points to a dataset in this file.")
    named = {"name": (one.get("name"), (f"{path}/name",))}
    where, cells = "training", {}
    contents = map_of(detail.get("contents")).get("properties")
    for pair, at in maps(contents, f"{place}/contents/properties"):
        key = written(pair.get("name")).removeprefix(OURS)
        if key == "data" and pair.get("value") in DATA:
            where = written(pair["value"])
            ledger.drop(f"{at}/value", "It says which table the dataset belongs to.")
        elif key in ("digest", "rows", "context"):
            cells[key] = (pair.get("value"), (f"{at}/value",))
        else:
            continue
        ledger.drop(f"{at}/name", "It names the column that the value goes to.")
    ledger.row(DATA[where], named | cells, exact=True)
    if detail is not one:
        ledger.row(DATA[where], {"name": (detail.get("name"), (f"{place}/name",))})
    prose(ledger, "ethics.sensitive_data", texts(detail.get("sensitiveData"), f"{place}/sensitiveData"))
    to = f"{DATA[where].split('.')[0]}.preprocessing"
    ledger.prose(to, detail.get("description"), f"{place}/description", title=written(one.get("name")))
