"""Tokens: issue one, revoke one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance import tokens
from governance.events import TokenIssued, TokenRevoked
from governance.models import Token
from governance.models.tokens import LONGEST_LIFE
from registry.errors import Conflict, Invalid, Missing
from registry.events import publish
from registry.models import Environment, Model, User
from registry.permissions import require


@transaction.atomic
def issue(
    *,
    name: str,
    owner: User,
    models: Sequence[Model],
    actions: Sequence[str],
    environment: str,
    expires_at: datetime,
    by: User,
) -> tuple[Token, tokens.Secret]:
    """Issue a token for `owner`. The secret is returned once; only its keyed digest is kept.

    Nobody issues more than they hold: every model must be visible to the issuer and to the owner.
    """
    require(by, "governance.issue_token")
    now = timezone.now()
    problems = _problems(by, name, owner, models, actions, environment, expires_at, now)
    if problems:
        raise Invalid(fields=problems)
    for model in models:
        require(by, "governance.issue_token", on=model)
        if not Model.objects.visible_to(owner).filter(pk=model.pk).exists():
            raise Invalid(fields={"models": [f"{model} is not shared with {owner}; share it first."]})
    secret = tokens.new(Environment(environment).letter, settings.TOKEN_PEPPER)
    token = Token.objects.create(
        name=name.strip(),
        prefix=secret.prefix,
        digest=secret.digest,
        environment=environment,
        owner=owner,
        actions=sorted(set(actions)),
        issued_by=by,
        issued_at=now,
        expires_at=expires_at,
    )
    token.models.set(models)
    publish(
        TokenIssued(
            token=token, owner=str(owner), environment=environment, expires_at=expires_at.isoformat(), by=by
        )
    )
    return token, secret


@transaction.atomic
def revoke(*, token: Token, by: User) -> Token:
    """End a token with the next query. One's own always; those of others with the role for it."""
    if not Token.objects.visible_to(by).filter(pk=token.pk).exists():
        raise Missing("There is no such token, or it is not yours.")
    if by.pk not in (token.owner_id, token.issued_by_id):
        require(by, "governance.revoke_token")
    changed = Token.objects.filter(pk=token.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_by=by
    )
    if not changed:
        raise Conflict("This token is revoked already.")
    token.refresh_from_db()
    publish(TokenRevoked(token=token, owner=str(token.owner), by=by))
    return token


def _problems(
    by: User,
    name: str,
    owner: User,
    models: Sequence[Model],
    actions: Sequence[str],
    environment: str,
    expires_at: datetime,
    now: datetime,
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if not name.strip():
        found["name"] = ["Give the token a name that says what uses it."]
    if not owner.is_active:
        found["owner"] = ["This account is switched off."]
    elif owner.pk != by.pk and (owner.kind != User.Kind.SERVICE or owner == User.machine()):
        found["owner"] = [
            "A token acts for whoever issues it, or for a service account; people issue their own."
        ]
    if not models:
        found["models"] = ["Choose at least one model."]
    if not actions or not set(actions) <= set(Token.Action.values):
        found["actions"] = [f"Choose from {', '.join(Token.Action.values)}."]
    if environment not in Environment.values:
        found["environment"] = [f"Choose one of {', '.join(Environment.values)}."]
    if not now < expires_at <= now + LONGEST_LIFE:
        found["expires_at"] = [f"A token ends in the future and within {LONGEST_LIFE.days} days."]
    return found
