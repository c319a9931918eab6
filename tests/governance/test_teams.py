"""What hangs on a team, its pages and its interface."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from governance.access.teams import holdings
from governance.actions import policies
from registry.actions import systems, teams
from registry.errors import Invalid
from registry.models import Team, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def team(owner: User) -> Team:
    return factories.team(factories.member("viewer", "mark"), lead=owner, name="fraud")


def test_what_hangs_on_a_team_is_told_as_far_as_one_sees_it(team: Team, owner: User, admin: User) -> None:
    shared, hidden = factories.model(shared=False), factories.model(shared=False)
    for model in (shared, hidden):
        factories.share(model, team.group)
    seen = factories.model()
    factories.policy(seen, "group:fraud", "user:owner")
    factories.policy(factories.model(), "group:owner")
    longer = factories.team(name="fraud-2")
    factories.policy(factories.model(), f"group:{longer.handle}")
    for name, said in (("One", "Fraud, fraud@example.org"), ("Two", "fraud"), ("Three", "Fraudulent")):
        made = systems.register(
            name=name, intended_purpose="Sort.", operator_role="provider", team=said, by=owner
        )
        systems.add_model(system=made, model=seen, by=owner)

    found = holdings(team, owner)

    assert {one.pk for one in found.shared.rows} == {shared.pk, hidden.pk}
    assert [str(one) for one in found.systems.rows] == ["One", "Two"]
    assert [(one.policy.model, one.said) for one in found.policies] == [
        (seen, ("Members of the team fraud and the account owner may predict.",))
    ]
    nobody = holdings(team, User.objects.create(username="nobody"))
    assert (nobody.shared.count, nobody.systems.count, nobody.policies) == (0, 0, [])


def test_a_team_answers_for_the_models_that_name_it_in_their_tag(team: Team, admin: User) -> None:
    model = factories.model()
    type(model).objects.filter(pk=model.pk).update(tags={"team": "fraud"})
    factories.model()

    assert holdings(team, admin).models.rows == [model]


def test_a_policy_names_no_archived_team(team: Team, admin: User) -> None:
    teams.archive(team=team, reason="Over.", by=admin)

    with pytest.raises(Invalid, match="fraud is archived"):
        factories.policy(factories.model(), "group:fraud")


def test_a_lead_puts_in_and_takes_out_on_the_page(
    team: Team, owner: User, outsider: User, as_user: AsUser
) -> None:
    browser = as_user(owner)
    page = browser.get("/teams/fraud/").content.decode()
    assert "Take mark out of the team" in page
    assert "Archive the team" not in page

    assert browser.post("/teams/fraud/members/", {"account": "nobody"}).status_code == 400
    assert browser.post("/teams/fraud/members/", {"account": "outsider", "lead": "on"}).status_code == 403
    assert browser.post("/teams/fraud/members/", {"account": "outsider"}).status_code == 302
    assert browser.post("/teams/fraud/members/outsider/remove/").status_code == 302
    assert not team.members.standing().filter(user=outsider).exists()


def test_an_administrator_makes_names_and_archives_on_the_page(admin: User, as_user: AsUser) -> None:
    browser = as_user(admin)

    assert browser.post("/teams/", {"name": "Fraud", "handle": "Fraud!"}).status_code == 400
    assert browser.post("/teams/", {"name": "Fraud", "handle": "fraud"}).url == "/teams/fraud/"  # type: ignore[attr-defined]
    assert browser.post("/teams/fraud/edit/", {"name": "", "description": ""}).status_code == 400
    browser.post("/teams/fraud/edit/", {"name": "Abuse", "description": "Scores."})
    assert browser.post("/teams/fraud/archive/", {"reason": ""}).status_code == 400
    browser.post("/teams/fraud/archive/", {"reason": "Over."})

    page = browser.get("/teams/fraud/").content.decode()
    assert "Abuse" in page
    assert "admin archived this team" in page
    assert "Archive the team" not in page


def test_the_table_of_members_holds_those_who_left(team: Team, owner: User, as_user: AsUser) -> None:
    mark = User.objects.get(username="mark")
    teams.remove(team=team, user=mark, by=mark)

    answer = as_user(owner).get("/teams/fraud/members.csv")
    rows = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]

    assert [row.split(",")[:3] for row in rows[1:]] == [["owner", "person", "yes"], ["mark", "person", "no"]]
    assert rows[2].endswith(",mark")


def test_the_interface_does_what_the_pages_do(
    admin: User, owner: User, outsider: User, as_user: AsUser
) -> None:
    boss, kind = as_user(admin), "application/json"

    made = boss.post("/api/v1/teams/", {"handle": "fraud", "name": "Fraud"}, content_type=kind)
    assert (made.status_code, made["Location"]) == (201, "/api/v1/teams/fraud/")
    assert made.json()["subject"] == "group:fraud"
    put = boss.put("/api/v1/teams/fraud/members/owner/", {"lead": True}, content_type=kind)
    assert (put.status_code, put.json()["lead"]) == (200, True)
    there = as_user(owner)
    assert there.put("/api/v1/teams/fraud/members/outsider/", {}, content_type=kind).status_code == 200
    assert there.put("/api/v1/teams/fraud/members/nobody/", {}, content_type=kind).status_code == 400
    listed = there.get("/api/v1/teams/fraud/members/").json()["results"]
    assert [one["account"] for one in listed] == ["outsider", "owner"]
    assert there.get("/api/v1/teams/fraud/").json()["members"] == 2
    assert there.patch("/api/v1/teams/fraud/", {"name": "X"}, content_type=kind).status_code == 403
    assert boss.patch("/api/v1/teams/fraud/", {"name": "Abuse"}, content_type=kind).json()["name"] == "Abuse"
    assert there.delete("/api/v1/teams/fraud/members/outsider/").status_code == 204
    assert as_user(outsider).get("/api/v1/teams/fraud/").status_code == 404
    held = factories.model(shared=False)
    factories.share(held, Team.objects.get().group)
    assert there.get("/api/v1/teams/fraud/holdings/").json()["shared"] == [held.slug]
    ended = boss.post("/api/v1/teams/fraud/archive/", {"reason": "Over."}, content_type=kind)
    assert ended.json()["archived_at"]


def test_a_model_says_with_which_kind_of_audience_it_is_shared(
    team: Team, admin: User, as_user: AsUser
) -> None:
    model = factories.model()
    factories.share(model, team.group)
    factories.share(model, User.objects.get(username="mark"))

    page = as_user(admin).get(f"/models/{model.slug}/").content.decode()

    assert 'owner <span class="muted small">role</span>' in page
    assert '<a href="/teams/fraud/">Fraud</a> <span class="muted small">team</span>' in page
    assert 'mark <span class="muted small">person</span>' in page
    assert '<optgroup label="Teams">' in page
    assert "machine" not in page


def test_publishing_for_a_role_and_a_team_reads_as_what_they_are(team: Team, owner: User) -> None:
    model = factories.model()
    content = factories.rules("group:owner", "group:fraud")
    policies.publish(model=model, environment="production", content=content, on_top_of=0, by=owner)

    said = holdings(team, owner).policies[0].said
    assert said == ("Everybody with the role owner and members of the team fraud may predict.",)
