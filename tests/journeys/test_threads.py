"""People talk about a field beside the field, and settle it before they judge: with the mouse, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from governance.actions import threads
from governance.models import Review, Thread
from tests import factories

FOCUSED = "document.activeElement.id"


@pytest.fixture
def changed(transactional_db: None) -> Review:
    """A card that was approved once, written again and waits for its second judgement."""
    version = factories.approved_version()
    factories.save(version, mark="since the spring")
    return factories.resubmit(version)


def at(page: Page, path: str) -> Locator:
    """The field as it stands on the page."""
    return page.locator(f'[id="f-{path}"]')


def test_a_comment_is_answered_resolved_and_follows_the_field_into_the_next_revision(
    person: Any, changed: Review, told: Callable[[], str]
) -> None:
    version = changed.document.version
    owner, reviewer = person(factories.member("owner")), person(factories.member("reviewer"))

    reviewer.goto(changed.get_absolute_url())
    reviewer.get_by_role("link", name="Comment on Model details: Overview").click()
    reviewer.get_by_label("Comment", exact=True).first.fill("Since **which** spring?")
    reviewer.get_by_role("button", name="Comment").click()
    said = at(reviewer, "model_details.overview").get_by_role("article")
    expect(said).to_be_in_viewport()  # back at the field
    expect(said).to_contain_text("Since which spring?")

    owner.goto(changed.get_absolute_url())
    heard = at(owner, "model_details.overview").get_by_role("article")
    heard.get_by_text("Answer", exact=True).first.click()
    heard.get_by_label(re.compile("Your answer to reviewer")).fill("Of 2025; I shall say so.")
    heard.get_by_role("button", name="Answer").click()
    expect(heard).to_contain_text("Of 2025; I shall say so.")
    owner.goto(f"{version.get_absolute_url()}card/edit/")
    expect(owner.get_by_text("1 open comment").first).to_be_visible()
    owner.locator("[name='model_details.overview']").fill("Something true since the spring of 2025.")
    owner.get_by_role("button", name="Save revision").first.click()
    expect(owner.get_by_text("Saved as revision 3.")).to_be_visible()
    owner.goto(f"{version.get_absolute_url()}card/")
    thread = at(owner, "model_details.overview").get_by_role("article")
    expect(thread).to_contain_text("Written on revision 2, changed since")
    thread.get_by_role("button", name="Resolve").click()
    expect(at(owner, "model_details.overview").get_by_role("article")).to_contain_text("Resolved")
    expect(owner.get_by_text("All resolved")).to_be_visible()

    story = told()
    assert f"reviewer began a thread on Overview of {changed.document}" in story
    assert "owner resolved the thread on Overview" in story
    assert "which spring" not in story


def test_the_whole_review_is_done_by_keyboard(person: Any, changed: Review) -> None:
    page = person(factories.member("reviewer"))
    press, type_ = page.keyboard.press, page.keyboard.type
    page.goto(changed.get_absolute_url())

    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("j")  # the dialog is open: keys are silent
    press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    press("n")  # the first change
    assert page.evaluate(FOCUSED) == "f-model_details.name"
    press("n")
    press("p")
    assert page.evaluate(FOCUSED) == "f-model_details.name"
    press("c")
    expect(page.locator("textarea:focus")).to_have_count(1)
    type_("Is this the new name? jk")  # letters that are typed press nothing
    press("Control+Enter")
    thread = at(page, "model_details.name").get_by_role("article")
    expect(thread).to_contain_text("Is this the new name? jk")
    thread.focus()
    press("c")
    type_("I found it myself.")
    press("Control+Enter")
    expect(thread).to_contain_text("I found it myself.")
    thread.focus()
    press("x")
    expect(at(page, "model_details.name").get_by_role("article")).to_contain_text("Resolved")

    press("a")
    assert page.evaluate(FOCUSED) == "judge"
    page.get_by_text("Approve on conditions").focus()
    press("Enter")
    press("Tab")
    type_("Measure the groups again.")
    press("Tab")
    type_("owner")
    page.get_by_label("Until (UTC)").first.fill("2034-05-06T07:08")
    press("Escape")
    page.get_by_role("button", name="Approve").focus()
    press("Enter")
    expect(page.get_by_text("Approved. The clearance was assessed again.")).to_be_visible()
    held = page.get_by_role("article", name="Condition 1")
    expect(held).to_contain_text("Measure the groups again.")
    assert Thread.objects.get().resolved_by == factories.member("reviewer")


def test_a_comment_on_a_section_asks_for_the_field_and_escape_gives_the_focus_back(
    person: Any, changed: Review
) -> None:
    page = person(factories.member("reviewer"))
    page.goto(changed.get_absolute_url())

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("#intended_use select:focus")).to_have_count(1)
    page.keyboard.press("Escape")

    expect(page.locator("#intended_use form")).to_have_count(0)
    expect(page.get_by_role("link", name="Comment on Intended use", exact=True)).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#id_comment")).to_be_focused()


def test_keys_are_turned_off_in_this_browser(person: Any, changed: Review) -> None:
    page = person(factories.member("reviewer"))
    page.goto(changed.get_absolute_url())
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use single keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.reload()

    page.keyboard.press("j")

    assert page.evaluate(FOCUSED) == ""
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_label("Use single keys in this browser")).not_to_be_checked()


def test_without_scripts_a_comment_is_written_on_a_page_of_its_own(person: Any, changed: Review) -> None:
    page = person(factories.member("reviewer"), java_script_enabled=False)
    page.goto(f"{changed.get_absolute_url()}?show=changed")
    expect(at(page, "model_details.task")).to_have_count(0)  # did not change
    page.get_by_role("link", name="Comment on Model details: Overview").click()
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("Write something.").first).to_be_visible()
    page.get_by_label("Comment", exact=True).fill("Which spring?")
    page.get_by_role("button", name="Comment").click()

    thread = at(page, "model_details.overview").get_by_role("article")
    expect(thread).to_contain_text("Which spring?")
    thread.get_by_role("button", name="Resolve").click()
    expect(at(page, "model_details.overview").get_by_role("article")).to_contain_text("Resolved")


def test_whoever_answers_what_was_just_resolved_is_told_and_keeps_their_words(
    person: Any, changed: Review
) -> None:
    thread = threads.begin(
        revision=changed.revision, path="caveats.caveats", text="Really?", by=factories.member("reviewer")
    )
    page = person(factories.member("reviewer"))
    page.goto(changed.get_absolute_url())
    article = at(page, "caveats.caveats").get_by_role("article")
    article.get_by_text("Answer", exact=True).first.click()
    article.get_by_label(re.compile("Your answer")).fill("One more thing.")
    threads.resolve(thread=thread, by=factories.member("owner"))

    article.get_by_role("button", name="Answer").click()

    expect(page.get_by_text("owner has resolved this thread. Reopen it to go on.").first).to_be_visible()
    expect(page.get_by_label("Your answer")).to_have_value("One more thing.")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_text("One more thing.")).to_be_visible()
    assert Thread.objects.get().is_open
