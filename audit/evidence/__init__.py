"""Evidence before prose: everything a report on a version says, read in one go into plain data.

Decimal numbers are text, times are ISO 8601 in UTC, and what is missing is there, marked as missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit.evidence import papers, records
from audit.evidence.times import iso
from audit.lineage import of_version
from governance.models import RiskClass
from registry.documents.content import completeness
from registry.models import Dataset, Manifest, Revision, RunInput, System, User, Version


def of(version: Version, *, by: User, at: datetime) -> dict[str, Any]:
    """The evidence about `version` as it stands at `at`. Run inside one repeatable-read transaction."""
    manifest = Manifest.objects.filter(version=version).order_by("-taken_at", "-pk").first()
    head = version.card.head if hasattr(version, "card") else None
    datasets = Dataset.objects.filter(
        snapshots__uses__run__versions=version, snapshots__uses__context="training"
    )
    sheets = [
        papers.datasheet(one)
        for one in datasets.distinct().order_by("name").select_related("datasheet__head__by")
    ]
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
        "clearances": records.clearances(version),
        "card": papers.card(head),
        "datasheets": sheets,
        "lineage": of_version(version, by),
        "policies": records.policies(version),
        "tokens": records.tokens(version),
        "decisions": records.decisions(version, at),
        "broken_glass": records.broken_glass(version, at),
        "reviews": records.reviews(version),
        "trail": records.trail(version),
    }
    found["completeness"] = _completeness(found, head)
    return found


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


def _completeness(found: dict[str, Any], head: Revision | None) -> list[dict[str, str]]:
    """Each part: complete, partial or missing, and why."""
    filled, total = completeness("card", head.content) if head else (0, 0)
    sheets = found["datasheets"]
    missing = [sheet["dataset"] for sheet in sheets if not sheet["revision"]]
    answered = sum(
        not q["missing"] for sheet in sheets for section in sheet["sections"] for q in section["questions"]
    )
    training = RunInput.Context.TRAINING.label.lower()
    return [
        _part(
            "Model card",
            filled,
            total,
            f"{filled} of {total} fields filled in" if head else "There is no card",
        ),
        {
            "part": "Datasheets",
            "state": "missing"
            if not sheets or len(missing) == len(sheets)
            else "partial"
            if missing
            else "complete",
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
