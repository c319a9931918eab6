"""Somebody hears that a dataset is flawed: from a version to its data, and to everything that stands on them."""

from __future__ import annotations

from typing import Any

import pytest

from registry.models import Dataset, Version
from tests import factories
from tests.journeys.test_every_page import looked_at
from tests.registry.lineage_rows import COMMIT, furnished, made, named


@pytest.fixture
def version(transactional_db: None) -> Version:
    """A version with a full making, a cleared sibling on the same data, and one derived from it."""
    version = furnished("loans")
    made(model=factories.model(server=version.model.server), base=named(version))
    cleared = factories.approved_version()
    sibling = factories.version(model=cleared.model, dataset="loans", number=2)
    assert sibling
    return version


def test_from_a_version_to_its_data_and_to_what_is_affected(person: Any, version: Version) -> None:
    page = person(factories.member("auditor"))
    page.goto(version.get_absolute_url())
    page.get_by_role("link", name="Lineage", exact=True).click()

    page.locator(".chart-node-snapshot").first.click()  # a part of the drawing leads to its facts
    row = page.locator("tr:has(:target)")
    assert "weak" in row.inner_text()
    row.get_by_role("link", name="What came of loans").click()
    assert "What came of it: loans (dataset snapshot)" in page.locator("main").inner_text()
    assert page.locator(".chart-node-commit").count() == 0  # a commit did not come of the data
    page.get_by_role("link", name="Show everything").click()
    assert page.locator(".chart-node-commit").count() == 1

    page.locator("p.panel-foot").get_by_role("link", name="loans").click()
    table = page.locator(".panel", has_text="What is affected").inner_text()
    assert str(version) in table
    assert f"Derived from {version}" in table
    page.locator("select[name=snapshot]").select_option(label="5f1b7c2e, 400 rows")
    page.wait_for_url("**snapshot=**")
    assert page.locator(".panel", has_text="What is affected").locator("tbody tr").count() == 2


def test_from_a_package_to_every_version_that_contains_it(person: Any, version: Version) -> None:
    page = person(factories.member("auditor"))
    page.goto(version.get_absolute_url())
    page.get_by_role("link", name="Materials", exact=True).click()

    page.get_by_role("link", name="Which versions contain scikit_learn 1.5.0").click()
    assert (
        "2 versions that you may see contain, or may contain, the package scikit_learn 1.5.0"
        in page.locator("main").inner_text()
    )
    page.goto(f"/lineage/affected/?commit={COMMIT[:8]}")
    assert str(version) in page.get_by_role("table").inner_text()


def test_axe_finds_nothing_on_a_lineage_with_every_kind_of_part(person: Any, version: Version) -> None:
    page, here = person(factories.member("auditor")), version.get_absolute_url()
    loans = Dataset.objects.get(name="loans")
    faults = []
    for address in (
        f"{here}lineage/?focus=version-{version.pk}&direction=upstream",
        f"{here}lineage/#environment-{version.pk}",
        f"{here}bom/",
        f"/datasets/{loans.slug}/lineage/",
        f"/systems/{version.model.systems.get().slug}/lineage/",
        "/lineage/affected/?package=numpy",
    ):
        page.goto(address)
        faults += looked_at(page, address)

    assert not faults, "\n".join(faults)
