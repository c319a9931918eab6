"""What was allowed, judged and done: policies, tokens, decisions, reviews and the trail as evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from audit import phrases
from audit.evidence.times import iso
from audit.models import Entry
from governance import policies as rules
from governance.models import BreakGlass, Clearance, Decision, Policy, Review, Token
from registry.models import Version

WINDOW = timedelta(days=30)
RECENT = 50
EXCERPT = 120


def clearances(version: Version) -> list[dict[str, Any]]:
    """The stored clearances with every condition."""
    rows = Clearance.objects.filter(version=version).order_by("environment")
    return [
        {
            "environment": row.environment,
            "allowed": row.allowed,
            "assessed_at": iso(row.assessed_at),
            "conditions": [
                {key: one[key] for key in ("code", "label", "met", "why", "remedy")} for one in row.conditions
            ],
        }
        for row in rows
    ]


def policies(version: Version) -> list[dict[str, Any]]:
    """The policies in force, in sentences and as rules."""
    rows = Policy.objects.filter(model=version.model, in_force__isnull=False).select_related("in_force__by")
    return [
        {
            "environment": policy.environment,
            "number": policy.in_force.number,
            "digest": policy.in_force.digest,
            "published_by": policy.in_force.by.get_username(),
            "published_at": iso(policy.in_force.published_at),
            "sentences": rules.sentences(policy.in_force.content),
            "rules": policy.in_force.content["rules"],
        }
        for policy in rows.order_by("environment")
        if policy.in_force
    ]


def tokens(version: Version) -> list[dict[str, Any]]:
    """Every token that reaches the model, without its secret or digest."""
    rows = Token.objects.filter(models=version.model).select_related("owner").prefetch_related("models")
    return [
        {
            "label": token.name,
            "prefix": token.prefix,
            "owner": token.owner.get_username(),
            "scope": f"{', '.join(token.actions)} on {', '.join(m.name for m in token.models.all())}"
            f" in {token.environment}",
            "issued_at": iso(token.issued_at),
            "expires_at": iso(token.expires_at),
            "state": token.state,
        }
        for token in rows.order_by("issued_at", "pk")
    ]


def decisions(version: Version, at: datetime) -> dict[str, Any]:
    """The gate's decisions on the model in the window: those on this version, and those refused before a version was known."""
    rows = Decision.objects.filter(
        model=version.model.slug, decided_at__gt=at - WINDOW, decided_at__lte=at
    ).filter(Q(version=version.number) | Q(version__isnull=True))
    counted = rows.aggregate(total=Count("pk"), allowed=Count("pk", filter=Q(allowed=True)))
    by_reason = (
        rows.filter(allowed=False).values("reason").annotate(count=Count("pk")).order_by("-count", "reason")
    )
    by_day = (
        rows.annotate(day=TruncDate("decided_at"))
        .values("day")
        # Refusals first: once the count is called "allowed", that name no longer means the column.
        .annotate(denied=Count("pk", filter=Q(allowed=False)), allowed=Count("pk", filter=Q(allowed=True)))
        .order_by("day")
    )
    by_caller = (
        rows.exclude(caller="").values("caller").annotate(count=Count("pk")).order_by("-count", "caller")[:20]
    )
    return {
        "from": iso(at - WINDOW),
        "to": iso(at),
        "total": counted["total"],
        "allowed": counted["allowed"],
        "denied": counted["total"] - counted["allowed"],
        "by_reason": [
            {"reason": r["reason"], "label": r["reason"].replace("_", " ").capitalize(), "count": r["count"]}
            for r in by_reason
        ],
        "by_day": [{"day": str(r["day"]), "allowed": r["allowed"], "denied": r["denied"]} for r in by_day],
        "by_caller": list(by_caller),
        "recent": [
            {
                "at": iso(d.decided_at),
                "caller": d.caller,
                "action": d.action,
                "allowed": d.allowed,
                "reason": d.reason,
                "id": str(d.pk),
            }
            for d in rows.order_by("-decided_at", "id")[:RECENT]
        ],
    }


def broken_glass(version: Version, at: datetime) -> list[dict[str, Any]]:
    """Every time two people let the version answer although it was not cleared, and how many queries that let pass."""
    rows = BreakGlass.objects.filter(version=version, granted_at__isnull=False)
    found = []
    for one in rows.select_related("asked_by", "granted_by", "ended_by").order_by("granted_at", "pk"):
        passed = Decision.objects.filter(
            model=version.model.slug,
            version=version.number,
            environment=one.environment,
            reason="break_glass",
            decided_at__range=(one.granted_at, one.ended_at or one.ends_at),
        )
        found.append(
            {
                "environment": one.environment,
                "reason": one.reason,
                "asked_by": one.asked_by.get_username(),
                "asked_at": iso(one.asked_at),
                "granted_by": one.granted_by.get_username() if one.granted_by else "",
                "granted_at": iso(one.granted_at) if one.granted_at else "",
                "ends_at": iso(one.ends_at) if one.ends_at else "",
                "ended_at": iso(one.ended_at) if one.ended_at else "",
                "ended_by": one.ended_by.get_username() if one.ended_by else "",
                "decisions": passed.filter(decided_at__lte=at).count(),
            }
        )
    return found


def reviews(version: Version) -> list[dict[str, Any]]:
    """Every review of the card with its judgements."""
    rows = Review.objects.filter(document__version=version).select_related("submitted_by", "revision")
    return [
        {
            "revision": review.revision.number,
            "digest": review.digest,
            "state": review.get_state_display(),
            "submitted_by": review.submitted_by.get_username(),
            "submitted_at": iso(review.submitted_at),
            "rule": review.frozen_rule.in_words(),
            "stale_codes": review.stale_codes,
            "retired_because": review.retired_because,
            "judgements": [
                {
                    "by": one.by.get_username(),
                    "outcome": one.get_outcome_display(),
                    "comment": one.comment,
                    "at": iso(one.made_at),
                    "role": one.role or ", ".join(sorted(group.name for group in one.by.groups.all())),
                    "meaning": one.meaning,
                    "method": one.method,
                    "signed_digest": one.signed_digest,
                }
                for one in review.judgements.all()
            ],
            "conditions": [
                {
                    "text": one.text,
                    "owner": one.owner.get_username(),
                    "due_at": iso(one.due_at),
                    "fulfilled_at": iso(one.fulfilled_at) if one.fulfilled_at else "",
                    "fulfilled_by": one.fulfilled_by.get_username() if one.fulfilled_by else "",
                }
                for one in review.conditions.all()
            ],
        }
        for review in rows.prefetch_related(
            "judgements__by__groups", "conditions__owner", "conditions__fulfilled_by"
        ).order_by("submitted_at", "pk")
    ]


def trail(version: Version) -> list[dict[str, str]]:
    """The latest entries about the version or its model, oldest first."""
    rows = Entry.objects.about(version, version.model).newest()[:EXCERPT]
    return [
        {
            "at": iso(entry.created_at),
            "kind": entry.kind,
            "sentence": phrases.sentence(entry.facts),
            "by": entry.actor,
            "digest": entry.digest,
        }
        for entry in reversed(rows)
    ]
