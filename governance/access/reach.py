"""Who can query a model, and what somebody reaches: from the policies in force, the groups of now and the tokens of now.

Exact and complete: each account and each model is judged by the rules themselves, by `policies.access`. Accounts that
answer to the same names in a policy are judged once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from governance import policies
from governance.models import Policy, ServiceAccount, Token
from governance.policies import ACTIONS, Access, Compiled, Rule
from registry import canonical
from registry.models import Environment, Model, User, groups_of
from registry.models.visibility import SEERS

# Every account that is switched on and sees the model; whoever answers for a service account does so, too.
SEEING = f"""
WITH seers AS MATERIALIZED ({SEERS})
SELECT u.id, u.username, u.kind = 'service'
FROM seers JOIN registry_user u ON u.id = seers.user_id
LEFT JOIN governance_serviceaccount sa ON sa.account_id = u.id
LEFT JOIN registry_user sponsor ON sponsor.id = sa.sponsor_id
WHERE u.is_active
  AND (sa.id IS NULL OR sponsor.is_active AND sponsor.id IN (SELECT user_id FROM seers))
"""  # noqa: S608 - fixed text
# Who is in each of the named groups, as one text a group. Asked apart from the accounts: together, a wrong guess of the planner
# costs seconds. And by group, not by account: fifty long texts are made and read in a third of the time of ten thousand short.
BELONGING = """
SELECT group_id, string_agg(user_id::text, ',') FROM registry_membership WHERE group_id = ANY(%s) GROUP BY group_id
"""
Key = tuple[
    str, bool, int
]  # name and kind of an account that is named itself, else "" and False; its groups as bits


class Who(NamedTuple):
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
    return _Policy(model, environment).who(action)


def survey(model: Model) -> dict[str, Survey]:
    """For each environment, how many accounts may do what with `model`, and who."""
    return {environment: Survey(_Policy(model, environment)) for environment in Environment.values}


class Survey:
    """One environment: `numbers` by action, and `who` for those that are looked at."""

    def __init__(self, policy: _Policy) -> None:
        self._policy = policy
        self.numbers = {action: policy.number(action) for action in ACTIONS}

    def who(self, action: str) -> list[Who]:
        """Every account that may do `action`, by name."""
        return self._policy.who(action)


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
    marks = [json.dumps(one, ensure_ascii=False).encode() for one in names]
    for name, slug, environment, digest, body in rows.iterator(chunk_size=2000):
        stored = bytes(body)
        if not any(mark in stored for mark in marks):  # canonical JSON: who is not in its bytes is in no rule
            continue
        policy, said = _read(digest, stored)
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


class _Policy:
    """The policy of one model in one environment, and the accounts that it names."""

    def __init__(self, model: Model, environment: str) -> None:
        self.now = timezone.now()
        self.model, self.environment = model, environment
        row = (
            Policy.objects.filter(model=model, environment=environment, in_force__isnull=False)
            .values_list("in_force__digest", "in_force__body")
            .first()
        )
        self.policy, self.said = _read(row[0], bytes(row[1])) if row else (Compiled(absent=True), {})
        self.subjects = frozenset().union(*(rule.subjects for rule in self.policy.rules))
        self.names = {
            subject.partition(":")[2] for subject in self.subjects if not subject.startswith("group:")
        }
        self.accounts, self.groups = _named(model, self.subjects, self.names) if row else ({}, [])

    def number(self, action: str) -> int:
        """How many accounts may do `action`."""
        return sum(len(alike) for key, alike in self.accounts.items() if self._access(key, action))

    def who(self, action: str) -> list[Who]:
        """Each account that may do `action`, by name."""
        tokens = _tokens_on(self.model, self.environment, action, self.now) if self.accounts else set()
        found: list[Who] = []
        for key, alike in self.accounts.items():
            if access := self._access(key, action):
                extent, (by, unless) = access.extent, _rules([access], self.said)
                found += [Who(name, service, extent, by, unless, name in tokens) for name, service in alike]
        return sorted(found, key=itemgetter(0))  # a name is there once

    def _access(self, key: Key, action: str) -> Access:
        name, service, groups = key
        own = {f"user:{name}"} | ({f"service:{name}"} if service else set()) if name else set()
        own |= {subject for place, subject in enumerate(self.groups) if groups >> place & 1}
        return policies.access(self.policy, own, action, self.now)


def _named(
    model: Model, subjects: frozenset[str], names: AbstractSet[str]
) -> tuple[dict[Key, list[tuple[str, bool]]], list[str]]:
    """The accounts that see `model` and answer to one of `subjects`, by what they answer to, and the groups among these in the
    order of their bits. Accounts with the same key are judged once.
    """
    named = [name for kind, _, name in (one.partition(":") for one in subjects) if kind == "group"]
    groups = dict(Group.objects.filter(name__in=named).values_list("pk", "name"))
    places = {group: place for place, group in enumerate(groups)}
    belonging: dict[int, int] = defaultdict(int)
    accounts: dict[Key, list[tuple[str, bool]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(BELONGING, [list(groups)])
        for group, members in cursor.fetchall():
            bit = 1 << places[group]
            for member in map(int, members.split(",")):
                belonging[member] |= bit
        cursor.execute(SEEING, {"model": model.pk})
        for pk, name, service in cursor.fetchall():
            if name in names:
                accounts[name, service, belonging.get(pk, 0)].append((name, service))
            elif pk in belonging:
                accounts["", False, belonging[pk]].append((name, service))
    return accounts, [f"group:{name}" for name in groups.values()]


def _tokens_on(model: Model, environment: str, action: str, now: datetime) -> set[str]:
    """The owners of tokens that do this now."""
    rows = (
        Token.objects.reaching(model)
        .in_force(now)
        .filter(environment=environment, actions__contains=[action])
    )
    return set(rows.values_list("owner__username", flat=True))


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
