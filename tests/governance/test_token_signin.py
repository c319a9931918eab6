"""The REST interface by token: what the owner may do, within the token's scopes and models, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from governance.actions import service_accounts
from governance.actions import tokens as verbs
from governance.models import Token, TokenUse
from registry.actions import catalogue
from registry.models import Model, System, User
from tests import factories

pytestmark = pytest.mark.django_db
API = "/api/v1"
JSON = "application/json"


def ask(secret: Any, path: str, method: str = "get", **given: Any) -> Any:
    text = getattr(secret, "text", secret)
    call = getattr(Client(enforce_csrf_checks=True), method)
    return call(f"{API}{path}", headers={"Authorization": f"Bearer {text}"}, **given)


@pytest.fixture
def reading() -> Any:
    """A token that reads what its owner sees."""
    return factories.token(actions=(), portal=("read",))


def slugs(answer: Any) -> set[str]:
    return {row["slug"] for row in answer.json()["results"]}


def test_a_token_reads_what_its_owner_sees(reading: Any) -> None:
    seen, hidden = factories.model(), factories.model(shared=False)

    answer = ask(reading[1], "/models/")

    assert slugs(answer) == {seen.slug}
    assert ask(reading[1], f"/models/{hidden.slug}/").status_code == 404
    assert TokenUse.objects.get(token=reading[0]).portal_at


@pytest.mark.parametrize("actions", [("predict",), ()])
def test_a_token_with_models_sees_those_and_no_others(actions: tuple[str, ...], outsider: User) -> None:
    one, other = factories.model(), factories.model()
    factories.system(model=other)
    _, secret = factories.token(one, actions=actions, portal=("read",))

    assert slugs(ask(secret, "/models/")) == {one.slug}
    for path in (f"/models/{other.slug}/", f"/systems/{System.objects.get().slug}/"):
        assert ask(secret, path).status_code == 404
    assert ask(secret, "/systems/").json()["results"] == []
    assert ask(secret, "/trail/").json()["results"] == []


def test_whoever_sees_all_sees_by_such_a_token_only_its_models() -> None:
    admin = factories.member("admin")
    one = factories.model(shared=False)
    factories.model(shared=False)
    _, narrow = factories.token(one, owner=admin, by=admin, portal=("read",))
    _, whole = factories.token(owner=admin, by=admin, actions=(), portal=("read",))

    assert slugs(ask(narrow, "/models/")) == {one.slug}
    assert len(slugs(ask(whole, "/models/"))) == 2


def test_lost_sight_counts_at_once(reading: Any) -> None:
    model = factories.model()
    assert slugs(ask(reading[1], "/models/")) == {model.slug}

    catalogue.unshare_model(
        model=model, audience=Group.objects.get(name="owner"), by=factories.member("admin")
    )

    assert slugs(ask(reading[1], "/models/")) == set()


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive", "gate only", "unknown", "malformed"])
def test_what_is_not_in_force_is_nobody(end: str, reading: Any) -> None:
    token, secret = reading
    text = secret.text
    if end == "revoked":
        verbs.revoke(token=token, by=token.owner)
    elif end == "expired":
        verbs.rotate(token=token, overlap=verbs.timedelta(0), by=token.owner)
    elif end == "inactive":
        User.objects.filter(pk=token.owner_id).update(is_active=False)
    elif end == "gate only":
        text = factories.token(factories.model())[1].text
    else:
        text = {"unknown": verbs.tokens.new("p", "x" * 32).text, "malformed": "nonsense"}[end]

    answer = ask(text, "/models/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Cardinal", error="invalid_token"'
    assert text not in answer.content.decode()


def test_a_token_goes_in_from_its_networks_only() -> None:
    _, secret = factories.token(actions=(), portal=("read",), networks=("192.0.2.0/24",))

    assert ask(secret, "/models/").status_code == 401
    assert ask(secret, "/models/", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert (
        ask(secret, "/models/", HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 401
    )  # nobody trusted said so


def test_a_service_account_sees_here_what_its_sponsor_sees() -> None:
    sponsor = factories.member("owner", "sponsor")
    bot = service_accounts.make(name="bot", sponsor=sponsor, purpose="Reads.", by=factories.member("admin"))
    model = factories.share(factories.model(shared=False), bot.account)
    _, secret = factories.token(owner=bot.account, by=sponsor, actions=(), portal=("read",))
    assert slugs(ask(secret, "/models/")) == set()

    factories.share(model, sponsor)
    assert slugs(ask(secret, "/models/")) == {model.slug}


def test_a_waiting_token_is_nobody() -> None:
    model = factories.model()
    factories.system(model=model, risk_class="high")
    _, secret = factories.token(model, portal=("read",))

    assert ask(secret, "/models/").status_code == 401


def test_a_session_beside_a_token_is_refused(reading: Any, as_user: Any, owner: User) -> None:
    answer = as_user(owner).get(f"{API}/models/", headers={"Authorization": f"Bearer {reading[1].text}"})

    assert answer.status_code == 400
    assert "not both" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/systems/"),
        ("post", "/tokens/"),
        ("put", "/systems/x/risk/"),
        ("post", "/reviews/1/judgement/"),
        ("put", "/policies/x/production/"),
        ("put", "/document-rules/metric_without_slice/high/"),
    ],
)
def test_reading_writes_nothing(reading: Any, method: str, path: str) -> None:
    answer = ask(reading[1], path, method, data="{}", content_type=JSON)

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_every_scope_together_does_not_decide_about_others() -> None:
    admin = factories.member("admin")
    _, secret = factories.token(owner=admin, by=admin, actions=(), portal=tuple(Token.Portal.values))

    for method, path in (
        ("put", "/systems/x/risk/"),
        ("post", "/reviews/1/judgement/"),
        ("put", "/policies/x/production/"),
    ):
        assert ask(secret, path, method, data="{}", content_type=JSON).status_code == 403
    everything = {"of": "everything", "confirmed": "revoke everything"}
    assert ask(secret, "/tokens/revocations/", "post", data=everything, content_type=JSON).status_code == 403


def test_a_token_issues_no_more_than_it_has() -> None:
    model: Model = factories.model()
    token, secret = factories.token(model, portal=("token", "read"), networks=("127.0.0.0/8",), days=10)
    wish = {
        "name": "child", "models": [model.slug], "environment": "production", "networks": ["127.0.0.0/8"],
        "expires_at": token.expires_at.isoformat(),
    }  # fmt: skip

    made = ask(secret, "/tokens/", "post", data=wish, content_type=JSON)
    assert made.status_code == 201, made.json()
    for change in (
        {"networks": []},
        {"actions": ["explain"]},
        {"environment": "staging"},
        {"portal": ["sync"]},
    ):
        answer = ask(secret, "/tokens/", "post", data=wish | change, content_type=JSON)
        assert answer.status_code == 400, change
        assert "goes beyond" in str(answer.json()["errors"])
    rotated = ask(secret, f"/tokens/{token.pk}/rotation/", "post", data={}, content_type=JSON)
    assert rotated.status_code == 201, rotated.json()
    assert Token.objects.get(replaces=token).scope == token.scope


class TestLeaked:
    def tell(self, *texts: str, **extra: Any) -> Any:
        body = [{"token": text, "url": "https://example.org/x", "source": "commit"} for text in texts]
        return Client(enforce_csrf_checks=True).post(
            f"{API}/tokens/leaked/", data=body, content_type=JSON, **extra
        )

    def test_what_is_known_is_revoked_and_the_answer_tells_nothing(self) -> None:
        token, secret = factories.token(factories.model())

        answers = [
            self.tell(text) for text in (secret.text, secret.text, verbs.tokens.new("p", "x" * 32).text, "x")
        ]

        assert {(one.status_code, one.content) for one in answers} == {(202, b'{"received":1}')}
        assert Token.objects.get(pk=token.pk).ended_as == "leaked"

    @pytest.mark.parametrize("body", ["[]", "{}", '[{"token": 1}]', '{"tokens": "x"}', "nonsense", "[1]"])
    def test_nonsense_is_refused(self, body: str) -> None:
        answer = Client().post(f"{API}/tokens/leaked/", data=body, content_type=JSON)

        assert answer.status_code == 400

    def test_no_more_than_a_hundred_and_not_without_end(self) -> None:
        assert self.tell(*["x"] * 101).status_code == 400
        answers = [self.tell("x", REMOTE_ADDR="192.0.2.77").status_code for _ in range(31)]
        assert (answers[:30], answers[30]) == ([202] * 30, 429)


class TestIntrospection:
    def of(self, secret: str, **more: Any) -> Any:
        _, gateway = factories.token(actions=(), portal=("introspect",))
        body = "&".join(f"{name}={value}" for name, value in {"token": secret, **more}.items())
        return ask(
            gateway, "/introspect/", "post", data=body, content_type="application/x-www-form-urlencoded"
        )

    def test_an_active_token_tells_what_it_may(self) -> None:
        model = factories.model()
        token, secret = factories.token(model, alias="champion")

        told = self.of(secret.text).json()

        assert (told["active"], told["scope"], told["username"], told["client_id"]) == (
            True,
            "predict",
            "owner",
            str(token.pk),
        )
        assert told["exp"] == int(token.expires_at.timestamp())
        assert told["cardinal"]["models"] == [model.slug]
        assert told["cardinal"]["alias"] == "champion"

    def test_whatever_is_not_active_is_only_that(self) -> None:
        token, secret = factories.token(factories.model())
        verbs.revoke(token=token, by=token.owner)

        for text in (secret.text, "nonsense", verbs.tokens.new("p", "x" * 32).text):
            assert self.of(text).json() == {"active": False}

    def test_with_a_model_the_gate_is_asked(self) -> None:
        version = factories.approved_version()
        catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=factories.member("admin"))
        factories.policy(version.model, "group:owner")
        _, secret = factories.token(version.model)

        assert self.of(secret.text, model=version.model.slug).json()["cardinal"]["allowed"] is True
        told = self.of(secret.text, model="no-such-model").json()["cardinal"]
        assert (told["allowed"], told["reason"]) == (False, "scope_model")

    def test_nobody_asks_without_the_scope(self, reading: Any, as_user: Any, owner: User) -> None:
        form = {"data": "token=x", "content_type": "application/x-www-form-urlencoded"}

        assert ask(reading[1], "/introspect/", "post", **form).status_code == 403
        assert as_user(owner).post(f"{API}/introspect/", **form).status_code == 403
