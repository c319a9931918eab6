"""Who can query a model, and what somebody reaches: from the policies in force, the groups of now and the tokens of now.

Exact and complete: each account and each model is judged by the rules themselves, by `policies.access`. Accounts that
answer to the same names in a policy are judged once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from governance import policies
from governance.models import Policy, ServiceAccount, Token
from governance.policies import ACTIONS, Access, Compiled, Rule
from registry import canonical
from registry.models import Environment, Model, User, groups_of
from registry.models.visibility import SEERS

# Every account that is switched on and sees the model, with those of the named groups that it is in; one row an account
# that the policy names. Whoever answers for a service account is switched on and sees the model, too.
NAMED = f"""
WITH seers AS MATERIALIZED ({SEERS})
SELECT u.username, u.kind = 'service', coalesce(array_agg(g.name ORDER BY g.name) FILTER (WHERE g.id IS NOT NULL), '{{}}')
FROM registry_user u
LEFT JOIN registry_membership ug ON ug.user_id = u.id
  AND ug.group_id IN (SELECT id FROM auth_group WHERE name = ANY(%(groups)s))
LEFT JOIN auth_group g ON g.id = ug.group_id
WHERE u.is_active AND u.id IN (SELECT user_id FROM seers)
  AND NOT EXISTS (SELECT 1 FROM governance_serviceaccount sa JOIN registry_user sponsor ON sponsor.id = sa.sponsor_id
                  WHERE sa.account_id = u.id
                    AND NOT (sponsor.is_active AND sponsor.id IN (SELECT user_id FROM seers)))
  AND (u.username = ANY(%(names)s) OR ug.group_id IS NOT NULL)
