"""Lineage, bills of materials and what is affected, by REST: the same rows as the pages, for those who may see them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from prov.model import ProvDocument

from registry.models import Dataset, User, Version
from tests import factories
from tests.registry.lineage_rows import COMMIT, furnished, made, named

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    return furnished("loans")


def place(version: Version) -> str:
    return f"/api/v1/models/{version.model.slug}/versions/{version.number}"


def test_the_lineage_of_a_version_and_one_side_of_it(
    version: Version, auditor: User, as_user: AsUser
) -> None:
    browser = as_user(auditor)
    whole = browser.get(f"{place(version)}/lineage/").json()
    focus = {"focus": f"version-{version.pk}"}
    above = browser.get(f"{place(version)}/lineage/", focus).json()
    below = browser.get(f"{place(version)}/lineage/", focus | {"direction": "downstream"}).json()

    assert {
        "source": f"version-{version.pk}",
        "target": f"run-{version.run_id}",
        "relation": "wasGeneratedBy",
    } in whole["edges"]
    assert {node["kind"] for node in below["nodes"]} == {"version", "endpoint", "system"}
    assert {node["kind"] for node in above["nodes"]} == {node["kind"] for node in whole["nodes"]} - {
        "endpoint",
        "system",
    }
    assert browser.get(f"{place(version)}/lineage/", {"focus": "nothing"}).json()["nodes"] == []
    assert browser.get(f"{place(version)}/lineage/", {"direction": "sideways"}).status_code == 400


def test_prov_json_leaves_by_rest(version: Version, auditor: User, as_user: AsUser) -> None:
    answer = as_user(auditor).get(f"{place(version)}/lineage/prov/")

    assert answer["Content-Type"] == "application/json"
    assert len(ProvDocument.deserialize(io.BytesIO(answer.content), format="json").records) > 20


def test_a_bill_of_materials(version: Version, auditor: User, as_user: AsUser) -> None:
    child = made(model=factories.model(server=version.model.server), base=named(version))

    told = as_user(auditor).get(f"{place(version)}/bom/").json()

    assert told["packages"][1] == {"name": "numpy", "version": "", "requirement": "numpy>=2"}
    assert told["datasets"][0] | {"rows": 400} == {
        "dataset": "loans",
        "context": "training",
        "weak_digest": "5f1b7c2e",
        "rows": 400,
        "datasheet_revision": None,
        "datasheet_digest": None,
    }
    assert told["run"]["git_commit"] == COMMIT
    assert told["stages"][1]["outputs"][0]["path"] == "model.pkl"
    assert told["systems"] == [version.model.systems.get().slug]
    (base,) = as_user(auditor).get(f"{place(child)}/bom/").json()["base_models"]
    assert (base["model"], base["version"]) == (version.model.slug, 1)


def test_what_is_affected_comes_with_its_clearances_cleared_ones_first(
    auditor: User, as_user: AsUser
) -> None:
    cleared = factories.approved_version()
    dataset = factories.training_data(cleared)
    other = factories.version(dataset=dataset.name, model=factories.model(name="a-first-by-name"))
    browser = as_user(auditor)

    told = browser.get(f"/api/v1/datasets/{dataset.slug}/affected/").json()
    digest = other.run.inputs.get().snapshot.weak_digest  # type: ignore[union-attr]
    narrowed = browser.get(f"/api/v1/datasets/{dataset.slug}/affected/", {"snapshot": digest}).json()

    assert [(one["model"], one["cleared"]) for one in told["versions"]] == [
        (cleared.model.slug, ["production", "staging"]),
        (other.model.slug, []),
    ]
    assert told["versions"][0]["systems"] == [cleared.model.systems.get().slug]
    assert [one["model"] for one in narrowed["versions"]] == [other.model.slug]
    assert (
        browser.get(f"/api/v1/datasets/{dataset.slug}/affected/", {"snapshot": "nothing"}).status_code == 404
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"package": "Scikit-Learn", "version": "1.5.0"},
        {"package": "numpy"},
        {"commit": COMMIT[:9]},
        {"base": "bert"},
    ],
)
def test_what_is_affected_by_one_thing(auditor: User, as_user: AsUser, asked: dict[str, str]) -> None:
    made(base="bert")
    made(packages=["pandas==3.0"], commit="", base="gpt")

    told = as_user(auditor).get("/api/v1/lineage/affected/", asked).json()

    assert len(told["versions"]) == 1


def test_a_question_about_nothing_is_refused(auditor: User, as_user: AsUser) -> None:
    answer = as_user(auditor).get("/api/v1/lineage/affected/")

    assert answer.status_code == 400
    assert "package" in answer.json()["errors"]


@pytest.mark.parametrize("tail", ["lineage/", "lineage/prov/", "bom/"])
def test_an_outsider_is_told_that_there_is_nothing(
    version: Version, outsider: User, as_user: AsUser, tail: str
) -> None:
    assert as_user(outsider).get(f"{place(version)}/{tail}").status_code == 404


@pytest.mark.parametrize("tail", ["lineage/", "affected/"])
def test_a_dataset_out_of_sight_has_no_lineage(
    version: Version, outsider: User, owner: User, as_user: AsUser, tail: str
) -> None:
    slug = Dataset.objects.get(name="loans").slug

    assert as_user(outsider).get(f"/api/v1/datasets/{slug}/{tail}").status_code == 404
    told: dict[str, Any] = as_user(owner).get(f"/api/v1/datasets/{slug}/{tail}").json()
    assert version.model.slug in str(told) or version.model.name in str(told)
