"""Who can query a model, and what somebody reaches, at 10 000 accounts and 1 000 models."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.utils import timezone

from governance.access import reach
from governance.duties import overlaps
from governance.models import Policy, PolicyVersion
from governance.policies import ACTIONS, SCHEMA
from registry import canonical
from registry.models import Model, RoleGrant, Team, TeamMember, User
from registry.models.visibility import VIEW_MODEL, ModelGroupObjectPermission
from tests import factories

ROUNDS = 9
ACCOUNTS, MODELS, GROUPS = 10_000, 1_000, 50
LIMIT = 100  # milliseconds


def measure() -> Iterator[str]:
    """Median milliseconds of each question, with the caches of published policies warm and cold."""
    with transaction.atomic():
        model, person = _filled()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as the server does by itself after so many new rows
        everything = Model.objects.all()
        questions: dict[str, Callable[[], Any]] = {
            "who can query a model": lambda: reach.who(model, "production", "predict"),
            "... in every environment and action": lambda: reach.survey(model)["production"].who("predict"),
            "what an account reaches": lambda: reach.what(person, everything),
            "who could do both halves of a duty": overlaps,
            "what an account reaches, cold": lambda: (
                reach._read.cache_clear(),
                reach.what(person, everything),
            )[1],
        }
        for name, ask in questions.items():
            rows = len(ask())
            taken = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ask()
                taken.append(1000 * (time.perf_counter() - began))
            median = statistics.median(taken)
            yield f"{name:<38}median {median:6.1f} ms, {rows} rows{'' if median <= LIMIT else f'  OVER {LIMIT} ms'}"
        transaction.set_rollback(True)


def _filled() -> tuple[Model, User]:
    groups = Group.objects.bulk_create([Group(name=f"bench-team-{n}") for n in range(GROUPS)])
    machine = User.machine()
    made = Team.objects.bulk_create(
        [Team(group=one, slug=one.name, name=one.name, created_by=machine) for one in groups]
    )
    people = User.objects.bulk_create([User(username=f"bench-{n:05}", password="!") for n in range(ACCOUNTS)])
    now = timezone.now()
    TeamMember.objects.bulk_create(
        [
            TeamMember(team=made[(n + k * 7) % GROUPS], user=one, since=now, by=machine)
            for n, one in enumerate(people)
            for k in range(3)
        ]
    )
    _with_roles(people, machine)
    first = factories.model()
    models = [first, *(factories.model() for _ in range(MODELS - 1))]
    seeing = Permission.objects.get(content_type__app_label="registry", codename=VIEW_MODEL)
    ModelGroupObjectPermission.objects.bulk_create(
        [
            ModelGroupObjectPermission(content_object=model, group=group, permission=seeing)
            for n, model in enumerate(models)
            for group in (groups if n == 0 else groups[n % GROUPS : n % GROUPS + 5])
        ]
    )
    hours = [{"days": ["mon", "tue"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}]
    for n, model in enumerate(models):
        names = [
            f"group:{group.name}" for group in (groups if n == 0 else groups[n % GROUPS : n % GROUPS + 5])
        ]
        rules = [
            {"effect": "allow", "subjects": names, "actions": list(ACTIONS), "hours": hours, "networks": [f"10.{n % 256}.0.0/16"]},
            {"effect": "allow", "subjects": [f"user:bench-{n:05}"], "actions": ["predict"]},
            {"effect": "deny", "subjects": ["group:bench-team-3"], "actions": ["explain"]},
        ]  # fmt: skip
        body = canonical.canonical({"schema": SCHEMA, "rules": rules})
        policy = Policy.objects.create(model=model, environment="production")
        version = PolicyVersion.objects.create(
            policy=policy, number=1, body=body, digest=canonical.digest(body), by=people[0]
        )
        Policy.objects.filter(pk=policy.pk).update(in_force=version)
    return first, people[5]


def _with_roles(people: list[User], machine: User) -> None:
    """Half write, a quarter of these judge as well, and a few classify: as many overlaps as a careless house has."""
    now = timezone.now()
    held = {"owner": people[::2], "reviewer": people[::8], "compliance": people[::40]}
    RoleGrant.objects.bulk_create(
        [
            RoleGrant(user=one, role=role, since=now, reason="Measured.", by=machine)
            for role, some in held.items()
            for one in some
        ]
    )
    links = User.groups.through
    groups = dict(Group.objects.filter(name__in=held).values_list("name", "pk"))
    links.objects.bulk_create(
        [links(user_id=one.pk, group_id=groups[role]) for role, some in held.items() for one in some]
    )
