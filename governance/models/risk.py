"""Risk class: decided per system, never per model."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class RiskClass(models.TextChoices):
    """Classes of Regulation (EU) 2024/1689: Art. 5, Art. 6, Art. 50, and the rest."""

    PROHIBITED = "prohibited", "Prohibited"
    HIGH = "high", "High risk"
    LIMITED = "limited", "Limited risk"
    MINIMAL = "minimal", "Minimal risk"


class RiskDecision(models.Model):
    """Somebody decided the risk class of a system, with a reason. The latest one holds; none is ever changed."""

    system = models.ForeignKey("registry.System", on_delete=models.PROTECT, related_name="risk_decisions")
    risk_class = models.CharField(max_length=12, choices=RiskClass.choices)
    rationale = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = ("decided_at", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(risk_class__in=RiskClass.values), name="risk_class_known"),
            models.CheckConstraint(condition=~Q(rationale=""), name="risk_decision_says_why"),
        ]
        permissions = [("decide_risk", "Can decide the risk class of a system")]

    def __str__(self) -> str:
        return f"{self.get_risk_class_display()}: {self.system}"
