"""The header fields RateLimit-Policy and RateLimit of the IETF draft: what limits a caller, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Left:
    """One limit after it was counted: `limit` in `window` seconds, 0 for a calendar month; `left` of it, all of it again after `reset` seconds."""

    name: str  # such as token-rate or policy-quota
    limit: int
    window: int
    left: int
    reset: int


def fields(limits: Iterable[Left]) -> Headers:
    """Both fields, as structured fields (RFC 9651); none where nothing was counted."""
    policy = ", ".join(
        f'"{one.name}";q={one.limit}' + (f";w={one.window}" if one.window else "") for one in limits
    )
    if not policy:
        return []
    now = ", ".join(f'"{one.name}";r={one.left};t={one.reset}' for one in limits)
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", now.encode())]
