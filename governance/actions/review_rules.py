"""What an approval needs, for each risk class."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from governance.events import ReviewRuleSet
from governance.models import ReviewRuleDecision, rules_in_force
from governance.models.reviews import JUDGES
from governance.reviews import LONGEST_AGE, MOST_APPROVERS, Rule
from registry.documents.strictness import CLASSES
from registry.errors import Invalid
from registry.events import publish
from registry.models import User
from registry.permissions import require
from registry.wording import required

MOST_ITEMS, LONGEST_ITEM = 20, 300


@transaction.atomic
def decide(*, rule: Rule, rationale: str, by: User) -> ReviewRuleDecision | None:
    """Decide what an approval needs for a risk class; None when it is so already.

    Holds for whatever is submitted from now on. Reviews that are open or closed keep the rule they were submitted under.
    """
    require(by, "governance.set_review_rule")
    if wrong := _wrong(rule):
        raise Invalid(fields=wrong)
    said = required(rationale, field="rationale", missing="Say why.")
    previous = rules_in_force()[rule.risk_class]
    if previous == rule:
        return None
    decision = ReviewRuleDecision.objects.create(
        risk_class=rule.risk_class, rule=rule.as_json(), rationale=said, by=by
    )
    publish(
        ReviewRuleSet(
            risk_class=rule.risk_class,
            rule=rule.in_words(),
            previous=previous.in_words(),
            rationale=said,
            by=by,
        )
    )
    return decision


def _wrong(rule: Rule) -> dict[str, list[str]]:
    keys = [one.key for one in rule.checklist]
    found = {
        "risk_class": rule.risk_class not in CLASSES and f"Choose one of {', '.join(CLASSES)}.",
        "approvers": not 1 <= rule.approvers <= MOST_APPROVERS and f"Ask for 1 to {MOST_APPROVERS} people.",
        "roles": _wrong_roles(rule),
        "checklist": (
            len(keys) > MOST_ITEMS
            or len(set(keys)) < len(keys)
            or any(not one.key or len(one.key) > 40 for one in rule.checklist)
            or any(not one.text.strip() or len(one.text) > LONGEST_ITEM for one in rule.checklist)
        )
        and f"Give at most {MOST_ITEMS} items, each with a key of its own and 1 to {LONGEST_ITEM} characters.",
        "max_age_days": not 1 <= rule.max_age_days <= LONGEST_AGE and f"Choose 1 to {LONGEST_AGE} days.",
        "again_after_days": not 1 <= rule.again_after_days <= rule.max_age_days
        and "Choose a number of days that is not above the greatest age.",
    }
    return {field: [str(sentence)] for field, sentence in found.items() if sentence}


def _wrong_roles(rule: Rule) -> str | bool:
    known = set(Group.objects.filter(permissions__codename=JUDGES).values_list("name", flat=True))
    if unknown := sorted(set(rule.roles) - known):
        return f"No role that judges: {', '.join(unknown)}. Choose from {', '.join(sorted(known))}."
    return len(rule.roles) > rule.approvers and "Each role is one person: ask for at least as many people."
