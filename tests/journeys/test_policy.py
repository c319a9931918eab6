"""A policy is drafted, tried on what was decided before, and published; many tokens end at once; a team gives sight."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from governance.models import Policy, Token
from registry.models import Team
from tests import factories
from tests.pages.stand import decision


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_draft_is_tried_tested_and_published(person: Any, transactional_db: None, *, scripts: bool) -> None:
    version = factories.approved_version(factories.version(model=factories.model(name="digit-reader")))
    factories.policy(version.model, "group:owner")
    token, _ = factories.token(version.model)
    decision(version, token)
    page = person(factories.member("owner"), java_script_enabled=scripts)

    page.goto("/policies/digit-reader/production/edit/")
    page.get_by_label("Who (Rule 1)").fill("group:reviewer")
    page.get_by_label("What is tried (Test 1)").fill("An owner gets in")
    page.get_by_label("Who (Test 1)").fill("user:owner")
    page.get_by_label("In the groups (Test 1)").fill("owner")
    page.get_by_label("At (UTC) (Test 1)").fill("2026-11-23T10:00")
    page.get_by_role("button", name="Try it on past decisions").click()

    tried = page.get_by_role("region", name="Tried")
    expect(tried).to_contain_text("1 would be denied")
    expect(tried.get_by_role("row", name="An owner gets in")).to_contain_text("Fails")
    expect(page.get_by_role("region", name="In force now")).to_contain_text(
        "Everybody with the role owner may predict."
    )
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_role("alert")).to_contain_text("An owner gets in")
    assert Policy.objects.get().in_force.number == 1  # type: ignore[union-attr]

    page.get_by_label("Who (Rule 1)").fill("group:reviewer\ngroup:owner")
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_text("Version 2 is in force.")).to_be_visible()
    expect(page.get_by_role("region", name="In force")).to_contain_text(
        "role reviewer and everybody with the role owner"
    )


def test_every_token_of_an_account_ends_together(person: Any, transactional_db: None) -> None:
    model = factories.model()
    for _ in range(2):
        factories.token(model)
    page = person(factories.member("admin"))

    page.goto("/tokens/revoke/")
    page.get_by_role("combobox", name="Account").select_option("owner")
    page.get_by_role("button", name="Revoke all of this account").click()

    expect(page.get_by_text("2 tokens")).to_be_visible()
    assert {one.state for one in Token.objects.all()} == {"revoked"}


def test_a_team_is_made_and_whoever_is_put_in_sees_what_it_sees(person: Any, transactional_db: None) -> None:
    model, joiner = factories.model(name="digit-reader", shared=False), factories.member("viewer", "mark")
    boss, mark = person(factories.member("admin")), person(joiner)
    assert "digit-reader" not in mark.goto("/models/").text()

    boss.goto("/teams/")
    boss.get_by_label("Name", exact=True).last.fill("Forms intake")
    boss.get_by_label("Handle").fill("forms")
    boss.get_by_role("button", name="Make the team").click()
    boss.get_by_label("Account").fill("mark")
    boss.get_by_role("button", name="Put in").click()
    expect(boss.get_by_text("mark belongs to Forms intake now.")).to_be_visible()
    boss.goto(f"/models/{model.slug}/")
    boss.get_by_label("Share with").select_option(label="Forms intake")
    boss.get_by_role("button", name="Share", exact=True).click()
    expect(boss.get_by_role("region", name="Shared with")).to_contain_text("Forms intake team")

    assert "digit-reader" in mark.goto("/models/").text()
    mark.goto("/teams/forms/")
    expect(mark.get_by_role("complementary")).to_contain_text("digit-reader")
    mark.get_by_role("button", name="Leave").click()
    expect(mark.get_by_role("heading", level=1)).to_have_text("Teams")
    assert "digit-reader" not in mark.goto("/models/").text()
    assert not Team.objects.get().members.standing().exists()
