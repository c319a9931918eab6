"""The page that issues a token: what was refused may be mended and sent again, what was issued may not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from governance.models import Token
from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
PAGE = "/tokens/new/"


def once(text: str) -> str:
    """What tells one form from the next."""
    found = re.search(r'name="once" value="([^"]+)"', text)
    assert found
    return found[1]


def test_a_form_that_was_refused_may_be_sent_again_and_issues_once(owner: User, as_user: AsUser) -> None:
    model = factories.approved_version().model
    browser = as_user(owner)
    given = {
        "once": once(browser.get(PAGE).content.decode()),
        "name": "Scoring",
        "owner": owner.username,
        "environment": "production",
        "actions": ["predict"],
        "days": "30",
        "rate_per": "minute",
        "quota_per": "day",
    }

    refused = browser.post(PAGE, given)
    assert "Choose at least one model, or a tag." in refused.content.decode()
    assert once(refused.content.decode()) == given["once"]

    issued = browser.post(PAGE, given | {"models": [model.slug]})
    assert issued.status_code == 201
    assert "crd_p" in issued.content.decode()

    assert browser.post(PAGE, given | {"models": [model.slug]}).status_code == 409
    assert Token.objects.count() == 1
