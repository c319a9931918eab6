"""What must never happen is refused by the database too: revisions and manifests are written once."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION cardinal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""

# ALWAYS: session_replication_role = replica, which switches ordinary triggers off, does not switch these off.
GUARD = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_truncate;
"""

UNGUARD = """
DROP TRIGGER refuse_change ON {table};
DROP TRIGGER refuse_truncate ON {table};
"""


def guard(table: str) -> migrations.RunSQL:
    """Make `table` append-only."""
    return migrations.RunSQL(GUARD.format(table=table), UNGUARD.format(table=table))


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION cardinal_refuse_change();"),
        guard("registry_revision"),
        guard("registry_manifest"),
    ]
