"""How long tokens live."""

from __future__ import annotations

from django.db import transaction

from governance.events import TokenLifeSet
from governance.models import TokenLife
from governance.models.tokens import CLASSES, LONGEST_LIFE, lives
from registry.errors import Invalid
from registry.events import publish
from registry.models import User
from registry.permissions import require
from registry.wording import required


@transaction.atomic
def decide(*, risk_class: str, days: int, rationale: str, by: User) -> TokenLife | None:
    """Decide how many days a token may live that reaches models of this risk class; None when it is so already.

    Holds within a second, for the tokens that are there as well.
    """
    require(by, "governance.decide_token_life")
    if risk_class not in CLASSES:
        raise Invalid(fields={"risk_class": [f"Choose one of {', '.join(CLASSES)}."]})
    if not 1 <= days <= LONGEST_LIFE.days:
        raise Invalid(fields={"days": [f"A token lives 1 to {LONGEST_LIFE.days} days."]})
    said = required(rationale, field="rationale", missing="Say why.")
    previous = lives()[risk_class]
    if previous == days:
        return None
    decision = TokenLife.objects.create(risk_class=risk_class, days=days, rationale=said, by=by)
    publish(TokenLifeSet(risk_class=risk_class, days=days, previous=previous, rationale=said, by=by))
    return decision
