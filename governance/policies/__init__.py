"""Access policies as pure functions: check a policy's rules, evaluate them, say them in sentences, try them.

Default deny; an explicit deny wins; a rule that cannot be understood never allows, and denies if it was meant to deny.
No clock, no database, no counter: what a verdict depends on stands in the `Query`.
"""

from __future__ import annotations

from governance.policies.conditions import Charge
from governance.policies.evaluation import Check, Step, charges, evaluate, is_steady, walk
from governance.policies.merging import Merged, merge
from governance.policies.networks import aggregated, plain_address
from governance.policies.phrasing import sentence, sentences
from governance.policies.purposes import uses
from governance.policies.shape import Compiled, Fault, Rule, compiled, faults, problems
from governance.policies.telling import ALWAYS, NEVER, SOMETIMES, Access, access, tell
from governance.policies.trials import Trial, trial_faults, trials
from governance.policies.words import (
    ACTION_WORDS,
    ACTIONS,
    DAYS,
    EFFECTS,
    PURPOSE,
    RATE_SECONDS,
    SCHEMA,
    SCHEMAS,
    Query,
    Shortage,
)

__all__ = [
    "ACTIONS",
    "ACTION_WORDS",
    "ALWAYS",
    "DAYS",
    "EFFECTS",
    "NEVER",
    "PURPOSE",
    "RATE_SECONDS",
    "SCHEMA",
    "SCHEMAS",
    "SOMETIMES",
    "Access",
    "Charge",
    "Check",
    "Compiled",
    "Fault",
    "Merged",
    "Query",
    "Rule",
    "Shortage",
    "Step",
    "Trial",
    "access",
    "aggregated",
    "charges",
    "compiled",
    "evaluate",
    "faults",
    "is_steady",
    "merge",
    "plain_address",
    "problems",
    "sentence",
    "sentences",
    "tell",
    "trial_faults",
    "trials",
    "uses",
    "walk",
]
