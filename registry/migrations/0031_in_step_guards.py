"""The ledger and the deliveries are written once, at the database's time; an order for an alias is settled once."""

from importlib import import_module

from django.db import migrations

guard = import_module("registry.migrations.0002_guards").guard

CLOCK = """
CREATE FUNCTION cardinal_ledger_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_clock BEFORE INSERT ON registry_ledgerrow
  FOR EACH ROW EXECUTE FUNCTION cardinal_ledger_clock();
ALTER TABLE registry_ledgerrow ENABLE ALWAYS TRIGGER ledger_clock;
"""

# What is written in the ledger about a version is about a version of that model.
OWN = """
CREATE FUNCTION cardinal_own_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM registry_version WHERE id = NEW.version_id AND model_id = NEW.model_id) THEN
    RAISE EXCEPTION 'a row of the ledger names a version of its model' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER own_ledger BEFORE INSERT ON registry_ledgerrow
  FOR EACH ROW EXECUTE FUNCTION cardinal_own_ledger();
ALTER TABLE registry_ledgerrow ENABLE ALWAYS TRIGGER own_ledger;
"""

ORDER = """
CREATE FUNCTION cardinal_alias_order_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'waiting' THEN
      RAISE EXCEPTION 'an order for an alias starts waiting' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'waiting' OR (NEW.model_id, NEW.name, NEW.number, NEW.by_id, NEW.ordered_at)
     IS DISTINCT FROM (OLD.model_id, OLD.name, OLD.number, OLD.by_id, OLD.ordered_at) THEN
    RAISE EXCEPTION 'an order for an alias is settled once, and never says something else'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER alias_order_course BEFORE INSERT OR UPDATE ON registry_aliasorder
  FOR EACH ROW EXECUTE FUNCTION cardinal_alias_order_course();
ALTER TABLE registry_aliasorder ENABLE ALWAYS TRIGGER alias_order_course;
"""


def backwards(table: str, name: str) -> str:
    """How a trigger and its function are taken away again."""
    return f"DROP TRIGGER {name} ON {table}; DROP FUNCTION cardinal_{name}();"


class Migration(migrations.Migration):
    dependencies = [("registry", "0030_in_step")]

    operations = [
        guard("registry_ledgerrow"),
        guard("registry_delivery"),
        migrations.RunSQL(CLOCK, backwards("registry_ledgerrow", "ledger_clock")),
        migrations.RunSQL(OWN, backwards("registry_ledgerrow", "own_ledger")),
        migrations.RunSQL(ORDER, backwards("registry_aliasorder", "alias_order_course")),
    ]
