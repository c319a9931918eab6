"""The one statement that gathers the facts about a query, and how its row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from governance import policies
from governance.gate.facts import Facts, TokenFacts
from governance.gate.upstream import Upstream
from registry import canonical

# One row, always: what does not exist is NULL. Reads of one statement see one snapshot.
STATEMENT = """
SELECT now() AS at, t.digest, u.id AS owner_id, w.id AS sponsor_id, m.id AS model_id, v.id AS version_id,
       t.id AS token, t.environment, t.actions, LEAST(t.expires_at, t.overlap_ends_at) <= now() AS expired,
       t.revoked_at IS NOT NULL AS revoked, t.needs_second AND t.countersigned_at IS NULL AS waiting,
       t.purpose, t.networks, t.limits, w.is_active IS NOT FALSE AS answered_for, u.username AS caller, u.is_active AS active, u.kind = 'service' AS service,
       ARRAY(SELECT g.name::text FROM registry_membership ug JOIN auth_group g ON g.id = ug.group_id
             WHERE ug.user_id = u.id) AS groups,
       m.id IS NOT NULL AS model_known,
       EXISTS (SELECT 1 FROM governance_token_models s WHERE s.token_id = t.id AND s.model_id = m.id)
         OR t.tag_key <> '' AND m.tags ->> t.tag_key = t.tag_value AS in_scope,
       cardinal_sees(u.id, m.id) AND (w.id IS NULL OR cardinal_sees(w.id, m.id)) AS in_sight,
       rule.second AND t.countersigned_at IS NULL AS second_missing, t.issued_at + rule.longest <= now() AS outlived,
       (t.versions = '{}' OR v.number = ANY (t.versions)) AND (t.alias = '' OR EXISTS (
         SELECT 1 FROM registry_alias al WHERE al.version_id = v.id AND al.model_id = m.id AND al.name = t.alias)) AS version_in_scope,
       pv.body AS policy, v.number AS version,
       coalesce(c.allowed AND coalesce(c.valid_until > now(), true), false) AS cleared,
       CASE WHEN NOT (c.allowed AND coalesce(c.valid_until > now(), true)) THEN c.conditions END AS conditions,
       EXISTS (SELECT 1 FROM governance_breakglass b WHERE b.version_id = v.id AND b.environment = t.environment
               AND b.granted_at <= now() AND b.ends_at > now() AND b.ended_at IS NULL) AS broken_glass,
       EXISTS (SELECT 1 FROM governance_stop s WHERE s.reach = 'all' AND s.lifted_at IS NULL) AS all_stopped,
       EXISTS (SELECT 1 FROM governance_stop s WHERE s.reach = 'model' AND s.model_id = m.id AND s.lifted_at IS NULL) AS model_stopped,
       EXISTS (SELECT 1 FROM governance_stop s WHERE s.reach = 'token' AND s.token_id = t.id AND s.lifted_at IS NULL) AS token_stopped,
       e.url AS endpoint, e.protocol, e.served_name, e.version_in_path, e.credential,
       (SELECT min(moment) FROM (
          SELECT unnest(ARRAY[t.expires_at, t.overlap_ends_at, t.issued_at + rule.longest, c.valid_until]) AS moment
          UNION ALL
          SELECT unnest(ARRAY[b.granted_at, b.ends_at]) FROM governance_breakglass b
          WHERE b.version_id = v.id AND b.environment = t.environment AND b.ended_at IS NULL
          UNION ALL
          SELECT unnest(ARRAY[r.since, r.until]) FROM registry_rolegrant r
          WHERE r.user_id IN (u.id, w.id) AND r.ended_at IS NULL) AS moments WHERE moment > now()) AS until
