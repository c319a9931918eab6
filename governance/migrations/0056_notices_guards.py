"""A notice stays what was told, a letter is sent once, nobody stands in for whom they must not, and a judgement in
somebody's place is one that this person could have made: held by the database whoever asks."""

from importlib import import_module

from django.db import migrations

guard = import_module("registry.migrations.0002_guards").guard

NOTICE = """
CREATE FUNCTION cardinal_notice_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'read_at' IS DISTINCT FROM to_jsonb(OLD) - 'read_at' THEN
    RAISE EXCEPTION 'a notice stays what was told; it can only be read' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER notice_course BEFORE UPDATE ON governance_notice
  FOR EACH ROW EXECUTE FUNCTION cardinal_notice_course();
ALTER TABLE governance_notice ENABLE ALWAYS TRIGGER notice_course;
CREATE FUNCTION cardinal_letter_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'waiting' OR NEW.notice_id <> OLD.notice_id OR NEW.tries < OLD.tries THEN
    RAISE EXCEPTION 'a letter is sent once, dropped or given up' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER letter_course BEFORE UPDATE ON governance_letter
  FOR EACH ROW EXECUTE FUNCTION cardinal_letter_course();
ALTER TABLE governance_letter ENABLE ALWAYS TRIGGER letter_course;
"""

# Both accounts are locked first, in one order: of two that announce at once, one sees the other.
ABSENCE = """
CREATE FUNCTION cardinal_absence_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an absence is called off, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.ended_at IS NOT NULL OR to_jsonb(NEW) - 'ended_at' IS DISTINCT FROM to_jsonb(OLD) - 'ended_at' THEN
      RAISE EXCEPTION 'an absence that was announced can only be ended, once' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.ended_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF NEW.ended_at IS NOT NULL OR NEW.until <= clock_timestamp() THEN
    RAISE EXCEPTION 'an absence that is announced is not over' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM 1 FROM registry_user WHERE id IN (NEW.person_id, NEW.stand_in_id) ORDER BY id FOR NO KEY UPDATE;
  IF NEW.person_id <> NEW.stand_in_id AND (SELECT count(*) FROM registry_user WHERE id IN (NEW.person_id, NEW.stand_in_id)
      AND is_active AND kind = 'person') <> 2 THEN
    RAISE EXCEPTION 'a person with an active account stands in for another' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM governance_absence a WHERE a.ended_at IS NULL
             AND tstzrange(a.since, a.until) && tstzrange(NEW.since, NEW.until)
             AND (a.person_id = NEW.stand_in_id OR a.stand_in_id = NEW.person_id)) THEN
    RAISE EXCEPTION 'no chains: a stand-in is not away, and nobody is away while they stand in'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER absence_course BEFORE INSERT OR UPDATE OR DELETE ON governance_absence
  FOR EACH ROW EXECUTE FUNCTION cardinal_absence_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON governance_absence
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_absence ENABLE ALWAYS TRIGGER absence_course;
ALTER TABLE governance_absence ENABLE ALWAYS TRIGGER refuse_truncate;
"""

# Beside what four eyes ask of the judge: the other is away now, named this judge, holds the role, and may judge.
IN_PLACE = """
CREATE FUNCTION cardinal_judged_in_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM governance_absence a WHERE a.person_id = NEW.in_place_of_id AND a.stand_in_id = NEW.by_id
                 AND a.ended_at IS NULL AND a.since <= clock_timestamp() AND a.until > clock_timestamp())
     OR NOT cardinal_independent(NEW.review_id, NEW.in_place_of_id)
     OR NOT cardinal_judges(NEW.in_place_of_id, NEW.role)
     OR EXISTS (SELECT 1 FROM governance_judgement j
                WHERE j.review_id = NEW.review_id AND j.by_id = NEW.in_place_of_id) THEN
    RAISE EXCEPTION 'one judges in place of somebody who is away, named one, and could judge this themselves'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER judged_in_place BEFORE INSERT ON governance_judgement FOR EACH ROW
  WHEN (NEW.in_place_of_id IS NOT NULL) EXECUTE FUNCTION cardinal_judged_in_place();
ALTER TABLE governance_judgement ENABLE ALWAYS TRIGGER judged_in_place;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0055_notices")]

    operations = [
        migrations.RunSQL(
            NOTICE,
            "DROP TRIGGER notice_course ON governance_notice; DROP FUNCTION cardinal_notice_course();"
            "DROP TRIGGER letter_course ON governance_letter; DROP FUNCTION cardinal_letter_course();",
        ),
        migrations.RunSQL(
            ABSENCE,
            "DROP TRIGGER absence_course ON governance_absence; DROP TRIGGER refuse_truncate ON governance_absence;"
            "DROP FUNCTION cardinal_absence_course();",
        ),
        migrations.RunSQL(
            IN_PLACE,
            "DROP TRIGGER judged_in_place ON governance_judgement; DROP FUNCTION cardinal_judged_in_place();",
        ),
        guard("governance_reminderdecision"),
    ]
