"""Tokens: issue one, have it countersigned, replace it, revoke it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance import scopes, tokens
from governance.events import TokenCountersigned, TokenDeclined, TokenIssued, TokenRevoked, TokenRotated
from governance.models import ServiceAccount, Token
from governance.models.tokens import LONGEST_LIFE, classes_of, longest_life
from governance.permissions import may_countersign, may_end_token
from governance.scopes import Scope
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.events import publish
from registry.models import Environment, Model, User
from registry.permissions import require
from registry.wording import required

LONGEST_OVERLAP, USUAL_OVERLAP = timedelta(days=7), timedelta(hours=24)
HIGH = frozenset({"high", "prohibited"})


@transaction.atomic
def issue(
    *,
    name: str,
    owner: User,
    models: Sequence[Model],
    scope: Scope,
    environment: str,
    expires_at: datetime,
    by: User,
) -> tuple[Token, tokens.Secret]:
    """Issue a token for `owner`. The secret is returned once; only its keyed digest is kept.

    Nobody issues more than they hold: every model must be visible to the issuer and to the owner. A token that reaches a
    model of a high-risk system waits until a second person has countersigned it.
    """
    require(by, "governance.issue_token")
    token, secret = _written(name, owner, models, scope, environment, expires_at, by)
    publish(
        TokenIssued(
            token=token,
            owner=str(owner),
            environment=environment,
            expires_at=expires_at.isoformat(),
            waits=token.needs_second,
            by=by,
        )
    )
    return token, secret


@transaction.atomic
def rotate(
    *, token: Token, overlap: timedelta = USUAL_OVERLAP, expires_at: datetime | None = None, by: User
) -> tuple[Token, tokens.Secret]:
    """Replace an active token by one with the same scope and a new secret. The old one works on for `overlap`, never beyond
    its own end. The new one lives as long as the old one did, unless told otherwise, and reaches what is still seen.
    """
    require(by, "governance.issue_token")
    old = _locked(token, by)
    if old.state != "active" or old.overlap_ends_at:
        raise Conflict(
            f"This token is {'replaced' if old.overlap_ends_at else old.state} already; issue a new one."
        )
    if old.stops.in_force().exists():
        raise Conflict("Queries with this token are stopped; a successor would not be. Lift that first.")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid(fields={"overlap": [f"The old token goes on for at most {LONGEST_OVERLAP.days} days."]})
    seen = Model.objects.visible_to(old.owner).filter(pk__in=Model.objects.visible_to(by))
    models = list(seen.filter(tokens=old))
    now = timezone.now()
    most = longest_life(classes_of(models or old.reach()))
    ends = expires_at or now + min(old.expires_at - old.issued_at, timedelta(days=most))
    new, secret = _written(old.name, old.owner, models, old.scope, old.environment, ends, by, replaces=old)
    old.overlap_ends_at = min(now + overlap, old.expires_at)
    Token.objects.filter(pk=old.pk).update(overlap_ends_at=old.overlap_ends_at)
    publish(
        TokenRotated(
            token=new, previous=old, owner=str(old.owner), until=old.overlap_ends_at.isoformat(),
            expires_at=ends.isoformat(), waits=new.needs_second, by=by,
        )
    )  # fmt: skip
    return new, secret


@transaction.atomic
def countersign(*, token: Token, by: User) -> Token:
    """A second person stands for a token that reaches high-risk models: neither its issuer nor whose it is."""
    one = _for_second(token, by)
    Token.objects.filter(pk=one.pk).update(countersigned_at=timezone.now(), countersigned_by=by)
    one.refresh_from_db()
    publish(TokenCountersigned(token=one, owner=str(one.owner), by=by))
    return one


@transaction.atomic
def decline(*, token: Token, reason: str, by: User) -> Token:
    """A second person does not stand for a token: it is over before it worked."""
    one = _for_second(token, by)
    said = required(reason, field="reason", missing="Say why.", longest=500)
    Token.objects.filter(pk=one.pk).update(
        revoked_at=timezone.now(), revoked_by=by, ended_as=Token.End.DECLINED
    )
    one.refresh_from_db()
    publish(TokenDeclined(token=one, owner=str(one.owner), reason=said, by=by))
    return one


@transaction.atomic
def revoke(*, token: Token, by: User) -> Token:
    """End a token within a second. One's own always; those of others with the role for it."""
    one = _locked(token, by)
    if not (verdict := may_end_token(by, one)):
        raise Refused(verdict, action="governance.revoke_token")
    changed = Token.objects.filter(pk=one.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_by=by, ended_as=Token.End.REVOKED
    )
    if not changed:
        raise Conflict("This token is revoked already.")
    one.refresh_from_db()
    publish(TokenRevoked(token=one, owner=str(one.owner), by=by))
    return one


def _locked(token: Token, by: User) -> Token:
    if not Token.objects.visible_to(by).filter(pk=token.pk).exists():
        raise Missing("There is no such token, or it is not yours.")
    return Token.objects.select_for_update(of=("self",)).select_related("owner", "issued_by").get(pk=token.pk)


