"""A stop is made by a person, lifted once, by a person, and stays on record; every gate hears of both at once."""

from django.db import migrations

COURSE = """
CREATE FUNCTION cardinal_stop_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  once text[] := ARRAY['lifted_at', 'lifted_by_id', 'lifted_because'];
  actor bigint;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a stop is lifted, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.lifted_at IS NOT NULL THEN
      RAISE EXCEPTION 'a stop is lifted after it was made' USING ERRCODE = 'check_violation';
    END IF;
    actor := NEW.by_id;
    NEW.stopped_at := clock_timestamp();
  ELSE
    IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR to_jsonb(NEW) - once IS DISTINCT FROM to_jsonb(OLD) - once THEN
      RAISE EXCEPTION 'a stop can only be lifted, once' USING ERRCODE = 'restrict_violation';
    END IF;
    actor := NEW.lifted_by_id;
    NEW.lifted_at := clock_timestamp();
  END IF;
  IF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = actor AND u.is_active AND u.kind = 'person') THEN
    RAISE EXCEPTION 'a person stops, and a person lifts' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stop_course BEFORE INSERT OR UPDATE OR DELETE ON governance_stop
  FOR EACH ROW EXECUTE FUNCTION cardinal_stop_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON governance_stop
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER stop_course;
ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER refuse_truncate;
"""

TOLD = """
CREATE FUNCTION cardinal_stop_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cardinal_tell_gate(NEW.reach, coalesce(NEW.model_id::text, NEW.token_id::text, ''));
  RETURN NULL;
END $$;
CREATE TRIGGER stop_told AFTER INSERT OR UPDATE ON governance_stop
  FOR EACH ROW EXECUTE FUNCTION cardinal_stop_told();
ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER stop_told;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0081_notices_of_the_gate")]

    operations = [
        migrations.RunSQL(
            COURSE,
            "DROP TRIGGER stop_course ON governance_stop; DROP TRIGGER refuse_truncate ON governance_stop;"
            "DROP FUNCTION cardinal_stop_course();",
        ),
        migrations.RunSQL(
            TOLD, "DROP TRIGGER stop_told ON governance_stop; DROP FUNCTION cardinal_stop_told();"
        ),
    ]
