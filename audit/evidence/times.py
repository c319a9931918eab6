"""Times as evidence writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: datetime | None) -> str:
    """A time in UTC to the second, or nothing."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
