"""Somebody looks for a model: searches, filters, saves the filter, takes the table along; the key / leads to the search."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import expect

from governance.actions import clearances
from registry.models import User
from tests import factories
from tests.journeys.conftest import People


def furnish() -> User:
    """Two credit models, one cleared and one stopped, and another that only its card connects with credit."""
    owner = factories.member("owner")
    cleared = factories.approved_version(factories.version(model=factories.model(name="credit-scorer")))
    stopped = factories.approved_version(factories.version(model=factories.model(name="credit-ranker")))
    clearances.suspend(version=stopped, reason="It drifts.", by=factories.member("reviewer"))
    other = factories.version(model=factories.model(name="tumour-classifier"))
    factories.save(other)  # owned by "The credit team", as its card says
    factories.version(model=factories.model(name="zebra-counter"))
    assert cleared.model.name == "credit-scorer"
    return owner


def test_search_filter_save_export(person: People, tmp_path: Path) -> None:
    page = person(furnish())
    page.goto("/reviews/")

    page.keyboard.press("/")
    page.keyboard.type("credi")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Models")).to_contain_text("credit-scorer")
    expect(page.locator("main")).to_contain_text("in the card of version 1, Owners")
    expect(page.locator("mark").first).to_be_visible()

    page.goto("/models/")
    page.get_by_role("search", name="Filter models").get_by_label("Search").fill("credit")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status").filter(has_text="3 models")).to_be_visible()
    page.locator("select[name=state]").select_option("not-cleared")
    expect(page.get_by_role("row", name="credit-ranker")).to_contain_text("Suspended: It drifts.")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("select[name=why]").select_option("suspension")
    expect(page.locator("tbody tr")).to_have_count(1)

    page.get_by_text("Save filter").click()
    page.get_by_label("Name", exact=True).fill("Stopped")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Stopped")).to_have_attribute("aria-current", "page")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    saved = tmp_path / "models.csv"
    download.value.save_as(saved)
    rows = list(csv.DictReader(saved.read_text("utf-8-sig").splitlines()))
    assert [(row["Model"], row["Why not cleared"]) for row in rows] == [
        ("credit-ranker", "Suspended: It drifts.")
    ]

    page.get_by_role("link", name="State Not cleared Remove this filter").click()
    expect(page.get_by_role("list", name="Active filters")).not_to_contain_text("Not cleared Remove")
    page.get_by_role("link", name="All models").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_role("link", name="Stopped").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_all_of_it_works_without_javascript(person: People) -> None:
    page = person(furnish(), java_script_enabled=False)
    page.goto("/models/")

    page.get_by_role("search", name="Filter models").get_by_label("Search").fill("credit")
    page.locator("select[name=state]").select_option("cleared")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_text("Save filter").click()
    page.get_by_label("Name", exact=True).fill("Cleared credit")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Cleared credit")).to_be_visible()
    page.get_by_role("search", name="Search everything").get_by_role("searchbox").fill("tumour")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="tumour-classifier", exact=True)).to_be_visible()
