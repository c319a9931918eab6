"""The index behind search: kept by triggers, rebuilt and compared here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

COLUMNS = (
    "kind, model_id, system_id, dataset_id, document_id, card_of_id, sheet_of_id, name, pieces, vector, teams, flavours, "
    "aliases, offered, changed_at"
)


@contextmanager
def models_together() -> Iterator[list[int]]:
    """Index the models whose keys the block collects once, at its end; what it inserts about them waits for that.

    Inside a transaction. A block that fails takes its rows with it, and nothing is left to index.
    """
    keys: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL cardinal.models_together = 'on'")
        yield keys
        cursor.execute("SET LOCAL cardinal.models_together = 'off'")
        cursor.execute("SELECT search_index_models(%s)", [keys])


@transaction.atomic
def rebuild() -> int:
    """Write the whole index anew from the facts; the number of its rows. Search answers from the old one meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_rebuild()")
        cursor.execute("SELECT count(*) FROM registry_searchrow")
        return int(cursor.fetchone()[0])


def differences() -> list[str]:
    """The kind and name of each row that a rebuild would change; changes nothing. Empty is as it should be."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE search_before ON COMMIT DROP AS SELECT {COLUMNS} FROM registry_searchrow"
        )
        cursor.execute("SELECT search_rebuild()")
        now = f"SELECT {COLUMNS} FROM registry_searchrow"
        cursor.execute(
            f"SELECT DISTINCT kind || ' ' || name FROM ((TABLE search_before EXCEPT {now}) "
            f"UNION ALL ({now} EXCEPT TABLE search_before)) changed ORDER BY 1"
        )
        found = [name for (name,) in cursor.fetchall()]
        transaction.set_rollback(True)
    return found
