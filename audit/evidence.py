"""Evidence before prose: everything a report on a version says, read in one go into plain data.

Decimal numbers are text, times are ISO 8601 in UTC, and what is missing is there, marked as missing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from audit import phrases
from audit.lineage import of_version
from audit.models import Entry
from governance import policies
from governance.models import Clearance, Decision, Policy, Review, RiskClass, Token
from registry.documents.content import completeness, value
from registry.documents.outline import Field, outline
from registry.models import Dataset, Manifest, Revision, RunInput, System, User, Version

WINDOW = timedelta(days=30)
RECENT = 50
EXCERPT = 120


def of(version: Version, *, by: User, at: datetime) -> dict[str, Any]:
    """The evidence about `version` as it stands at `at`. Run inside one repeatable-read transaction."""
    manifest = Manifest.objects.filter(version=version).order_by("-taken_at", "-pk").first()
    head = version.card.head if hasattr(version, "card") else None
    datasets = Dataset.objects.filter(snapshots__uses__run__versions=version, snapshots__uses__context="training")
    sheets = [_datasheet(one) for one in datasets.distinct().order_by("name").select_related("datasheet__head__by")]
    found: dict[str, Any] = {
        "kind": "version",
        "title": "Audit report",
        "taken_at": iso(at),
        "ordered_by": by.get_username(),
        "system": _system(version),
        "model": {
            "name": version.model.name,
            "slug": version.model.slug,
            "description": version.model.description,
            "server": version.model.server.name,
        },
        "version": _version(version, manifest),
        "clearances": _clearances(version),
        "card": _card(head),
        "datasheets": sheets,
        "lineage": of_version(version),
        "policies": _policies(version),
        "tokens": _tokens(version),
        "decisions": _decisions(version, at),
        "reviews": _reviews(version),
        "trail": _trail(version),
    }
    found["completeness"] = _completeness(found, head)
    return found


def iso(at: datetime | None) -> str:
    """A time in UTC to the second, or nothing."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _system(version: Version) -> dict[str, str] | None:
    system = System.objects.filter(models=version.model).order_by("pk").first()
    if system is None:
        return None
    decision = system.risk_decisions.order_by("-decided_at", "-pk").first()
    return {
        "name": system.name,
        "slug": system.slug,
        "intended_purpose": system.intended_purpose,
        "operator_role": system.get_operator_role_display(),
        "risk_class": RiskClass(decision.risk_class).label if decision else "",
        "risk_rationale": decision.rationale if decision else "",
    }


def _version(version: Version, manifest: Manifest | None) -> dict[str, Any]:
    return {
        "number": version.number,
        "status": version.status,
        "registered_at": iso(version.registered_at),
        "aliases": sorted(version.aliases.values_list("name", flat=True)),
        "source": version.source,
        "artifact_digest": manifest.digest if manifest else "",
        "files": manifest.files if manifest else [],
        "git_commit": version.run.git_commit if version.run else "",
    }


def _clearances(version: Version) -> list[dict[str, Any]]:
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


def _card(head: Revision | None) -> dict[str, Any] | None:
    if head is None:
        return None
    return _revision(head) | {
        "sections": [
            {"title": section.title, "fields": [_field(field, head.content) for field in section.fields]}
            for section in outline("card").sections
        ]
    }


def _revision(head: Revision) -> dict[str, Any]:
    return {
        "revision": head.number,
        "digest": head.digest,
        "author": head.by.get_username(),
        "saved_at": iso(head.created_at),
    }


def _field(field: Field, content: dict[str, Any]) -> dict[str, Any]:
    given = value(content, field.path) or field.empty
    shown: Any = given
    if field.kind == "table":
        columns = [column.label for column in field.columns]
        shown = {"columns": columns, "rows": [[row.get(c.key, "") for c in field.columns] for row in given]}
    return {"label": field.label, "value": shown, "missing": not given}


def _datasheet(dataset: Dataset) -> dict[str, Any]:
    head = dataset.datasheet.head if hasattr(dataset, "datasheet") else None
    content = head.content if head else {}
    described = _revision(head) if head else {"revision": 0, "digest": "", "author": "", "saved_at": ""}
    return {"dataset": dataset.name} | described | {
        "sections": [
            {
                "title": section.title,
                "questions": [
                    {
                        "ask": field.label,
                        "answer": value(content, field.path) or "",
                        "missing": not value(content, field.path),
                    }
                    for field in section.fields
                ],
            }
            for section in outline("datasheet").sections
        ]
    }


