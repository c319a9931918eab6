"""How severe a finding in a document is."""

from __future__ import annotations

from django.db import transaction

from governance.events import SeveritySet
from governance.models import SeverityDecision, decided_severities
from registry.documents.strictness import CLASSES, SEVERITIES, rules
from registry.errors import Invalid
from registry.events import publish
from registry.models import User
from registry.permissions import require
from registry.wording import required


@transaction.atomic
def decide(*, rule: str, risk_class: str, severity: str, rationale: str, by: User) -> SeverityDecision | None:
    """Decide how severe findings of `rule` are where the strictest system is of `risk_class`; None when it is so already.

    Holds for whatever is submitted from now on. Reviews that are open or closed stay as they are.
    """
    require(by, "governance.set_severity")
    wrong = {
        field: [f"Choose one of {', '.join(known)}."]
        for field, given, known in (
            ("rule", rule, tuple(rules())),
            ("risk_class", risk_class, CLASSES),
            ("severity", severity, SEVERITIES),
        )
        if given not in known
    }
    if wrong:
        raise Invalid(fields=wrong)
    said = required(rationale, field="rationale", missing="Say why.")
    previous = decided_severities().get((rule, risk_class), rules()[rule].severity[risk_class])
    if previous == severity:
        return None
    decision = SeverityDecision.objects.create(
        rule=rule, risk_class=risk_class, severity=severity, rationale=said, by=by
    )
    publish(
        SeveritySet(
            rule=rule, risk_class=risk_class, severity=severity, previous=previous, rationale=said, by=by
        )
    )
    return decision
