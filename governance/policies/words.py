"""The words of access policies, their limits, and the question that a policy answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

# Version 1 knew no conditions but the time; what was published in it is read as it was written.
SCHEMA = "cardinal/policy/2"
SCHEMAS = ("cardinal/policy/1", SCHEMA)

ACTION_WORDS = {
    "predict": "predict",
    "explain": "ask for explanations",
    "feedback": "send feedback",
    "read_card": "read the card",
    "download_artifact": "download the files",
}
ACTIONS = ("predict", "explain", "feedback", "read_card", "download_artifact")
EFFECTS = ("allow", "deny")
# What a group may be besides a team; a test compares them with the roles that are given.
ROLES = frozenset({"viewer", "owner", "reviewer", "compliance", "auditor", "admin"})
STARTS = ("user:", "group:", "service:")

SUBJECT_PARTS = ("effect", "subjects", "actions")
TIMES = ("valid_from", "valid_until")
RESTRICTIONS = ("purposes", "networks", "hours")
LIMITS = ("rate", "quota", "max_payload_bytes")  # of a rule that allows: they say how much of it is allowed

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RATE_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
QUOTA_SPANS = ("day", "month")

PURPOSE = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\Z", re.ASCII)
MOST_RULES = 200
MOST_NAMED = 100  # subjects of a rule; networks, purposes and spans of hours likewise
MOST_TESTS = 200
MOST_BYTES = 1_073_741_824
MOST_CALLS = 1_000_000_000


@dataclass(frozen=True)
class Shortage:
    """A limit that is used up, by its reason code, and for how many seconds at least."""

    code: str
    seconds: int = 0


@dataclass(slots=True)
class Query:
    """Who wants to do what, when and from where. `groups` are names; `at` is aware.

    What is not known is left empty and counts against the caller: "" for network and purpose, None for the size of the
    payload. `spent` says of each rule with a rate or quota, by the rule's key, whether something is left: None for yes.
    A rule that it does not name was not counted, and so does not allow. Written once (not frozen: that would cost the gate
    two microseconds a query). `subjects` is how rules name the caller: "user:…" any account, "service:…" only a service
    account, "group:…" its groups.
    """

    caller: str
    groups: frozenset[str]
    action: str
    at: datetime
    service: bool = False
    network: str = ""
    purpose: str = ""
    payload_bytes: int | None = None
    spent: Mapping[str, Shortage | None] = field(default_factory=dict)
    subjects: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.subjects = _subjects(self.caller, self.service, self.groups)


@lru_cache(maxsize=4096)
def _subjects(caller: str, service: bool, groups: frozenset[str]) -> frozenset[str]:  # noqa: FBT001 - by position a memory is quicker
    own = {f"user:{caller}"} | ({f"service:{caller}"} if service else set())
    return frozenset(own | {f"group:{group}" for group in groups})