def _policies(version: Version) -> list[dict[str, Any]]:
    rows = Policy.objects.filter(model=version.model, in_force__isnull=False).select_related("in_force__by")
    return [
        {
            "environment": policy.environment,
            "number": policy.in_force.number,
            "digest": policy.in_force.digest,
            "published_by": policy.in_force.by.get_username(),
            "published_at": iso(policy.in_force.published_at),
            "sentences": policies.sentences(policy.in_force.content),
            "rules": policy.in_force.content["rules"],
        }
        for policy in rows.order_by("environment")
        if policy.in_force
    ]


def _tokens(version: Version) -> list[dict[str, Any]]:
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


def _decisions(version: Version, at: datetime) -> dict[str, Any]:
    """The gate's decisions on the model in the window: those on this version, and those refused before a version was known."""
    rows = Decision.objects.filter(model=version.model.slug, decided_at__gt=at - WINDOW, decided_at__lte=at).filter(
        Q(version=version.number) | Q(version__isnull=True)
    )
    counted = rows.aggregate(total=Count("pk"), allowed=Count("pk", filter=Q(allowed=True)))
    by_reason = rows.filter(allowed=False).values("reason").annotate(count=Count("pk")).order_by("-count", "reason")
    by_day = (
        rows.annotate(day=TruncDate("decided_at"))
        .values("day")
        # Refusals first: once the count is called "allowed", that name no longer means the column.
        .annotate(denied=Count("pk", filter=Q(allowed=False)), allowed=Count("pk", filter=Q(allowed=True)))
        .order_by("day")
    )
    by_caller = rows.exclude(caller="").values("caller").annotate(count=Count("pk")).order_by("-count", "caller")[:20]
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


def _reviews(version: Version) -> list[dict[str, Any]]:
    rows = Review.objects.filter(document__version=version).select_related("submitted_by", "revision")
    return [
        {
            "revision": review.revision.number,
            "digest": review.digest,
            "state": review.get_state_display(),
            "submitted_by": review.submitted_by.get_username(),
            "submitted_at": iso(review.submitted_at),
            "judgements": [
                {
                    "by": one.by.get_username(),
                    "outcome": one.get_outcome_display(),
                    "comment": one.comment,
                    "at": iso(one.made_at),
                    "role": ", ".join(sorted(group.name for group in one.by.groups.all())),
                }
                for one in review.judgements.all()
            ],
        }
        for review in rows.prefetch_related("judgements__by__groups").order_by("submitted_at", "pk")
    ]


def _trail(version: Version) -> list[dict[str, str]]:
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


def _completeness(found: dict[str, Any], head: Revision | None) -> list[dict[str, str]]:
    """Each part: complete, partial or missing, and why."""
    filled, total = completeness("card", head.content) if head else (0, 0)
    sheets = found["datasheets"]
    missing = [sheet["dataset"] for sheet in sheets if not sheet["revision"]]
    answered = sum(not q["missing"] for sheet in sheets for section in sheet["sections"] for q in section["questions"])
    training = RunInput.Context.TRAINING.label.lower()
    return [
        _part("Model card", filled, total, f"{filled} of {total} fields filled in" if head else "There is no card"),
        {
            "part": "Datasheets",
            "state": "missing" if not sheets or len(missing) == len(sheets) else "partial" if missing else "complete",
            "note": f"No datasheet for {', '.join(missing)}."
            if missing
            else f"{answered} questions answered."
            if sheets
            else f"No {training} data is recorded.",
        },
        _known("Risk class", bool(found["system"] and found["system"]["risk_class"]), "decided"),
        _known("File digests", bool(found["version"]["artifact_digest"]), "recorded"),
        _known("Access policy", bool(found["policies"]), "published"),
        _known("Review", bool(found["reviews"]), "held"),
        _known("Gate decisions", bool(found["decisions"]["total"]), "recorded in the period"),
    ]


def _part(part: str, filled: int, total: int, note: str) -> dict[str, str]:
    state = "missing" if not filled else "complete" if filled == total else "partial"
    return {"part": part, "state": state, "note": f"{note}."}


def _known(part: str, there: bool, participle: str) -> dict[str, str]:  # noqa: FBT001
    state, note = ("complete", participle.capitalize()) if there else ("missing", f"Not {participle}")
    return {"part": part, "state": state, "note": f"{note}."}
