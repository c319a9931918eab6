"""The other formats, by example: what goes where, and what is said of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry import formats
from registry.formats import Reading, Unreadable, dvc
from tests.registry.formats.accounting import assert_accounted, content_of, flat


def read(tree: Any, name: str = "") -> Reading:
    reading = formats.read(json.dumps(tree).encode(), name=name)
    assert_accounted(reading)
    assert len(reading.report) == len(flat(tree)), "every leaf of the source stands in the report"
    return reading


TOOLKIT_2 = {
    "schema_version": "0.0.2",
    "model_details": {
        "name": "Smile",
        "overview": "Detects smiles.",
        "documentation": "Longer.",
        "owners": [{"name": "Vision", "contact": "v@example.org"}, {"name": "Other", "contact": "o@example.org"}],
        "version": {"name": "2", "date": "2026-01-01", "diff": "More data."},
        "licenses": [{"identifier": "Apache-2.0"}],
        "references": [{"reference": "https://example.org/paper"}],
        "citations": [{"style": "APA", "citation": "Somebody (2026)."}],
    },
    "model_parameters": {
        "model_architecture": "MobileNet",
        "data": [
            {"name": "faces train", "link": "https://example.org/d", "sensitive": {"sensitive_data": ["age", "sex"]}},
            {"name": "faces test"},
        ],
        "input_format_map": [{"key": "image", "value": "uint8[96, 96]"}],
        "output_format": "probability",
    },
    "quantitative_analysis": {
        "performance_metrics": [
            {"type": "auc", "value": "0.91", "slice": "sex: female", "confidence_interval": {"lower_bound": "0.9", "upper_bound": "0.92"}},
            {"type": "auc", "value": 0.93, "threshold": 0.5},
        ],
        "graphics": {"description": "Curves.", "collection": [{"name": "roc", "image": "aGVsbG8="}]},
    },
    "considerations": {
        "users": [{"description": "Photographers"}],
        "use_cases": [{"description": "Albums"}, {"description": "Cameras"}],
        "limitations": [{"description": "Dark pictures"}],
        "tradeoffs": [{"description": "Speed for accuracy"}],
        "ethical_considerations": [{"name": "Bias by skin colour", "mitigation_strategy": "Balanced data"}],
    },
}  # fmt: skip


def test_model_card_toolkit_0_0_2() -> None:
    reading = read(TOOLKIT_2)
    content = content_of(reading)

    assert (reading.format, reading.subject.name, reading.subject.version) == ("toolkit", "Smile", "2")
    assert content["model_details"]["owners"] == ["Vision", "Other"]
    assert content["model_details"]["contact"] == "v@example.org"
    assert reading.unmapped["/model_details/owners/1/contact"] == "o@example.org"
    assert content["training_data"]["datasets"][0]["name"] == "faces train"
    assert content["evaluation_data"]["datasets"][0]["name"] == "faces test"
    assert content["metrics"]["results"][0]["lower"] == "0.9"
    assert content["metrics"]["results"][1]["value"] == "0.93"
    assert content["operation"]["inputs"] == ["image: uint8[96, 96]"]
    assert content["intended_use"]["uses"] == "Albums\n\nCameras"
    assert content["ethics"]["mitigations"] == "Balanced data"
    assert reading.unmapped["/quantitative_analysis/performance_metrics/1/threshold"] == 0.5
    dropped = {leaf.path for leaf in reading.report if leaf.outcome == "dropped"}
    assert dropped == {"/schema_version", "/quantitative_analysis/graphics/collection/0/image"}


def test_model_card_toolkit_0_0_1() -> None:
    reading = read(
        {
            "schema_version": "0.0.1",
            "model_details": {"name": "Smile", "license": "MIT", "references": ["https://example.org"], "citation": "S.", "version": "1"},
            "model_parameters": {"data": {"train": {"name": "a"}, "eval": {"name": "b"}}},
            "considerations": {"users": ["Everybody"], "use_cases": "One", "ethical_considerations": [{"name": "x", "mitigation_strategy": "y"}]},
        }
    )  # fmt: skip
    content = content_of(reading)

    assert content["model_details"]["licence"] == "MIT"
    assert content["model_details"]["version"] == "1"
    assert content["training_data"]["datasets"][0]["name"] == "a"
    assert content["evaluation_data"]["datasets"][0]["name"] == "b"
    assert content["intended_use"]["users"] == "Everybody"
    assert reading.counts["kept"] == 0


@pytest.mark.parametrize("spec", ["1.5", "1.6", "1.7"])
@pytest.mark.parametrize("place", ["metadata", "components"])
def test_a_cyclonedx_bom(spec: str, place: str) -> None:
    model = {
        "type": "machine-learning-model",
        "bom-ref": "m",
        "name": "credit",
        "version": "7",
        "description": "Scores loans.",
        "author" if spec == "1.5" else "authors": "Ada" if spec == "1.5" else [{"name": "Ada"}],
        "licenses": [{"license": {"id": "MIT"}}],
        "externalReferences": [{"type": "website", "url": "https://example.org"}],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": "classification",
                "architectureFamily": "trees",
                "datasets": [{"type": "dataset", "name": "loans", "sensitiveData": ["income"]}, {"ref": "d"}],
                "inputs": [{"format": "csv"}],
            },
            "quantitativeAnalysis": {"performanceMetrics": [{"type": "auc", "value": "0.8", "slice": "all", "confidenceInterval": {"lowerBound": "0.7", "upperBound": "0.9"}}]},
            "considerations": {
                "useCases": ["Loans"],
                "technicalLimitations": ["Small firms"],
                "fairnessAssessments": [{"groupAtRisk": "Young", "harms": "Refused more often"}],
                "environmentalConsiderations": {"energyConsumptions": [{"activity": "training"}]},
            },
        },
    }  # fmt: skip
    others = [
        {"type": "library", "name": "numpy", "version": "2.1", "purl": "pkg:pypi/numpy@2.1"},
        {"type": "data", "bom-ref": "d", "name": "holdout"},
    ]
    tree: dict[str, Any] = {"bomFormat": "CycloneDX", "specVersion": spec, "version": 1}
    tree |= (
        {"metadata": {"component": model}, "components": others}
        if place == "metadata"
        else {"components": [model, *others]}
    )

    reading = read(tree)
    content = content_of(reading)

    assert content["model_details"]["owners"] == ["Ada"]
    assert content["model_details"]["licence"] == "MIT"
    assert content["model_details"]["architecture"] == "trees"
    assert [row["name"] for row in content["training_data"]["datasets"]] == ["loans", "holdout"]
    assert content["metrics"]["results"][0]["upper"] == "0.9"
    assert content["ethics"]["fairness"] == "Young\n\n**Harms**\n\nRefused more often"
    assert content["operation"]["environment"] == ["numpy==2.1"]
    assert "supervised" in reading.unmapped.values()
    assert "training" in reading.unmapped.values()
    assert (reading.subject.name, reading.subject.version) == ("credit", "7")


CROISSANT = {
    "@context": {"@vocab": "https://schema.org/", "rai": "http://mlcommons.org/croissant/RAI/"},
    "@type": "sc:Dataset",
    "conformsTo": "http://mlcommons.org/croissant/1.0",
    "name": "loans",
    "description": "Loans of a bank.",
    "license": ["https://spdx.org/licenses/MIT.html"],
    "creator": {"@type": "Person", "name": "Ada"},
    "keywords": "loans, banks",
    "datePublished": "2026-01-01",
    "isLiveDataset": False,
    "distribution": [{"@type": "cr:FileObject", "@id": "a.csv", "name": "a.csv", "contentUrl": "https://example.org/a.csv", "encodingFormat": "text/csv", "sha256": "b" * 64}],
    "recordSet": [{"@type": "cr:RecordSet", "@id": "people", "field": [{"@type": "cr:Field", "@id": "people/age", "name": "age", "dataType": "sc:Integer", "source": {"fileObject": {"@id": "a.csv"}, "extract": {"column": "age"}}}]}],
    "rai:dataBiases": ["Only one country", "Only adults"],
    "rai:personalSensitiveInformation": "Income",
    "rai:machineAnnotationTools": ["tool"],
}  # fmt: skip


def test_croissant_with_responsible_ai() -> None:
    reading = read(CROISSANT)
    content = content_of(reading)

    assert reading.kind == "datasheet"
    assert content["identity"]["keywords"] == ["loans", "banks"]
    assert content["identity"]["creators"] == ["Ada"]
    assert content["identity"]["files"][0]["sha256"] == "b" * 64
    assert content["identity"]["columns"][0] == {
        "table": "people",
        "name": "age",
        "type": "sc:Integer",
        "description": "",
    }
    assert content["composition"]["com_sample"] == "Only one country\n\nOnly adults"
    assert content["composition"]["com_sensitive"] == "Income"
    assert reading.unmapped["/rai:machineAnnotationTools/0"] == "tool"
    assert reading.unmapped["/isLiveDataset"] is False
    assert reading.subject.name == "loans"


def test_croissant_1_1_says_texts_by_language() -> None:
    reading = read(
        CROISSANT
        | {
            "conformsTo": ["http://mlcommons.org/croissant/1.1"],
            "description": {"en": "English", "fr": "Français"},
        }
    )

    assert content_of(reading)["identity"]["description"] == "English"
    assert reading.unmapped["/description/fr"] == "Français"


LOCK = b"""schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    deps:
    - path: data/raw
      hash: md5
      md5: 9b3c0d3a1c7b4d9f8e7a6b5c4d3e2f10.dir
      size: 128
      nfiles: 3
    outs:
    - path: data/clean.csv
      md5: aaaabbbbccccddddeeeeffff00001111
      size: 100
  train:
    cmd:
    - python train.py
    - python report.py
    params:
      params.yaml:
        train.depth: 3
        train.lr: 1e-3
    frozen: true