FROM (VALUES (%(digests)s::text[], %(model)s::text, %(alias)s::text, %(number)s::int)) AS asked (digests, model, alias, number)
LEFT JOIN governance_token t ON t.digest = ANY (asked.digests)
LEFT JOIN registry_user u ON u.id = t.owner_id
LEFT JOIN governance_serviceaccount sa ON sa.account_id = u.id
LEFT JOIN registry_user w ON w.id = coalesce(sa.sponsor_id, t.issued_by_id) AND u.kind = 'service'
LEFT JOIN registry_model m ON m.slug = asked.model
LEFT JOIN LATERAL cardinal_token_rule(m.id) AS rule ON t.id IS NOT NULL
LEFT JOIN registry_alias a ON a.model_id = m.id AND a.name = asked.alias AND asked.number IS NULL
LEFT JOIN registry_version n ON n.model_id = m.id AND n.number = asked.number
LEFT JOIN registry_version v ON v.id = coalesce(n.id, a.version_id) AND v.model_id = m.id
LEFT JOIN governance_policy p ON p.model_id = m.id AND p.environment = t.environment
LEFT JOIN governance_policyversion pv ON pv.id = p.in_force_id
LEFT JOIN governance_clearance c ON c.version_id = v.id AND c.environment = t.environment
LEFT JOIN registry_endpoint e ON e.version_id = v.id AND e.environment = t.environment
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Facts, how long they hold if nobody changes anything, and whose change ends them sooner.

    `until` is the first moment at which time alone may change one of them; None when it cannot. `concerns` are names as
    the database tells them to gates, "token:…" or "model:…".
    """

    facts: Facts
    until: datetime | None
    concerns: tuple[str, ...]
    digest: str  # of the token that was found, "" for none


def loaded(row: Mapping[str, Any], model: str) -> Loaded:
    """The row of `STATEMENT` about a query to the model of this name."""
    return Loaded(facts(row), _until(row), tuple(_concerns(row, model)), row["digest"] or "")


def _until(row: Mapping[str, Any]) -> datetime | None:
    """Also what is unmet changes its reason by time alone: a condition that still held when it was assessed."""
    ends = (datetime.fromisoformat(one["until"]) for one in row["conditions"] or () if one.get("until"))
    moments = [one for one in (row["until"], *ends) if one is not None and one > row["at"]]
    return min(moments, default=None)


def _concerns(row: Mapping[str, Any], model: str) -> Iterator[str]:
    if row["token"] is None:
        return
    yield f"token:{row['token']}"
    yield f"model:{row['model_id']}" if row["model_id"] else f"slug:{model}"
    for kind, one in (("user", row["owner_id"]), ("user", row["sponsor_id"]), ("version", row["version_id"])):
        if one is not None:
            yield f"{kind}:{one}"


def facts(row: Mapping[str, Any]) -> Facts:
    """The facts in one row of `STATEMENT`."""
    return Facts(
        at=row["at"].astimezone(UTC),
        token=_token(row) if row["token"] else None,
        model_known=row["model_known"],
        in_scope=bool(row["in_scope"]),
        in_sight=bool(row["in_sight"]),
        second_missing=bool(row["second_missing"]),
        outlived=bool(row["outlived"]),
        version_in_scope=bool(row["version_in_scope"]),
        policy=rules(bytes(row["policy"])) if row["policy"] is not None else None,
        version=row["version"],
        cleared=row["cleared"],
        unmet=_unmet(row),
        broken_glass=row["broken_glass"],
        all_stopped=row["all_stopped"],
        model_stopped=row["model_stopped"],
        endpoint=_endpoint(row),
    )


def _endpoint(row: Mapping[str, Any]) -> Upstream | None:
    names = ("endpoint", "protocol", "served_name", "version_in_path", "credential")
    return Upstream(*(row[name] for name in names)) if row["endpoint"] else None


@lru_cache(maxsize=2048)
def rules(body: bytes) -> policies.Compiled:
    """A published policy, read. Its bytes never change, so this is no cache of rights."""
    return policies.compiled(canonical.parse(body) or {"schema": "unknown"})


def _token(row: Mapping[str, Any]) -> TokenFacts:
    return TokenFacts(
        id=str(row["token"]),
        environment=row["environment"],
        actions=tuple(row["actions"]),
        expired=row["expired"],
        revoked=row["revoked"],
        caller=row["caller"],
        active=row["active"],
        groups=frozenset(row["groups"]),
        service=row["service"],
        waiting=row["waiting"],
        answered_for=row["answered_for"],
        stopped=row["token_stopped"],
        purpose=row["purpose"],
        networks=tuple(row["networks"]),
        limits=row["limits"],
    )


def _unmet(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The reason codes of what does not hold, also of what time has ended since it was assessed."""
    if row["version"] is None or row["cleared"]:
        return ()
    codes = (_code(condition, row["at"]) for condition in row["conditions"] or ())
    return tuple(code for code in codes if code) or ("not_assessed",)


def _code(condition: Mapping[str, Any], at: datetime) -> str:
    if not condition["met"]:
        return str(condition["reason"])
    until = condition.get("until")
    return str(condition["then"]) if until and datetime.fromisoformat(until) <= at else ""