def _for_second(token: Token, by: User) -> Token:
    require(by, "governance.issue_token")
    one = _locked(token, by)
    verdict = may_countersign(by, one)
    if not verdict:
        raise Refused(verdict, action="governance.issue_token", subject=one)
    if one.countersigned_at or one.state not in ("waiting", "active"):
        raise Conflict("This token does not wait for a second person any more.")
    return one


def _written(
    name: str,
    owner: User,
    models: Sequence[Model],
    scope: Scope,
    environment: str,
    expires_at: datetime,
    by: User,
    replaces: Token | None = None,
) -> tuple[Token, tokens.Secret]:
    now = timezone.now()
    problems = _problems(by, name, owner, models, scope, environment)
    if not now < expires_at <= now + LONGEST_LIFE:
        problems["expires_at"] = [f"A token ends in the future and within {LONGEST_LIFE.days} days."]
    if problems:
        raise Invalid(fields=problems)
    if by.limit:
        _within_own(by.limit.source, scope, environment, expires_at, replaces)
    _refuse_unseen(models, owner, by)
    reached = list(models)
    if scope.tag[0]:
        reached = list(Model.objects.visible_to(owner).filter(tags__contains=dict([scope.tag])))
    classes = classes_of(reached)
    most = longest_life(classes) if scope.actions else LONGEST_LIFE.days
    if expires_at > now + timedelta(days=most):
        raise Invalid(fields={"expires_at": [f"For these models a token lives at most {most} days."]})
    secret = tokens.new(Environment(environment).letter, settings.TOKEN_PEPPER)
    token = Token.objects.create(
        name=name.strip(), prefix=secret.prefix, digest=secret.digest, pepper=tokens.pepper_id(settings.TOKEN_PEPPER),
        environment=environment, owner=owner, issued_by=by, issued_at=now, expires_at=expires_at, replaces=replaces,
        needs_second=bool(classes & HIGH and scope.actions), **_columns(scope),
    )  # fmt: skip
    token.models.set(models)
    return token, secret


def _refuse_unseen(models: Sequence[Model], owner: User, by: User) -> None:
    """Every model exists for whoever issues and for the owner. Two queries, however many they are."""
    keys = [model.pk for model in models]
    seen, theirs = (
        set(Model.objects.visible_to(one).filter(pk__in=keys).values_list("pk", flat=True))
        for one in (by, owner)
    )
    for model in models:
        if model.pk not in seen:
            require(by, "governance.issue_token", on=model)
        if model.pk not in theirs:
            raise Invalid(fields={"models": [f"{model} is not shared with {owner}; share it first."]})


def _within_own(own: Token, scope: Scope, environment: str, ends: datetime, replaces: Token | None) -> None:
    """A token gives no more than it has: not in scope, not in environment, and longer only when it replaces itself."""
    further = scopes.beyond(scope, own.scope)
    if environment != own.environment:
        further.append("environment")
    if ends > own.ends_at and (replaces is None or replaces.pk != own.pk):
        further.append("its end")
    if further:
        raise Invalid(fields={"scope": [f"This goes beyond the token that asks: {', '.join(further)}."]})


def _columns(scope: Scope) -> dict[str, Any]:
    key, value = scope.tag
    return {
        "actions": sorted(set(scope.actions)),
        "portal": sorted(set(scope.portal)),
        "tag_key": key,
        "tag_value": value,
        "versions": sorted(set(scope.versions)),
        "alias": scope.alias,
        "purpose": scope.purpose,
        "networks": list(scope.networks),
        "limits": dict(scope.limits),
    }


def _problems(
    by: User, name: str, owner: User, models: Sequence[Model], scope: Scope, environment: str
) -> dict[str, list[str]]:
    found = scopes.problems(scope, len(models))
    if not name.strip():
        found["name"] = ["Give the token a name that says what uses it."]
    if not owner.is_active:
        found["owner"] = ["This account is switched off."]
    elif owner.pk != by.pk and (owner.kind != User.Kind.SERVICE or owner == User.machine()):
        found["owner"] = [
            "A token acts for whoever issues it, or for a service account; people issue their own."
        ]
    elif (
        owner.pk != by.pk
        and (scope.tag[0] or scope.portal)
        and not _answers_for(by, owner, unless_nobody=True)
    ):
        found["owner"] = [
            "A tag and the portal reach further than you may see; the account's sponsor can issue this."
        ]
    if environment not in Environment.values:
        found["environment"] = [f"Choose one of {', '.join(Environment.values)}."]
    return found


def _answers_for(by: User, account: User, *, unless_nobody: bool = False) -> bool:
    """Whether `by` is the sponsor of the account; where nobody is, whoever issues its token becomes responsible."""
    row = ServiceAccount.objects.filter(account=account).first()
    return row.sponsor_id == by.pk if row else unless_nobody
