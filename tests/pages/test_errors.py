"""Where something is wrong, the page says what to do next, and leads there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
WAY = re.compile(r'<a class="button[^"]*" href="([^"]+)"')


def ways(page: str) -> list[str]:
    """Where the buttons of a refusal lead."""
    return WAY.findall(page[page.index('<div class="refusal') :])


def test_what_is_not_there_leads_to_its_list_and_to_the_search(as_user: AsUser) -> None:
    answer = as_user(factories.member("owner")).get("/models/nowhere/")

    assert answer.status_code == 404
    assert ways(answer.content.decode()) == ["/models/", "/search/", "/"]


def test_an_address_of_no_kind_leads_home(as_user: AsUser) -> None:
    answer = as_user(factories.member("owner")).get("/nowhere/")

    assert answer.status_code == 404
    assert ways(answer.content.decode()) == ["/search/", "/"]


def test_what_is_not_allowed_leads_to_what_is(as_user: AsUser) -> None:
    answer = as_user(factories.member("reviewer")).get("/tokens/new/")

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Ask an administrator" in page
    assert ways(page) == ["/tokens/", "/inbox/", "/"]


def test_nobody_is_led_to_the_page_that_they_may_not_see(as_user: AsUser) -> None:
    answer = as_user(factories.member("reviewer")).get("/people/")

    assert answer.status_code == 403
    assert "/people/" not in ways(answer.content.decode())


def test_the_address_of_a_form_opened_like_a_page_leads_to_the_form(as_user: AsUser) -> None:
    token, _ = factories.token(factories.approved_version().model)
    browser = as_user(token.owner)

    answer = browser.get(f"{token.get_absolute_url()}rotate/")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "nothing was changed" in answer.content.decode()
    assert ways(answer.content.decode())[0] == token.get_absolute_url()
    assert ways(browser.get("/stops/1/lift/").content.decode()) == ["/stops/", "/"]
