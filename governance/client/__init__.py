"""A typed client for the portal's REST interface, and the `cardinal` command upon it.

Needs httpx, httpx-retries and click, and nothing of the portal: it runs where no Django is installed.

    from governance.client import Portal

    with Portal.at("https://cardinal.example.org", token) as portal:
        print(portal.clearances.of("credit-scorer", 3).allowed)
"""

from __future__ import annotations

from governance.client.errors import (
    CardinalError,
    Changed,
    Conflict,
    Declined,
    Failed,
    Invalid,
    Misconfigured,
    NotSignedIn,
    NotThere,
    Reason,
    Refused,
    TooMany,
    Unexpected,
    Unreachable,
)
from governance.client.portal import Portal
from governance.client.version import VERSION

__all__ = [
    "VERSION", "CardinalError", "Changed", "Conflict", "Declined", "Failed", "Invalid", "Misconfigured",
    "NotSignedIn", "NotThere", "Portal", "Reason", "Refused", "TooMany", "Unexpected", "Unreachable",
]  # fmt: skip
