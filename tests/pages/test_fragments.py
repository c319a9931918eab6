"""What htmx asks for is the part that it swaps, and never the whole page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from registry.models import User
from tests import factories
from tests.pages.stand import Stand

AsUser = Callable[[User], Client]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("models", 'id="rows"'),
        ("systems", 'id="rows"'),
        ("datasets", 'id="rows"'),
        ("decisions", 'id="rows"'),
        ("report-progress", 'id="progress"'),
    ],
)
def test_htmx_gets_the_part_and_a_browser_the_page(
    name: str, part: str, stand: Stand, auditor: User, as_user: AsUser
) -> None:
    browser, address = as_user(auditor), stand.address(name)

    fragment = browser.get(address, headers={"HX-Request": "true"}).content.decode()

    assert part in fragment
    assert "<html" not in fragment
    assert "<nav" not in fragment
    if name != "report-progress":
        assert "<html" in browser.get(address).content.decode()


@pytest.mark.parametrize("name", ["models", "decisions"])
def test_a_boosted_link_gets_the_page(name: str, stand: Stand, auditor: User, as_user: AsUser) -> None:
    headers = {"HX-Request": "true", "HX-Boosted": "true"}

    assert "<html" in as_user(auditor).get(stand.address(name), headers=headers).content.decode()


def test_a_finished_report_tells_htmx_to_swap_the_whole_body(
    stand: Stand, auditor: User, as_user: AsUser
) -> None:
    address = f"{stand.ready.get_absolute_url()}progress/"

    answer = as_user(auditor).get(address, headers={"HX-Request": "true"})

    assert answer.headers["HX-Retarget"] == "#report"
    assert "The report is ready." in answer.headers["HX-Trigger"]
    assert "<html" not in answer.content.decode()


def test_a_refusal_to_htmx_carries_its_sentences(stand: Stand, as_user: AsUser) -> None:
    answer = as_user(factories.member("owner")).post(
        stand.address("version-suspend"), {"reason": "x"}, headers={"HX-Request": "true"}
    )

    assert answer.status_code == 403
    assert "data-refusal" in answer.content.decode()
