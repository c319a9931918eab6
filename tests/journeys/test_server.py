"""A tracking server is followed in the page, and an alias moved here is moved there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from registry.models import LedgerRow, Model, Version
from tests import factories
from tests.journeys.conftest import PATIENCE_SECONDS
from tests.tracking import Own


def until(seen: Callable[[], Any], page: Page) -> None:
    """Load the page again until it shows what a worker is doing meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.wait_for_timeout(300)
        page.reload()


def test_an_owner_follows_a_server_and_moves_an_alias_in_it(
    person: Any, worker: Any, own: Own, told: Callable[[], str]
) -> None:
    owner = factories.member("owner")
    page = person(owner)
    page.goto("/servers/")
    page.get_by_role("link", name="Follow a server").first.click()
    page.get_by_label("Name", exact=True).fill("lab")
    page.get_by_label("Address", exact=True).fill("nowhere")
    page.get_by_role("button", name="Follow").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("lab")  # refused, and nothing typed is lost
    page.get_by_label("Address", exact=True).fill(own.uri)
    page.get_by_role("button", name="Follow").click()
    until(lambda: "What the registry knows was read" in page.locator("main").inner_text(), page)

    version = Version.objects.select_related("model").filter(number=1).earliest("pk")
    model: Model = factories.share(version.model, owner)
    page.goto(f"{model.get_absolute_url()}ledger/")
    page.get_by_label("Alias", exact=True).fill("chosen-here")
    page.get_by_label("Version", exact=True).fill("1")
    page.get_by_role("button", name="Move in MLflow").click()
    until(lambda: page.get_by_text("Moved here").count(), page)

    assert own.client.get_model_version_by_alias(model.name, "chosen-here").version == "1"
    row = LedgerRow.objects.get(model=model, name="chosen-here")
    assert (row.by, row.seen_by) == (owner, "here")
    assert "chosen-here" in told()
