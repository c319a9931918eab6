"""What becomes of a token, and of how long tokens live."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import transaction

from governance.actions import token_lives
from governance.actions import tokens as verbs
from registry.actions import systems
from registry.models import Environment, Model
from tests import factories
from tests.governance.gate.stand import OTHER, Case, Stand, change, served, sql

PRODUCTION = Environment.PRODUCTION
NOT_ALLOWED = "policy_does_not_allow"

# The token


@change
def token_revoked(stand: Stand) -> Case:
    token, ask = stand.token()
    return Case(ask, "1", "token_revoked", lambda: verbs.revoke(token=token, by=stand.owner))


@change
def token_revoked_by_sql(stand: Stand) -> Case:
    token, ask = stand.token()
    end = sql(
        "UPDATE governance_token SET revoked_at = now(), revoked_by_id = owner_id, ended_as = 'revoked' WHERE id = %s",
        token.pk,
    )
    return Case(ask, "1", "token_revoked", end)


@change
def token_revoked_in_a_transaction_that_lasts(stand: Stand) -> Case:
    """What is written and not committed is nothing yet; grants that are loaded meanwhile may not outlive the commit."""
    token, ask = stand.token()

    def end() -> None:
        with transaction.atomic():
            verbs.revoke(token=token, by=stand.owner)
            time.sleep(0.4)

    return Case(ask, "1", "token_revoked", end)


@change
def token_replaced_at_once(stand: Stand) -> Case:
    token, ask = stand.token()
    replace = lambda: verbs.rotate(token=token, overlap=timedelta(0), by=stand.owner)  # noqa: E731
    return Case(ask, "1", "token_expired", replace)


@change
def token_countersigned(stand: Stand) -> Case:
    token, ask = _waiting(stand)
    by = factories.member("owner", "colleague")
    return Case(ask, "token_waiting", OTHER, lambda: verbs.countersign(token=token, by=by))


@change
def token_countersigned_by_sql(stand: Stand) -> Case:
    token, ask = _waiting(stand)
    by = factories.member("owner", "colleague")
    sign = sql(
        "UPDATE governance_token SET countersigned_at = now(), countersigned_by_id = %s WHERE id = %s",
        by.pk, token.pk,
    )  # fmt: skip
    return Case(ask, "token_waiting", OTHER, sign)


@change
def token_life_tightened(stand: Stand) -> Case:
    _, ask = _old(stand)
    decide = lambda: token_lives.decide(  # noqa: E731
        risk_class="minimal", days=2, rationale="Policy 9.", by=factories.member("compliance")
    )
    return Case(ask, "1", "token_outlived", decide)


@change
def token_life_tightened_by_sql(stand: Stand) -> Case:
    """For models of no system, which nobody has decided about."""
    model, ask = _old(stand)
    systems.remove_model(system=model.systems.get(), model=model, by=stand.owner)
    decide = sql(
        "INSERT INTO governance_tokenlife (risk_class, days, rationale, by_id, decided_at)"
        " VALUES ('undecided', 2, 'x', %s, now())",
        stand.boss.pk,
    )
    return Case(ask, "not_cleared", "token_outlived", decide)


def _risky(stand: Stand) -> Model:
    """A model of high risk."""
    return stand.once("risky", lambda: served(risk_class="high").model)


def _waiting(stand: Stand) -> tuple[Any, bytes]:
    """A token that waits for its second person, and what is asked with it."""
    token, secret = factories.token(_risky(stand))
    return token, stand.asks(secret.text, model=_risky(stand))


def _old(stand: Stand) -> tuple[Model, bytes]:
    """What is asked with a token that is three days old, of a model of minimal risk."""
    model = stand.once("minimal", lambda: served(risk_class="minimal").model)
    token, secret = factories.token(model, days=1)
    sql("ALTER TABLE governance_token DISABLE TRIGGER token_course")()
    sql("UPDATE governance_token SET issued_at = issued_at - interval '3 days' WHERE id = %s", token.pk)()
    sql("ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course")()
    return model, stand.asks(secret.text, model=model)
