"""Who may not see it, sees nothing; who may see but not do it, is told why, and the trail keeps it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from registry.models import User
from tests import factories
from tests.pages.stand import POST_ONLY, Stand, names, page_names

AsUser = Callable[[User], Client]

# Walks over all pages in one test each: what they stand on is made once.
LISTS = [
    "home", "models", "datasets", "systems", "affected", "imports", "reviews", "policies", "tokens",
    "reports", "teams", "trail", "inbox", "notice-settings", "absence", "reminders", "stops", "anomalies",
]  # fmt: skip
BY_ROLE = [
    "decisions",
    "decision",
    "decisions-chart",
    "decisions-stream",
    "decisions-newer",
    "decision-receipt",
    "token-new",
    "token-sentence",
    "system-new",
    "report-new",
    "import-new",
    "sync",
    "servers",
    "server-new",
    "server",
    "server-read",
    "server-move",
    "server-credentials",
    "server-authority",
    "server-follow",
    "server-believe",
    "server-webhook",
    "review-rule",
    "people",
    "person",
    "person-off",
    "person-on",
    "role-give",
    "duties",
    "duties-csv",
    "stop-all",
]  # 403 without the role
TABLES = ["models-csv", "systems-csv", "datasets-csv"]
OPEN_TO_ALL = [
    *LISTS,
    *TABLES,
    "search",
    "severities",
    "review-rules",
    "policy-schema",
    "why",
    "second_factor",
    "service-accounts",
    "token-lives",
    "token-revocations",
    "filter-save",
    "inbox-read",
    "inbox-undo",
    "unsubscribe",
    "login",
    "logout",
    "password_change",
    "schema",
    "healthz",
    "readyz",
    "metrics",
    "mlflow-hook",
]
OBJECTS = sorted(names() - set(OPEN_TO_ALL) - set(BY_ROLE) - {"design"})

# What anybody may do with what is their own: nothing of it is a fact, and of others' it does not exist (404).
PRIVATE = {
    "filter-save", "filter-rename", "filter-delete",
    "inbox-read", "inbox-undo", "notice-read", "notice-unread", "absence-end",
}  # fmt: skip

# Each thing that can be done by POST, and a role that sees the object and may not do it.
FORBIDDEN = {
    "sync": "auditor",
    "model-share": "owner",
    "model-alias": "auditor",
    "server-new": "auditor",
    "server-read": "auditor",
    "server-move": "auditor",
    "server-credentials": "auditor",
    "server-authority": "auditor",
    "server-follow": "auditor",
    "server-believe": "auditor",
    "server-webhook": "auditor",
    "version-submit": "reviewer",
    "version-suspend": "owner",
    "model-unshare": "owner",
    "version-endpoint": "reviewer",
    "version-endpoint-remove": "reviewer",
    "version-rehash": "reviewer",
    "version-report": "reviewer",
    "system-new": "auditor",
    "system-add-model": "auditor",
    "system-edit": "auditor",
    "system-retire": "auditor",
    "system-remove-model": "auditor",
    "system-risk": "owner",
    "review-judge": "owner",
    "review-withdraw": "reviewer",
    "thread-new": "auditor",
    "thread-answer": "auditor",
    "comment-withdraw": "auditor",
    "review-retire": "owner",
    "review-rule": "owner",
    "reminders": "owner",
    "absence": "owner",
    "condition-fulfil": "owner",
    "condition-extend": "owner",
    "version-glass": "compliance",
    "glass-grant": "owner",
    "glass-end": "reviewer",
    "policy-edit": "reviewer",
    "token-new": "reviewer",
    "token-revoke": "auditor",
    "token-stop": "auditor",
    "model-stop": "reviewer",
    "stop-all": "owner",
    "stop-lift": "owner",
    "anomaly-dismiss": "auditor",
    "policy-put-back": "reviewer",
    "token-rotate": "auditor",
    "token-countersign": "auditor",
    "token-sentence": "reviewer",
    "token-lives": "owner",
    "service-accounts": "auditor",
    "service-account-pass-on": "owner",
    "service-account-end": "owner",
    "role-give": "owner",
    "role-take": "auditor",
    "person-off": "owner",
    "person-on": "owner",
    "teams": "auditor",
    "team-edit": "auditor",
    "team-add": "auditor",
    "team-remove": "auditor",
    "team-archive": "auditor",
    "card-edit": "reviewer",
    "datasheet-edit": "reviewer",
    "card-draft": "reviewer",
    "datasheet-draft": "reviewer",
    "severities": "owner",
    "report-new": "reviewer",
    "report-cancel": "reviewer",
    "import-new": "reviewer",
    "import-use": "auditor",
}


@pytest.fixture
def stand(db: None, kept_stand: Stand) -> Stand:
    """One of everything, as nobody has touched it yet."""
    return deepcopy(kept_stand)


def given(name: str, stand: Stand) -> dict[str, Any]:
    """What the form of this address would send."""
    return {
        "model-alias": {"name": "champion", "version": "1"},
        "server-move": {"uri": "http://127.0.0.1:9/elsewhere"},
        "model-share": {"audience": "group:auditor"},
        "model-unshare": {"audience": "group:owner"},
        "version-endpoint-remove": {"environment": "production"},
        "system-retire": {"reason": "Because."},
        "version-suspend": {"reason": "It drifts."},
        "version-endpoint": {"environment": "production", "url": "http://127.0.0.1:9"},
        "system-add-model": {"model": stand.model.slug},
        "system-risk": {"risk_class": "minimal", "rationale": "Because."},
        "review-judge": {"digest": stand.review.digest, "comment": "", "approve": "1"},
        "review-retire": {"reason": "Because."},
        "condition-fulfil": {"note": "Because."},
        "condition-extend": {"due_at": "2035-01-01T00:00", "reason": "Because."},
        "version-glass": {"environment": "production", "minutes": "5", "reason": "Because."},
        "report-new": {"version": str(stand.version.pk)},
        "filter-save": {"page": "models", "name": "Mine", "query": "state=cleared"},
        "filter-rename": {"name": "Theirs"},
    }.get(name, {})


def faults(name: str, found: object, wanted: object) -> list[str]:
    """A line for the page called `name` when it is not as it should be."""
    return [] if found == wanted else [f"{name}: {found}, not {wanted}"]


def test_every_page_opens(stand: Stand, as_user: AsUser) -> None:
    user = allmighty()
    user.is_staff = True
    user.save()
    browser, wrong = as_user(user), []

    for name in page_names():
        answer = browser.get(stand.address(name), follow=name == "login")
        wrong += faults(name, (answer.status_code, b"<h1" in answer.content), (200, True))

    assert not wrong


def test_what_is_not_shared_does_not_exist(stand: Stand, outsider: User, as_user: AsUser) -> None:
    browser, before, wrong = as_user(outsider), Entry.objects.count(), []

    for name in OBJECTS:
        answers = [] if name == "report-file" else [browser.post(stand.address(name), given(name, stand))]
        if name not in POST_ONLY:
            answers.append(browser.get(stand.address(name)))
        for answer in answers:
            named = stand.model.name in answer.content.decode()
            wrong += faults(name, (answer.status_code, named), (404, False))

    assert not wrong
    assert Entry.objects.count() == before


def test_lists_are_empty_for_an_outsider(stand: Stand, outsider: User, as_user: AsUser) -> None:
    hidden = [stand.model.name, stand.model.slug, stand.dataset.name, stand.system.name, stand.token.name]
    browser, wrong = as_user(outsider), []

    for name in [*LISTS, *TABLES]:
        text = browser.get(stand.address(name)).getvalue().decode()
        wrong += faults(name, [word for word in hidden if word in text], [])

    assert not wrong


def test_what_needs_a_role_says_so_to_an_outsider(stand: Stand, outsider: User, as_user: AsUser) -> None:
    browser, wrong = as_user(outsider), []

    for name in BY_ROLE:
        address = stand.address(name)
        answer = browser.post(address, given(name, stand)) if name in POST_ONLY else browser.get(address)
        text = answer.content.decode()
        found = (answer.status_code, "Your role does not allow this" in text, stand.model.name in text)
        wrong += faults(name, found, (403, True, False))

    assert not wrong


def test_the_anonymous_is_sent_to_the_login(stand: Stand) -> None:
    browser, wrong = Client(), []

    for name in sorted(names() - {"healthz", "readyz", "metrics", "login", "mlflow-hook", "unsubscribe"}):
        address = stand.address(name)
        for answer in (browser.get(address), browser.post(address)):
            browser.cookies.clear()
            found = (answer.status_code, answer.headers.get("Location"))
            wrong += faults(name, found, (302, f"/accounts/login/?next={address}"))

    assert not wrong


def test_a_post_without_the_forms_token_is_refused(stand: Stand) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(allmighty(), backend="registry.backends.GrantedRoles")
    before, wrong = Entry.objects.count(), []

    for name in [*FORBIDDEN, *PRIVATE]:
        wrong += faults(name, browser.post(stand.address(name), given(name, stand)).status_code, 403)

    assert not wrong
    assert Entry.objects.count() == before


def allmighty() -> User:
    """Every role in one account but the auditor's, who has no other: nothing but the form's token is missing."""
    for role in ("owner", "reviewer", "compliance", "admin"):
        user = factories.member(role, "allmighty")
    return user


def test_who_may_not_is_told_why_and_the_trail_keeps_it(stand: Stand, as_user: AsUser) -> None:
    browsers = {role: as_user(factories.member(role)) for role in set(FORBIDDEN.values())}
    wrong = []

    for name, role in FORBIDDEN.items():
        address, browser = stand.address(name), browsers[role]
        before = Entry.objects.count()
        answer = browser.post(address, given(name, stand))
        entry = Entry.objects.newest().first()
        assert entry is not None
        told = "Your role does not allow this" in answer.content.decode()
        found = (answer.status_code, told, entry.kind, entry.actor, Entry.objects.count() - before)
        wrong += faults(name, found, (403, True, "action.refused", role, 1))

    assert not wrong


def test_every_address_that_takes_a_post_is_among_them() -> None:
    assert POST_ONLY - {"logout"} - PRIVATE <= set(FORBIDDEN)
