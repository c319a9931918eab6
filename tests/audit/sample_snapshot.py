"""An invented, plausible snapshot of one version. For tests only."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.audit.sample_documents import card, datasheet, fake_digest, reviews, trail

Snapshot = dict[str, Any]


def snapshot(**changes: Any) -> Snapshot:
    """The whole snapshot; `changes` replace top-level parts."""
    made: Snapshot = {
        "kind": "version",
        "title": "Audit report",
        "taken_at": "2026-11-23T14:05:00+00:00",
        "ordered_by": "compliance",
        "final": False,
        "system": {
            "name": "Retail credit decisions",
            "slug": "retail-credit",
            "intended_purpose": "Rank applications for consumer credit, for a decision by a credit officer.",
            "operator_role": "Provider and deployer",
            "risk_class": "High-risk",
            "risk_rationale": "Annex III, point 5(b): evaluation of the creditworthiness of natural persons.",
        },
        "model": {
            "name": "credit-scorer",
            "description": "Boosted trees that estimate the probability of default within 12 months.",
            "server": "http://127.0.0.1:5101",
        },
        "version": {
            "number": "2",
            "status": "registered",
            "registered_at": "2026-11-02T09:12:41+00:00",
            "aliases": ["champion"],
            "source": "models:/m-4c1f0e8f4b7a4e11",
            "artifact_digest": fake_digest("artifact"),
            "files": [
                {"path": name, "size": size, "sha256": fake_digest(name)}
                for name, size in (
                    ("MLmodel", 1217),
                    ("conda.yaml", 231),
                    ("input_example.json", 894),
                    ("model.pkl", 1_284_113),
                    ("python_env.yaml", 121),
                    ("requirements.txt", 118),
                    ("serving_input_example.json", 902),
                )
            ],
            "git_commit": fake_digest("commit")[:40],
        },
        "clearances": _clearances(),
        "card": card(),
        "datasheets": [datasheet("credit-applications-train"), datasheet("credit-applications-holdout")],
        "lineage": _lineage(),
        "policies": _policies(),
        "tokens": _tokens(),
        "decisions": _decisions(),
        "broken_glass": [
            {
                "environment": "production",
                "reason": "Payments were at a standstill.",
                "asked_by": "owner",
                "asked_at": "2026-11-12T07:58:00+00:00",
                "granted_by": "compliance",
                "granted_at": "2026-11-12T08:01:00+00:00",
                "ends_at": "2026-11-12T08:31:00+00:00",
                "ended_at": "2026-11-12T08:20:00+00:00",
                "ended_by": "owner",
                "decisions": 214,
            }
        ],
        "reviews": reviews(),
        "trail": trail(),
        "completeness": [
            {
                "part": "Model card",
                "state": "partial",
                "note": "29 of 31 fields are filled; two are printed as missing.",
            },
            {
                "part": "Datasheets",
                "state": "complete",
                "note": "Both training data sets have an approved datasheet.",
            },
            {
                "part": "Lineage",
                "state": "complete",
                "note": "Run, data inputs and artifact digest are known.",
            },
            {"part": "Review", "state": "complete", "note": "Approved by a second person."},
            {"part": "Post-market monitoring plan", "state": "missing", "note": "No plan was provided."},
        ],
    }
    return {**made, **changes}


def _condition(code: str, label: str, why: str, *, met: bool = True, remedy: str = "") -> dict[str, Any]:
    return {"code": code, "label": label, "met": met, "why": why, "remedy": remedy}


def _clearances() -> list[dict[str, Any]]:
    shared = [
        _condition("card.approved", "The card is approved", "Revision 4 was approved on 9 November 2026."),
        _condition(
            "artifact.same",
            "The artifact is the approved one",
            "The digest equals the one that was reviewed.",
        ),
        _condition(
            "risk.decided",
            "The risk class is decided and not prohibited",
            "High-risk, decided on 3 November 2026.",
        ),
        _condition("not.suspended", "The version is not suspended", "No suspension is in force."),
    ]
    sheets = _condition(
        "data.described", "Every training data set has an approved datasheet", "Both are approved."
    )
    late = _condition(
        "data.described",
        "Every training data set has an approved datasheet",
        "The datasheet of credit-applications-holdout is still in review.",
        met=False,
        remedy="Ask a reviewer to judge revision 2 of the datasheet.",
    )
    at = "2026-11-23T14:04:58+00:00"
    return [
        {"environment": "staging", "allowed": True, "assessed_at": at, "conditions": [*shared, sheets]},
        {"environment": "production", "allowed": False, "assessed_at": at, "conditions": [*shared, late]},
    ]


def _lineage() -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "d1", "kind": "dataset", "label": "credit-applications-train", "detail": "38 400 rows"},
            {"id": "d2", "kind": "dataset", "label": "credit-applications-holdout", "detail": "9 600 rows"},
            {
                "id": "r1",
                "kind": "run",
                "label": "rumbling-hare-412",
                "detail": "2 November 2026",
                "facts": [["Run", "7f0c9b6e"], *([f"Parameter p{n}", str(n)] for n in range(70))],
            },
            {"id": "v2", "kind": "version", "label": "credit-scorer 2", "detail": "champion"},
            {"id": "e1", "kind": "endpoint", "label": "staging", "detail": "127.0.0.1:5101"},
            {"id": "e2", "kind": "endpoint", "label": "production", "detail": "not cleared"},
            {"id": "s1", "kind": "system", "label": "Retail credit decisions", "detail": "High-risk"},
        ],
        "edges": [
            ["d1", "r1", "used by"],
            ["d2", "r1", "used by"],
            ["r1", "v2", "produced"],
            ["d2", "v2", "evaluated"],
            ["v2", "e1", "serves"],
            ["v2", "e2", "serves"],
            ["v2", "s1", "part of"],
        ],
    }


def _policies() -> list[dict[str, Any]]:
    return [
        {
            "environment": "staging",
            "number": 3,
            "digest": fake_digest("policy 3"),
            "published_by": "owner",
            "published_at": "2026-11-10T08:30:00+00:00",
            "sentences": [
                "The group credit-officers may query every cleared version, 60 times a minute.",
                "The service account loan-desk may query the version with the alias champion.",
                "Everyone else is refused.",
            ],
            "rules": [],
        }
    ]


def _tokens() -> list[dict[str, Any]]:
    rows = (
        (
            "Loan desk",
            "cdl_7Qm2",
            "loan-desk",
            "query credit-scorer in staging",
            "2026-11-10",
            "2027-02-10",
            "active",
        ),
        (
            "Load test",
            "cdl_Xw9a",
            "owner",
            "query credit-scorer in staging",
            "2026-11-11",
            "2026-11-14",
            "expired",
        ),
        (
            "Old desk",
            "cdl_1fKe",
            "loan-desk",
            "query all models in staging",
            "2026-10-01",
            "2026-12-31",
            "revoked",
        ),
    )
    return [
        {
            "label": label,
            "prefix": prefix,
            "owner": owner,
            "scope": scope,
            "issued_at": f"{issued}T09:00:00+00:00",
            "expires_at": f"{expires}T09:00:00+00:00",
            "state": state,
        }
        for label, prefix, owner, scope, issued, expires, state in rows
    ]


def _decisions() -> dict[str, Any]:
    first = date(2026, 10, 25)
    days = []
    for index in range(30):
        weekend = (first + timedelta(days=index)).weekday() >= 5
        allowed = 0 if index < 4 else (41 if weekend else 380) + (index * 37) % 90
        denied = (index * 13) % 29 + (120 if index == 17 else 0)
        days.append(
            {"day": (first + timedelta(days=index)).isoformat(), "allowed": allowed, "denied": denied}
        )
    allowed, denied = sum(day["allowed"] for day in days), sum(day["denied"] for day in days)
    recent = [
        {
            "at": f"2026-11-23T14:0{minute}:0{minute}+00:00",
            "caller": caller,
            "action": "query",
            "allowed": good,
            "reason": reason,
            "id": f"01jdc{fake_digest(str(minute))[:10]}",
        }
        for minute, caller, good, reason in (
            (4, "loan-desk", True, "allowed"),
            (3, "loan-desk", True, "allowed"),
            (2, None, False, "token.absent"),
            (1, "outsider", False, "scope.too_narrow"),
            (0, "loan-desk", True, "allowed"),
        )
    ]
    return {
        "from": "2026-10-25",
        "to": "2026-11-23",
        "total": allowed + denied,
        "allowed": allowed,
        "denied": denied,
        "by_reason": [
            {"reason": "allowed", "label": "Allowed by the policy in force", "count": allowed},
            {"reason": "version.not_cleared", "label": "The version was not cleared", "count": denied - 60},
            {"reason": "token.absent", "label": "No token was presented", "count": 41},
            {"reason": "scope.too_narrow", "label": "The token does not cover this model", "count": 19},
        ],
        "by_day": days,
        "by_caller": [
            {"caller": "loan-desk", "count": allowed},
            {"caller": None, "count": denied - 30},
            {"caller": "outsider", "count": 30},
        ],
        "recent": recent,
    }
