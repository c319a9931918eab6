"""Control: what may be done."""

from governance.models.absences import Absence
from governance.models.anomalies import Anomaly, Habit, LookedUntil, SeenNetwork
from governance.models.break_glass import BreakGlass
from governance.models.clearances import Clearance, Suspension
from governance.models.decisions import Batch, Decision
from governance.models.filters import SavedFilter
from governance.models.notices import Letter, MailRhythm, Notice, Switch
from governance.models.policies import Policy, PolicyDraft, PolicyVersion
from governance.models.reminders import ReminderDecision, ReviewReminder, cadence_in_force
from governance.models.review_rules import ReviewRuleDecision, rule_for, rules_in_force
from governance.models.reviews import Judgement, Review, ReviewCondition, judging_roles
from governance.models.risk import RiskClass, RiskDecision
from governance.models.service_accounts import ServiceAccount
from governance.models.severities import SeverityDecision, decided_severities, strictness_of
from governance.models.standings import Standing
from governance.models.stops import Stop
from governance.models.threads import Comment, Thread
from governance.models.tokens import Token, TokenLife, TokenUse
from governance.models.traffic import (
    DayTraffic,
    DecisionDay,
    DecisionHour,
    DecisionQuarter,
    QuarterTraffic,
    Traffic,
    Uncounted,
    count_batches,
)

__all__ = [
    "Absence",
    "Anomaly",
    "Batch",
    "BreakGlass",
    "Clearance",
    "Comment",
    "DayTraffic",
    "Decision",
    "DecisionDay",
    "DecisionHour",
    "DecisionQuarter",
    "Habit",
    "Judgement",
    "Letter",
    "LookedUntil",
    "MailRhythm",
    "Notice",
    "Policy",
    "PolicyDraft",
    "PolicyVersion",
    "QuarterTraffic",
    "ReminderDecision",
    "Review",
    "ReviewCondition",
    "ReviewReminder",
    "ReviewRuleDecision",
    "RiskClass",
    "RiskDecision",
    "SavedFilter",
    "SeenNetwork",
    "ServiceAccount",
    "SeverityDecision",
    "Standing",
    "Stop",
    "Suspension",
    "Switch",
    "Thread",
    "Token",
    "TokenLife",
    "TokenUse",
    "Traffic",
    "Uncounted",
    "cadence_in_force",
    "count_batches",
    "decided_severities",
    "judging_roles",
    "rule_for",
    "rules_in_force",
    "strictness_of",
]
