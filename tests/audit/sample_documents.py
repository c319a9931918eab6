"""The invented card, datasheets, reviews and trail of the sample snapshot. For tests only."""

from __future__ import annotations

import hashlib
from typing import Any


def fake_digest(seed: str) -> str:
    """A digest that looks like one and is the same in every run."""
    return hashlib.sha256(seed.encode()).hexdigest()


def _field(label: str, value: Any) -> dict[str, Any]:
    return {"label": label, "value": value, "missing": value is None}


def card() -> dict[str, Any]:
    """A card of five sections, two fields of it missing."""
    groups = {
        "columns": ["Age group", "Applications", "AUC", "False positive rate", "Approval rate"],
        "rows": [
            ["18 to 24", "1 204", "0.741", "0.182", "0.412"],
            ["25 to 34", "3 871", "0.781", "0.121", "0.533"],
            ["35 to 49", "5 902", "0.804", "0.094", "0.604"],
            ["50 to 64", "4 110", "0.798", "0.097", "0.611"],
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
        {
            "title": "Model details",
            "fields": [
                _field("Owner", "owner, Retail Risk"),
                _field("Type", "HistGradientBoostingClassifier, scikit-learn"),
                _field("Licence", "Internal use only"),
                _field("Languages and regions", ["Ελλάδα", "Česko", "България", "Österreich"]),
            ],
        },
        {
            "title": "Intended use",
            "fields": [
                _field(
                    "Intended use",
                    "Rank applications for a *human* decision. A credit officer sees score and reasons.",
                ),
                _field("Users", ["Credit officers", "The team for second opinions"]),
                _field(
                    "Out of scope",
                    ["Automatic refusal", "Business loans", "Collection", "Pricing → interest rates"],
                ),
            ],
        },
        {
            "title": "Evaluation",
            "fields": [
                _field("Metrics by age group", groups),
                _field("Decision threshold", "0.42, chosen so that at most 5 % of defaults are missed."),
                _field("Known limitations", limits),
            ],
        },
        {
            "title": "Ethical considerations",
            "fields": [
                _field("Fundamental rights", None),
                _field(
                    "Human oversight",
                    "A refusal always passes a second credit officer. Overrides are read each month.",
                ),
            ],
        },
        {
            "title": "Maintenance",
            "fields": [
                _field("Monitoring", "Drift, error and approval rate by group, each week."),
                _field("Retirement", None),
            ],
        },
    ]
    return {
        "revision": 4,
        "digest": fake_digest("card 4"),
        "author": "owner",
        "saved_at": "2026-11-06T16:20:07+00:00",
        "sections": sections,
    }


def datasheet(name: str) -> dict[str, Any]:
    """A datasheet with one answer missing."""

    def asked(ask: str, answer: str | None) -> dict[str, Any]:
        return {"ask": ask, "answer": answer, "missing": answer is None}

    sections = [
        {
            "title": "Motivation",
            "questions": [
                asked(
                    "For what purpose was the dataset created?",
                    "To estimate the probability of default of consumer credit.",
                ),
                asked(
                    "Who created the dataset, and on behalf of which entity?",
                    "The Retail Risk team, from the application system.",
                ),
            ],
        },
        {
            "title": "Composition",
            "questions": [
                asked(
                    "What do the instances represent?",
                    "One row is one application for consumer credit, with the outcome after 12 months.",
                ),
                asked(
                    "How many instances are there in total?",
                    "48 000 synthetic applications, seeded, with unequal error rates by age group.",
                ),
                asked(
                    "Does the dataset identify subpopulations, for example by age?",
                    "Yes: age in years. Gender and nationality are not held.",
                ),
                asked("Is any information missing from individual instances?", None),
            ],
        },
        {
            "title": "Collection process",
            "questions": [
                asked(
                    "How was the data acquired?",
                    "Exported nightly from the application system; outcomes joined after 12 months.",
                ),
                asked(
                    "Were any ethical review processes conducted?",
                    "Yes, by the data protection officer:\n\n1. purpose\n2. minimisation\n3. retention",
                ),
            ],
        },
        {
            "title": "Uses",
            "questions": [
                asked(
                    "Are there tasks for which the dataset should not be used?",
                    "Marketing, and any decision about employees.",
                )
            ],
        },
    ]
    return {
        "dataset": name,
        "revision": 2,
        "digest": fake_digest(name),
        "author": "owner",
        "saved_at": "2026-11-05T10:02:44+00:00",
        "sections": sections,
    }


def reviews() -> list[dict[str, Any]]:
    """One revision sent back, the next one approved."""

    def judged(outcome: str, comment: str, at: str) -> dict[str, Any]:
        return {"by": "reviewer", "outcome": outcome, "comment": comment, "at": at, "role": "reviewer"}

    asked = (
        "The table of groups lacks the youngest applicants. Please add them and say how small the group is."
    )
    return [
        {
            "revision": 3,
            "digest": fake_digest("card 3"),
            "state": "changes_requested",
            "submitted_by": "owner",
            "submitted_at": "2026-11-04T11:00:00+00:00",
            "judgements": [judged("changes_requested", asked, "2026-11-05T15:41:00+00:00")],
        },
        {
            "revision": 4,
            "digest": fake_digest("card 4"),
            "state": "approved",
            "submitted_by": "owner",
            "submitted_at": "2026-11-06T16:21:00+00:00",
            "judgements": [
                judged(
                    "approved",
                    "The group of the youngest is now there, with its size.",
                    "2026-11-09T09:18:00+00:00",
                )
            ],
        },
    ]


def trail() -> list[dict[str, Any]]:
    """Ten entries, oldest first."""
    told = (
        (
            "2026-11-02T09:12:41",
            "version.registered",
            "Version 2 of credit-scorer was registered from MLflow.",
            "sync",
        ),
        (
            "2026-11-03T13:00:10",
            "risk.decided",
            "Retail credit decisions was classed as high-risk.",
            "compliance",
        ),
        (
            "2026-11-04T11:00:00",
            "card.submitted",
            "Revision 3 of the card was submitted for review.",
            "owner",
        ),
        (
            "2026-11-05T15:41:00",
            "review.changes_requested",
            "Changes were requested on revision 3 of the card.",
            "reviewer",
        ),
        (
            "2026-11-06T16:21:00",
            "card.submitted",
            "Revision 4 of the card was submitted for review.",
            "owner",
        ),
        ("2026-11-09T09:18:00", "review.approved", "Revision 4 of the card was approved.", "reviewer"),
        (
            "2026-11-10T08:30:00",
            "policy.published",
            "Version 3 of the policy for staging was published.",
            "owner",
        ),
        (
            "2026-11-10T09:00:00",
            "token.issued",
            "The token Loan desk was issued to loan-desk until 10 February 2027.",
            "owner",
        ),
        ("2026-11-12T10:44:00", "token.revoked", "The token Old desk was revoked.", "owner"),
        (
            "2026-11-23T14:05:00",
            "report.ordered",
            "A report on version 2 of credit-scorer was ordered.",
            "compliance",
        ),
    )
    return [
        {"at": f"{at}+00:00", "kind": kind, "sentence": sentence, "by": by, "digest": fake_digest(at + kind)}
        for at, kind, sentence, by in told
    ]
