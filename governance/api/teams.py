"""Teams: which there are, who belongs to one, and what hangs on it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.teams import holdings
from registry.actions import teams as verbs
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import READ, WRITE, described
from registry.errors import Invalid
from registry.models import Team, TeamMember, User
from registry.permissions import require

MADE = {"handle": "fraud", "name": "Fraud detection", "description": "Scores transfers."}
SHOWN = {**MADE, "slug": "fraud", "subject": "group:fraud", "members": 7, "created_at": "2027-01-02T08:00:00Z",
         "created_by": "admin", "archived_at": None}  # fmt: skip
MEMBER = {"account": "paula", "kind": "person", "lead": False, "since": "2027-01-02T08:00:00Z", "by": "admin"}
HANGS = {
    "shared": ["credit-scorer"],
    "systems": ["credit-decisions"],
    "models": [],
    "policies": [
        {"model": "credit-scorer", "environment": "production", "sentences": ["Members of the team fraud may predict."]}
    ],
}  # fmt: skip
ENDS = (401, 403, 404, 409)


@extend_schema_serializer(examples=[OpenApiExample("A team", value=MADE, request_only=True)])
class TeamIn(In):
    """A new team."""

    handle = serializers.CharField(
        max_length=80, help_text="Small letters, digits and hyphens; taken for good."
    )
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=2_000, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("Another name", value={"name": "Fraud and abuse"})])
class TeamChangeIn(In):
    """What it is to be called, and how it is described. What is left out stays."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=2_000, required=False, allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("Ended", value={"reason": "The project is over."})])
class TeamEndIn(In):
    """Why it ends."""

    reason = serializers.CharField(max_length=500)


@extend_schema_serializer(examples=[OpenApiExample("A member", value={"lead": False}, request_only=True)])
class TeamMemberIn(In):
    """How somebody is to belong."""

    lead = serializers.BooleanField(default=False, help_text="A lead puts in and takes out members.")


@extend_schema_serializer(examples=[OpenApiExample("A team", value=SHOWN, response_only=True)])
class TeamOut(serializers.Serializer[Any]):
    """A team. `subject` is how policies and shares name it."""

    slug = serializers.SlugField()
    handle = serializers.CharField()
    subject = serializers.SerializerMethodField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    members = serializers.IntegerField(source="size")
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(source="created_by.username")
    archived_at = serializers.DateTimeField(allow_null=True)

    def get_subject(self, team: Team) -> str:
        return f"group:{team.handle}"


@extend_schema_serializer(examples=[OpenApiExample("A member", value=MEMBER, response_only=True)])
class TeamMemberOut(serializers.Serializer[Any]):
    """Somebody who belongs to a team."""

    account = serializers.CharField(source="user.username")
    kind = serializers.ChoiceField(source="user.kind", choices=User.Kind.choices)
    lead = serializers.BooleanField(source="is_lead")
    since = serializers.DateTimeField()
    by = serializers.CharField(source="by.username")


class MentionOut(serializers.Serializer[Any]):
    """A policy in force that names the team."""

    model = serializers.SlugField(source="policy.model.slug")
    environment = serializers.CharField(source="policy.environment")
    sentences = serializers.ListField(source="said", child=serializers.CharField())


@extend_schema_serializer(examples=[OpenApiExample("What hangs on it", value=HANGS, response_only=True)])
class HoldingsOut(serializers.Serializer[Any]):
    """What hangs on a team, as far as the caller sees it; of each list of models and systems the first 50."""

    shared = serializers.ListField(child=serializers.SlugField(), help_text="Models that members see by it.")
    systems = serializers.ListField(child=serializers.SlugField(), help_text="Systems that it answers for.")
    models = serializers.ListField(child=serializers.SlugField(), help_text="Models that it answers for.")
    policies = MentionOut(many=True)


class Teams(Listing):
    """Teams."""

    kind = Team
    needs = ""
    order = "name"
    serializer_class = TeamOut

    @described("teams_list", "List teams", "accounts", {200: TeamOut(many=True)}, declines=(400, 401))
    def get(self, request: Request) -> Response:
        """One's own by name, and all of them for those who may see who belongs where."""
        return self.rows(_sized(self))

    @described("teams_make", "Make a team", "accounts", {201: TeamOut}, declines=WRITE, request=TeamIn)
    def post(self, request: Request) -> Response:
        """Make a team without members."""
        require(self.user, verbs.MANAGES)
        made = verbs.make(**self.given(TeamIn), by=self.user)
        there = reverse("api-team", args=[made.slug])
        body = TeamOut(self.one(_sized(self), pk=made.pk)).data
        return Response(body, status=201, headers={"Location": there})


