"""A README from elsewhere becomes a card: imported, its account read, accepted, saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from registry.models import Revision
from tests import factories


def test_an_owner_imports_a_readme_reads_what_became_of_it_and_saves_the_card(
    person: Any, told: Callable[[], str], tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(factories.README)
    version = factories.version()
    page = person(factories.member("owner"))
    page.goto(f"{version.get_absolute_url()}card/")

    page.get_by_role("link", name="Import", exact=True).click()
    expect(page.get_by_label("For (optional)")).to_have_value(f"{version.model.slug}/1")
    page.get_by_label("File").set_input_files(readme)
    page.get_by_role("button", name="Import").click()

    mapped = page.get_by_role("region", name="Mapped values", exact=True).locator("tbody tr")
    expect(mapped).to_have_count(5)
    expect(
        page.get_by_role("region", name="Kept unmapped values").get_by_text("/front matter/widget/0/text")
    ).to_be_visible()
    expect(
        page.get_by_role("region", name="Dropped values").get_by_text("A placeholder, not an answer.")
    ).to_be_visible()

    page.get_by_role("link", name="Accept what it proposes").click()
    expect(page.get_by_label("Intended uses")).to_have_value("Sorting post.")
    page.get_by_label("Intended users").fill("Post offices.")
    page.get_by_role("button", name="Save revision").last.click()
    expect(page.get_by_text("Saved as revision 2.")).to_be_visible()

    head = Revision.objects.get(number=2).content
    assert head["intended_use"]["uses"] == "Sorting post."
    assert head["intended_use"]["users"] == "Post offices."
    story = told()
    assert "owner imported README.md" in story
    assert f"for {version}" in story
