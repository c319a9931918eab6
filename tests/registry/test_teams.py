"""Teams: who may put whom in, what never changes about them, and what belonging to one gives."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Entry
from audit.phrases import sentence
from governance.policies.words import ROLES
from registry.actions import catalogue, teams
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, Role, Team, TeamMember, User, groups_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(db: None) -> User:
    return factories.member("owner", "lena")


@pytest.fixture
def team(lead: User) -> Team:
    """Led by lena; mark belongs to it."""
    return factories.team(factories.member("viewer", "mark"), lead=lead, name="fraud")


def raw(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def sees(user: User, model: Model) -> bool:
    return Model.objects.visible_to(User.objects.get(pk=user.pk)).filter(pk=model.pk).exists()


def test_the_words_of_policies_know_every_role() -> None:
    assert set(Role.values) == ROLES


def test_a_team_is_made_by_who_manages_teams_and_is_told(admin: User, owner: User) -> None:
    with pytest.raises(Refused):
        teams.make(handle="fraud", name="Fraud", by=owner)

    made = teams.make(handle="fraud", name=" Fraud detection ", description="Transfers.", by=admin)

    assert (made.handle, made.slug, made.name) == ("fraud", "fraud", "Fraud detection")
    told = Entry.objects.newest().first()
    assert told is not None
    assert sentence(told.facts) == "admin made the team Fraud detection, which policies call fraud."


@pytest.mark.parametrize(
    "handle", ["", "Fraud", "fraud team", "-fraud", "admin", "machine", "f" * 81, "fraud\n"]
)
def test_a_handle_is_plain_and_never_a_role(admin: User, handle: str) -> None:
    with pytest.raises(Invalid) as error:
        teams.make(handle=handle, name="Fraud", by=admin)

    assert set(error.value.fields) == {"handle"}


def test_a_handle_is_taken_for_good(team: Team, admin: User) -> None:
    teams.archive(team=team, reason="Over.", by=admin)

    with pytest.raises(Invalid) as error:
        teams.make(handle="fraud", name="Another", by=admin)
    assert set(error.value.fields) == {"handle"}


def test_two_teams_are_not_called_the_same(team: Team, admin: User) -> None:
    with pytest.raises(Invalid) as error:
        teams.make(handle="another", name="FRAUD", by=admin)

    assert set(error.value.fields) == {"name"}


def test_another_name_leaves_the_handle_and_tells_each_change(team: Team, admin: User) -> None:
    teams.edit(team=team, name="Abuse", description="", by=admin)

    team.refresh_from_db()
    assert (team.name, team.handle) == ("Abuse", "fraud")
    told = Entry.objects.newest().first()
    assert told is not None
    assert "changed the name of the team Abuse from “Fraud” to “Abuse”" in sentence(told.facts)


def test_members_see_what_is_shared_with_the_team_and_only_while_they_belong(
    team: Team, lead: User, outsider: User
) -> None:
    model = factories.model(shared=False)
    factories.share(model, team.group)
    assert not sees(outsider, model)

    teams.add(team=team, user=outsider, by=lead)
    assert sees(outsider, model)

    teams.remove(team=team, user=outsider, by=lead)
    assert not sees(outsider, model)


def test_a_team_gives_sight_and_no_rights(team: Team, lead: User, outsider: User) -> None:
    teams.add(team=team, user=outsider, by=lead)

    assert User.objects.get(pk=outsider.pk).get_all_permissions() == set()


def test_nobody_sees_by_an_archived_team(team: Team, admin: User) -> None:
    model, mark = factories.model(shared=False), User.objects.get(username="mark")
    factories.share(model, team.group)
    assert sees(mark, model)

    teams.archive(team=team, reason="Over.", by=admin)

    assert not sees(mark, model)
    assert not groups_of(mark.pk).filter(pk=team.group_id).exists()
    with pytest.raises(Conflict):
        teams.edit(team=team, name="Again", description="", by=admin)
    with pytest.raises(Invalid, match="archived"):
        catalogue.share_model(model=model, audience=team.group, by=admin)


def test_nobody_puts_themselves_in(team: Team, admin: User, lead: User) -> None:
    for somebody in (admin, lead):
        with pytest.raises(Invalid, match="themselves"):
            teams.add(team=team, user=somebody, by=somebody)


def test_a_lead_puts_in_members_and_no_leads(team: Team, lead: User, outsider: User, admin: User) -> None:
    with pytest.raises(Refused):
        teams.add(team=team, user=outsider, lead=True, by=lead)

    teams.add(team=team, user=outsider, by=lead)
    with pytest.raises(Refused):  # nor promotes them afterwards
        teams.add(team=team, user=outsider, lead=True, by=lead)
    teams.add(team=team, user=outsider, lead=True, by=admin)

    assert team.is_led_by(outsider)
    with pytest.raises(Refused):  # nor takes them out again
        teams.remove(team=team, user=outsider, by=lead)
    with pytest.raises(Refused):
        teams.add(team=team, user=outsider, by=lead)


def test_members_put_in_nobody_and_may_leave(team: Team, outsider: User) -> None:
    mark = User.objects.get(username="mark")
    with pytest.raises(Refused):
        teams.add(team=team, user=outsider, by=mark)
    with pytest.raises(Refused):
        teams.remove(team=team, user=User.objects.get(username="lena"), by=mark)

    teams.remove(team=team, user=mark, by=mark)

    assert not team.members.standing().filter(user=mark).exists()


def test_a_lead_of_one_team_has_no_say_in_another(team: Team, lead: User, outsider: User) -> None:
    another = factories.team()

    with pytest.raises(Missing):
        teams.add(team=another, user=outsider, by=lead)


def test_programs_belong_to_teams_and_lead_none(team: Team, admin: User, lead: User) -> None:
    bot = User.objects.create(username="bot", kind=User.Kind.SERVICE, password="!")
    with pytest.raises(Invalid, match="person leads"):
        teams.add(team=team, user=bot, lead=True, by=admin)

    assert teams.add(team=team, user=bot, by=lead).user == bot


def test_who_is_switched_off_or_the_portal_itself_is_not_put_in(
    team: Team, lead: User, outsider: User
) -> None:
    outsider.is_active = False
    outsider.save()

    for somebody in (outsider, User.machine()):
        with pytest.raises(Invalid) as error:
            teams.add(team=team, user=somebody, by=lead)
        assert set(error.value.fields) == {"account"}


def test_teams_are_seen_by_members_and_by_who_may_see_who_belongs_where(
    team: Team, lead: User, outsider: User, auditor: User, owner: User
) -> None:
    seen = {one.username: Team.objects.visible_to(one).filter(pk=team.pk).exists()
            for one in (lead, outsider, auditor, owner)}  # fmt: skip

    assert seen == {"lena": True, "outsider": False, "auditor": True, "owner": False}


MEMBER = (
    "INSERT INTO registry_teammember (team_id, user_id, is_lead, since, by_id) VALUES (%s, %s, {}, now(), %s)"
)


def test_the_database_refuses_what_the_verbs_refuse(
    team: Team, lead: User, admin: User, outsider: User, owner: User
) -> None:
    role, group = Group.objects.get(name="owner"), team.group_id
    bot = User.objects.create(username="bot", kind=User.Kind.SERVICE, password="!")
    over = factories.team(outsider)
    teams.archive(team=over, reason="Over.", by=admin)
    right = Permission.objects.get(codename="judge_review").pk
    new = "INSERT INTO registry_team (group_id, slug, name, description, created_by_id, created_at) VALUES (%s, 'x', 'x', '', %s, now())"
    cases: dict[str, tuple[Any, ...]] = {
        "a role is no team": (new, role.pk, admin.pk),
        "archived, never deleted": ("DELETE FROM registry_team WHERE id = %s", team.pk),
        "keeps its handle": ("UPDATE registry_team SET group_id = %s WHERE id = %s", role.pk, team.pk),
        "stays archived": ("UPDATE registry_team SET archived_at = NULL, archived_by_id = NULL WHERE id = %s", over.pk),
        "a group keeps its name": ("UPDATE auth_group SET name = 'admin2' WHERE id = %s", group),
        "never rights": ("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (%s, %s)", group, right),
        "put into the team": ("INSERT INTO registry_user_groups (user_id, group_id) VALUES (%s, %s)", outsider.pk, group),
        "takes nobody": (MEMBER.format("false"), over.pk, bot.pk, admin.pk),
        "a person leads": (MEMBER.format("true"), team.pk, bot.pk, admin.pk),
        "only an administrator or a lead": (MEMBER.format("false"), team.pk, outsider.pk, owner.pk),
        "or a lead of the team": (MEMBER.format("true"), team.pk, outsider.pk, lead.pk),
        "by_somebody_else": (MEMBER.format("false"), team.pk, admin.pk, admin.pk),
        "once_at_a_time": (MEMBER.format("false"), team.pk, lead.pk, admin.pk),
        "never deleted": ("DELETE FROM registry_teammember WHERE team_id = %s", team.pk),
        "only be ended, once": ("UPDATE registry_teammember SET is_lead = true WHERE user_id <> %s", lead.pk),
    }  # fmt: skip
    for words, (statement, *values) in cases.items():
        with pytest.raises(DatabaseError, match=words):
            raw(statement, *values)


def test_the_group_of_a_team_stays(team: Team) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        raw("DELETE FROM auth_group WHERE id = %s", team.group_id)
        raw("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_group_that_is_neither_role_nor_team_counts_for_nobody(outsider: User) -> None:
    bare = Group.objects.create(name="bare")
    raw("ALTER TABLE registry_user_groups DISABLE TRIGGER team_by_verb")
    outsider.groups.add(bare)

    assert not groups_of(outsider.pk).exists()


def test_a_membership_ends_once(team: Team) -> None:
    mark = TeamMember.objects.get(user__username="mark")
    teams.remove(team=team, user=mark.user, by=mark.user)

    with pytest.raises(DatabaseError, match="only be ended, once"), transaction.atomic():
        TeamMember.objects.filter(pk=mark.pk).update(ended_at=timezone.now())
