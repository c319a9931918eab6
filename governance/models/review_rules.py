"""What an approval needs, by risk class: what compliance has decided, and which rule holds for a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.models.severities import strictness_of
from governance.reviews import DEFAULTS, Rule, strictest
from registry.documents.strictness import CLASSES
from registry.models import Dataset, Version

if TYPE_CHECKING:
    from registry.models import User


class ReviewRuleQuerySet(models.QuerySet["ReviewRuleDecision"]):
    def visible_to(self, user: User) -> Self:
        """Rules are for everybody who works here."""
        return self if user.is_active else self.none()


class ReviewRuleDecision(models.Model):
    """Compliance decided what an approval needs for a risk class. The latest holds; none is ever changed."""

    risk_class = models.CharField(max_length=12)
    rule = models.JSONField()
    rationale = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(risk_class__in=CLASSES), name="review_rule_risk_class_known"),
            models.CheckConstraint(condition=~Q(rationale=""), name="review_rule_says_why"),
            models.CheckConstraint(
                condition=Q(rule__approvers__gte=1, rule__approvers__lte=5), name="review_rule_approvers"
            ),
        ]
        permissions = [("set_review_rule", "Can decide what an approval needs")]

    def __str__(self) -> str:
        return f"review rule for {self.risk_class}"


def rules_in_force() -> dict[str, Rule]:
    """Risk class → the rule that holds: what was decided last, else the default. One query."""
    latest = ReviewRuleDecision.objects.order_by("risk_class", "-pk").distinct("risk_class")
    return DEFAULTS | {one.risk_class: Rule.of(one.rule) for one in latest}


def rule_for(about: Version | Dataset) -> Rule:
    """The rule of the strictest risk class among the systems that the document concerns. Nobody chooses it."""
    return rules_in_force()[strictest(strictness_of(about).classes)]
