"""A card is reviewed and approved by a second person."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from governance.models import Review
from tests import factories


@pytest.fixture
def changed(transactional_db: None) -> Review:
    """A card that was approved once, written again and waits for its second judgement."""
    version = factories.approved_version()
    factories.save(version, mark="since the spring")
    return factories.resubmit(version)


def test_a_reviewer_sees_what_changed_and_approves_it(
    person: Any, changed: Review, told: Callable[[], str]
) -> None:
    version = changed.document.version
    owner, reviewer = person(factories.member("owner")), person(factories.member("reviewer"))
    owner.goto(version.get_absolute_url())
    expect(owner.get_by_role("region", name="Production")).to_contain_text("Not cleared")

    reviewer.goto("/")
    reviewer.get_by_role("link", name=str(changed.document)).first.click()
    expect(reviewer.get_by_role("heading", level=1)).to_contain_text(str(changed.document))
    compared = reviewer.get_by_role(
        "group", name="Overview: Approved: revision 1 and In review: revision 2", exact=True
    )
    expect(compared).to_contain_text("Something true since the spring about overview")
    expect(reviewer.locator("#model_details .changed").first).to_contain_text("Changed")

    reviewer.get_by_label("Comment (optional)").fill("The figures agree with the run.")
    reviewer.get_by_role("button", name="Approve").click()
    expect(reviewer.get_by_text("Approved. The clearance was assessed again.")).to_be_visible()
    expect(reviewer.get_by_role("button", name="Approve")).to_have_count(0)

    owner.reload()
    production = owner.get_by_role("region", name="Production")
    expect(production).to_contain_text("Cleared")
    expect(production).not_to_contain_text("Not met")
    story = told()
    assert f"owner asked for the {changed}" in story
    assert f"reviewer approved in the {changed}" in story
    assert "“The figures agree with the run.”" in story
    assert f"reviewer thereby cleared {version} for production" in story


def test_nobody_approves_what_they_wrote_and_reads_why(
    person: Any, changed: Review, told: Callable[[], str]
) -> None:
    owner = factories.member("owner")
    factories.member("reviewer", owner.username)  # the role would allow it, the authorship does not
    page = person(owner)

    page.goto(changed.get_absolute_url())

    judgement = page.get_by_role("region", name="Judgement")
    expect(judgement).to_contain_text("You ")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    reason = judgement.locator("p").first.inner_text().partition(".")[0]
    past_the_page = page.request.post(
        f"{changed.get_absolute_url()}judge/",
        form={"csrfmiddlewaretoken": _csrf(page), "digest": changed.digest, "comment": "", "approve": "1"},
    )
    assert past_the_page.status == 403
    assert reason in past_the_page.text()
    changed.refresh_from_db()
    assert changed.state == Review.State.IN_REVIEW
    assert f"owner was refused judge review on {changed}" in told()


def test_a_review_is_read_with_the_keyboard_alone(person: Any, changed: Review) -> None:
    page = person(factories.member("reviewer"))
    page.goto(changed.get_absolute_url())
    focused = "document.activeElement.id"

    page.keyboard.press("j")
    first = page.evaluate(focused)
    page.keyboard.press("j")
    second = page.evaluate(focused)
    page.keyboard.press("k")

    assert (first, second) == ("model_details", "intended_use")
    assert page.evaluate(focused) == first
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("#judge$"))
    expect(page.get_by_role("region", name="Judgement")).to_be_in_viewport()
    page.get_by_label("Comment (optional)").press_sequentially("jaja")  # letters that are typed press nothing
    expect(page.get_by_label("Comment (optional)")).to_have_value("jaja")


def test_high_risk_is_signed_by_two_people_on_a_condition_that_a_judge_confirms(
    person: Any, transactional_db: None, told: Callable[[], str]
) -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    review = factories.submitted_review(version)
    reviewer, compliance = (
        person(factories.with_password(factories.member(role))) for role in ("reviewer", "compliance")
    )

    reviewer.goto(review.get_absolute_url())
    expect(reviewer.get_by_role("region", name="What it needs")).to_contain_text("a sign-off as compliance")
    for box in reviewer.get_by_role("group", name="Looked at").get_by_role("checkbox").all():
        box.check()
    reviewer.get_by_text("Approve on conditions").click()
    first = reviewer.get_by_role("group", name="Condition 1")
    first.get_by_label("What has to be done").fill("Measure the groups again.")
    first.get_by_label("By whom").select_option("owner")
    first.get_by_label("Until (UTC)").fill("2034-05-06T07:08")
    expect(reviewer.get_by_role("group", name="Signature")).to_contain_text(
        f"with the digest {review.digest}"
    )
    reviewer.get_by_label("Password").fill("guessed")
    reviewer.get_by_role("button", name="Sign and approve").click()
    expect(reviewer.get_by_text("The password is not right.")).to_be_visible()
    expect(reviewer.get_by_label("Password")).to_have_value("")
    expect(reviewer.get_by_label("What has to be done").first).to_have_value("Measure the groups again.")
    reviewer.get_by_label("Password").fill(factories.PASSWORD)
    reviewer.get_by_role("button", name="Sign and approve").click()
    expect(reviewer.get_by_text("Signed. Others have to sign too.")).to_be_visible()

    compliance.goto("/reviews/")
    compliance.get_by_role("link", name=str(review.document)).click()
    for box in compliance.get_by_role("group", name="Looked at").get_by_role("checkbox").all():
        box.check()
    compliance.get_by_label("Password").fill(factories.PASSWORD)
    compliance.get_by_role("button", name="Sign and approve").click()
    expect(compliance.get_by_text("Approved. The clearance was assessed again.")).to_be_visible()

    held = compliance.get_by_role("article", name="Condition 1")
    expect(held).to_contain_text("Pending")
    held.get_by_text("Confirm that it is fulfilled").click()
    held.get_by_label("How do you know?").fill("I read the new table.")
    held.get_by_role("button", name="Confirm").click()
    expect(compliance.get_by_role("article", name="Condition 1")).to_contain_text("Fulfilled")
    story = told()
    assert f"reviewer signed off as reviewer in the {review}" in story
    assert f"compliance thereby cleared {version} for production" in story
    assert "compliance confirmed that “Measure the groups again.” is fulfilled" in story


def _csrf(page: Any) -> str:
    return str(page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value"))
