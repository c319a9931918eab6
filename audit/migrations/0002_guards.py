"""The trail and the snapshots are append-only, whoever asks."""

from importlib import import_module

from django.db import migrations

guard = import_module("registry.migrations.0002_guards").guard

# The time of an entry is the database's, whatever an INSERT says.
CLOCK = """
CREATE FUNCTION cardinal_entry_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.created_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER entry_clock BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION cardinal_entry_clock();
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER entry_clock;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("registry", "0002_guards")]

    operations = [
        guard("audit_entry"),
        guard("audit_snapshot"),
        guard("audit_sealedbatch"),
        migrations.RunSQL(CLOCK, "DROP TRIGGER entry_clock ON audit_entry; DROP FUNCTION cardinal_entry_clock();"),
    ]
