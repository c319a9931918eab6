"""Risk class of a system."""

from __future__ import annotations

from django.db import transaction

from governance.actions.clearances import recompute
from governance.events import RiskDecided
from governance.models import RiskClass, RiskDecision
from registry.errors import Conflict, Invalid
from registry.events import publish
from registry.models import System, User, Version
from registry.permissions import require
from registry.wording import required


@transaction.atomic
def decide(*, system: System, risk_class: str, rationale: str, by: User) -> RiskDecision:
    """Decide the risk class of `system`, with a reason. A prohibited one closes the gate within a second."""
    require(by, "governance.decide_risk", on=system)
    if risk_class not in RiskClass.values:
        raise Invalid(fields={"risk_class": [f"Choose one of {', '.join(RiskClass.values)}."]})
    if system.retired_at:
        raise Conflict(f"{system} is retired; no risk class is decided any more.")
    said = required(rationale, field="rationale", missing="Say why.")
    decision = RiskDecision.objects.create(system=system, risk_class=risk_class, rationale=said, by=by)
    publish(RiskDecided(system=system, risk_class=risk_class, rationale=decision.rationale, by=by))
    recompute(versions=Version.objects.filter(model__systems=system), by=by)
    return decision
