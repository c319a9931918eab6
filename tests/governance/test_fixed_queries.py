"""What a verb costs does not grow with the people it concerns, the models it reaches or the notices that follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.actions import (
    absences,
    clearances,
    glass,
    policies,
    reviews,
    service_accounts,
    threads,
    tokens,
)
from governance.models import Notice, Review, Token
from governance.permissions import may_countersign, who_may_countersign, who_sees_token
from registry.actions import teams
from registry.models import Dataset, Document, Model, RoleGrant, User, Version
from registry.models.sight import holding, seeing
from registry.permissions import can_see, who_can_see
from tests import factories

pytestmark = pytest.mark.django_db
Act = Callable[[], object]
member = factories.member


def crowd(count: int) -> None:
    """So many who write, judge, issue and grant, besides those who do it in the tests."""
    machine, links = User.machine(), User.groups.through
    for role in ("owner", "reviewer", "compliance", "admin"):
        there = User.objects.filter(username__startswith=f"{role}-").count()
        names = [f"{role}-{n}" for n in range(there, count)]
        made = User.objects.bulk_create(User(username=name, email=f"{name}@example.org") for name in names)
        facts = {"role": role, "since": timezone.now(), "reason": "For a test.", "by": machine}
        RoleGrant.objects.bulk_create(RoleGrant(user=one, **facts) for one in made)
        group = Group.objects.get(name=role)
        links.objects.bulk_create(links(user_id=one.pk, group_id=group.pk) for one in made)


def high() -> Version:
    made = factories.version()
    factories.system(model=made.model, risk_class="high")
    return made


def waiting() -> Review:
    return factories.submitted_review(high())


def submit(count: int) -> Act:
    version = high()
    factories.save(factories.training_data(version))
    revision = factories.save(version)
    by = member("owner")
    return lambda: reviews.submit(revision=revision, by=by)


def submit_a_datasheet(count: int) -> Act:
    """Whoever sees one of the models that have read it is asked."""
    for _ in range(count):
        version = factories.version(dataset=f"shared-{count}")
    revision, by = factories.save(factories.training_data(version)), member("owner")
    return lambda: reviews.submit(revision=revision, by=by)


def sign_off(count: int) -> Act:
    review, by = waiting(), factories.with_password(member("reviewer"))
    return lambda: factories.sign_off(review, by=by)


def approve(count: int) -> Act:
    review, last = waiting(), factories.with_password(member("compliance"))
    factories.sign_off(review, by=member("reviewer"))
    return lambda: factories.sign_off(review, by=last)


def approve_for_many_away(count: int) -> Act:
    """Whoever judges in the place of many is entered for the one who is away longest."""
    review, by = waiting(), factories.with_password(member("reviewer", f"here-{count}"))
    for n in range(count):
        away = member("reviewer", f"away-{count}-{n}")
        now = timezone.now()
        absences.announce(stand_in=by, since=now, until=now + timedelta(days=3), by=away)
    return lambda: factories.sign_off(review, by=by)


def request_changes(count: int) -> Act:
    review, by = waiting(), factories.with_password(member("reviewer"))
    given = {"digest": review.digest, "comment": "Say more.", "proof": factories.proof(by)}
    return lambda: reviews.request_changes(review=review, **given, by=by)


def withdraw(count: int) -> Act:
    review, by = waiting(), member("owner")
    return lambda: reviews.withdraw(review=review, by=by)


def retire(count: int) -> Act:
    review, by = factories.approve(waiting()), member("compliance")
    return lambda: reviews.retire(review=review, reason="Measured wrongly.", by=by)


def comment(count: int) -> Act:
    review, by = waiting(), member("reviewer")
    return lambda: threads.begin(revision=review.revision, path="model_details.overview", text="Why?", by=by)


def outdate(count: int) -> Act:
    """Another class of one system: every approval of its models is stale."""
    first = factories.approved_version()
    system = first.model.systems.get()
    made = [first.pk]
    for _ in range(count - 1):
        other = factories.version()
        factories.systems.add_model(system=system, model=other.model, by=member("owner"))
        made.append(factories.approved_version(other).pk)
    return lambda: factories.decide(system, "minimal")


def suspend(count: int) -> Act:
    version, by = factories.approved_version(), member("compliance")
    return lambda: clearances.suspend(version=version, reason="It drifts.", by=by)


def publish(count: int) -> Act:
    model, by = factories.model(), member("owner")
    content = factories.rules(*(f"user:{member('owner', f'named-{n}')}" for n in range(count)))
    given = {"environment": "production", "content": content, "on_top_of": 0}
    return lambda: policies.publish(model=model, **given, by=by)


def issue(count: int) -> Act:
    models, by = [high().model for _ in range(count)], member("owner")
    return lambda: factories.token(*models, owner=by, by=by)


def issued(count: int) -> Token:
    return factories.token(*(high().model for _ in range(count)))[0]


def countersign(count: int) -> Act:
    token, by = issued(count), member("owner", "second")
    return lambda: tokens.countersign(token=token, by=by)


def decline(count: int) -> Act:
    token, by = issued(count), member("owner", "second")
    return lambda: tokens.decline(token=token, reason="Too wide.", by=by)


def rotate(count: int) -> Act:
    token, by = issued(count), member("owner")
    tokens.countersign(token=token, by=member("owner", "second"))
    return lambda: tokens.rotate(token=token, by=by)


def revoke(count: int) -> Act:
    token, by = issued(count), member("admin")
    return lambda: tokens.revoke(token=token, by=by)


def ask_to_break(count: int) -> Act:
    version, by = factories.version(), member("owner")
    given: dict[str, Any] = {"environment": "production", "minutes": 5, "reason": "All stands still."}
    return lambda: glass.ask(version=version, **given, by=by)


def broken(count: int) -> Act:
    ask = ask_to_break(count)()
    by = member("compliance")
    return lambda: glass.grant(glass=ask, by=by)  # type: ignore[arg-type]


def mended(count: int) -> Act:
    opened = broken(count)()
    by = member("compliance")
    return lambda: glass.end(glass=opened, by=by)  # type: ignore[arg-type]


VERBS = (
    submit, submit_a_datasheet, sign_off, approve, approve_for_many_away, request_changes, withdraw, retire, comment,
    outdate, suspend, publish, issue, countersign, decline, rotate, revoke, ask_to_break, broken, mended,
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_verb_costs_among_twenty_what_it_costs_among_two(
    verb: Callable[[int], Act], settings: Any, machine: User
) -> None:
    settings.MAIL_ENABLED = True
    verb(1)()  # what is asked once in the life of a process is asked now
    costs = []

    for count in (2, 20):
        crowd(count)
        act = verb(count)
        with CaptureQueriesContext(connection) as made:
            act()
        costs.append(len(made))

    assert costs[0] == costs[1]


def test_everybody_who_may_is_asked(machine: User) -> None:
    """Twenty of each role, not the two that came first."""
    crowd(20)

    review = waiting()

    asked = Notice.objects.filter(kind="review.asked", cause=f"review:{review.pk}")
    judges = {f"{role}-{n}" for role in ("reviewer", "compliance") for n in range(20)}
    assert set(asked.values_list("person__username", flat=True)) == {*judges, "compliance"}


# Of many at once, what is said of one


@pytest.fixture
def people(machine: User, outsider: User) -> list[User]:
    """One of each role, on and off; by right and by share, by team of now and of before, and one who is everything."""
    made = [machine, outsider]
    made += [member(role) for role in ("viewer", "owner", "reviewer", "compliance", "auditor", "admin")]
    made += [member(role, f"off-{role}") for role in ("owner", "compliance")]
    made += User.objects.bulk_create(
        User(username=name) for name in ("shared", "in", "was", "right", "super")
    )
    User.objects.filter(username__startswith="off-").update(is_active=False)
    User.objects.filter(username="super").update(is_superuser=True)
    right = Permission.objects.get(content_type__app_label="registry", codename="view_model")
    User.objects.get(username="right").user_permissions.add(right)
    return [User.objects.get(pk=one.pk) for one in made]


@pytest.fixture
def models(people: list[User]) -> list[Model]:
    """Shared with roles, with a person, with a team that one has left, and with nobody."""
    named = {one.username: one for one in people}
    made = [factories.model(), *(factories.model(shared=False) for _ in range(3))]
    factories.share(made[1], named["shared"])
    team = factories.team(named["in"], named["was"])
    teams.remove(team=team, user=named["was"], by=member("admin"))
    factories.share(made[2], team.group)
    return made


def test_sight_of_many_is_the_sight_of_each(people: list[User], models: list[Model]) -> None:
    everybody = [one.pk for one in people]
    for some in powerset(models):
        keys = frozenset(one.pk for one in some)
        seen = {one.pk: Model.objects.visible_to(one).filter(pk__in=keys).count() for one in people}
        all_seen = {one.pk for one in people if one.is_active and one.has_perm("registry.view_model")}

        any_of = {pk for pk, number in seen.items() if number} | all_seen
        assert {pk for pk, _ in seeing(everybody, [keys])} == any_of
        each_of = {pk for pk, number in seen.items() if keys and number == len(keys)} | all_seen
        assert {pk for pk, _ in seeing(everybody, [keys], whole=True)} == each_of


def test_holders_among_many_are_those_who_hold_it(people: list[User]) -> None:
    for right in (
        "registry.view_model",
        "governance.view_token",
        "governance.judge_review",
        "registry.nothing",
    ):
        held = {one.pk for one in people if one.is_active and one.has_perm(right)}

        assert holding(right, [one.pk for one in people]) == held


def saved(about: Version | Dataset) -> Document:
    return factories.save(about, by=User.objects.get(username="super")).document


def test_what_exists_for_many_is_what_exists_for_each(people: list[User], models: list[Model]) -> None:
    """Cards and versions by their model; a datasheet by any model that has read the data, or by none."""
    versions = [factories.version(model=one, dataset=data) for one, data in zip(models, "aabc", strict=True)]
    subjects: list[Version | Document] = [*versions, *(saved(one) for one in versions)]
    subjects += [saved(one) for one in {factories.training_data(version) for version in versions}]
    unread = Dataset.objects.create(name="unread", slug="unread")
    subjects.append(saved(unread))

    seen = who_can_see([one.pk for one in people], subjects)

    assert seen == {(one.pk, what) for one in people for what in subjects if can_see(one, what)}
    assert {kind for _, kind in seen} == set(subjects)
    assert (people[1].pk, versions[0]) not in seen


def test_tokens_of_many_are_the_tokens_of_each(people: list[User], models: list[Model]) -> None:
    Model.objects.filter(pk__in=[models[0].pk, models[3].pk]).update(tags={"team": "credit"})
    owner = member("owner")
    for one in models[1:]:
        factories.share(one, owner)
    made = [factories.token(one)[0] for one in models]
    made.append(factories.token(models[0], models[3])[0])
    made.append(factories.token(tag=("team", "credit"))[0])
    service = service_accounts.make(name="batch", sponsor=owner, purpose="Scores.", by=owner).account
    for one in models:
        factories.share(one, service)
    made.append(factories.token(models[3], owner=service)[0])
    holders = [*people, service]

    seen = who_sees_token([one.pk for one in holders], made)
    second = {token: who_may_countersign(holders, token) for token in made}

    assert seen == {
        (one.pk, token)
        for one in holders
        for token in made
        if Token.objects.visible_to(one).filter(pk=token.pk).exists()
    }
    assert second == {token: [one for one in holders if may_countersign(one, token)] for token in made}


def powerset(models: list[Model]) -> list[tuple[Model, ...]]:
    return [some for size in range(len(models) + 1) for some in combinations(models, size)]
