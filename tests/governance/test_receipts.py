"""Receipts by every door, for whom, and where the trail holds what they lead to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from audit.actions import decisions as sealing
from audit.models import Entry
from governance.actions import service_accounts
from governance.client.receipts import check
from governance.models import Decision, Token
from registry.models import Model, User
from tests import factories
from tests.governance.journal import written

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@dataclass
class Asked:
    """A program, its token, and the answer that it got."""

    account: User
    token: Token
    secret: str
    decision: Decision


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


@pytest.fixture
def asked(model: Model) -> Asked:
    """A program with no role has asked, and its token also reads the portal."""
    owner = factories.member("owner")
    made = service_accounts.make(name="scoring-bot", sponsor=owner, purpose="Scores.", by=owner)
    factories.share(model, made.account)
    token, secret = factories.token(model, owner=made.account, portal=("read",))
    decision, _ = written(
        {"model": model.slug, "caller": "scoring-bot", "token": str(token.pk)},
        {"model": model.slug, "caller": "scoring-bot", "token": str(factories.token(model)[0].pk)},
    )
    return Asked(made.account, token, secret.text, decision)


def address(one: Decision) -> str:
    return f"/api/v1/decisions/{one.pk}/receipt/"


def by_token(secret: str, one: Decision) -> Any:
    return Client().get(address(one), headers={"Authorization": f"Bearer {secret}"})


def test_a_receipt_is_for_who_reads_the_decision_and_for_who_asked(
    asked: Asked, model: Model, as_user: AsUser, outsider: User
) -> None:
    roles = ("owner", "reviewer", "compliance", "auditor", "admin", "viewer")
    told = {role: as_user(factories.member(role)).get(address(asked.decision)).status_code for role in roles}

    assert told == dict.fromkeys(roles, 200) | {"viewer": 404}
    assert as_user(outsider).get(address(asked.decision)).status_code == 404
    assert Client().get(address(asked.decision)).status_code == 401
    assert by_token(asked.secret, asked.decision).status_code == 200


def test_who_asked_gets_no_receipt_of_what_others_asked(asked: Asked, model: Model, as_user: AsUser) -> None:
    neighbour = Decision.objects.exclude(pk=asked.decision.pk).get()
    _, other = factories.token(model, owner=asked.account, portal=("read",))

    assert by_token(asked.secret, neighbour).status_code == 404
    # Another token for some models knows itself; the account itself, all that its tokens asked.
    assert by_token(other.text, asked.decision).status_code == 404
    assert as_user(asked.account).get(address(asked.decision)).status_code == 200


def test_a_later_account_of_the_same_name_gets_nothing(model: Model, as_user: AsUser) -> None:
    (gone,) = written(
        {"model": model.slug, "caller": "anna", "token": "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11"}
    )

    assert as_user(factories.member("viewer", "anna")).get(address(gone)).status_code == 404


def test_who_asked_has_it_no_more_when_switched_off(asked: Asked) -> None:
    User.objects.filter(pk=asked.account.pk).update(is_active=False)

    assert by_token(asked.secret, asked.decision).status_code == 401
    assert not Decision.objects.provable_to(User.objects.get(pk=asked.account.pk)).exists()


def test_a_hidden_model_hides_the_receipts_of_its_decisions(as_user: AsUser) -> None:
    hidden = factories.model(shared=False)
    one, unknown = written({"model": hidden.slug}, {"model": "", "allowed": False})

    for decision in (one, unknown):
        assert as_user(factories.member("owner")).get(address(decision)).status_code == 404
        assert as_user(factories.member("auditor")).get(address(decision)).status_code == 200


def test_every_door_gives_the_same_bytes_and_they_hold(asked: Asked, auditor: User, as_user: AsUser) -> None:
    browser = as_user(auditor)

    by_interface = browser.get(address(asked.decision))
    by_page = browser.get(f"/decisions/{asked.decision.pk}/receipt.json")

    assert by_interface.content == by_page.content == by_token(asked.secret, asked.decision).content
    assert by_interface["Content-Type"] == by_page["Content-Type"] == "application/json"
    assert by_interface["Content-Disposition"] == by_page["Content-Disposition"]
    found = check(json.loads(by_interface.content), root=asked.decision.batch.root)
    assert (found.holds, found.decision) == (True, str(asked.decision.pk))


def test_the_page_gives_the_file_to_who_asked_too(asked: Asked, as_user: AsUser, outsider: User) -> None:
    page = f"/decisions/{asked.decision.pk}/receipt.json"

    assert as_user(asked.account).get(page).status_code == 200
    assert as_user(outsider).get(page).status_code == 403


def test_the_page_leads_to_the_entry_that_seals_the_batch_and_says_when_there_is_none_yet(
    asked: Asked, auditor: User, as_user: AsUser
) -> None:
    def page(by: User) -> str:
        return as_user(by).get(f"/decisions/{asked.decision.pk}/").content.decode()

    assert "Not yet: a worker takes batches into the trail" in page(auditor)

    written({"model": asked.decision.model})  # another batch, with an entry of its own
    sealing.seal(by=User.machine())

    entry = Entry.objects.about(asked.decision.batch).get()
    assert f'href="/trail/{entry.pk}/"' in page(auditor)
    assert asked.decision.batch.root in as_user(auditor).get(f"/trail/{entry.pk}/").content.decode()
    owners = page(factories.member("owner"))  # reads decisions and not the trail
    assert "whoever reads the trail finds the entry" in owners
    assert str(entry.pk) not in owners
