"""Absences, and when reviews are reminded of."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.actions import absences as verbs
from governance.actions import reminders
from governance.models import Absence, ReminderDecision, cadence_in_force
from governance.models.reminders import ESCALATED_TO, LONGEST_PATIENCE
from governance.notices import Cadence
from registry.api.bodies import In
from registry.api.doors import Door, Listing
from registry.api.problems import described
from registry.errors import Invalid
from registry.models import User

ABSENCE = {
    "id": 3,
    "person": "anna",
    "stand_in": "bert",
    "since": "2026-12-20T00:00:00Z",
    "until": "2027-01-06T00:00:00Z",
    "announced_at": "2026-11-21T09:30:00Z",
    "ended_at": None,
}
CADENCE = {
    "remind_after_days": 3,
    "escalate_after_days": 7,
    "escalate_to": ["compliance"],
    "working_days": True,
}


@extend_schema_serializer(
    examples=[OpenApiExample("Announce", value={key: ABSENCE[key] for key in ("stand_in", "since", "until")})]
)
class AbsenceIn(In):
    """Who stands in for you, and when."""

    stand_in = serializers.CharField(max_length=150, help_text="Who judges in a role of yours.")
    since = serializers.DateTimeField(help_text="A time that is over means now.")
    until = serializers.DateTimeField(help_text="Then it ends by itself.")


@extend_schema_serializer(examples=[OpenApiExample("An absence", value=ABSENCE, response_only=True)])
class AbsenceOut(serializers.ModelSerializer[Absence]):
    """For a time, somebody is asked for reviews in somebody's place."""

    person = serializers.CharField(source="person.username")
    stand_in = serializers.CharField(source="stand_in.username")

    class Meta:
        model = Absence
        fields = list(ABSENCE)


@extend_schema_serializer(
    examples=[OpenApiExample("Decide", value=CADENCE | {"rationale": "Our policy gives a week."})]
)
class CadenceIn(In):
    """When reviews shall be reminded of."""

    remind_after_days = serializers.IntegerField(min_value=1, max_value=LONGEST_PATIENCE)
    escalate_after_days = serializers.IntegerField(min_value=1, max_value=LONGEST_PATIENCE)
    escalate_to = serializers.ListField(
        child=serializers.ChoiceField(choices=ESCALATED_TO), max_length=len(ESCALATED_TO), allow_empty=True
    )
    working_days = serializers.BooleanField(help_text="Saturdays and Sundays (UTC) do not count.")
    rationale = serializers.CharField(max_length=5000, help_text="It stands in the trail.")


@extend_schema_serializer(examples=[OpenApiExample("Reminders", value=CADENCE, response_only=True)])
class CadenceOut(serializers.Serializer[Any]):
    """When those whom a review waits for are reminded, and whom it is told when nobody judges."""

    remind_after_days = serializers.IntegerField()
    escalate_after_days = serializers.IntegerField()
    escalate_to = serializers.ListField(child=serializers.ChoiceField(choices=ESCALATED_TO))
    working_days = serializers.BooleanField()


class Absences(Listing):
    """Absences."""

    kind = Absence
    needs = ""
    order = "-since"
    serializer_class = AbsenceOut

    @described("absences_list", "List absences", "inbox", {200: AbsenceOut(many=True)}, declines=(400, 401))
    def get(self, request: Request) -> Response:
        """Yours, those in which you stand in, and all for those who may see who holds which role."""
        return self.rows(self.get_queryset().select_related("person", "stand_in"))

    @described(
        "absence_announce",
        "Name somebody to stand in",
        "inbox",
        {201: AbsenceOut},
        declines=(400, 401, 403, 409, 413, 415),
        request=AbsenceIn,
    )
    def post(self, request: Request) -> Response:
        """For that time, reviews are asked of somebody else in your place. They judge in their own right."""
        given = self.given(AbsenceIn)
        name = given.pop("stand_in")
        stand_in = User.objects.filter(username=name).first()
        if stand_in is None:
            raise Invalid(fields={"stand_in": ["Name a person whose account is active."]})
        made = verbs.announce(stand_in=stand_in, **given, by=self.user)
        return Response(AbsenceOut(made).data, status=201)


class OneAbsence(Door):
    """One absence."""

    kind = Absence
    needs = ""
    serializer_class = AbsenceOut

    @described("absence_end", "End an absence", "inbox", {200: AbsenceOut}, declines=(401, 404, 409))
    def delete(self, request: Request, pk: int) -> Response:
        """Call an absence of yours off, or end it before its time. It stays on record."""
        one = self.one(self.get_queryset().select_related("person", "stand_in"), pk=pk)
        return Response(AbsenceOut(verbs.end(absence=one, by=self.user)).data)


class Reminders(Door):
    """When reviews are reminded of."""

    kind = ReminderDecision
    needs = ""
    serializer_class = CadenceOut

    @described("reminders", "See when reviews are reminded of", "reviews", {200: CadenceOut}, declines=(401,))
    def get(self, request: Request) -> Response:
        """What holds now."""
        return Response(cadence_in_force().as_facts())

    @described(
        "reminders_decide",
        "Decide when reviews are reminded of",
        "reviews",
        {200: CadenceOut},
        declines=(400, 401, 403, 413, 415),
        request=CadenceIn,
    )
    def put(self, request: Request) -> Response:
        """Decide with a reason. It holds for reviews that wait already as well."""
        given = self.given(CadenceIn)
        rationale = given.pop("rationale")
        asked = given.pop("escalate_to")
        to = tuple(one for one in ESCALATED_TO if one in asked)
        reminders.decide(cadence=Cadence(escalate_to=to, **given), rationale=rationale, by=self.user)
        return Response(cadence_in_force().as_facts())
