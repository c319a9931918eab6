"""What the portal answers. Each class stands for one schema of the interface (docs/reference/openapi.yaml), named below
it; a test holds every field against it. What a later release adds is ignored.
"""

from __future__ import annotations

from governance.client.answers.accounts import Introspection, Me, OwnToken, Token
from governance.client.answers.control import (
    Check,
    Clearance,
    Condition,
    Decided,
    Decision,
    Judgement,
    Point,
    Policy,
    Reach,
    Review,
    ReviewCondition,
    RuleStep,
    Who,
    Why,
)
from governance.client.answers.facts import Alias, Dataset, Model, Revision, Run, Snapshot, Version
from governance.client.answers.work import Report, Server, Sync

__all__ = [
    "SCHEMAS", "Alias", "Check", "Clearance", "Condition", "Dataset", "Decided", "Decision", "Introspection", "Judgement", "Me", "Model", "OwnToken", "Point", "Policy", "Reach", "Report", "Review", "ReviewCondition", "Revision", "RuleStep", "Run", "Server", "Snapshot", "Sync", "Token", "Version", "Who", "Why",
]  # fmt: skip

SCHEMAS: dict[type, str] = {
    OwnToken: "OwnTokenOut", Me: "MeOut", Alias: "AliasOut", Model: "ModelOut", Run: "RunOut",
    Version: "VersionDetailOut", Snapshot: "SnapshotOut", Dataset: "DatasetOut", Revision: "CardOut",
    Condition: "ClearanceConditionOut", Clearance: "ClearanceOut", Point: "PointOut", Check: "CheckOut",
    RuleStep: "RuleStepOut", Why: "WhyOut", Decided: "DecideOut", Who: "WhoOut", Reach: "WhatOut", Judgement: "JudgementOut",
    ReviewCondition: "ConditionOut", Review: "ReviewOut", Policy: "PolicyOut", Decision: "DecisionOut",
    Token: "TokenOut", Introspection: "IntrospectOut", Server: "ServerOut", Sync: "PassOut", Report: "ReportOut",
}  # fmt: skip
