"""The list of AI systems."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from governance.finding.models import LATEST_RISK
from governance.models import RiskClass, RiskDecision
from registry.models import Model, System, User
from registry.search.matching import matches, relevance

RISK = Criterion(
    "risk",
    "Risk class",
    "As decided last.",
    (*RiskClass.choices, ("undecided", "Undecided")),
)
ROLE = Criterion(
    "role", "Our role", "The operator role taken for the system.", tuple(System.OperatorRole.choices)
)
USES = Criterion(
    "uses",
    "Models",
    "Whether the system uses a model that you may see.",
    (("some", "Uses models"), ("none", "Uses none")),
)
REGISTERED = Criterion(
    "registered_within", "Registered", "Within so many days, or more than ninety ago.", WITHIN
)
USED = System.models.through.objects.filter(system=OuterRef("pk"))


def rows(user: User, chosen: Chosen) -> QuerySet[System]:
    """The visible systems that fit, each with its risk class and the number of its visible models."""
    seen = USED.filter(model__in=Model.objects.visible_to(user).values("pk"))
    found = System.objects.filter(pk__in=System.objects.visible_to(user).values("pk"))
    found = found.filter(matches(chosen.query, "system"), within("created_at", chosen["registered_within"]))
    found = found.annotate(
        relevance=relevance(chosen.query),
        risk_class=Subquery(LATEST_RISK.values("risk_class")[:1]),
        model_count=Coalesce(Subquery(seen.values("system").annotate(n=Count("pk")).values("n")), 0),
        registrar=F("created_by__username"),
    )
    if chosen["risk"] == "undecided":
        found = found.filter(~Exists(RiskDecision.objects.filter(system=OuterRef("pk"))))
    elif chosen["risk"]:
        found = found.filter(risk_class=chosen["risk"])
    if chosen["role"]:
        found = found.filter(operator_role=chosen["role"])
    if chosen["uses"]:
        found = found.filter(Exists(seen) if chosen["uses"] == "some" else ~Exists(seen))
    return found


COLUMNS = (
    Column("System", lambda s: s.name),
    Column("Risk class", lambda s: dict(RiskClass.choices).get(s.risk_class, "Undecided")),
    Column("Intended purpose", lambda s: s.intended_purpose),
    Column("Our role", lambda s: s.get_operator_role_display()),
    Column("Models", lambda s: str(s.model_count)),
    Column("Registered by", lambda s: s.registrar),
    Column("Registered (UTC)", lambda s: f"{s.created_at:%Y-%m-%d %H:%M:%S}"),
    Column("Address", lambda s: f"{settings.SITE_URL}{s.get_absolute_url()}"),
)

PLAN = Plan(
    page="systems",
    noun="systems",
    criteria=(RISK, ROLE, USES, REGISTERED),
    sorts={"name": "name", "registered": "created_at"},
    rows=rows,
    columns=COLUMNS,
)
