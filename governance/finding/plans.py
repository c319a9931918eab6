"""All lists by their pages."""

from __future__ import annotations

from governance.finding import datasets, models, systems
from governance.finding.criteria import Plan

PLANS: dict[str, Plan] = {plan.page: plan for plan in (models.PLAN, systems.PLAN, datasets.PLAN)}
