"""Control: what may be done."""

from governance.models.clearances import Clearance, Suspension
from governance.models.decisions import Batch, Decision
from governance.models.filters import SavedFilter
from governance.models.policies import Policy, PolicyDraft, PolicyVersion
from governance.models.reviews import Judgement, Review
from governance.models.risk import RiskClass, RiskDecision
from governance.models.severities import SeverityDecision, decided_severities, strictness_of
from governance.models.tokens import Token

__all__ = [
    "Batch",
    "Clearance",
    "Decision",
    "Judgement",
    "Policy",
    "PolicyDraft",
    "PolicyVersion",
    "Review",
    "RiskClass",
    "RiskDecision",
    "SavedFilter",
    "SeverityDecision",
    "Suspension",
    "Token",
    "decided_severities",
    "strictness_of",
]
