"""The editor keeps what is typed, lets two people meet in one text, shows pictures, and compares any two revisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from registry.models import Draft, Revision
from tests import factories

pytestmark = pytest.mark.usefixtures("_files")


def save(page: Page, note: str) -> None:
    page.get_by_label("What changed").fill(note)
    page.get_by_role("button", name="Save revision").last.click()


def test_what_is_typed_is_kept_while_one_types_and_is_back_the_next_day(person: Any) -> None:
    version = factories.version()
    owner = factories.member("owner")
    editor = f"{version.get_absolute_url()}card/edit/"
    page = person(owner)
    page.goto(editor)
    page.get_by_label("Intended uses").fill("Reads digits from scanned fo")
    expect(page.get_by_role("status").filter(has_text="Draft saved")).to_be_visible()
    page.close()

    page = person(owner)
    page.goto(editor)
    expect(page.get_by_text("Your unsaved text is back")).to_be_visible()
    expect(page.get_by_label("Intended uses")).to_have_value("Reads digits from scanned fo")
    page.get_by_label("Intended uses").press("End")
    page.keyboard.type("rms.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview").get_by_text("Reads digits from scanned forms.")).to_be_visible()
    page.get_by_label("Intended uses").focus()
    page.keyboard.press("Control+s")

    expect(page.get_by_text("Saved as revision 1.")).to_be_visible()
    assert not Draft.objects.exists()
    assert Revision.objects.get().content["intended_use"]["uses"] == "Reads digits from scanned forms."


def test_a_session_that_ends_meanwhile_loses_nothing(person: Any) -> None:
    version = factories.version()
    owner = factories.member("owner")
    page = person(owner)
    page.goto(f"{version.get_absolute_url()}card/edit/")
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Intended uses").fill("Typed after the session had ended.")
    expect(page.get_by_text("Not saved: you are logged out.")).to_be_visible()
    save(page, "late")
    expect(page.get_by_label("Intended uses")).to_have_value("Typed after the session had ended.")

    again = person(owner)  # logs in again in another tab of the same browser
    page.context.add_cookies([one for one in again.context.cookies() if one["name"] == "sessionid"])
    save(page, "late")

    expect(page.get_by_text("Saved as revision 1.")).to_be_visible()
    assert Revision.objects.get().content["intended_use"]["uses"] == "Typed after the session had ended."


def test_a_figure_is_uploaded_described_and_read(person: Any, tmp_path: Path) -> None:
    version = factories.version()
    factories.save(version)
    picture = tmp_path / "roc.png"
    picture.write_bytes(factories.picture(size=(400, 300)))
    page = person(factories.member("owner"))
    page.goto(f"{version.get_absolute_url()}card/edit/")
    page.get_by_label("Add a figure").set_input_files(picture)
    figures = page.get_by_role("group", name="Figures")
    figures.get_by_label("Caption").fill("ROC curve on the holdout")
    figures.get_by_label("In words").fill("It rises steeply and then flattens.")
    page.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("img", name="It rises steeply")).to_be_visible()
    page.get_by_role("button", name="Add a row").first.click()
    save(page, "with a figure")

    expect(page.get_by_text("Saved as revision 2.")).to_be_visible()
    shown = page.get_by_role("img", name="It rises steeply and then flattens.")
    shown.scroll_into_view_if_needed()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 400


def test_two_revisions_are_chosen_and_compared_row_by_row(person: Any) -> None:
    version = factories.version()
    for mark in ("first", "second", "third"):
        factories.save(version, mark=mark)
    page = person(factories.member("reviewer"))
    page.goto(f"{version.get_absolute_url()}card/")
    page.get_by_role("link", name="All revisions").click()
    page.get_by_label("Compare revision 1").check()
    page.get_by_label("with revision 3").check()
    page.get_by_role("button", name="Compare the two").click()

    texts = page.get_by_role("region", name="Comparison: Revision 1 and Revision 3")
    row = texts.get_by_role("row", name="Intended uses")
    expect(row.locator("del")).to_have_text("first")
    expect(row.locator("ins")).to_have_text("third")
    table = page.get_by_role("region", name="Results, row by row")
    expect(table.locator("del").first).to_have_text("Metric first")
    expect(table.locator("ins").first).to_have_text("Metric third")


def test_questions_about_people_go_when_there_are_none(person: Any) -> None:
    dataset = factories.training_data(factories.version())
    page = person(factories.member("owner"))
    page.goto(f"{dataset.get_absolute_url()}datasheet/edit/")
    question = page.get_by_label("Can a person be singled out")
    question.fill("Not by name.")

    page.get_by_label("Does it hold data about people?").select_option("No")
    expect(question).to_be_hidden()
    page.get_by_label("Does it hold data about people?").select_option("Yes")
    expect(question).to_have_value("Not by name.")
