"""Verbs of the registry: one change, one event, one transaction. Keyword-only; `by` is the actor."""
