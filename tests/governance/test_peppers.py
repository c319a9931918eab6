"""TOKEN_PEPPER lists several: the first makes new digests, all of them are known, and one that is gone is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from governance import signin, tokens
from governance.actions import tokens as verbs
from governance.checks import peppers_are_all_there
from governance.models import Token
from registry.models import User
from tests import factories
from tests.governance.gate.conftest import code, on_test_database, serve, start

OLD, NEW = "o" * 40, "n" * 40


def peppers(settings: Any, *found: str) -> None:
    """As settings.py reads TOKEN_PEPPER."""
    settings.TOKEN_PEPPERS, settings.TOKEN_PEPPER = list(found), found[0]


@pytest.fixture
def issued(db: None, settings: Any) -> tuple[Token, tokens.Secret]:
    """A token of the portal from the days of the old pepper."""
    peppers(settings, OLD)
    return factories.token(actions=(), portal=("read",))


def me(secret: tokens.Secret) -> int:
    answer = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {secret.text}"})
    return int(answer.status_code)


def test_an_old_token_works_while_its_pepper_is_listed_and_not_longer(issued: Any, settings: Any) -> None:
    _, secret = issued

    for listed, status in (((NEW, OLD), 200), ((OLD, NEW), 200), ((NEW,), 401), ((OLD,), 200)):
        peppers(settings, *listed)
        assert me(secret) == status, listed


def test_a_new_token_is_made_with_the_first(issued: Any, settings: Any) -> None:
    peppers(settings, NEW, OLD)

    token, secret = factories.token(actions=(), portal=("read",))

    assert token.digest == tokens.digest(secret.text, NEW) != tokens.digest(secret.text, OLD)
    assert token.pepper == tokens.pepper_id(NEW)
    peppers(settings, NEW)
    assert me(secret) == 200


def test_rotation_moves_a_token_to_the_new_pepper(issued: Any, settings: Any, owner: User) -> None:
    token, _ = issued
    peppers(settings, NEW, OLD)

    successor, secret = verbs.rotate(token=token, overlap=timedelta(hours=1), by=owner)
    peppers(settings, NEW)

    assert successor.pepper == tokens.pepper_id(NEW)
    assert signin.known(secret.text)


def test_a_token_of_the_old_pepper_can_be_told_as_leaked(issued: Any, settings: Any) -> None:
    token, secret = issued
    peppers(settings, NEW, OLD)

    Client().post("/api/v1/tokens/leaked/", [{"token": secret.text}], content_type="application/json")

    token.refresh_from_db()
    assert token.ended_as == "leaked"


def test_a_pepper_that_is_gone_is_told_while_a_token_needs_it(
    issued: Any, settings: Any, owner: User
) -> None:
    token, _ = issued
    assert not peppers_are_all_there(None, databases=["default"])

    peppers(settings, NEW)
    (told,) = peppers_are_all_there(None, databases=["default"])
    assert told.id == "cardinal.W001"
    assert told.msg.startswith("1 tokens that are not over need a pepper")
    assert OLD not in f"{told.msg}{told.hint}"

    peppers(settings, NEW, OLD)
    assert not peppers_are_all_there(None, databases=["default"])
    peppers(settings, NEW)
    verbs.revoke(token=token, by=owner)
    assert not peppers_are_all_there(None, databases=["default"])


def test_the_command_for_operators_prints_it(issued: Any, settings: Any, capsys: Any) -> None:
    peppers(settings, NEW)

    call_command("check", databases=["default"])

    assert "cardinal.W001" in capsys.readouterr().err


def test_a_token_that_is_over_needs_no_pepper(issued: Any, settings: Any) -> None:
    token, _ = issued
    peppers(settings, NEW)

    verbs.rotate(token=token, overlap=timedelta(0), by=token.owner)

    assert Token.objects.get(pk=token.pk).overlap_ends_at <= timezone.now()
    assert not peppers_are_all_there(None, databases=["default"])


@pytest.mark.django_db(transaction=True)
def test_the_gate_knows_them_both(settings: Any, transactional_db: None, tmp_path: Any) -> None:
    peppers(settings, OLD)
    old = serve()
    peppers(settings, NEW, OLD)
    _, new = factories.token(old.version.model)

    for listed, statuses in ((f"{NEW},{OLD}", (200, 200)), (NEW, (401, 200))):
        gate = start(tmp_path, on_test_database() | {"TOKEN_PEPPER": listed})
        try:
            answers = gate.check(old.path, old.secret), gate.check(old.path, new.text)
        finally:
            gate.end()
        assert tuple(one.status_code for one in answers) == statuses
        assert statuses[0] == 200 or code(answers[0]) == "token_unknown"
