"""A version is not cleared either while its files lie where nobody has hashed them."""

from django.db import migrations

MOVED = """
CREATE FUNCTION cardinal_clearance_not_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.allowed AND EXISTS (
       SELECT 1 FROM registry_version v WHERE v.id = NEW.version_id AND v.moved_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the files of version % lie where they were not hashed', NEW.version_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER clearance_not_moved BEFORE INSERT OR UPDATE ON governance_clearance
  FOR EACH ROW EXECUTE FUNCTION cardinal_clearance_not_moved();
ALTER TABLE governance_clearance ENABLE ALWAYS TRIGGER clearance_not_moved;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0031_speed"), ("registry", "0081_moved_sources")]

    operations = [
        migrations.RunSQL(
            MOVED,
            "DROP TRIGGER clearance_not_moved ON governance_clearance; "
            "DROP FUNCTION cardinal_clearance_not_moved();",
        ),
    ]
