"""Access policies as pure functions: check a policy's rules, evaluate them, say them in sentences, try them.

Default deny; an explicit deny wins; a rule that cannot be understood never allows, and denies if it was meant to deny.
No clock, no database, no counter: what a verdict depends on stands in the `Query`.
"""

from __future__ import annotations

from governance.policies.conditions import Charge
from governance.policies.evaluation import Check, Step, charges, evaluate, walk
from governance.policies.networks import plain_address
from governance.policies.phrasing import sentence, sentences
from governance.policies.purposes import uses
from governance.policies.shape import Compiled, Fault, Rule, compiled, faults, problems
from governance.policies.words import (
    ACTION_WORDS,
    ACTIONS,
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
    "EFFECTS",
    "PURPOSE",
    "RATE_SECONDS",
    "SCHEMA",
    "SCHEMAS",
    "Charge",
    "Check",
    "Compiled",
    "Fault",
    "Query",
    "Rule",
    "Shortage",
    "Step",
    "charges",
    "compiled",
    "evaluate",
    "faults",
    "plain_address",
    "problems",
    "sentence",
    "sentences",
    "uses",
    "walk",
]