GROUP BY u.id ORDER BY u.username
"""  # noqa: S608 - fixed text


@dataclass(frozen=True)
class Who:
    """One account that may do something with a model, under which conditions, and whether it holds a token for it."""

    name: str
    service: bool
    extent: str  # always or sometimes
    by: tuple[str, ...]  # the rules that allow, as sentences
    unless: tuple[str, ...]  # the rules that deny under their conditions
    token: bool


@dataclass(frozen=True)
class What:
    """What somebody may do with one model in one environment: action → extent, with the rules behind it."""

    model: str
    slug: str
    environment: str
    actions: Mapping[str, str]
    by: tuple[str, ...]
    unless: tuple[str, ...]
    tokens: frozenset[str] = field(default_factory=frozenset)  # actions for which a token is there


def who(model: Model, environment: str, action: str) -> list[Who]:
    """Every account that may do `action` with `model` in `environment`, by name."""
    return list(_judged(model, environment, (action,))[action])


def survey(model: Model) -> dict[str, dict[str, list[Who]]]:
    """Every account that may do anything with `model`: environment → action → accounts by name."""
    return {environment: _judged(model, environment, ACTIONS) for environment in Environment.values}


def what(account: User, models: QuerySet[Model], *, at: datetime | None = None) -> list[What]:
    """What `account` may do with each of `models`, by name; models with which it may do nothing are left out."""
    if not account.is_active:
        return []
    now = at or timezone.now()
    names = {f"user:{account.username}"} | {
        f"group:{name}" for name in groups_of(account.pk).values_list("name", flat=True)
    }
    if account.kind == User.Kind.SERVICE:
        names.add(f"service:{account.username}")
    rows = (
        Policy.objects.filter(model__in=_seen_by(account, models), in_force__isnull=False)
        .order_by("model__name", "model", "environment")
        .values_list("model__name", "model__slug", "environment", "in_force__digest", "in_force__body")
    )
    held = _tokens_of(account, now)
    found = []
    for name, slug, environment, digest, body in rows.iterator(chunk_size=2000):
        policy, said = _read(digest, bytes(body))
        judged = {action: policies.access(policy, names, action, now) for action in ACTIONS}
        able = {action: access for action, access in judged.items() if access}
        if able:
            by, unless = _rules(able.values(), said)
            tokens = held.get((slug, environment), frozenset()) & able.keys()
            extents = {action: access.extent for action, access in able.items()}
            found.append(What(name, slug, environment, extents, by, unless, frozenset(tokens)))
    return found


def _seen_by(account: User, models: QuerySet[Model]) -> QuerySet[Model]:
    """Those of `models` that the account sees, and whoever answers for it."""
    found = models.filter(pk__in=Model.objects.visible_to(account).values("pk"))
    service = ServiceAccount.objects.filter(account=account).select_related("sponsor").first()
    return found.filter(pk__in=Model.objects.visible_to(service.sponsor).values("pk")) if service else found


def _judged(model: Model, environment: str, actions: Iterable[str]) -> dict[str, list[Who]]:
    found: dict[str, list[Who]] = {action: [] for action in actions}
    row = (
        Policy.objects.filter(model=model, environment=environment, in_force__isnull=False)
        .values_list("in_force__digest", "in_force__body")
        .first()
    )
    if row is None:
        return found
    policy, said = _read(row[0], bytes(row[1]))
    now = timezone.now()
    subjects = frozenset().union(*(rule.subjects for rule in policy.rules))
    tokens = _tokens_on(model, environment, now)
    known: dict[tuple[frozenset[str], str], tuple[Access, tuple[str, ...], tuple[str, ...]]] = {}
    for name, service, groups in _named(model, subjects):
        own = {f"user:{name}"} | ({f"service:{name}"} if service else set())
        answers_to = frozenset((own | {f"group:{group}" for group in groups}) & subjects)
        for action, able in found.items():
            key = answers_to, action
            if key not in known:
                access = policies.access(policy, answers_to, action, now)
                known[key] = (access, *_rules([access], said))
            access, by, unless = known[key]
            if access:
                able.append(Who(name, service, access.extent, by, unless, action in tokens.get(name, ())))
    return found


def _named(model: Model, subjects: frozenset[str]) -> list[tuple[str, bool, list[str]]]:
    split = [subject.partition(":") for subject in subjects]
    values: dict[str, Any] = {
        "model": model.pk,
        "groups": [name for kind, _, name in split if kind == "group"],
        "names": [name for kind, _, name in split if kind != "group"],
    }
    with connection.cursor() as cursor:
        cursor.execute(NAMED, values)
        rows: list[tuple[str, bool, list[str]]] = cursor.fetchall()
    return rows


def _tokens_on(model: Model, environment: str, now: datetime) -> dict[str, set[str]]:
    rows = Token.objects.reaching(model).in_force(now).filter(environment=environment)
    found: dict[str, set[str]] = {}
    for owner, actions in rows.values_list("owner__username", "actions"):
        found.setdefault(owner, set()).update(actions)
    return found


def _tokens_of(account: User, now: datetime) -> dict[tuple[str, str], frozenset[str]]:
    rows = Token.objects.filter(owner=account).in_force(now)
    columns = ("environment", "actions")
    named = rows.filter(tag_key="").values_list("models__slug", *columns)
    tagged = [
        (slug, one.environment, one.actions)
        for one in rows.exclude(tag_key="").select_related("owner")
        for slug in one.reach().values_list("slug", flat=True)
    ]
    found: dict[tuple[str, str], frozenset[str]] = {}
    for slug, environment, actions in [*named, *tagged]:
        found[slug, environment] = found.get((slug, environment), frozenset()) | set(actions)
    return found


@lru_cache(maxsize=4096)
def _read(digest: str, body: bytes) -> tuple[Compiled, dict[int, str]]:
    """A published policy and its sentences by rule. Its bytes never change, so this is no cache of rights."""
    content: Any = canonical.parse(body)
    policy = policies.compiled(content)
    said = policies.sentences(content)
    return policy, {rule.number: sentence for rule, sentence in zip(policy.rules, said, strict=True)}


def _rules(judged: Iterable[Access], said: Mapping[int, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    allowing: dict[int, Rule] = {}
    denying: dict[int, Rule] = {}
    for access in judged:
        allowing |= {rule.number: rule for rule in access.allowing}
        denying |= {rule.number: rule for rule in access.denying}
    return tuple(said[n] for n in sorted(allowing)), tuple(said[n] for n in sorted(denying))
