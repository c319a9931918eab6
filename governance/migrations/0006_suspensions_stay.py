"""A suspension is lifted once, by somebody, and stays on record."""

from django.db import migrations

SUSPENSION = """
CREATE FUNCTION cardinal_suspension_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR
     (NEW.id, NEW.version_id, NEW.reason, NEW.by_id, NEW.since)
     IS DISTINCT FROM (OLD.id, OLD.version_id, OLD.reason, OLD.by_id, OLD.since) THEN
    RAISE EXCEPTION 'a suspension can only be lifted, once' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER suspension_course BEFORE UPDATE OR DELETE ON governance_suspension
  FOR EACH ROW EXECUTE FUNCTION cardinal_suspension_course();
ALTER TABLE governance_suspension ENABLE ALWAYS TRIGGER suspension_course;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_tighter_guards")]

    operations = [
        migrations.RunSQL(
            SUSPENSION,
            "DROP TRIGGER suspension_course ON governance_suspension; DROP FUNCTION cardinal_suspension_course();",
        ),
    ]
