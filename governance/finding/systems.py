"""The list of AI systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from governance.finding.models import LATEST_RISK
from governance.models import RiskClass, RiskDecision
from registry.models import Model, System, User, visible_models

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


def matching(user: User, chosen: Chosen) -> QuerySet[System]:
    """The visible systems that fit."""
    found = chosen.rows(user).filter(within("created_at", chosen["registered_within"]))
    if chosen["risk"] == "undecided":
        found = found.exclude(Exists(RiskDecision.objects.filter(system=OuterRef("pk"))))
    elif chosen["risk"]:
        latest = Subquery(LATEST_RISK.values("risk_class")[:1])
        found = found.annotate(risk_class=latest).filter(risk_class=chosen["risk"])
    if chosen["role"]:
        found = found.filter(operator_role=chosen["role"])
    if chosen["uses"]:
        used = Exists(_used(user))
        found = found.filter(used) if chosen["uses"] == "some" else found.exclude(used)
    return found


def dressed(user: User, _chosen: Chosen, keys: Sequence[int]) -> list[Any]:
    """Systems with their risk class and the number of their visible models; two queries."""
    rows: list[Any] = list(
        System.objects.filter(pk__in=keys).annotate(
            risk_class=Subquery(LATEST_RISK.values("risk_class")[:1]), registrar=F("created_by__username")
        )
    )
    used = System.models.through.objects.filter(visible_models(user, "model"), system__in=rows)
    counted = dict(used.values_list("system").annotate(n=Count("pk")))
    for row in rows:
        row.model_count = counted.get(row.pk, 0)
    return rows


def _used(user: User) -> QuerySet[Any]:
    """The visible models in a system."""
    used = System.models.through.objects.filter(system=OuterRef("pk"))
    return used.filter(model__in=Model.objects.visible_to(user).values("pk"))


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
    kind=System,
    noun="systems",
    criteria=(RISK, ROLE, USES, REGISTERED),
    sorts={"name": "name", "registered": "created_at"},
    matching=matching,
    dressed=dressed,
    columns=COLUMNS,
)
