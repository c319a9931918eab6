"""Service accounts by REST and in their pages: made, passed on, ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from governance.actions import service_accounts
from governance.models import ServiceAccount
from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
API = "/api/v1/service-accounts/"


def send(browser: Client, method: str, path: str, body: Any = None) -> Any:
    return browser.generic(method, path, json.dumps(body), content_type="application/json")


@pytest.fixture
def scoring(owner: User, admin: User) -> ServiceAccount:
    return service_accounts.make(name="scoring", sponsor=owner, purpose="Scores.", by=admin)


def test_a_service_account_is_made_read_passed_on_and_ended(
    admin: User, owner: User, as_user: AsUser
) -> None:
    browser = as_user(admin)

    made = send(browser, "POST", API, {"name": "scoring", "purpose": "Scores."})
    place = made.headers["Location"]
    passed = send(browser, "PUT", f"{place}sponsor/", {"sponsor": "owner"})
    ended = send(browser, "DELETE", place)

    assert (made.status_code, made.json()["sponsor"]) == (201, "admin")
    assert (passed.status_code, passed.json()["sponsor"]) == (200, "owner")
    assert ended.status_code == 204
    assert browser.get(place).json()["active"] is False
    kinds = Entry.objects.filter(kind__startswith="service.").values_list("kind", flat=True)
    assert len(kinds) == 3


def test_a_sponsor_passes_on_their_own_and_no_other(
    scoring: ServiceAccount, owner: User, as_user: AsUser
) -> None:
    other = factories.member("owner", "mira")
    place = f"{API}{scoring.pk}/sponsor/"

    assert send(as_user(other), "PUT", place, {"sponsor": "mira"}).status_code == 403
    assert send(as_user(owner), "PUT", place, {"sponsor": "mira"}).status_code == 200
    assert send(as_user(owner), "PUT", place, {"sponsor": "owner"}).status_code == 403
    scoring.refresh_from_db()
    assert scoring.sponsor == other


@pytest.mark.parametrize("name", ["nobody", "scoring", "cardinal", ""])
def test_only_an_active_person_answers(
    name: str, scoring: ServiceAccount, owner: User, as_user: AsUser
) -> None:
    answer = send(as_user(owner), "PUT", f"{API}{scoring.pk}/sponsor/", {"sponsor": name})

    assert answer.status_code == 400
    assert "sponsor" in answer.json()["errors"]


def test_whoever_may_not_pass_on_learns_no_names(scoring: ServiceAccount, as_user: AsUser) -> None:
    compliance = as_user(factories.member("compliance"))
    place = f"{API}{scoring.pk}/sponsor/"

    answers = [send(compliance, "PUT", place, {"sponsor": name}).json() for name in ("owner", "nobody")]

    assert [one["status"] for one in answers] == [403, 403]
    assert answers[0]["detail"] == answers[1]["detail"]


def test_it_is_passed_on_in_its_page(scoring: ServiceAccount, owner: User, as_user: AsUser) -> None:
    mira = factories.member("owner", "mira")
    browser, place = as_user(owner), f"/service-accounts/{scoring.pk}/pass-on/"

    listed = browser.get("/service-accounts/").content.decode()
    empty = browser.post(place, {"sponsor": ""})
    done = browser.post(place, {"sponsor": "mira"}, follow=True)

    assert place in listed
    assert empty.status_code == 400
    assert "mira answers for scoring from now on." in done.content.decode()
    scoring.refresh_from_db()
    assert scoring.sponsor == mira
    assert browser.get(place).status_code == 403
    assert place not in browser.get("/service-accounts/").content.decode()


def test_one_whose_sponsor_left_says_so_and_works_again_when_passed_on(
    scoring: ServiceAccount, owner: User, admin: User, as_user: AsUser
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    browser, place = as_user(admin), f"/service-accounts/{scoring.pk}/pass-on/"

    assert "none of its tokens works" in browser.get(place).content.decode()
    browser.post(place, {"sponsor": "admin"})
    scoring.refresh_from_db()
    assert scoring.sponsor == admin