"""


def test_a_dvc_lock_of_schema_2_gives_stages() -> None:
    prepare, train = dvc.parse(LOCK)

    assert prepare.commands == ("python prepare.py",)
    assert prepare.deps == (dvc.File("data/raw", "9b3c0d3a1c7b4d9f8e7a6b5c4d3e2f10.dir", "md5", 128, 3),)
    assert prepare.deps[0].is_folder
    assert not prepare.outs[0].is_folder
    assert train.commands == ("python train.py", "python report.py")
    assert train.params == (("params.yaml", "train.depth", "3"), ("params.yaml", "train.lr", "1e-3"))


def test_a_dvc_lock_of_schema_1_gives_stages() -> None:
    raw = b"train:\n  cmd: python train.py\n  outs:\n  - path: model.pkl\n    md5: aaaabbbbccccddddeeeeffff00001111\n"

    (stage,) = dvc.parse(raw)
    assert (stage.name, stage.outs[0].path) == ("train", "model.pkl")
    assert formats.read(raw, name="dvc.lock").format == "dvc"


def test_a_dvc_lock_is_accounted_for() -> None:
    reading = formats.read(LOCK)

    assert (reading.format, reading.kind, reading.proposals) == ("dvc", "pipeline", ())
    assert reading.unmapped == {"/stages/prepare/deps/0/nfiles": 3, "/stages/train/frozen": True}
    assert reading.counts == {"mapped": 12, "kept": 2, "dropped": 1}


def test_a_format_that_is_named_wrongly_is_refused_with_a_sentence() -> None:
    for name in ("toolkit", "cyclonedx", "croissant", "own", "dvc"):
        with pytest.raises(Unreadable, match=r"\."):
            formats.read(b'{"hello": 1}', format=name)
