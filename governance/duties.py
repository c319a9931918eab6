"""Who could do both halves of what two people should do. Nine queries, whatever there is.

"Could" is by role and sight alone, now: not whether they did, and not whether a rule would stop them in the single case.
That rule is named beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.utils import timezone

from governance.models import Policy
from governance.roles import ROLES
from registry import canonical
from registry.models import (
    Model,
    ModelGroupObjectPermission,
    ModelUserObjectPermission,
    RoleGrant,
    System,
    TeamMember,
    User,
)
from registry.models.visibility import VIEW_MODEL

SHOWN = 5
Keys = frozenset[int]
NONE: Keys = frozenset()


@dataclass(frozen=True)
class Duty:
    """Two things that one person should not do about the same object, and what stands in the way."""

    code: str
    label: str
    first: str  # permissions
    second: str
    guard: str


AUTHOR = Duty(
    "author_and_approve",
    "Writes and approves",
    "registry.write_document",
    "governance.judge_review",
    "Nobody approves what they wrote or submitted: the verb and the database refuse it.",
)
ISSUE = Duty(
    "issue_and_use",
    "Issues tokens and may query",
    "governance.issue_token",
    "",
    "A token acts only for whoever issues it or for a service account, and stands in the trail.",
)
RISK = Duty(
    "classify_and_own",
    "Decides the risk class and owns systems",
    "governance.decide_risk",
    "registry.write_document",
    "None: take one of the roles.",
)
DUTIES = (AUTHOR, ISSUE, RISK)


@dataclass(frozen=True)
class Person:
    """An active account, and what gives it rights: ten thousand of them are read for one page."""

    pk: int
    username: str
    is_superuser: bool
    roles: Mapping[str, datetime]  # role → since when
    teams: tuple[str, ...]
    own: frozenset[str]  # permissions given to the account itself

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group whose member it is."""
        return (*self.roles, *self.teams)


@dataclass(frozen=True)
class Overlap:
    """One person, one pair of duties."""

    user: Person
    duty: Duty
    count: int
    kind: str  # what is counted
    names: tuple[str, ...]  # the first of them
    since: datetime | None  # when the second of the two roles began; None where a right came by no role

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.names)


@dataclass(frozen=True)
class Sight:
    """Who sees which models, read once."""

    names: Mapping[int, str]
    direct: Mapping[int, Keys]
    grouped: Mapping[str, Keys]

    def of(self, person: Person, *, everything: bool) -> Keys:
        """The keys of the models that somebody sees."""
        if everything:
            return frozenset(self.names)
        grouped = (self.grouped.get(one, NONE) for one in person.groups)
        return self.direct.get(person.pk, NONE).union(*grouped)


def overlaps() -> list[Overlap]:
    """Everybody who could do both halves of a duty, by name."""
    sight, usable = _sight(), _usable()
    systems = tuple(System.objects.filter(retired_at=None).order_by("name").values_list("name", flat=True))
    found = []
    for person in _people():
        held = _held(frozenset(person.roles)) | person.own
        for duty in DUTIES:
            if not person.is_superuser and not {duty.first, duty.second or duty.first} <= held:
                continue
            if duty is RISK:
                kind, count, names = "systems", len(systems), systems[:SHOWN]
            else:
                reached = _reached(person, usable) if duty is ISSUE else None
                if reached == NONE:
                    continue
                everything = person.is_superuser or "registry.view_model" in held
                keys = sight.of(person, everything=everything)
                keys = keys if reached is None else keys & reached
                kind, count = "models", len(keys)
                names = tuple(sorted(sight.names[key] for key in keys)[:SHOWN])
            if count:
                found.append(Overlap(person, duty, count, kind, names, _since(duty, person.roles)))
    return found


@cache
def _held(roles: frozenset[str]) -> frozenset[str]:
    """What these roles may do together."""
    return frozenset(right for role in roles for right in ROLES[role])


def _people() -> Iterator[Person]:
    """Active accounts that have any right, by name, with their roles in force: four queries."""
    roles: dict[int, dict[str, datetime]] = defaultdict(dict)
    for user_id, role, begun in RoleGrant.objects.in_force().values_list("user_id", "role", "since"):
        roles[user_id][role] = begun
    teams: dict[int, list[str]] = defaultdict(list)
    members = TeamMember.objects.standing().filter(team__archived_at=None)
    for user_id, name in members.values_list("user_id", "team__group__name"):
        teams[user_id].append(name)
    own: dict[int, set[str]] = defaultdict(set)
    rights = User.user_permissions.through.objects.values_list(
        "user_id", "permission__content_type__app_label", "permission__codename"
    )
    for user_id, label, codename in rights:
        own[user_id].add(f"{label}.{codename}")
    accounts = User.objects.filter(is_active=True).order_by("username")
    for pk, username, is_superuser in accounts.values_list("pk", "username", "is_superuser"):
        if is_superuser or pk in roles or pk in own:
            held, member = roles.get(pk, {}), tuple(teams.get(pk, ()))
            yield Person(pk, username, is_superuser, held, member, frozenset(own.get(pk, ())))


def _sight() -> Sight:
    names = dict(Model.objects.present().values_list("pk", "name"))
    direct, grouped = defaultdict(set), defaultdict(set)
    shared = {"permission__codename": VIEW_MODEL}
    for user, model in ModelUserObjectPermission.objects.filter(**shared).values_list(
        "user", "content_object"
    ):
        direct[user].add(model)
    rows = ModelGroupObjectPermission.objects.filter(**shared).values_list("group__name", "content_object")
    for group, model in rows:
        grouped[group].add(model)
    known = frozenset(names)
    return Sight(
        names,
        {key: known & models for key, models in direct.items()},
        {key: known & models for key, models in grouped.items()},
    )


def _usable() -> dict[str, Keys]:
    """Subject of a policy ("user:…", "group:…") → the models that a rule in force lets it predict with."""
    found = defaultdict(set)
    rows = Policy.objects.exclude(in_force=None).values_list("model", "in_force__body")
    for model, body in rows:
        for rule in _rules(canonical.parse(bytes(body))):
            if rule.get("effect") == "allow" and "predict" in rule.get("actions", ()) and not _is_over(rule):
                for subject in rule.get("subjects", ()):
                    found[subject].add(model)
    return {subject: frozenset(models) for subject, models in found.items()}


def _rules(content: Any) -> list[dict[str, Any]]:
    rules = content.get("rules") if isinstance(content, dict) else None
    return [one for one in rules if isinstance(one, dict)] if isinstance(rules, list) else []


def _is_over(rule: Mapping[str, Any]) -> bool:
    end = rule.get("valid_until")
    return bool(end) and datetime.fromisoformat(str(end)) <= timezone.now()


def _reached(person: Person, usable: Mapping[str, Keys]) -> Keys:
    subjects = (f"user:{person.username}", *(f"group:{one}" for one in person.groups))
    return NONE.union(*(usable[one] for one in subjects if one in usable))


def _since(duty: Duty, roles: Mapping[str, datetime]) -> datetime | None:
    """When the later of the two rights came."""
    begun = []
    for right in (duty.first, duty.second):
        times = [at for role, at in roles.items() if right in ROLES[role]]
        begun += [min(times)] if times else []
    return max(begun) if begun else None
