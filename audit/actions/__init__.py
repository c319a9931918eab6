"""Verbs of memory: one change, one event, one transaction. Keyword-only; `by` is the actor."""
