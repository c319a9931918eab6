"""Control: what may be done."""

from governance.models.clearances import Clearance, Suspension
from governance.models.decisions import Batch, Decision
from governance.models.filters import SavedFilter
from governance.models.policies import Policy, PolicyVersion
from governance.models.reviews import Judgement, Review
from governance.models.risk import RiskClass, RiskDecision
from governance.models.service_accounts import ServiceAccount
from governance.models.severities import SeverityDecision, decided_severities, strictness_of
from governance.models.tokens import Token, TokenLife, TokenUse

__all__ = [
    "Batch",
    "Clearance",
    "Decision",
    "Judgement",
    "Policy",
    "PolicyVersion",
    "Review",
    "RiskClass",
    "RiskDecision",
    "SavedFilter",
    "ServiceAccount",
    "SeverityDecision",
    "Suspension",
    "Token",
    "TokenLife",
    "TokenUse",
    "decided_severities",
    "strictness_of",
]
