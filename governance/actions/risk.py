"""Risk class of a system."""

from __future__ import annotations

from django.db import transaction

from governance.actions.clearances import recompute
from governance.events import RiskDecided
from governance.models import RiskClass, RiskDecision
from registry.errors import Invalid
from registry.events import publish
from registry.models import System, User, Version
from registry.permissions import require


@transaction.atomic
def decide(*, system: System, risk_class: str, rationale: str, by: User) -> RiskDecision:
    """Decide the risk class of `system`, with a reason. A prohibited one closes the gate with the next query."""
    require(by, "governance.decide_risk", on=system)
    problems = {}
    if risk_class not in RiskClass.values:
        problems["risk_class"] = [f"Choose one of {', '.join(RiskClass.values)}."]
    if not rationale.strip():
        problems["rationale"] = ["Say why."]
    if problems:
        raise Invalid(fields=problems)
    decision = RiskDecision.objects.create(
        system=system, risk_class=risk_class, rationale=rationale.strip(), by=by
    )
    publish(RiskDecided(system=system, risk_class=risk_class, rationale=decision.rationale, by=by))
    recompute(versions=Version.objects.filter(model__systems=system), by=by)
    return decision