class OneTeam(Door):
    """A team."""

    kind = Team
    needs = ""
    serializer_class = TeamOut

    @described("teams_read", "Read about a team", "accounts", {200: TeamOut}, declines=READ)
    def get(self, request: Request, slug: str) -> Response:
        """Its name, its handle, how many belong to it."""
        return Response(TeamOut(self.one(_sized(self), slug=slug)).data)

    @described(
        "teams_change", "Change a team", "accounts", {200: TeamOut}, declines=WRITE, request=TeamChangeIn
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Call it something else, or describe it in other words. Its handle stays."""
        team = self.one(slug=slug)
        require(self.user, verbs.MANAGES)
        given = self.given(TeamChangeIn)
        facts = {"name": team.name, "description": team.description} | given
        verbs.edit(team=team, **facts, by=self.user)
        return Response(TeamOut(self.one(_sized(self), slug=slug)).data)


class TeamArchive(Door):
    """The end of a team."""

    kind = Team
    needs = ""
    serializer_class = TeamOut

    @described(
        "teams_archive", "Archive a team", "accounts", {200: TeamOut}, declines=WRITE, request=TeamEndIn
    )
    def post(self, request: Request, slug: str) -> Response:
        """End it for good: within a second nobody sees or may do anything by it."""
        team = self.one(slug=slug)
        require(self.user, verbs.MANAGES)
        verbs.archive(team=team, reason=self.given(TeamEndIn)["reason"], by=self.user)
        return Response(TeamOut(self.one(_sized(self), slug=slug)).data)


class TeamMembers(Listing):
    """Who belongs to a team."""

    kind = Team
    needs = ""
    order = "user__username"
    serializer_class = TeamMemberOut

    @described("team_members_list", "List the members of a team", "accounts", {200: TeamMemberOut(many=True)})
    def get(self, request: Request, slug: str) -> Response:
        """By name."""
        members = self.one(slug=slug).members.standing()
        return self.rows(members.select_related("user", "by"))


class OneTeamMember(Door):
    """Somebody in a team."""

    kind = Team
    needs = ""
    serializer_class = TeamMemberOut

    @described(
        "team_members_put",
        "Put somebody into a team",
        "accounts",
        {200: TeamMemberOut},
        declines=WRITE,
        request=TeamMemberIn,
    )
    def put(self, request: Request, slug: str, username: str) -> Response:
        """A lead puts in members; who manages teams also makes somebody a lead, or a lead a member. Nobody puts
        themselves in."""
        team = self.one(slug=slug)
        if not team.is_led_by(self.user):
            require(self.user, verbs.MANAGES)
        account = User.objects.filter(username=username).first()
        if account is None:
            raise Invalid(fields={"account": ["There is no account of this name."]})
        made = verbs.add(team=team, user=account, lead=self.given(TeamMemberIn)["lead"], by=self.user)
        return Response(TeamMemberOut(made).data)

    @described("team_members_remove", "Take somebody out of a team", "accounts", {204: None}, declines=ENDS)
    def delete(self, request: Request, slug: str, username: str) -> Response:
        """Within a second they see and may do nothing by it. Everybody may leave."""
        team = self.one(slug=slug)
        held = self.one(TeamMember.objects.standing().filter(team=team), user__username=username)
        verbs.remove(team=team, user=held.user, by=self.user)
        return Response(status=204)


class TeamHoldings(Door):
    """What hangs on a team."""

    kind = Team
    needs = ""
    serializer_class = HoldingsOut

    @described("team_holdings", "Read what hangs on a team", "accounts", {200: HoldingsOut}, declines=READ)
    def get(self, request: Request, slug: str) -> Response:
        """The models shared with it, the systems and models that name it as who answers, the policies that name it."""
        team = self.one(self.get_queryset().select_related("group"), slug=slug)
        found = holdings(team, self.user)
        slugs = {
            kind: [one.slug for one in getattr(found, kind).rows] for kind in ("shared", "systems", "models")
        }
        return Response(HoldingsOut({**slugs, "policies": found.policies}).data)


def _sized(door: Door) -> Any:
    rows = door.get_queryset().select_related("group", "created_by")
    return rows.annotate(size=Count("members", filter=Q(members__ended_at=None)))
