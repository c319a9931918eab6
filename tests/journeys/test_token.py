"""A policy and a token are made in the page; at the gate they work, until they are taken back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from governance.models import Token
from registry.actions import catalogue
from registry.models import Environment, Version
from tests import factories
from tests.governance.gate.conftest import Running

SECRET = re.compile(r"crd_[a-z][0-9A-Za-z]{49}")


@pytest.fixture
def digits(transactional_db: None, model_server: str) -> Version:
    """The digit reader: cleared, served by MLflow's own server, and nobody may query it yet."""
    version = factories.approved_version(factories.version(model=factories.model(name="digit-reader")))
    admin = factories.member("admin")
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=admin)
    catalogue.set_endpoint(version=version, environment=Environment.PRODUCTION, url=model_server, by=admin)
    return version


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_token_is_issued_shown_once_used_and_revoked(
    person: Any, digits: Version, gate: Running, settings: Any, told: Callable[[], str], *, scripts: bool
) -> None:
    settings.GATE_URL = gate.url
    page = logged_in(person, scripts=scripts)

    publish_a_policy(page)
    page.goto("/models/digit-reader/versions/1/access/")
    page.get_by_role("link", name="Issue a token").click()
    page.get_by_label("Name").fill("form reader")
    expect(page.get_by_role("checkbox", name="digit-reader")).to_be_checked()
    if scripts:
        expect(page.locator("#sentence")).to_contain_text(
            "owner may predict with digit-reader in production, until"
        )
    else:
        page.get_by_role("button", name="Say it in a sentence").click()
        expect(page.locator("#sentence")).to_contain_text(
            "owner may predict with digit-reader in production, until"
        )
    page.get_by_role("button", name="Issue the token").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Copy the token now")
    line = page.get_by_role("region", name="Query through the gate").inner_text()
    found = SECRET.search(line)
    assert found
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("form reader")
    at = page.url
    for place in (at, "/tokens/"):
        page.goto(place)
        page.reload()
        assert found[0] not in page.content()
    assert Token.objects.count() == 1  # before it is rotated

    answer = ask(line)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == [0]

    page.goto(at)
    line = rotate(page, scripts=scripts)
    assert ask(line).status_code == 200
    page.get_by_role("link", name="I have copied it").click()
    revoke(page, scripts=scripts)
    expect(page.get_by_text("Revoked. Queries with it are refused within a second.")).to_be_visible()
    refused = ask(line)
    assert refused.status_code == 401, refused.text
    assert refused.json()["code"] == "token_revoked"
    page.goto(at)
    expect(page.get_by_text("It was replaced")).to_be_visible()
    page.get_by_role("link", name="form reader").first.click()
    uses = page.get_by_role("region", name="Decisions on queries with this token").get_by_role("row")
    expect(uses.nth(1)).to_contain_text("Revoked token")
    expect(uses.nth(2)).to_contain_text("Allowed")
    story = told()
    assert "owner published policy of digit-reader in production, version 1" in story
    assert "owner issued the token form reader" in story
    assert "owner revoked the token form reader" in story
    assert found[0] not in story


def logged_in(person: Any, *, scripts: bool) -> Page:
    """The owner, through the page that asks for the password."""
    owner = factories.member("owner")
    owner.set_password("a long word of nobody")
    owner.save()
    page: Page = person(None, java_script_enabled=scripts)
    page.goto("/models/digit-reader/versions/1/access/")
    page.get_by_label("Username").fill("owner")
    page.get_by_label("Password").fill("a long word of nobody")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/models/digit-reader/versions/1/access/$"))
    return page


def publish_a_policy(page: Page) -> None:
    """Owners may predict; the page says it in a sentence."""
    page.get_by_role("link", name="Write the policy").click()
    page.get_by_role("link", name="Write the policy").first.click()
    page.get_by_label("Who (Rule 1)").fill("group:owner")
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_text("Version 1 is in force.")).to_be_visible()
    expect(page.get_by_role("region", name="In force")).to_contain_text("owner")


def rotate(page: Page, *, scripts: bool) -> str:
    """A successor: the line to query with it."""
    if scripts:
        page.get_by_role("button", name="Rotate").click()
        page.get_by_role("dialog").get_by_label("The old token works on for").select_option("1")
        page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    else:
        page.get_by_role("button", name="Rotate").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Copy the token now")
    return str(page.get_by_role("region", name="Query through the gate").inner_text())


def revoke(page: Page, *, scripts: bool) -> None:
    """With scripts the page asks once more; without, the button is there."""
    if scripts:
        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    else:
        page.get_by_role("button", name="Revoke now").click()


def ask(line: str) -> httpx.Response:
    """The query of the curl line that the page shows, with the first digit of scikit-learn's images: a nought."""
    from sklearn.datasets import load_digits

    words = shlex.split(line[line.index("curl ") :].replace("\\\n", " "))
    address = next(word for word in words if word.startswith("http"))
    headers = dict(word.split(": ", 1) for word in words if ": " in word)
    image = load_digits(as_frame=True).data.head(1)
    body = {"dataframe_split": {"columns": list(image.columns), "data": image.to_numpy().tolist()}}
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.post(address, headers=headers, json=body)
