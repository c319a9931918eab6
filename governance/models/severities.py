"""How severe a finding in a document is: what compliance has decided, and which classes a document concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery

from governance.models.risk import RiskDecision
from registry.documents.strictness import CLASSES, SEVERITIES, Strictness, strictest
from registry.models import Dataset, System, Version

if TYPE_CHECKING:
    from registry.models import User


class SeverityQuerySet(models.QuerySet["SeverityDecision"]):
    def visible_to(self, user: User) -> Self:
        """Rules are for everybody who works here."""
        return self if user.is_active else self.none()


class SeverityDecision(models.Model):
    """Compliance decided how severe the findings of a rule are for a risk class. The latest holds; none is changed."""

    rule = models.CharField(max_length=40)
    risk_class = models.CharField(max_length=12)
    severity = models.CharField(max_length=8)
    rationale = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    objects = SeverityQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(severity__in=SEVERITIES), name="severity_known"),
            models.CheckConstraint(condition=Q(risk_class__in=CLASSES), name="severity_risk_class_known"),
            models.CheckConstraint(condition=~Q(rationale=""), name="severity_decision_says_why"),
        ]
        permissions = [("set_severity", "Can decide how severe a finding in a document is")]

    def __str__(self) -> str:
        return f"{self.rule} for {self.risk_class}: {self.severity}"


def decided_severities() -> dict[tuple[str, str], str]:
    """(rule, risk class) → the severity that was decided last."""
    rows = SeverityDecision.objects.order_by("rule", "risk_class", "-pk")
    latest = rows.distinct("rule", "risk_class").values_list("rule", "risk_class", "severity")
    return {(rule, risk_class): severity for rule, risk_class, severity in latest}


def strictness_of(about: Version | Dataset) -> Strictness:
    """As strict as the strictest system that uses the model, or a model that learned from the dataset. Two queries."""
    systems = (
        System.objects.filter(models=about.model_id)
        if isinstance(about, Version)
        else System.objects.filter(models__versions__run__inputs__snapshot__dataset=about)
    )
    latest = RiskDecision.objects.filter(system=OuterRef("pk")).order_by("-decided_at", "-pk")
    classes = systems.annotate(risk_class=Subquery(latest.values("risk_class")[:1])).values_list(
        "risk_class", flat=True
    )
    return strictest((one or "" for one in classes), decided_severities())
