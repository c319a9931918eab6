"""Why was this denied? The gate's own reasoning about a question, step by step, from the facts as they are now.

Counters of rates and quotas are not touched: they count as having something left, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance import policies
from governance.gate import reasons
from governance.gate.decide import Answer, weigh
from governance.gate.grants import Facts, TokenFacts
from governance.gate.request import CHAMPION, CHECK, Query
from governance.models import Clearance, Policy, Token
from registry.models import Alias, Model, User, Version, groups_of


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
    token = _token(asked)
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
    facts = Facts(
        at=asked.at,
        token=token,
        model_known=True,
        in_scope=asked.token is None or asked.token.models.filter(pk=asked.model.pk).exists(),
        policy=content,
        version=version.number if version else None,
        cleared=clearance is not None and clearance.allowed,
        unmet=tuple(one["reason"] for one in clearance.unmet) if clearance else ("not_assessed",),
    )
    answer, owed = weigh(query, facts)
    steps = policies.walk(content, _asked(asked, token, content))
    return Explained(
        answer=answer,
        told=reasons.told(answer.reason),
        points=_points(asked, facts),
        steps=tuple(zip(steps, policies.sentences(content), strict=False)),
        conditions=tuple(clearance.conditions) if clearance else (),
        version=facts.version,
        limited=bool(owed),
    )


def _token(asked: Question) -> TokenFacts:
    """The token that was named, or one that could do all that is asked."""
    token, caller = asked.token, asked.caller
    return TokenFacts(
        id=str(token.pk) if token else "",
        environment=asked.environment,
        actions=tuple(token.actions) if token else (asked.action,),
        expired=token is not None and token.expires_at <= asked.at,
        revoked=token is not None and token.revoked_at is not None,
        caller=caller.username,
        active=caller.is_active,
        groups=frozenset(groups_of(caller.pk).values_list("name", flat=True)),
        service=caller.kind == User.Kind.SERVICE,
    )


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
    found = [
        Point("Account", caller.is_active, f"{caller} is switched {'on' if caller.is_active else 'off'}.")
    ]
    if token is None:
        return (*found, Point("Token", True, "No token was named: taken is one that could do all this."))
    state = "revoked" if token.revoked_at else "expired" if token.expires_at <= asked.at else "valid"
    actions = ", ".join(token.actions)
    return (
        *found,
        Point("Token", state == "valid", f"{token.name} is {state}."),
        Point(
            "Scope: model",
            facts.in_scope,
            f"It {'reaches' if facts.in_scope else 'does not reach'} {asked.model}.",
        ),
        Point("Scope: action", asked.action in token.actions, f"It allows {actions}."),
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
