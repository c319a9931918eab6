"""A card is written from what the tracking server says, and by two people at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from registry import sync
from registry.actions import catalogue, servers
from registry.models import Revision, User, Version
from tests import factories
from tests.tracking import Tracking


@pytest.fixture
def digits(transactional_db: None, tracking_server: Tracking) -> Version:
    """The digit reader, as a real tracking server describes it; nobody has written about it yet."""
    server = servers.add(name="tracking", uri=tracking_server.uri, by=User.machine())
    assert not sync.read(server, by=User.machine()).problems
    version = Version.objects.select_related("model").get(model__name="digit-reader")
    catalogue.share_model(
        model=version.model, audience=Group.objects.get(name="owner"), by=factories.member("admin")
    )
    return version


def test_an_owner_writes_a_card_from_what_mlflow_knows_and_compares_two_revisions(
    person: Any, digits: Version, told: Callable[[], str]
) -> None:
    page = person(factories.member("owner"))
    page.goto(digits.get_absolute_url())
    page.get_by_role("link", name="Write the card").first.click()

    expect(page.get_by_text("Proposed and not accepted yet")).to_be_visible()
    expect(page.get_by_label("Kind of model")).to_have_value("Support-vector classifier with radial kernel")
    expect(page.get_by_label("Metric, row 1", exact=True).first).to_have_value("accuracy")
    page.get_by_label("Intended uses").fill("Reads digits from scanned forms.")
    save(page, "First draft")
    expect(page.get_by_text("Saved as revision 1.")).to_be_visible()
    expect(page.get_by_text("Support-vector classifier with radial kernel", exact=True)).to_be_visible()

    page.get_by_role("link", name="Edit the card", exact=True).click()
    page.get_by_label("Intended uses").fill("Reads single digits from scanned forms.")
    save(page, "Single digits only")
    expect(page.get_by_text("Saved as revision 2.")).to_be_visible()

    page.get_by_role("link", name="Compare with revision 1").click()
    compared = page.get_by_role("region", name="Comparison: Revision 1 and Revision 2")
    row = compared.get_by_role("row", name="Intended uses")
    expect(row.get_by_role("cell").nth(0)).to_have_text("Reads digits from scanned forms.")
    expect(row.get_by_role("cell").nth(1)).to_have_text("Reads single digits from scanned forms.")
    expect(row.locator("ins, mark")).to_contain_text("single")
    expect(compared.locator("tbody tr")).to_have_count(1)
    story = told()
    assert f"cardinal took {digits} into the registry" in story
    assert "“First draft”" in story
    assert "“Single digits only”" in story


def test_of_two_people_who_edit_at_once_the_later_sees_both_texts_and_loses_nothing(person: Any) -> None:
    version = factories.version()
    factories.save(version)
    editor = f"{version.get_absolute_url()}card/edit/"
    early, late = person(factories.member("owner")), person(factories.member("owner", "other-owner"))
    early.goto(editor)
    late.goto(editor)
    early.get_by_label("Intended uses").fill("What the first one wrote.")
    late.get_by_label("Intended uses").fill("What the second one wrote.")
    late.get_by_role("textbox", name="Caveats").fill("Only the second one knew of this.")

    save(early, "first")
    expect(early.get_by_text("Saved as revision 2.")).to_be_visible()
    save(late, "second")

    expect(late.get_by_text("Somebody saved before you")).to_be_visible()
    row = late.get_by_role("region", name="Comparison: Theirs and Yours").get_by_role(
        "row", name="Intended uses"
    )
    expect(row.get_by_role("cell").nth(0)).to_have_text("What the first one wrote.")
    expect(row.get_by_role("cell").nth(1)).to_have_text("What the second one wrote.")
    expect(late.get_by_label("Intended uses")).to_have_value("What the second one wrote.")
    expect(late.get_by_label("What changed")).to_have_value("second")

    save(late, "second")
    expect(late.get_by_text("Saved as revision 3.")).to_be_visible()
    first, second = Revision.objects.filter(number__gt=1).order_by("number")
    assert first.content["intended_use"]["uses"] == "What the first one wrote."
    assert second.content["intended_use"]["uses"] == "What the second one wrote."
    assert second.content["caveats"]["caveats"] == "Only the second one knew of this."


def save(page: Page, note: str) -> None:
    """Says what changed and saves."""
    page.get_by_label("What changed").fill(note)
    page.get_by_role("button", name="Save revision").last.click()
