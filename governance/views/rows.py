"""What the rows of lists show, as words and small pieces of page: fifty rows are written fifty times, so each is plain.

A template looks a word of a dictionary up at once, and tries three ways for an attribute of an object.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from governance.finding.model_rows import STATES, ModelRow
from governance.models import RiskClass
from registry.addresses import by_slug
from registry.models import System
from registry.templatetags.times import when
from registry.templatetags.ui import pill, snippet

STRICTEST = (RiskClass.PROHIBITED, RiskClass.HIGH, None, RiskClass.LIMITED, RiskClass.MINIMAL)
LOOKS = {"cleared": "ok", "not-cleared": "critical", "ungoverned": "attention"}
PURPOSE = 110  # characters of an intended purpose
ROLES = dict(System.OperatorRole.choices)


def of_model(one: ModelRow) -> dict[str, Any]:
    """A model in the list."""
    classes = [use.risk_class for use in one.used_in]
    return {
        "url": one.get_absolute_url(),
        "name": one.name,
        "place": " · ".join([one.server, *one.flavours]),
        "snippet": snippet(one.snippet),
        "state": _state(one.state),
        "why": one.unmet[0] if one.unmet else "",
        "every_why": " ".join(one.unmet),
        "risk": risk_pill(min(classes, key=STRICTEST.index)) if classes else "",
        "systems": [{"url": by_slug("system", use.slug), "name": use.name} for use in one.used_in],
        "aliases": [f"{alias.name} → {alias.number}" for alias in one.aliases],
        "team": ", ".join(one.teams),
        "versions": str(one.version_count),
        "changed": when(one.changed_at),
    }


def of_system(one: Any) -> dict[str, Any]:
    """A system as `governance.finding.systems` dresses it."""
    return {
        "url": one.get_absolute_url(),
        "name": one.name,
        "retired": one.retired_at is not None,
        "snippet": snippet(one.snippet),
        "risk": risk_pill(one.risk_class),
        "purpose": Truncator(one.intended_purpose).chars(PURPOSE),
        "role": ROLES[one.operator_role],
        "models": str(one.model_count),
        "registered": when(one.created_at),
        "registrar": one.registrar,
    }


def of_dataset(one: Any) -> dict[str, Any]:
    """A dataset as `governance.finding.datasets` dresses it."""
    head = one.datasheet.head if hasattr(one, "datasheet") else None
    return {
        "url": one.get_absolute_url(),
        "name": one.name,
        "snippet": snippet(one.snippet),
        "datasheet": f"revision {head.number} by {head.by}" if head else "",
        "snapshots": str(one.snapshot_count),
        "seen": when(one.first_seen_at),
        "changed": when(one.changed_at),
    }


@lru_cache(maxsize=16)
def risk_pill(risk_class: str | None) -> SafeString:
    """A risk class as on every page; there are few."""
    return render_to_string("governance/risk_pill.html", {"risk_class": risk_class})


@lru_cache(maxsize=4)
def _state(state: str) -> SafeString:
    return pill(LOOKS[state], STATES[state])
