"""An invented, plausible snapshot of one version. For tests only."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

Snapshot = dict[str, Any]


def fake_digest(seed: str) -> str:
    """A digest that looks like one and is the same in every run."""
    return hashlib.sha256(seed.encode()).hexdigest()


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
            "intended_purpose": "Rank applications for consumer credit up to 25 000 EUR for a decision by a credit officer.",
            "operator_role": "Provider and deployer",
            "risk_class": "High-risk",
            "risk_rationale": "Annex III, point 5(b): evaluation of the creditworthiness of natural persons.",
        },
        "model": {
            "name": "credit-scorer",
            "description": "Gradient-boosted trees that estimate the probability of default within 12 months.",
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
                    ("MLmodel", 1217), ("conda.yaml", 231), ("input_example.json", 894), ("model.pkl", 1_284_113),
                    ("python_env.yaml", 121), ("requirements.txt", 118), ("serving_input_example.json", 902),
                )
            ],
            "git_commit": fake_digest("commit")[:40],
        },
        "clearances": _clearances(),
        "card": _card(),
        "datasheets": [_datasheet("credit-applications-train"), _datasheet("credit-applications-holdout")],
        "lineage": _lineage(),
        "policies": _policies(),
        "tokens": _tokens(),
        "decisions": _decisions(),
        "reviews": _reviews(),
        "trail": _trail(),
        "completeness": [
            {"part": "Model card", "state": "partial", "note": "29 of 31 fields are filled; two are printed as missing."},
            {"part": "Datasheets", "state": "complete", "note": "Both training data sets have an approved datasheet."},
            {"part": "Lineage", "state": "complete", "note": "Run, data inputs and artifact digest are known."},
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
        _condition("artifact.same", "The artifact is the approved one", "The digest equals the one that was reviewed."),
        _condition("risk.decided", "The risk class is decided and not prohibited", "High-risk, decided on 3 November 2026."),
        _condition("not.suspended", "The version is not suspended", "No suspension is in force."),
    ]
    sheets = _condition("data.described", "Every training data set has an approved datasheet", "Both are approved.")
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


def _field(label: str, value: Any) -> dict[str, Any]:
    return {"label": label, "value": value, "missing": value is None}


def _card() -> dict[str, Any]:
    groups = {
        "columns": ["Age group", "Applications", "AUC", "False positive rate", "Approval rate"],
        "rows": [
            ["18 to 24", "1 204", "0.741", "0.182", "0.412"], ["25 to 34", "3 871", "0.781", "0.121", "0.533"],
            ["35 to 49", "5 902", "0.804", "0.094", "0.604"], ["50 to 64", "4 110", "0.798", "0.097", "0.611"],
            ["65 and over", "913", "0.763", "0.143", "0.498"],
        ],
    }
    limits = (
        "The scorer was trained on applications made **online** between January 2023 and June 2026.\n\n"
        "- Applicants under 25 are few, and the error for them is higher (see the table of groups).\n"
        "- Income is self-declared; it is not verified before scoring.\n"
        "- The score is not valid for amounts > 25 000 EUR, or for terms ≥ 84 months."
    )
    sections = [
        {"title": "Model details", "fields": [
            _field("Owner", "owner, Retail Risk"), _field("Type", "HistGradientBoostingClassifier, scikit-learn"),
            _field("Licence", "Internal use only"), _field("Languages and regions", ["Ελλάδα", "Česko", "България", "Österreich"]),
        ]},
        {"title": "Intended use", "fields": [
            _field("Intended use", "Rank applications for a *human* decision. A credit officer sees the score and three reasons."),
            _field("Users", ["Credit officers", "The team for second opinions"]),
            _field("Out of scope", ["Automatic refusal", "Business loans", "Collection", "Pricing → interest rates"]),
        ]},
        {"title": "Evaluation", "fields": [
            _field("Metrics by age group", groups),
            _field("Decision threshold", "0.42, chosen so that at most 5 % of defaults are missed."),
            _field("Known limitations", limits),
        ]},
        {"title": "Ethical considerations", "fields": [
            _field("Fundamental rights", None),
            _field("Human oversight", "A refusal always passes a second credit officer. Overrides are recorded and read each month."),
        ]},
        {"title": "Maintenance", "fields": [_field("Monitoring", "Drift, error and approval rate by group, each week."), _field("Retirement", None)]},
    ]
    return {"revision": 4, "digest": fake_digest("card 4"), "author": "owner", "saved_at": "2026-11-06T16:20:07+00:00", "sections": sections}


def _datasheet(name: str) -> dict[str, Any]:
    def asked(ask: str, answer: str | None) -> dict[str, Any]:
        return {"ask": ask, "answer": answer, "missing": answer is None}

    sections = [
        {"title": "Motivation", "questions": [
            asked("For what purpose was the dataset created?", "To estimate the probability of default of consumer credit."),
            asked("Who created the dataset, and on behalf of which entity?", "The Retail Risk team, from the application system."),
        ]},
        {"title": "Composition", "questions": [
            asked("What do the instances represent?", "One row is one application for consumer credit, with the outcome after 12 months."),
            asked("How many instances are there in total?", "48 000 synthetic applications, seeded, with unequal error rates by age group."),
            asked("Does the dataset identify subpopulations, for example by age?", "Yes: age in years. Gender and nationality are not held."),
            asked("Is any information missing from individual instances?", None),
        ]},
        {"title": "Collection process", "questions": [
            asked("How was the data acquired?", "Exported nightly from the application system; outcomes joined after 12 months."),
            asked("Were any ethical review processes conducted?", "Yes, by the data protection officer:\n\n1. purpose\n2. minimisation\n3. retention"),
        ]},
        {"title": "Uses", "questions": [asked("Are there tasks for which the dataset should not be used?", "Marketing, and any decision about employees.")]},
    ]
    return {"dataset": name, "revision": 2, "digest": fake_digest(name), "author": "owner", "saved_at": "2026-11-05T10:02:44+00:00", "sections": sections}


def _lineage() -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "d1", "kind": "dataset", "label": "credit-applications-train", "detail": "38 400 rows"},
            {"id": "d2", "kind": "dataset", "label": "credit-applications-holdout", "detail": "9 600 rows"},
            {"id": "r1", "kind": "run", "label": "rumbling-hare-412", "detail": "2 November 2026"},
            {"id": "v2", "kind": "version", "label": "credit-scorer 2", "detail": "champion"},
            {"id": "e1", "kind": "endpoint", "label": "staging", "detail": "127.0.0.1:5101"},
            {"id": "e2", "kind": "endpoint", "label": "production", "detail": "not cleared"},
            {"id": "s1", "kind": "system", "label": "Retail credit decisions", "detail": "High-risk"},
        ],
        "edges": [
            ["d1", "r1", "used by"], ["d2", "r1", "used by"], ["r1", "v2", "produced"], ["d2", "v2", "evaluated"],
            ["v2", "e1", "serves"], ["v2", "e2", "serves"], ["v2", "s1", "part of"],
        ],
    }


def _policies() -> list[dict[str, Any]]:
    return [{
        "environment": "staging", "number": 3, "digest": fake_digest("policy 3"), "published_by": "owner",
        "published_at": "2026-11-10T08:30:00+00:00",
        "sentences": [
            "The group credit-officers may query every cleared version, on working days from 07:00 to 19:00, at most 60 times a minute.",
            "The service account loan-desk may query the version with the alias champion.",
            "Everyone else is refused.",
        ],
        "rules": [],
    }]  # fmt: skip


def _tokens() -> list[dict[str, Any]]:
    rows = (
        ("Loan desk", "cdl_7Qm2", "loan-desk", "query credit-scorer in staging", "2026-11-10", "2027-02-10", "active"),
        ("Load test", "cdl_Xw9a", "owner", "query credit-scorer in staging", "2026-11-11", "2026-11-14", "expired"),
        ("Old desk", "cdl_1fKe", "loan-desk", "query all models in staging", "2026-10-01", "2026-12-31", "revoked"),
    )
    return [
        {"label": label, "prefix": prefix, "owner": owner, "scope": scope, "issued_at": f"{issued}T09:00:00+00:00",
         "expires_at": f"{expires}T09:00:00+00:00", "state": state}
        for label, prefix, owner, scope, issued, expires, state in rows
    ]  # fmt: skip


def _decisions() -> dict[str, Any]:
    first = date(2026, 10, 25)
    days = []
    for index in range(30):
        weekend = (first + timedelta(days=index)).weekday() >= 5
        allowed = 0 if index < 4 else (41 if weekend else 380) + (index * 37) % 90
        denied = (index * 13) % 29 + (120 if index == 17 else 0)
        days.append({"day": (first + timedelta(days=index)).isoformat(), "allowed": allowed, "denied": denied})
    allowed, denied = sum(day["allowed"] for day in days), sum(day["denied"] for day in days)
    recent = [
        {"at": f"2026-11-23T14:0{minute}:0{minute}+00:00", "caller": caller, "action": "query", "allowed": good, "reason": reason,
         "id": f"01jdc{fake_digest(str(minute))[:10]}"}
        for minute, caller, good, reason in (
            (4, "loan-desk", True, "allowed"), (3, "loan-desk", True, "allowed"), (2, None, False, "token.absent"),
            (1, "outsider", False, "scope.too_narrow"), (0, "loan-desk", True, "allowed"),
        )
    ]  # fmt: skip
    return {
        "from": "2026-10-25", "to": "2026-11-23", "total": allowed + denied, "allowed": allowed, "denied": denied,
        "by_reason": [
            {"reason": "allowed", "label": "Allowed by the policy in force", "count": allowed},
            {"reason": "version.not_cleared", "label": "The version was not cleared", "count": denied - 60},
            {"reason": "token.absent", "label": "No token was presented", "count": 41},
            {"reason": "scope.too_narrow", "label": "The token does not cover this model", "count": 19},
        ],
        "by_day": days,
        "by_caller": [{"caller": "loan-desk", "count": allowed}, {"caller": None, "count": denied - 30}, {"caller": "outsider", "count": 30}],
        "recent": recent,
    }  # fmt: skip


def _reviews() -> list[dict[str, Any]]:
    def judged(outcome: str, comment: str, at: str) -> dict[str, Any]:
        return {"by": "reviewer", "outcome": outcome, "comment": comment, "at": at, "role": "reviewer"}

    asked = "The table of groups lacks the youngest applicants. Please add them and say how small the group is."
    return [
        {"revision": 3, "digest": fake_digest("card 3"), "state": "changes_requested", "submitted_by": "owner",
         "submitted_at": "2026-11-04T11:00:00+00:00", "judgements": [judged("changes_requested", asked, "2026-11-05T15:41:00+00:00")]},
        {"revision": 4, "digest": fake_digest("card 4"), "state": "approved", "submitted_by": "owner",
         "submitted_at": "2026-11-06T16:21:00+00:00",
         "judgements": [judged("approved", "The group of the youngest is now there, with its size.", "2026-11-09T09:18:00+00:00")]},
    ]  # fmt: skip


def _trail() -> list[dict[str, Any]]:
    told = (
        ("2026-11-02T09:12:41", "version.registered", "Version 2 of credit-scorer was registered from MLflow.", "sync"),
        ("2026-11-03T13:00:10", "risk.decided", "Retail credit decisions was classed as high-risk.", "compliance"),
        ("2026-11-04T11:00:00", "card.submitted", "Revision 3 of the card was submitted for review.", "owner"),
        ("2026-11-05T15:41:00", "review.changes_requested", "Changes were requested on revision 3 of the card.", "reviewer"),
        ("2026-11-06T16:21:00", "card.submitted", "Revision 4 of the card was submitted for review.", "owner"),
        ("2026-11-09T09:18:00", "review.approved", "Revision 4 of the card was approved.", "reviewer"),
        ("2026-11-10T08:30:00", "policy.published", "Version 3 of the policy for staging was published.", "owner"),
        ("2026-11-10T09:00:00", "token.issued", "The token Loan desk was issued to loan-desk until 10 February 2027.", "owner"),
        ("2026-11-12T10:44:00", "token.revoked", "The token Old desk was revoked.", "owner"),
        ("2026-11-23T14:05:00", "report.ordered", "A report on version 2 of credit-scorer was ordered.", "compliance"),
    )
    return [
        {"at": f"{at}+00:00", "kind": kind, "sentence": sentence, "by": by, "digest": fake_digest(at + kind)}
        for at, kind, sentence, by in told
    ]
