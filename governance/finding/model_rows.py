"""What a row of the list of models shows, for a page of it in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from governance.models import Standing
from registry.addresses import by_slug

# Written out and not composed: for fifty rows, to compose and unpack it takes the portal longer than the answer takes
# the database. Each row is looked up by its key; the reasons are the sentences of the conditions that do not hold.
ROWS = """
SELECT m.id, m.name, m.slug, m.description, server.name, stands.state,
  (SELECT jsonb_path_query_array(c.conditions, '$[*] ? (@.met == false).why')::json FROM governance_clearance c
   WHERE stands.state = %(not_cleared)s AND c.version_id = stands.latest_id AND c.environment = stands.environment),
  (SELECT count(*) FROM registry_version v WHERE v.model_id = m.id),
  found.teams, found.flavours, found.changed_at,
  (SELECT json_agg(json_build_array(a.name, v.number) ORDER BY a.name)
   FROM registry_alias a JOIN registry_version v ON v.id = a.version_id WHERE a.model_id = m.id),
  (SELECT json_agg(json_build_array(s.slug, s.name, (
     SELECT d.risk_class FROM governance_riskdecision d WHERE d.system_id = s.id ORDER BY d.decided_at DESC, d.id DESC LIMIT 1
   )) ORDER BY s.name, s.id)
   FROM registry_system_models u JOIN registry_system s ON s.id = u.system_id WHERE u.model_id = m.id)
FROM registry_model m
JOIN registry_trackingserver server ON server.id = m.server_id
JOIN governance_standing stands ON stands.model_id = m.id AND stands.environment = %(environment)s
LEFT JOIN registry_searchrow found ON found.model_id = m.id
WHERE m.id = ANY(%(keys)s)
"""


class Held(NamedTuple):
    """An alias of a model, and the number of the version that holds it."""

    name: str
    number: int


class Use(NamedTuple):
    """A system that uses a model, with its risk class as decided last; None while nobody has."""

    slug: str
    name: str
    risk_class: str | None


class ModelRow:
    """A model in the list: where it stands in one environment, and why its latest version is not cleared there."""

    __slots__ = (
        "aliases", "changed_at", "description", "flavours", "name", "pk", "server", "slug", "snippet", "state",
        "teams", "unmet", "used_in", "version_count",
    )  # fmt: skip

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.pk: int
        self.version_count: int
        self.changed_at: datetime | None
        self.pk, self.name, self.slug, self.description, self.server, self.state = row[:6]
        self.unmet: list[str] = row[6] or []
        self.version_count = row[7]
        self.teams: list[str] = row[8] or []
        self.flavours: list[str] = row[9] or []
        self.changed_at = row[10]
        self.aliases = [Held(*one) for one in row[11] or ()]
        self.used_in = [Use(*one) for one in row[12] or ()]
        self.snippet: Any = None

    @property
    def said_state(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    def get_absolute_url(self) -> str:
        return by_slug("model", self.slug)


STATES = dict(Standing.State.choices)


def model_rows(environment: str, keys: Iterable[int]) -> list[ModelRow]:
    """The rows of the models with these keys, in no order. One query; whoever asks has seen to it that they are visible."""
    given: dict[str, Any] = {
        "environment": environment,
        "keys": list(keys),
        "not_cleared": Standing.State.NOT_CLEARED,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROWS, given)
        return [ModelRow(row) for row in cursor.fetchall()]
