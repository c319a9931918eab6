"""How the gate would decide about a presented token: the same as it does, with reasons for whoever may know them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from governance.actions import tokens as verbs
from governance.client import receipts
from governance.models import Decision
from governance.receipts import receipt
from registry.actions import catalogue
from registry.models import User, Version
from tests import factories
from tests.governance.journal import written

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    """Cleared, champion, with a policy that lets owners in."""
    version = factories.approved_version()
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=factories.member("admin"))
    factories.policy(version.model, "group:owner")
    return version


def decided(secret: str, model: str, *, by: User | None = None, status: int = 200, **more: object) -> Any:
    _, gateway = factories.token(actions=(), portal=("introspect",), owner=by)
    answer = Client().post(
        "/api/v1/decide/", data=urlencode({"token": secret, "model": model, **more}),
        content_type="application/x-www-form-urlencoded", headers={"Authorization": f"Bearer {gateway.text}"},
    )  # fmt: skip
    assert answer.status_code == status, answer.content
    assert secret not in answer.content.decode()
    return answer.json()


def test_what_would_be_allowed_says_each_condition(version: Version) -> None:
    token, secret = factories.token(version.model)

    told = decided(secret.text, version.model.slug)

    assert (told["allowed"], told["reason"], told["version"]) == (True, "allowed", 1)
    assert (told["caller"], told["environment"], told["token"]) == ("owner", "production", str(token.pk))
    assert {point["label"]: point["met"] for point in told["points"]}["Token"] is True
    assert told["rules"][0]["applies"]
    assert all(one["met"] for one in told["clearance"])
    assert not Decision.objects.exists()


def test_what_would_be_refused_names_the_condition(version: Version) -> None:
    _, secret = factories.token(version.model, networks=("10.0.0.0/8",))

    told = decided(secret.text, version.model.slug, address="192.0.2.1")
    assert (told["allowed"], told["reason"]) == (False, "scope_network")
    assert [point["label"] for point in told["points"] if not point["met"]] == ["Scope: network"]

    assert decided(secret.text, version.model.slug, address="10.1.2.3")["allowed"]
    assert (
        decided(secret.text, version.model.slug, address="10.1.2.3", version=7)["reason"] == "version_unknown"
    )
    assert (
        decided(secret.text, version.model.slug, address="10.1.2.3", alias="none")["reason"]
        == "version_unknown"
    )


def test_a_token_that_is_over_or_unknown_is_told_as_the_gate_would(version: Version) -> None:
    token, secret = factories.token(version.model)
    verbs.revoke(token=token, by=token.owner)

    assert decided(secret.text, version.model.slug)["reason"] == "token_revoked"
    assert decided("crd_nonsense", version.model.slug)["reason"] == "token_malformed"
    unknown = decided(verbs.tokens.new("p", "x" * 32).text, version.model.slug)
    assert (unknown["reason"], unknown["caller"]) == ("token_unknown", "")


def test_of_a_model_that_the_asker_does_not_see_nothing_is_said(version: Version, outsider: User) -> None:
    hidden = factories.model(shared=False)
    theirs = factories.member("owner", "theirs")
    factories.share(hidden, theirs)
    _, secret = factories.token(hidden, owner=theirs, by=theirs)

    one, other = decided(secret.text, hidden.slug), decided(secret.text, "no-such-model")

    assert one == other
    assert (one["reason"], one["rules"], one["clearance"]) == ("scope_model", [], [])


def test_another_environment_than_that_of_the_token_is_a_mistake(version: Version) -> None:
    _, secret = factories.token(version.model)

    problem = decided(secret.text, version.model.slug, environment="staging", status=400)

    assert "environment" in str(problem)
    assert decided(secret.text, version.model.slug, environment="production")["allowed"]


def test_nobody_asks_without_the_scope_and_no_token_travels_in_an_address(
    version: Version, as_user: Any
) -> None:
    _, reading = factories.token(actions=(), portal=("read",))
    form = {"data": "token=x&model=y", "content_type": "application/x-www-form-urlencoded"}

    headers = {"Authorization": f"Bearer {reading.text}"}
    assert Client().post("/api/v1/decide/", headers=headers, **form).status_code == 403
    assert as_user(factories.member("owner")).post("/api/v1/decide/", **form).status_code == 403
    assert Client().get("/api/v1/decide/?token=x", headers=headers).status_code == 405


@pytest.mark.parametrize("form", [1, 2])
def test_a_receipt_is_checked_without_the_portal(form: int) -> None:
    plain = {"form": form} | (
        {"network": "", "payload_bytes": None} if form == 1 else {"caller": "Zoë \u2028"}
    )
    made = written(*(plain | {"request_id": f"request-{n}"} for n in range(5)))

    for one in made:
        content = receipt(Decision.objects.select_related("batch").get(pk=one.pk)).content
        assert receipts.check(content).holds
        assert receipts.check(content, root=content["batch"]["root"]).holds
        assert not receipts.check(content, root="0" * 64).holds
        for name in content["decision"].keys() - {"form"}:
            changed = content | {"decision": content["decision"] | {name: "other"}}
            assert not receipts.check(changed).holds, name
        assert not receipts.check(content | {"path": content["path"][:-1]}).holds


@pytest.mark.parametrize("content", [None, [], {}, {"format": receipts.FORMAT}, {"format": receipts.FORMAT, "decision": {"a": 1}, "batch": {"id": 1}, "path": 5}])  # fmt: skip
def test_nonsense_is_no_receipt(content: Any) -> None:
    assert not receipts.check(content).holds
