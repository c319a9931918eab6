"""Why was this denied? The gate's own reasoning about a question, step by step, from the facts as they are now.

Counters of rates and quotas are not touched: they count as having something left, and the answer says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from governance import policies, scopes
from governance.gate import reasons
from governance.gate.decide import Answer, weigh
from governance.gate.doors import CHAMPION
from governance.gate.facts import Facts, TokenFacts
from governance.gate.request import CHECK, Query
from governance.gate.statement import STATEMENT
from governance.gate.statement import facts as facts_in
from governance.models import BreakGlass, Clearance, Policy, Stop, Token
from registry.models import Alias, Model, User, Version, groups_of

REACHED = {"all": "all queries", "model": "those to the model", "token": "those with the token"}


@dataclass(frozen=True)
class Question:
    """Who asks for what. With a token its owner is the caller, its environment counts, and its scope is judged too."""

    caller: User
    model: Model
    environment: str
    action: str
    at: datetime
    token: Token | None = None
    version: int | None = None
    alias: str = ""
    network: str = ""
    purpose: str = ""
    payload_bytes: int | None = None


@dataclass(frozen=True)
class Point:
    """One condition of the answer: met or not, in words."""

    label: str
    met: bool
    said: str


@dataclass(frozen=True)
class Explained:
    """The answer and all that it rests on. `sentence` says of each rule of the policy what it is."""

    answer: Answer
    told: reasons.Reason
    points: tuple[Point, ...]
    steps: tuple[tuple[policies.Step, str], ...]
    conditions: tuple[Mapping[str, Any], ...]
    version: int | None
    limited: bool


def explain(asked: Question) -> Explained:
    """The answer of the gate to `asked`, and how it comes about."""
    version = _version(asked)
    clearance = (
        Clearance.objects.filter(version=version, environment=asked.environment).first() if version else None
    )
    policy = (
        Policy.objects.filter(model=asked.model, environment=asked.environment, in_force__isnull=False)
        .select_related("in_force")
        .first()
    )
    content = policy.in_force.content if policy and policy.in_force else None
    query = Query(
        door=CHECK,
        request_id="",
        method="POST",
        model=asked.model.slug,
        alias=asked.alias or CHAMPION,
        number=asked.version,
        named=bool(asked.version or asked.alias),
        action=asked.action,
        network=asked.network,
        purpose=asked.purpose,
        payload_bytes=asked.payload_bytes,
    )
    facts = _of_token(asked, asked.token) if asked.token else _of_account(asked, version, clearance, content)
    answer, owed = weigh(query, facts)
    assert facts.token  # noqa: S101 - both ways name one
    steps = policies.walk(content, _asked(asked, facts.token, content))
    return Explained(
        answer=answer,
        told=reasons.told(answer.reason),
        points=_points(asked, facts),
        steps=tuple(zip(steps, policies.sentences(content), strict=False)),
        conditions=tuple(clearance.conditions) if clearance else (),
        version=facts.version,
        limited=bool(owed),
    )


def _of_token(asked: Question, token: Token) -> Facts:
    """What the gate would find now, by its own statement; only the time that is asked about is another."""
    given = {
        "digests": [token.digest],
        "model": asked.model.slug,
        "alias": asked.alias or CHAMPION,
        "number": asked.version,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, given)
        row = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    for name in ("limits", "conditions"):  # Django leaves JSON to its fields
        row[name] = json.loads(row[name]) if isinstance(row[name], str) else row[name]
    found = facts_in(row)
    assert found.token  # noqa: S101 - its digest is unique
    return replace(found, at=asked.at, token=replace(found.token, expired=token.ends_at <= asked.at))


def _of_account(asked: Question, version: Version | None, clearance: Clearance | None, content: Any) -> Facts:
    """What holds for whoever asks with a token that could do all this."""
    caller = asked.caller
    stopped = _stops(asked)
    token = TokenFacts(
        id="",
        environment=asked.environment,
        actions=(asked.action,),
        expired=False,
        revoked=False,
        caller=caller.username,
        active=caller.is_active,
        groups=frozenset(groups_of(caller.pk).values_list("name", flat=True)),
        service=caller.kind == User.Kind.SERVICE,
    )
    return Facts(
        at=asked.at,
        token=token,
        model_known=True,
        in_scope=True,
        in_sight=Model.objects.visible_to(caller).filter(pk=asked.model.pk).exists(),
        version_in_scope=True,
        policy=content,
        version=version.number if version else None,
        cleared=clearance is not None
        and clearance.allowed
        and (clearance.valid_until is None or clearance.valid_until > asked.at),
        unmet=tuple(one["reason"] for one in clearance.unmet) if clearance else ("not_assessed",),
        all_stopped=any(one == "all" for one, _ in stopped),
        model_stopped=any(one == "model" for one, _ in stopped),
        broken_glass=version is not None
        and BreakGlass.objects.in_force().filter(version=version, environment=asked.environment).exists(),
    )


def _stops(asked: Question) -> list[tuple[str, str]]:
    """What is stopped of that which the question is about, and why: of everything, of the model, of the token."""
    reached = Q(reach="all") | Q(model=asked.model) | (Q(token=asked.token) if asked.token else Q())
    return list(Stop.objects.in_force().filter(reached).order_by("reach").values_list("reach", "reason"))


def _asked(asked: Question, token: TokenFacts, content: Any) -> policies.Query:
    return policies.Query(
        caller=token.caller,
        groups=token.groups,
        action=asked.action,
        at=asked.at,
        service=token.service,
        network=asked.network,
        purpose=asked.purpose,
        payload_bytes=asked.payload_bytes,
        spent={rule.charge.key: None for rule in policies.compiled(content).rules if rule.charge},
    )


def _points(asked: Question, facts: Facts) -> tuple[Point, ...]:
    token, caller = asked.token, asked.caller
    stops = "; ".join(f"{REACHED[reach]}: {reason}" for reach, reason in _stops(asked))
    found = [
        Point("Account", caller.is_active, f"{caller} is switched {'on' if caller.is_active else 'off'}."),
        Point("Stops", not stops, f"Somebody has stopped {stops}" if stops else "Nobody has stopped it."),
    ]
    if token is None:
        return (*found, Point("Token", True, "No token was named: taken is one that could do all this."))
    judged = facts.token
    state = (
        "revoked" if token.revoked_at else "expired" if token.ends_at <= asked.at
        else "waiting for its second person" if (judged and judged.waiting) or facts.second_missing
        else "older than tokens for this model may be" if facts.outlived else "valid"
    )  # fmt: skip
    versions = (
        "any version"
        if not (token.versions or token.alias)
        else token.alias or ", ".join(map(str, token.versions))
    )
    there = scopes.from_there(tuple(token.networks), asked.network)
    return (
        *found,
        Point("Token", state == "valid", f"{token.name} is {state}."),
        Point(
            "Scope: model",
            facts.in_scope,
            f"It {'reaches' if facts.in_scope else 'does not reach'} {asked.model}.",
        ),
        Point(
            "Sight",
            facts.in_sight,
            f"{caller} {'sees' if facts.in_sight else 'or whoever answers for it no longer sees'} {asked.model}.",
        ),
        Point(
            "Scope: action",
            asked.action in token.actions,
            f"It allows {', '.join(token.actions) or 'nothing at the gate'}.",
        ),
        Point("Scope: version", facts.version_in_scope, f"It reaches {versions}."),
        Point("Scope: network", there, f"It is used from {', '.join(token.networks) or 'any network'}."),
        Point(
            "Scope: purpose",
            scopes.for_that(token.purpose, asked.purpose),
            f"It is for {token.purpose or 'any purpose'}.",
        ),
    )


def _version(asked: Question) -> Version | None:
    if asked.version:
        return Version.objects.filter(model=asked.model, number=asked.version).first()
    alias = (
        Alias.objects.filter(model=asked.model, name=asked.alias or CHAMPION)
        .select_related("version")
        .first()
    )
    return alias.version if alias else None
