"""Somebody is told, does what waits for them, and has an empty inbox; chooses what they are told of; goes away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from governance.models import Absence, Notice, Review, Switch
from tests import factories


@pytest.fixture
def waiting(transactional_db: None) -> Review:
    """A card waits for its judgement."""
    factories.member("reviewer")
    return factories.submitted_review()


def test_what_waits_is_done_and_the_inbox_is_empty(person: Any, waiting: Review) -> None:
    page = person(factories.member("reviewer"))
    page.goto("/")
    page.get_by_role("link", name="Inbox, 1 unread").click()
    tasks, told = page.get_by_role("region", name="Waits for you"), page.get_by_role("region", name="Notices")
    expect(told).to_contain_text("owner asks for a judgement on")

    tasks.get_by_role("link", name=str(waiting.document)).click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved. The clearance was assessed again.")).to_be_visible()

    page.get_by_role("link", name="Inbox", exact=True).last.click()
    expect(tasks).to_contain_text("Nothing waits for you")
    expect(told).to_contain_text("Everything is read")
    expect(page.get_by_role("link", name="Inbox, 1 unread")).to_have_count(0)

    owner = person(factories.member("owner"))
    owner.goto("/inbox/")
    expect(owner.get_by_role("region", name="Notices")).to_contain_text("is approved")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_notices_are_read_put_back_and_filtered(person: Any, waiting: Review, *, scripts: bool) -> None:
    page = person(factories.member("reviewer"), java_script_enabled=scripts)
    page.goto("/inbox/")
    told = page.get_by_role("region", name="Notices")

    told.get_by_role("button", name="Mark all as read").click()
    expect(told).to_contain_text("Everything is read")
    page.get_by_role("button", name="Undo").click()
    expect(told).to_contain_text("A review waits for you")

    told.get_by_role("button", name="Mark as read").click()
    told.get_by_role("link", name="All", exact=True).click()
    expect(told.get_by_role("button", name="Mark as unread")).to_have_count(1)
    page.goto("/inbox/?show=all&kind=token.waits")
    expect(told).to_contain_text("No notices")


def test_the_keyboard_is_enough(person: Any, waiting: Review) -> None:
    page = person(factories.member("reviewer"))
    page.goto("/inbox/")

    for key in ("j", "j", "e"):  # the review that waits, then the notice
        page.keyboard.press(key)

    expect(page.get_by_role("region", name="Notices")).to_contain_text("Everything is read")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(waiting.document))


def test_a_kind_that_is_switched_off_is_told_no_more(person: Any, waiting: Review) -> None:
    reviewer = factories.member("reviewer")
    page = person(reviewer)
    page.goto("/accounts/notices/")
    page.get_by_role("checkbox", name="Inbox: A review waits for you").uncheck()
    page.get_by_role("checkbox", name="Mail: A review waits for you").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds from now on.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Inbox: A review waits for you")).not_to_be_checked()

    factories.submitted_review()

    assert Switch.objects.get(person=reviewer).kind == "review.asked"
    assert Notice.objects.filter(person=reviewer, kind="review.asked").count() == 1  # the one from before
    page.goto("/inbox/")
    expect(page.get_by_role("region", name="Waits for you").get_by_role("listitem")).to_have_count(2)


def test_whoever_is_away_is_stood_in_for_and_it_is_recorded(person: Any, waiting: Review) -> None:
    bert = factories.member("reviewer", "bert")
    page = person(factories.member("reviewer"))
    page.goto("/accounts/absence/")
    page.get_by_label("Who stands in").select_option("bert")
    _fill(page, "From (UTC)", 0)
    _fill(page, "Until (UTC)", 7)
    page.get_by_role("button", name="Name them").click()
    expect(page.get_by_text("bert is asked in your place for that time.")).to_be_visible()
    assert Absence.objects.in_force().exists()

    stand_in = person(bert)
    stand_in.goto("/inbox/")
    expect(stand_in.get_by_role("region", name="Waits for you")).to_contain_text("asked in place of reviewer")
    expect(stand_in.get_by_role("region", name="Notices")).to_contain_text("You stand in for somebody")
    stand_in.get_by_role("link", name=str(waiting.document)).first.click()
    expect(stand_in.get_by_text("You are asked in place of reviewer")).to_be_visible()
    stand_in.get_by_role("button", name="Approve").click()
    judgement = stand_in.get_by_role("article", name="Judgement of bert")
    expect(judgement).to_contain_text("Approved")
    expect(judgement).to_contain_text("in place of reviewer")

    page.get_by_role("button", name="End the absence").click()
    expect(page.get_by_text("Ended. Reviews are asked of you again.")).to_be_visible()


def _fill(page: Page, label: str, days: float) -> None:
    when = timezone.now() + timedelta(days=days)
    page.get_by_label(label).fill(f"{when:%Y-%m-%dT%H:%M}")
