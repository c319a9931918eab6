"""Who could do both halves of what two people should do. Nine queries, whatever there is.

"Could" is by role and sight alone, now: not whether they did, and not whether a rule would stop them in the single case.
That rule is named beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from operator import itemgetter, or_
from typing import Any, NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BigIntegerField, Func, Q, QuerySet
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
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number is read in a tenth of the time of a moment, and there are thousands of them.
MICROSECONDS = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"
Bits = int  # a set of models, as `Names` has them
NONE: Bits = 0
Halves = list[list[str]]  # of a duty: the roles that give each


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


class Person(NamedTuple):
    """An active account, and what gives it rights: ten thousand of them are read for one page."""

    pk: int
    username: str
    subjects: tuple[str, ...]  # how a policy names it by itself
    is_superuser: bool
    roles: Mapping[str, int]  # role → since when, in microseconds of 1970
    groups: tuple[str, ...]  # roles and teams
    own: frozenset[str]  # permissions given to the account itself


class Overlap(NamedTuple):
    """One person, one pair of duties."""

    user: Person
    duty: Duty
    number: int
    kind: str  # what is counted
    names: tuple[str, ...]  # the first of them
    begun: int | None  # as `since` says, in microseconds of 1970: a page shows some hundred of thousands

    @property
    def since(self) -> datetime | None:
        """When the second of the two roles began; None where a right came by no role."""
        return None if self.begun is None else EPOCH + timedelta(microseconds=self.begun)

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.number - len(self.names)


class Names:
    """The models that are there, by name, and sets of them as bits: the first by name is the lowest.

    Ten thousand people times a thousand models are some numbers then, joined, met and counted by the processor.
    """

    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        ordered = sorted(rows, key=itemgetter(1, 0))
        self._names = [name for _, name in ordered]
        self._bits = {key: 1 << place for place, (key, _) in enumerate(ordered)}
        self.all: Bits = (1 << len(ordered)) - 1
        self.first = lru_cache(maxsize=1000)(self._first)  # most people of a team see the same

    def bit(self, key: int) -> Bits:
        """The set of this one model; of none where it is gone."""
        return self._bits.get(key, NONE)

    def bits(self, keys: Iterable[int]) -> Bits:
        """The set of these models."""
        return reduce(or_, map(self.bit, keys), NONE)

    def _first(self, models: Bits) -> tuple[str, ...]:
        """The first of them by name."""
        found: list[str] = []
        while models and len(found) < SHOWN:
            lowest = models & -models
            found.append(self._names[lowest.bit_length() - 1])
            models ^= lowest
        return tuple(found)


@dataclass(frozen=True)
class Reach:
    """Sets of models by whom they belong to: an account, or one of its groups. Asked ten thousand times, read once."""

    own: Mapping[Any, Bits]  # key or subject of an account
    grouped: Mapping[str, Bits]  # name of a group
    joined: dict[tuple[str, ...], Bits] = field(
        default_factory=dict
    )  # of groups together, as they were asked for

    def of(self, own: Iterable[object], groups: tuple[str, ...]) -> Bits:
        """What an account has under its own names and by its groups."""
        if (together := self.joined.get(groups)) is None:
            together = self.joined[groups] = reduce(
                or_, (self.grouped.get(one, NONE) for one in groups), NONE
            )
        for one in own:
            together |= self.own.get(one, NONE)
        return together


def overlaps() -> list[Overlap]:
    """Everybody who could do both halves of a duty, by name."""
    names = Names(Model.objects.present().values_list("pk", "name"))
    sight, usable = _sight(names), _usable(names)
    systems = tuple(System.objects.filter(retired_at=None).order_by("name").values_list("name", flat=True))
    found = []
    for person in _people():
        both, everything = _both(tuple(person.roles), person.own, is_superuser=person.is_superuser)
        for duty, halves in both:
            if duty is RISK:
                kind, count, first = "systems", len(systems), systems[:SHOWN]
            else:
                models = names.all if everything else sight.of((person.pk,), person.groups)
                if duty is ISSUE:
                    models &= usable.of(person.subjects, person.groups)
                kind, count, first = "models", models.bit_count(), names.first(models)
            if count:
                found.append(Overlap(person, duty, count, kind, first, _since(halves, person.roles)))
    return found


@lru_cache(maxsize=1000)
def _both(
    roles: tuple[str, ...], own: frozenset[str], *, is_superuser: bool
) -> tuple[list[tuple[Duty, Halves]], bool]:
    """The duties of which somebody with these roles and rights holds both halves, each half with the roles that give it, and
    whether they see every model. A half that comes by no role is left out.
    """
    held = own.union(*(RIGHTS[role] for role in roles))
    found = []
    for duty in DUTIES:
        if is_superuser or {duty.first, duty.second or duty.first} <= held:
            halves = [
                [role for role in roles if right in RIGHTS[role]] for right in (duty.first, duty.second)
            ]
            found.append((duty, [half for half in halves if half]))
    return found, is_superuser or "registry.view_model" in held


RIGHTS = {role: frozenset(rights) for role, rights in ROLES.items()}


def _people() -> Iterator[Person]:
    """Active accounts that have any right, by name, with their roles in force: four queries."""
    roles: dict[int, dict[str, int]] = defaultdict(dict)
    given = RoleGrant.objects.in_force()
    for user_id, role, begun in given.annotate(
        begun=Func("since", template=MICROSECONDS, output_field=BigIntegerField())
    ).values_list("user_id", "role", "begun"):
        roles[user_id][role] = begun
    own: dict[int, set[str]] = defaultdict(set)
    rights = User.user_permissions.through.objects.values_list(
        "user_id", "permission__content_type__app_label", "permission__codename"
    )
    for user_id, label, codename in rights:
        own[user_id].add(f"{label}.{codename}")
    rightful = Q(is_superuser=True) | Q(pk__in=given.values("user")) | Q(pk__in=[*own])
    rows = User.objects.filter(rightful, is_active=True)
    teams, accounts = _teams(rows), rows.order_by("username")
    for pk, username, kind, is_superuser in accounts.values_list("pk", "username", "kind", "is_superuser"):
        subjects: tuple[str, ...] = (f"user:{username}",)
        if kind == User.Kind.SERVICE:
            subjects += (f"service:{username}",)
        held = roles.get(pk, {})
        groups = (*held, *teams.get(pk, ()))
        yield Person(pk, username, subjects, is_superuser, held, groups, frozenset(own.get(pk, ())))


def _teams(accounts: QuerySet[User]) -> dict[int, list[str]]:
    """Account → the handles of its teams. One row a team: thirty thousand memberships would cost as much as the rest."""
    members = TeamMember.objects.standing().filter(team__archived_at=None, user__in=accounts.values("pk"))
    teams = members.values_list("team__group__name").order_by("team__group")
    found: dict[int, list[str]] = defaultdict(list)
    for handle, people in teams.annotate(people=ArrayAgg("user_id")):
        for person in people:
            found[person].append(handle)
    return found


def _sight(names: Names) -> Reach:
    """What is shared with whom."""
    shared = {"permission__codename": VIEW_MODEL, "permission__content_type__app_label": "registry"}
    models = ArrayAgg("content_object_id")
    people = ModelUserObjectPermission.objects.filter(**shared).values_list("user")
    own = {user: names.bits(keys) for user, keys in people.annotate(models=models)}
    groups = ModelGroupObjectPermission.objects.filter(**shared).values_list("group__name")
    grouped = {group: names.bits(keys) for group, keys in groups.annotate(models=models)}
    return Reach(own, grouped)


def _usable(names: Names) -> Reach:
    """Subject of a policy → the models that a rule in force lets it predict with."""
    own: dict[str, Bits] = defaultdict(int)
    grouped: dict[str, Bits] = defaultdict(int)
    rows = Policy.objects.exclude(in_force=None).values_list("model", "in_force__body")
    now = timezone.now()
    for model, body in rows:
        bit = names.bit(model)
        for groups, others, end in _lets_in(bytes(body)):
            if end is None or end > now:
                for name in groups:
                    grouped[name] |= bit
                for subject in others:
                    own[subject] |= bit
    return Reach(own, grouped)


@lru_cache(maxsize=4096)
def _lets_in(body: bytes) -> tuple[tuple[list[str], list[str], datetime | None], ...]:
    """Groups by name, other subjects, and until when, of each rule that lets somebody predict. Published bytes never change."""
    content = canonical.parse(body)
    rules = content.get("rules") if isinstance(content, dict) else None
    return tuple(
        (*_split(map(str, rule.get("subjects", ()))), _end(rule))
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict) and rule.get("effect") == "allow" and "predict" in rule.get("actions", ())
    )


def _split(subjects: Iterable[str]) -> tuple[list[str], list[str]]:
    groups, others = [], []
    for subject in subjects:
        if subject.startswith("group:"):
            groups.append(subject.removeprefix("group:"))
        else:
            others.append(subject)
    return groups, others


def _end(rule: Mapping[str, Any]) -> datetime | None:
    end = rule.get("valid_until")
    return datetime.fromisoformat(str(end)) if end else None


def _since(halves: Halves, roles: Mapping[str, int]) -> int | None:
    """When the later of the two rights came."""
    return max([min([roles[role] for role in half]) for half in halves], default=None)
