"""Tokens: a format that scanners know, a secret that is never kept, an end that always comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.core import serializers
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Entry
from governance import tokens
from governance.actions import tokens as verbs
from governance.models import Token
from governance.scopes import Scope
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, User
from tests import factories

PEPPER = "p" * 32


def test_a_token_has_its_form_and_256_bits() -> None:
    secret = tokens.new("p", PEPPER)

    assert len(secret.text) == tokens.LENGTH
    assert secret.text.startswith("crd_p")
    assert tokens.is_well_formed(secret.text)
    assert 62**43 >= 2**256


def test_no_two_tokens_are_alike() -> None:
    assert len({tokens.new("p", PEPPER).text for _ in range(500)}) == 500


@given(place=st.integers(0, tokens.LENGTH - 1), digit=st.sampled_from(tokens.ALPHABET + "_-. é"))
def test_a_typing_error_is_seen_without_a_look_at_the_database(place: int, digit: str) -> None:
    text = tokens.new("p", PEPPER).text
    mistyped = text[:place] + digit + text[place + 1 :]

    assert tokens.is_well_formed(mistyped) == (mistyped == text)


@given(text=st.text(max_size=80))
def test_no_other_text_looks_like_a_token(text: str) -> None:
    assert not tokens.is_well_formed(text)


@pytest.mark.parametrize("end", ["\n", " ", "\x00", "0"])
def test_nothing_may_follow_a_token(end: str) -> None:
    assert not tokens.is_well_formed(tokens.new("p", PEPPER).text + end)


def test_a_secret_is_not_printed_by_accident() -> None:
    secret = tokens.new("p", PEPPER)

    for printed in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert secret.text not in printed
        assert secret.text[tokens.VISIBLE :] not in printed
        assert secret.digest not in printed


def test_the_digest_depends_on_the_pepper() -> None:
    text = tokens.new("p", PEPPER).text

    assert tokens.digest(text, PEPPER) != tokens.digest(text, "q" * 32)
    assert len(tokens.digest(text, PEPPER)) == 64


@pytest.mark.django_db
class TestIssuing:
    @pytest.fixture
    def model(self) -> Model:
        return factories.model()

    def test_only_the_keyed_digest_is_kept(self, model: Model) -> None:
        token, secret = factories.token(model)

        kept = serializers.serialize("json", [*Token.objects.all()]) + "".join(
            bytes(entry.body).decode() for entry in Entry.objects.all()
        )
        assert secret.text not in kept
        assert secret.text[tokens.VISIBLE : -6] not in kept
        assert token.digest == tokens.digest(secret.text, configured.TOKEN_PEPPER)

    def test_the_trail_knows_who_got_it_and_not_what(self, model: Model) -> None:
        token, secret = factories.token(model)

        entry = Entry.objects.get(kind="token.issued")
        assert entry.facts["facts"]["owner"] == "owner"
        assert secret.digest not in bytes(entry.body).decode()
        assert f"governance.token:{token.pk}" in entry.subjects
        assert f"registry.model:{model.pk}" in entry.subjects

    @pytest.mark.parametrize("days", [0, -1, 91])
    def test_a_token_ends_in_the_future_and_within_90_days(self, model: Model, days: int) -> None:
        with pytest.raises(Invalid, match="within 90 days"):
            factories.token(model, days=days)

    @pytest.mark.parametrize("days", [-1, 0, 91, 3650])
    def test_the_database_refuses_a_longer_life_too(self, owner: User, days: int) -> None:
        now = timezone.now()

        with pytest.raises(DatabaseError, match="token_expires_within_90_days"), transaction.atomic():
            Token.objects.create(
                name="x",
                prefix="crd_p",
                digest="0" * 64,
                environment="production",
                owner=owner,
                actions=["predict"],
                issued_by=owner,
                issued_at=now,
                expires_at=now + timedelta(days=days),
            )

    def test_the_life_of_a_token_is_not_prolonged(self, model: Model) -> None:
        token, _ = factories.token(model, days=1)

        with pytest.raises(DatabaseError, match="only be revoked"), transaction.atomic():
            Token.objects.filter(pk=token.pk).update(expires_at=token.expires_at + timedelta(days=1))
        for change in ("actions = '{fly}'", "environment = 'staging'", "digest = repeat('0', 64)"):
            with pytest.raises(DatabaseError, match="only be revoked"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"UPDATE governance_token SET {change}")

    def test_without_the_trigger_the_life_would_be_prolonged(self, model: Model) -> None:
        token, _ = factories.token(model, days=1)
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER token_course ON governance_token")

        assert Token.objects.filter(pk=token.pk).update(expires_at=token.expires_at + timedelta(days=1)) == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO governance_token_models (token_id, model_id) SELECT t.id, m.id"  # noqa: ISC004
            " FROM governance_token t, registry_model m WHERE m.name = 'other'",
            "UPDATE governance_token_models SET model_id = (SELECT id FROM registry_model WHERE name = 'other')",
            "DELETE FROM governance_token_models",
        ],
    )
    def test_the_reach_of_a_token_never_changes(self, statement: str) -> None:
        """A token reaches the models that it was issued for, and no others, whoever asks."""
        factories.token(factories.model())
        factories.model(name="other")

        with pytest.raises(DatabaseError, match="a token reaches"), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_something_that_is_not_a_digest_is_not_kept(self, owner: User) -> None:
        now = timezone.now()

        with pytest.raises(DatabaseError, match=r"token_digest_only|too long"), transaction.atomic():
            Token.objects.create(
                name="x",
                prefix="crd_p",
                digest=tokens.new("p", PEPPER).text,
                environment="production",
                owner=owner,
                actions=["predict"],
                issued_by=owner,
                issued_at=now,
                expires_at=now + timedelta(days=1),
            )

    def test_nobody_issues_for_a_model_they_do_not_see(self) -> None:
        hidden = factories.model(shared=False)

        with pytest.raises(Missing):
            factories.token(hidden)
        assert not Token.objects.exists()

    def test_nobody_is_given_a_token_for_a_model_they_do_not_see(self, model: Model) -> None:
        service = User.objects.create(username="scoring", kind=User.Kind.SERVICE)

        with pytest.raises(Invalid, match="not shared with scoring"):
            factories.token(model, owner=service)

        factories.share(model, service)
        assert factories.token(model, owner=service)[0].owner == service

    @pytest.mark.parametrize("name", ["reviewer", "cardinal"])
    def test_a_token_never_acts_for_another_person_or_the_portal(self, model: Model, name: str) -> None:
        factories.member("reviewer")

        with pytest.raises(Invalid, match="for whoever issues it, or for a service account"):
            factories.token(model, owner=User.objects.get(username=name))

    def test_one_hidden_model_among_others_refuses_all(self, model: Model) -> None:
        with pytest.raises(Missing):
            factories.token(model, factories.model(shared=False))
        assert not Token.objects.exists()

    @pytest.mark.parametrize("role", ["reviewer", "compliance", "auditor"])
    def test_only_owners_and_admins_issue(self, model: Model, role: str) -> None:
        by = factories.member(role)

        with pytest.raises(Refused):
            verbs.issue(
                name="x",
                owner=by,
                models=[model],
                scope=Scope(actions=("predict",)),
                environment="production",
                expires_at=timezone.now() + timedelta(days=1),
                by=by,
            )

    def test_all_that_is_wrong_is_said_at_once(self, owner: User) -> None:
        owner.is_active = False
        with pytest.raises(Invalid) as caught:
            verbs.issue(
                name=" ",
                owner=owner,
                models=[],
                scope=Scope(actions=("fly",)),
                environment="live",
                expires_at=timezone.now(),
                by=factories.member("admin"),
            )

        assert set(caught.value.fields) == {"name", "owner", "models", "actions", "environment", "expires_at"}

    def test_a_token_is_revoked_once_and_stays_revoked(self, model: Model, owner: User) -> None:
        token, _ = factories.token(model)

        assert verbs.revoke(token=token, by=owner).state == "revoked"

        with pytest.raises(Conflict, match="revoked already"):
            verbs.revoke(token=token, by=owner)
        with pytest.raises(DatabaseError, match="only be revoked"), transaction.atomic():
            Token.objects.update(revoked_at=None, revoked_by=None)
        assert Entry.objects.filter(kind="token.revoked").count() == 1

    def test_who_may_end_a_token(self, model: Model, outsider: User) -> None:
        token, _ = factories.token(model)
        colleague = factories.member("owner", "colleague")

        with pytest.raises(Missing):
            verbs.revoke(token=token, by=outsider)
        with pytest.raises(Refused):  # sees it, as the model is shared; may not end those of others
            verbs.revoke(token=token, by=colleague)
        with pytest.raises(Missing):
            verbs.revoke(token=token, by=factories.member("reviewer"))
        assert verbs.revoke(token=token, by=factories.member("compliance")).state == "revoked"
