"""The facts about one query, from the database, in one statement: what is committed counts with the next query.

Nothing is kept from one query to the next. A later grant cache can stand in front of `Grants.load`: same arguments,
same `Facts`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from governance import policies, tokens
from governance.gate.request import Query
from registry import canonical


class Unanswered(Exception):
    """The database did not answer in time, or refused. Nothing can be decided."""


@dataclass(frozen=True)
class TokenFacts:
    """The token that was presented, and whose it is. Judged by the database's clock."""

    id: str
    environment: str
    actions: tuple[str, ...]
    expired: bool
    revoked: bool
    caller: str
    active: bool
    groups: frozenset[str]
    service: bool = False  # a service account, and no person
    waiting: bool = False  # for its second person
    answered_for: bool = True  # by an active sponsor, when it is a service account
    stopped: bool = False  # by somebody, until they lift it
    purpose: str = ""
    networks: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """All that one answer depends on, at one moment. `spent`: what the counters said, by rule; see `policies.Query`."""

    at: datetime
    token: TokenFacts | None = None
    model_known: bool = False
    in_scope: bool = False
    in_sight: bool = False  # owner and sponsor see the model now
    second_missing: bool = False  # the model is of a high-risk system, and one person alone made the token
    outlived: bool = False  # older than tokens for this model may be
    version_in_scope: bool = False
    policy: Any = None
    version: int | None = None
    cleared: bool = False
    unmet: tuple[str, ...] = ()
    broken_glass: bool = False
    all_stopped: bool = False  # every query to every model, by somebody
    model_stopped: bool = False
    endpoint: str = ""
    spent: Mapping[str, policies.Shortage | None] = field(default_factory=dict)


# One row, always: what does not exist is NULL. Reads of one statement see one snapshot.
STATEMENT = """
SELECT now() AS at,
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
       e.url AS endpoint
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


class Clock:
    """The database's time, carried on between two looks at it by a clock that never jumps."""

    def __init__(self) -> None:
        self._anchor = datetime.now(UTC)
        self._since = time.monotonic()

    def set(self, now: datetime) -> None:
        """The database has just said what time it is."""
        self._anchor, self._since = now.astimezone(UTC), time.monotonic()

    def now(self) -> datetime:
        """The time at which something is decided that needs no look at the database."""
        return self._anchor + timedelta(seconds=time.monotonic() - self._since)


class Grants:
    """Asks the database about one query at a time, through a bounded pool."""

    def __init__(
        self, connection: Mapping[str, Any], *, peppers: Sequence[str], size: int, patience: float
    ) -> None:
        self.clock = Clock()
        self._peppers = peppers
        self._patience = patience
        self._asking: set[asyncio.Task[Any]] = set()
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
            kwargs={**connection, "autocommit": True, "row_factory": dict_row, "prepare_threshold": 0},
            min_size=min(2, size),
            max_size=size,
            timeout=patience,
            reconnect_timeout=5,
            configure=_plan_once,
            open=False,
        )

    async def open(self) -> None:
        """Starts to connect. A database that is away is no reason not to start: queries are refused until it is back."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._pool.close(timeout=1)

    async def load(self, query: Query) -> Facts:
        """The facts about `query`, as they are committed now, or `Unanswered` within the patience."""
        row = await self._ask(
            STATEMENT,
            {
                "digests": tokens.digests(query.token, self._peppers),
                "model": query.model,
                "alias": query.alias,
                "number": query.number,
            },
        )
        self.clock.set(row["at"])
        return facts(row)

    async def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            row = await self._ask("SELECT now() AS at", {})
        except Unanswered:
            return False
        self.clock.set(row["at"])
        return True

    async def _ask(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
        # Waited for, not cancelled: to cancel a query the driver must reach the very server that does not answer.
        # The task keeps its connection, so no more than the pool's size can be stuck.
        task = asyncio.create_task(self._fetch(statement, values))
        self._asking.add(task)
        task.add_done_callback(self._forget)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done:
            raise Unanswered("the database takes too long")
        try:
            return task.result()
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise Unanswered(type(error).__name__) from error

    async def _fetch(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            row = await cursor.fetchone()
        if row is None:
            raise psycopg.DataError("the statement always gives one row")
        return row

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nothing is said about an answer nobody waits for any more


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
        endpoint=row["endpoint"] or "",
    )


@lru_cache(maxsize=2048)
def rules(body: bytes) -> policies.Compiled:
    """A published policy, read. Its bytes never change, so this is no cache of rights."""
    return policies.compiled(canonical.parse(body) or {"schema": "unknown"})


async def _plan_once(connection: psycopg.AsyncConnection[Any]) -> None:
    """Every query asks by unique keys: planning its dozen joins anew would cost more than answering it."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")


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
