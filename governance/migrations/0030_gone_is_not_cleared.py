"""A clearance also ends when the tracking server no longer has the version or its model."""

from django.db import migrations

GONE = """
CREATE FUNCTION cardinal_clearance_present() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.allowed AND EXISTS (
       SELECT 1 FROM registry_version v JOIN registry_model m ON m.id = v.model_id
       WHERE v.id = NEW.version_id AND (v.gone_at IS NOT NULL OR v.files_gone_at IS NOT NULL OR m.gone_at IS NOT NULL)) THEN
    RAISE EXCEPTION 'version % is gone from its tracking server', NEW.version_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER clearance_present BEFORE INSERT OR UPDATE ON governance_clearance
  FOR EACH ROW EXECUTE FUNCTION cardinal_clearance_present();
ALTER TABLE governance_clearance ENABLE ALWAYS TRIGGER clearance_present;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0011_finding"), ("registry", "0031_in_step_guards")]

    operations = [
        migrations.RunSQL(
            GONE,
            "DROP TRIGGER clearance_present ON governance_clearance; DROP FUNCTION cardinal_clearance_present();",
        ),
    ]
