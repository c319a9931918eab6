"""A version whose files are said to lie elsewhere says so until they were hashed there."""

from django.db import migrations, models

MOVED = """
CREATE FUNCTION cardinal_source_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.source <> OLD.source AND NEW.moved_at IS NULL THEN
    RAISE EXCEPTION 'the source of version % moves without a word that its files are not hashed there', NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER source_moved BEFORE UPDATE OF source, moved_at ON registry_version
  FOR EACH ROW EXECUTE FUNCTION cardinal_source_moved();
ALTER TABLE registry_version ENABLE ALWAYS TRIGGER source_moved;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0080_one_scan")]

    operations = [
        migrations.AddField("version", "moved_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(
            MOVED, "DROP TRIGGER source_moved ON registry_version; DROP FUNCTION cardinal_source_moved();"
        ),
    ]
