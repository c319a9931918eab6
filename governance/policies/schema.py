"""The published JSON Schema of a policy (draft 2020-12). What it takes and `faults` refuses is said in words."""

from __future__ import annotations

from typing import Any

from governance.policies.shape import LONGEST_SUBJECT
from governance.policies.trials import LONGEST_NAME
from governance.policies.words import (
    ACTIONS,
    DAYS,
    EFFECTS,
    MOST_BYTES,
    MOST_CALLS,
    MOST_NAMED,
    MOST_RULES,
    MOST_TESTS,
    QUOTA_SPANS,
    RATE_SECONDS,
    SCHEMA,
)

PURPOSE = "^[a-z0-9][a-z0-9-]{0,79}$"
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


def json_schema() -> dict[str, Any]:
    """The schema of `cardinal/policy/2`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/schemas/policy.json",
        "title": "Access policy of one model in one environment",
        "description": (
            "Default deny; an explicit deny wins. A rule that cannot be understood never allows, and denies "
            "everybody if it was meant to deny."
        ),
        **_object(
            {
                "schema": {"const": SCHEMA},
                "rules": _list(_rule(), MOST_RULES),
                "tests": {"type": "array", "maxItems": MOST_TESTS, "items": _test()},
            },
            needed=["schema", "rules"],
        ),
    }


def _rule() -> dict[str, Any]:
    rule = _object(
        {
            "effect": {"enum": list(EFFECTS)},
            "subjects": _list(
                {"type": "string", "pattern": "^(user|group|service):.", "maxLength": LONGEST_SUBJECT},
                MOST_NAMED,
            ),
            "actions": _list({"enum": list(ACTIONS)}, len(ACTIONS)),
            "purposes": _list({"type": "string", "pattern": PURPOSE}, MOST_NAMED)
            | {
                "description": "Intended uses of the approved cards; the query names one in Cardinal-Purpose."
            },
            "networks": _list({"type": "string", "maxLength": 49}, MOST_NAMED)
            | {"description": "CIDR, without host bits: 10.0.0.0/8, 2001:db8::/32."},
            "hours": _list(_hours(), MOST_NAMED),
            "valid_from": _time("The first moment."),
            "valid_until": _time("The first moment after the last."),
            "rate": _object(
                {"limit": _count(MOST_CALLS), "per": {"enum": list(RATE_SECONDS)}}, needed=["limit", "per"]
            ),
            "quota": _object(
                {"limit": _count(MOST_CALLS), "per": {"enum": list(QUOTA_SPANS)}, "zone": _zone()},
                needed=["limit", "per", "zone"],
            ),
            "max_payload_bytes": _count(MOST_BYTES),
        },
        needed=["effect", "subjects", "actions"],
    )
    limits = {"rate": False, "quota": False, "max_payload_bytes": False}
    return rule | {
        "if": {"properties": {"effect": {"const": "deny"}}},
        "then": {"properties": limits, "description": "What is denied is not limited."},
    }


def _hours() -> dict[str, Any]:
    return _object(
        {
            "days": _list({"enum": list(DAYS)}, len(DAYS)) | {"uniqueItems": True},
            "from": {"type": "string", "pattern": CLOCK},
            "to": {"type": "string", "pattern": CLOCK.replace("$", "|^24:00$")},
            "zone": _zone(),
        },
        needed=["days", "from", "to", "zone"],
    ) | {
        "description": "By the clock on the wall there; over midnight when it ends first, and then of the day it began."
    }


def _test() -> dict[str, Any]:
    text = {"type": "string"}
    return _object(
        {
            "name": text | {"minLength": 1, "maxLength": LONGEST_NAME},
            "who": text | {"pattern": "^(user|service):.", "maxLength": 160},
            "groups": {"type": "array", "maxItems": MOST_NAMED, "items": text | {"maxLength": 150}},
            "action": {"enum": list(ACTIONS)},
            "at": _time("When."),
            "network": text | {"maxLength": 45},
            "purpose": text | {"pattern": "^$|" + PURPOSE},
            "payload_bytes": {"type": ["integer", "null"], "minimum": 0, "maximum": MOST_BYTES},
            "expect": {"enum": list(EFFECTS)},
            "code": text | {"maxLength": 40},
        },
        needed=["name", "who", "action", "at", "expect"],
    )


def _object(properties: dict[str, Any], *, needed: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _list(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


def _count(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _time(meaning: str) -> dict[str, Any]:
    return {"type": "string", "format": "date-time", "description": f"{meaning} With its zone."}


def _zone() -> dict[str, Any]:
    return {
        "type": "string",
        "maxLength": 64,
        "description": "A name of the IANA database, such as Europe/Berlin.",
    }
