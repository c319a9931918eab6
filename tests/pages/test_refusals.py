"""Who may not see it, sees nothing; who may see but not do it, is told why, and the trail keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from registry.models import User
from tests import factories
from tests.pages.stand import NOT_PAGES, POST_ONLY, Stand, names, page_names

AsUser = Callable[[User], Client]

LISTS = ["home", "models", "datasets", "systems", "reviews", "policies", "tokens", "reports", "trail"]
BY_ROLE = ["decisions", "decisions-chart", "token-new", "system-new", "report-new", "sync"]  # 403 without the role
OPEN_TO_ALL = [*LISTS, "login", "logout", "password_change", "schema", "healthz", "readyz", "metrics"]
OBJECTS = sorted(names() - set(OPEN_TO_ALL) - set(BY_ROLE) - {"design"})

# Each thing that can be done by POST, and a role that sees the object and may not do it.
FORBIDDEN = {
    "sync": "auditor",
    "model-share": "owner",
    "version-submit": "reviewer",
    "version-suspend": "owner",
    "version-endpoint": "reviewer",
    "version-rehash": "reviewer",
    "version-report": "reviewer",
    "system-new": "auditor",
    "system-add-model": "auditor",
    "system-risk": "owner",
    "review-judge": "owner",
    "review-withdraw": "reviewer",
    "policy-edit": "reviewer",
    "token-new": "reviewer",
    "token-revoke": "auditor",
    "card-edit": "reviewer",
    "datasheet-edit": "reviewer",
    "report-new": "reviewer",
    "report-cancel": "reviewer",
}


def given(name: str, stand: Stand) -> dict[str, Any]:
    """What the form of this address would send."""
    return {
        "model-share": {"audience": "group:auditor"},
        "version-suspend": {"reason": "It drifts."},
        "version-endpoint": {"environment": "production", "url": "http://127.0.0.1:9"},
        "system-add-model": {"model": stand.model.slug},
        "system-risk": {"risk_class": "minimal", "rationale": "Because."},
        "review-judge": {"digest": stand.review.digest, "comment": "", "approve": "1"},
        "report-new": {"version": str(stand.version.pk)},
    }.get(name, {})


@pytest.mark.parametrize("name", page_names())
def test_every_page_opens(name: str, stand: Stand, as_user: AsUser) -> None:
    user = factories.member("owner")
    user = factories.member("auditor", "owner")
    user.is_staff = True
    user.save()

    answer = as_user(user).get(stand.address(name), follow=name == "login")

    assert answer.status_code == 200
    assert b"<h1" in answer.content


@pytest.mark.parametrize("name", OBJECTS)
def test_what_is_not_shared_does_not_exist(name: str, stand: Stand, outsider: User, as_user: AsUser) -> None:
    browser, before = as_user(outsider), Entry.objects.count()

    answers = [browser.post(stand.address(name), given(name, stand))]
    if name not in POST_ONLY:
        answers.append(browser.get(stand.address(name)))

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert stand.model.name not in answers[0].content.decode()
    assert Entry.objects.count() == before


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_empty_for_an_outsider(name: str, stand: Stand, outsider: User, as_user: AsUser) -> None:
    text = as_user(outsider).get(stand.address(name)).content.decode()

    hidden = [stand.model.name, stand.model.slug, stand.dataset.name, stand.system.name, stand.token.name]
    assert not [word for word in hidden if word in text]


@pytest.mark.parametrize("name", BY_ROLE)
def test_what_needs_a_role_says_so_to_an_outsider(
    name: str, stand: Stand, outsider: User, as_user: AsUser
) -> None:
    browser, address = as_user(outsider), stand.address(name)

    answer = browser.post(address, given(name, stand)) if name in POST_ONLY else browser.get(address)

    assert answer.status_code == 403
    assert "Your role does not allow this" in answer.content.decode()
    assert stand.model.name not in answer.content.decode()


@pytest.mark.parametrize("name", sorted(names() - set(NOT_PAGES) - {"login", "logout", "password_change"}))
def test_the_anonymous_is_sent_to_the_login(name: str, stand: Stand) -> None:
    address = stand.address(name)

    for answer in (Client().get(address), Client().post(address)):
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_a_post_without_the_forms_token_is_refused(name: str, stand: Stand) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(allmighty(), backend="django.contrib.auth.backends.ModelBackend")
    before = Entry.objects.count()

    answer = browser.post(stand.address(name), given(name, stand))

    assert answer.status_code == 403
    assert Entry.objects.count() == before


def allmighty() -> User:
    """Every role in one account: nothing but the form's token is missing."""
    for role in ("owner", "reviewer", "compliance", "auditor", "admin"):
        user = factories.member(role, "allmighty")
    return user


@pytest.mark.parametrize(("name", "role"), sorted(FORBIDDEN.items()))
def test_who_may_not_is_told_why_and_the_trail_keeps_it(
    name: str, role: str, stand: Stand, as_user: AsUser
) -> None:
    before = Entry.objects.count()

    answer = as_user(factories.member(role)).post(stand.address(name), given(name, stand))

    assert answer.status_code == 403
    text = answer.content.decode()
    assert "Your role does not allow this" in text or "You " in text
    entry = Entry.objects.newest().first()
    assert entry is not None
    assert (entry.kind, entry.actor) == ("action.refused", role)
    assert Entry.objects.count() == before + 1


def test_every_address_that_takes_a_post_is_among_them() -> None:
    assert POST_ONLY - {"logout"} <= set(FORBIDDEN)
