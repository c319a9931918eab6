"""Verbs of control: one change, one event, one transaction. Keyword-only; `by` is the actor."""
