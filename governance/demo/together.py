"""Who works together in the demo: a team, a program and its sponsor, a judge who is away, an exit that waits.

Each step is told apart by what it leaves, so that a seed that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from governance.actions import absences, glass, service_accounts
from governance.actions import tokens as token_verbs
from governance.models import Absence, BreakGlass, ServiceAccount
from governance.scopes import Scope
from registry.actions import catalogue, teams
from registry.models import Environment, Model, Team, User, Version

TEAM, SERVICE = "retail-lending", "form-intake"
READ, ASKED = "digit-reader", "churn-sketch"
AWAY, LIFE = timedelta(days=7), timedelta(days=30)
Account = Mapping[str, User]


def work(people: Account) -> None:
    """All of it."""
    _team(people)
    _service(people)
    _absence(people)
    _exit(people)


def _team(people: Account) -> None:
    """Led by the owner; who belongs to it sees the credit scorer."""
    if Team.objects.filter(slug=TEAM).exists():
        return
    made = teams.make(
        handle=TEAM,
        name="Retail lending",
        description="Answers for the models that decide on consumer credit.",
        by=people["admin"],
    )
    teams.add(team=made, user=people["owner"], lead=True, by=people["admin"])
    teams.add(team=made, user=people["reviewer"], by=people["owner"])
    model = Model.objects.get(name="credit-scorer")
    catalogue.share_model(model=model, audience=made.group, by=people["admin"])


def _service(people: Account) -> None:
    """A program with a token of its own; the owner answers for it."""
    if ServiceAccount.objects.filter(account__username=SERVICE).exists():
        return
    made = service_accounts.make(
        name=SERVICE,
        sponsor=people["owner"],
        purpose="Fills the boxes of the intake screen.",
        by=people["admin"],
    )
    model = Model.objects.get(name=READ)
    catalogue.share_model(model=model, audience=made.account, by=people["admin"])
    token_verbs.issue(
        name="Intake screen",
        owner=made.account,
        models=[model],
        scope=Scope(actions=("predict",)),
        environment=Environment.PRODUCTION,
        expires_at=timezone.now() + LIFE,
        by=people["owner"],
    )


def _absence(people: Account) -> None:
    """Compliance is asked in place of the deputy, who is away this week."""
    if not Absence.objects.filter(person=people["deputy"]).exists():
        now = timezone.now()
        absences.announce(stand_in=people["compliance"], since=now, until=now + AWAY, by=people["deputy"])


def _exit(people: Account) -> None:
    """The owner asks to break the glass for a model that nobody governs; no second person has granted it."""
    version = Version.objects.get(model__name=ASKED, number=1)
    if not BreakGlass.objects.filter(version=version).exists():
        glass.ask(
            version=version,
            environment=Environment.STAGING,
            minutes=30,
            reason="Sales shows the sketch to its board at noon.",
            by=people["owner"],
        )
