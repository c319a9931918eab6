"""The indexes of decisions grow at their right end, and there is one for what is rare.

Made beside those that are there, partition by partition and without holding up who writes; the old ones go when the new ones
are ready. Whatever is interrupted is begun again where it ended.

- Time ascends: a page that is full at the right end is left full, one at the left end is cut in half. The indexes by model and
  by token are half as large, and cost the journal less.
- Of reasons only those that are no plain yes are indexed: hardly a row pays for it, and nobody looks for the rest.
- An index by caller is not needed: a caller is known by its tokens, which have one.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import OperationalError, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NEW = {
    "decision_by_time": "(decided_at, id)",
    "decision_by_model": "(model, decided_at)",
    "decision_by_token": "(token, decided_at)",
    "decision_by_network": "(network, decided_at)",
    "decision_by_refusal": "(reason, decided_at) WHERE reason <> 'allowed'",
}
OLD = {
    "decision_newest": "(decided_at DESC, id)",
    "decision_of_model": "(model, decided_at DESC)",
    "decision_of_token": "(token, decided_at DESC)",
}
PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'governance_decision'::regclass ORDER BY 1
"""
HAS_IT = """
SELECT 1 FROM pg_inherits h JOIN pg_index x ON x.indexrelid = h.inhrelid
WHERE h.inhparent = to_regclass(%s) AND x.indrelid = to_regclass(%s)
"""
IS_WHOLE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
NOT_NOW = "55P03"  # lock_not_available
TRIES = 100  # to get the table to oneself for a moment, half a second each


def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """From those to these."""
    _replace(editor, OLD, NEW)


def backwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """And back."""
    _replace(editor, NEW, OLD)


def _replace(editor: BaseDatabaseSchemaEditor, old: dict[str, str], new: dict[str, str]) -> None:
    with editor.connection.cursor() as cursor:
        for name, what in new.items():
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY governance_decision {what}")
            cursor.execute(PARTITIONS)
            for (part,) in cursor.fetchall():
                _of_part(cursor, name, f"{part}_{name.removeprefix('decision_')}", part, what)
        for name in old:
            _patiently(cursor, f"DROP INDEX IF EXISTS {name}")


def _of_part(cursor: Any, name: str, own: str, part: str, what: str) -> None:
    cursor.execute(HAS_IT, [name, part])
    if cursor.fetchone():  # from an earlier try, or the partition is younger than the index of the whole
        return
    cursor.execute(IS_WHOLE, [own])
    found = cursor.fetchone()
    if found == (False,):  # somebody pulled the plug
        cursor.execute(f"DROP INDEX CONCURRENTLY {own}")
    if found != (True,):
        cursor.execute(f"CREATE INDEX CONCURRENTLY {own} ON {part} {what}")
    _patiently(cursor, f"ALTER INDEX {name} ATTACH PARTITION {own}")


def _patiently(cursor: Any, statement: str) -> None:
    """In one of the moments in which nobody reads or writes: whoever waited for the table would make all others wait."""
    cursor.execute("SET lock_timeout = '500ms'")
    try:
        for last in range(TRIES - 1, -1, -1):
            try:
                cursor.execute(statement)
            except OperationalError as error:
                if not last or getattr(error.__cause__, "sqlstate", "") != NOT_NOW:
                    raise
                time.sleep(0.5)
            else:
                return
    finally:
        cursor.execute("RESET lock_timeout")


class Migration(migrations.Migration):
    atomic = False  # an index that holds up nobody is made in no transaction
    dependencies = [("governance", "0086_traffic_by_day")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, backwards)],
            state_operations=[
                migrations.RemoveIndex("decision", "decision_newest"),
                migrations.RemoveIndex("decision", "decision_of_model"),
                migrations.RemoveIndex("decision", "decision_of_token"),
                migrations.AddIndex(
                    "decision", models.Index(fields=["decided_at", "id"], name="decision_by_time")
                ),
                migrations.AddIndex(
                    "decision", models.Index(fields=["model", "decided_at"], name="decision_by_model")
                ),
                migrations.AddIndex(
                    "decision", models.Index(fields=["token", "decided_at"], name="decision_by_token")
                ),
                migrations.AddIndex(
                    "decision", models.Index(fields=["network", "decided_at"], name="decision_by_network")
                ),
                migrations.AddIndex(
                    "decision",
                    models.Index(
                        fields=["reason", "decided_at"],
                        name="decision_by_refusal",
                        condition=~models.Q(reason="allowed"),
                    ),
                ),
            ],
        )
    ]
