"""Every change that a decision depends on, by its verb and, where one may, past every verb: the table of what is seen."""

from __future__ import annotations

from tests.governance.gate import changes_of_callers, changes_of_rules, changes_of_tokens
from tests.governance.gate.stand import CHANGES

# Named, so that whoever adds rows in a file of their own adds it here.
ROWS = (changes_of_tokens, changes_of_rules, changes_of_callers)

__all__ = ["CHANGES", "ROWS"]
