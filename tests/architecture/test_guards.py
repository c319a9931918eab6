"""What must never happen is refused by the database, whoever asks and however."""

from __future__ import annotations

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError

from tests import factories

APPEND_ONLY = {
    "registry_revision",
    "registry_manifest",
    "registry_pipelinestage",
    "registry_figure",
    "registry_ledgerrow",
    "governance_judgement",
    "governance_riskdecision",
    "governance_severitydecision",
    "governance_reviewruledecision",
    "governance_tokenlife",
    "governance_reminderdecision",
    "governance_policyversion",
    "governance_batch",
    "governance_decision",
    "audit_entry",
    "audit_snapshot",
    "audit_sealedbatch",
}
# Rows of these change in one way only, and are never emptied as a whole.
NEVER_EMPTIED = {
    "governance_token",
    "governance_token_models",
    "governance_review",
    "governance_suspension",
    "governance_reviewcondition",
    "governance_breakglass",
    "governance_stop",
    "governance_anomaly",
    "governance_absence",
    "registry_import",
    "registry_system",
    "registry_delivery",
    "registry_rolegrant",
    "registry_team",
    "registry_teammember",
    "governance_thread",
    "governance_comment",
}
OTHER = {
    ("registry_revision", "whole_revision"),
    ("registry_document", "own_head"),
    ("registry_manifest", "taken_now"),
    ("registry_import", "import_course"),
    ("registry_system", "system_course"),
    ("registry_system_models", "system_members"),
    ("registry_rolegrant", "grant_course"),
    ("registry_user_groups", "role_is_granted"),
    ("registry_user_groups", "team_by_verb"),
    ("registry_team", "team_course"),
    ("registry_teammember", "team_member"),
    ("auth_group", "group_keeps_name"),
    ("auth_group_permissions", "rights_of_roles"),
    ("registry_rolegrant", "last_administrator"),
    ("registry_rolegrant", "administrators_in_order"),
    ("registry_user", "administrators_in_order"),
    ("registry_user", "last_administrator"),
    ("registry_user", "last_administrator_gone"),
    ("registry_ledgerrow", "ledger_clock"),
    ("registry_ledgerrow", "own_ledger"),
    ("registry_delivery", "refuse_change"),
    ("registry_delivery", "keep_recent"),
    ("registry_aliasorder", "alias_order_course"),
    ("registry_version", "source_moved"),
    ("governance_riskdecision", "decided_now"),
    ("governance_policy", "own_policy"),
    ("governance_suspension", "suspension_course"),
    ("governance_reviewcondition", "condition_course"),
    ("governance_breakglass", "glass_course"),
    ("governance_stop", "stop_course"),
    ("governance_anomaly", "anomaly_course"),
    ("governance_clearance", "clearance_rests"),
    ("governance_clearance", "clearance_present"),
    ("governance_clearance", "clearance_not_moved"),
    ("governance_judgement", "judge_is_active"),
    ("governance_judgement", "four_eyes"),
    ("governance_judgement", "threads_resolved"),
    ("governance_thread", "thread_course"),
    ("governance_thread", "thread_begun"),
    ("governance_comment", "comment_course"),
    ("governance_judgement", "judged_in_place"),
    ("governance_notice", "notice_course"),
    ("governance_letter", "letter_course"),
    ("governance_absence", "absence_course"),
    ("governance_review", "review_course"),
    ("governance_review", "review_stays"),
    ("governance_serviceaccount", "service_account"),
    ("registry_user", "no_password"),
    ("governance_token", "token_course"),
    ("governance_token_models", "token_reach"),
    ("audit_entry", "entry_clock"),
}

pytestmark = pytest.mark.django_db


def triggers() -> dict[tuple[str, str], str]:
    """Our triggers, each with when it fires: A is always, even for a session that replays a replica."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE NOT tgisinternal AND p.proname LIKE 'cardinal%%'"
        )
        return {(table, name): enabled for table, name, enabled in cursor.fetchall()}


def test_every_guard_is_there_and_fires_always() -> None:
    found = triggers()
    # What tells the gates refuses nothing, and partitions have the guards of their table.
    guards = {
        (table, name)
        for table, name in found
        if not name.startswith("gate_hears_") and not table.startswith("governance_decision_")
    }

    assert guards == {(table, "refuse_change") for table in APPEND_ONLY} | OTHER
    assert set(found.values()) == {"A"}


def test_every_append_only_table_was_migrated_with_a_guard_against_truncate(
    truncate_guards: dict[str, str],
) -> None:
    tables = {table for table in truncate_guards if not table.startswith("governance_decision_")}
    assert tables == APPEND_ONLY | NEVER_EMPTIED
    assert len(truncate_guards) > len(
        tables
    )  # each partition has one of its own: its parent's does not fire for it


@pytest.mark.parametrize("table", sorted(APPEND_ONLY | NEVER_EMPTIED))
def test_truncate_is_refused_with_the_guard_of_the_migration(
    table: str, truncate_guards: dict[str, str]
) -> None:
    """The test database lives without these guards (see conftest), so each is put back as the migration made it."""
    with connection.cursor() as cursor:
        cursor.execute(truncate_guards[table])

        with (
            pytest.raises(DatabaseError, match=f"{table} is append-only: TRUNCATE is refused"),
            transaction.atomic(),
        ):
            cursor.execute(f"TRUNCATE {table} CASCADE")


def test_without_the_guard_truncate_would_go_through() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_snapshot CASCADE")


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("deed", ["UPDATE", "DELETE"])
def test_the_guard_refuses_update_and_delete_of_rows(table: str, deed: str) -> None:
    """On a copy of the table's guard, with one row, so that each table needs no story of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'refuse_change' AND tgrelid = %s::regclass",
            [table],
        )
        (guard,) = cursor.fetchone()
        cursor.execute("CREATE TEMP TABLE copy_of_table (a int) ON COMMIT DROP")
        cursor.execute("INSERT INTO copy_of_table VALUES (1)")
        cursor.execute(guard.replace(f"public.{table}", "copy_of_table"))
        statement = "UPDATE copy_of_table SET a = 2" if deed == "UPDATE" else "DELETE FROM copy_of_table"

        with pytest.raises(DatabaseError, match=f"append-only: {deed} is refused"), transaction.atomic():
            cursor.execute(statement)


def test_a_session_that_poses_as_a_replica_is_refused_too() -> None:
    """`session_replication_role = replica` switches ordinary triggers off; ours fire ALWAYS."""
    factories.manifest(factories.version(), "b")
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SET LOCAL session_replication_role = replica")
        except DatabaseError:
            pytest.skip("this database account may not pose as a replica at all")
        with pytest.raises((DatabaseError, InternalError), match="append-only"), transaction.atomic():
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("DELETE FROM registry_manifest")
