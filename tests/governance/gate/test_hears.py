"""Whatever a decision depends on tells the gates when it changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection

from governance.gate.statement import STATEMENT
from tests import factories

pytestmark = pytest.mark.django_db

NAME = re.compile(r"\b(?:registry|governance|auth|django|cardinal)_[a-z_]+\b")
# Rows that are written once and never change, and what only migrations write.
NEVER_CHANGE = {"governance_policyversion", "auth_permission", "django_content_type"}


def one(query: str, name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query, [name])
        row = cursor.fetchone()
        return str(row[0]) if row else ""


def named_in(text: str, seen: set[str]) -> Iterator[str]:
    """The tables that this SQL reads, also through views and our own functions."""
    for name in set(NAME.findall(text)) - seen:
        seen.add(name)
        kind = one("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", name)
        if kind in ("r", "p"):
            yield name
        elif kind == "v":
            yield from named_in(one("SELECT pg_get_viewdef(%s::regclass)", name), seen)
        elif body := one("SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE proname = %s", name):
            yield from named_in(body, seen)


def test_every_table_that_a_decision_reads_tells_the_gates_of_every_kind_of_change() -> None:
    tables = set(named_in(STATEMENT, set()))
    assert {"governance_token", "registry_teammember", "governance_tokenlife", "registry_system"} <= tables
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'gate\\_hears\\_%%' AND tgenabled = 'A'"
        )
        told = set(cursor.fetchall())
    missing = {
        f"{table}: {event}"
        for table in tables - NEVER_CHANGE
        for event in ("insert", "update", "delete", "truncate")
        if not any(where == table and name.endswith(f"_{event}") for where, name in told)
    }

    assert missing <= {
        # a system reaches models by its rows in registry_system_models, a team people by its members: those tell
        "registry_system: insert", "registry_system: delete", "registry_team: insert", "registry_team: delete",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_touches_very_much_is_told_once() -> None:
    from psycopg import connect

    from governance.gate.configuration import database

    with connect(**database(connection.settings_dict), autocommit=True) as ear:
        ear.execute("LISTEN cardinal_gate")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO auth_group (name) VALUES ('told')")
            cursor.execute(
                "INSERT INTO registry_model (server_id, slug, name, tags, description, created_at, first_seen_at) "
                "SELECT %s, 'm' || n, 'm' || n, '{}', '', now(), now() FROM generate_series(1, 500) n",
                [factories.tracking_server().pk],
            )
            cursor.execute("UPDATE registry_model SET tags = '{\"a\": \"b\"}' WHERE slug = 'm7' RETURNING id")
            changed = cursor.fetchone()[0]
            cursor.execute("UPDATE registry_model SET description = 'Nobody decides by this.'")

        heard = [note.payload for note in ear.notifies(timeout=1)]

    assert heard == ["all:", "all:", f"model:{changed}"]
