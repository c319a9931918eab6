"""A revision carries the digest of its own bytes and stands on a parent of its own document; so does a head."""

from django.db import migrations

REVISION = """
CREATE FUNCTION cardinal_whole_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.digest <> encode(sha256(NEW.body), 'hex') THEN
    RAISE EXCEPTION 'the digest of a revision is that of its bytes' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM registry_revision p
       WHERE p.id = NEW.parent_id AND p.document_id = NEW.document_id AND p.number = NEW.number - 1) THEN
    RAISE EXCEPTION 'a revision stands on the one before it' USING ERRCODE = 'check_violation';
  END IF;
  NEW.created_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER whole_revision BEFORE INSERT ON registry_revision
  FOR EACH ROW EXECUTE FUNCTION cardinal_whole_revision();
ALTER TABLE registry_revision ENABLE ALWAYS TRIGGER whole_revision;
"""

HEAD = """
CREATE FUNCTION cardinal_own_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.head_id IS NOT NULL AND NEW.head_id IS DISTINCT FROM OLD.head_id AND NOT EXISTS (
       SELECT 1 FROM registry_revision h WHERE h.id = NEW.head_id AND h.parent_id = OLD.head_id) THEN
    RAISE EXCEPTION 'the head of a document moves to the next revision only' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.head_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM registry_revision h WHERE h.id = NEW.head_id AND h.document_id = NEW.id) THEN
    RAISE EXCEPTION 'the head of a document is a revision of its own' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER own_head BEFORE INSERT OR UPDATE ON registry_document
  FOR EACH ROW EXECUTE FUNCTION cardinal_own_head();
ALTER TABLE registry_document ENABLE ALWAYS TRIGGER own_head;
"""

MANIFEST = """
CREATE FUNCTION cardinal_taken_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.taken_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER taken_now BEFORE INSERT ON registry_manifest FOR EACH ROW EXECUTE FUNCTION cardinal_taken_now();
ALTER TABLE registry_manifest ENABLE ALWAYS TRIGGER taken_now;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_model_by_name")]

    operations = [
        migrations.RunSQL(
            REVISION,
            "DROP TRIGGER whole_revision ON registry_revision; DROP FUNCTION cardinal_whole_revision();",
        ),
        migrations.RunSQL(
            HEAD, "DROP TRIGGER own_head ON registry_document; DROP FUNCTION cardinal_own_head();"
        ),
        migrations.RunSQL(
            MANIFEST, "DROP TRIGGER taken_now ON registry_manifest; DROP FUNCTION cardinal_taken_now();"
        ),
    ]
