"""What a session with the application's own rights could still have written past the verbs is refused as well."""

from importlib import import_module

from django.db import migrations

TRUNCATE_GUARD = """
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_truncate;
"""

# A clearance rests on an approval of the latest card, and never outlives a suspension.
CLEARANCE = """
CREATE FUNCTION cardinal_clearance_rests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.allowed AND (
       EXISTS (SELECT 1 FROM governance_suspension WHERE version_id = NEW.version_id AND lifted_at IS NULL)
       OR NOT EXISTS (
         SELECT 1 FROM registry_document d
         JOIN registry_revision h ON h.id = d.head_id
         JOIN governance_review r ON r.document_id = d.id AND r.state = 'approved' AND r.digest = h.digest
         WHERE d.version_id = NEW.version_id)) THEN
    RAISE EXCEPTION 'four eyes: nobody has approved the latest card of version %, or it is suspended', NEW.version_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER clearance_rests BEFORE INSERT OR UPDATE ON governance_clearance
  FOR EACH ROW EXECUTE FUNCTION cardinal_clearance_rests();
ALTER TABLE governance_clearance ENABLE ALWAYS TRIGGER clearance_rests;
"""

# A policy puts a version of its own in force.
POLICY = """
CREATE FUNCTION cardinal_own_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.in_force_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM governance_policyversion WHERE id = NEW.in_force_id AND policy_id = NEW.id) THEN
    RAISE EXCEPTION 'a policy puts its own versions in force' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER own_policy BEFORE INSERT OR UPDATE ON governance_policy
  FOR EACH ROW EXECUTE FUNCTION cardinal_own_policy();
ALTER TABLE governance_policy ENABLE ALWAYS TRIGGER own_policy;
"""

# The transaction that a token remembers is part of what never changes, and its time of issue is never in the future.
COURSE = """
CREATE OR REPLACE FUNCTION cardinal_token_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.issued_at > clock_timestamp() + interval '1 minute' THEN
      RAISE EXCEPTION 'a token is issued now' USING ERRCODE = 'check_violation';
    END IF;
    NEW.issued_in := pg_current_xact_id();
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a token is revoked, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.revoked_at IS NOT NULL OR
     (NEW.id, NEW.name, NEW.prefix, NEW.digest, NEW.environment, NEW.owner_id, NEW.actions, NEW.issued_by_id,
      NEW.issued_at, NEW.expires_at, NEW.issued_in)
     IS DISTINCT FROM
     (OLD.id, OLD.name, OLD.prefix, OLD.digest, OLD.environment, OLD.owner_id, OLD.actions, OLD.issued_by_id,
      OLD.issued_at, OLD.expires_at, OLD.issued_in) THEN
    RAISE EXCEPTION 'a token can only be revoked, once' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER token_course ON governance_token;
CREATE TRIGGER token_course BEFORE INSERT OR UPDATE OR DELETE ON governance_token
  FOR EACH ROW EXECUTE FUNCTION cardinal_token_course();
ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course;
"""

# Only an account that is switched on judges; the rest of the rule is unchanged.
FOUR_EYES = """
CREATE FUNCTION cardinal_judge_is_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.by_id AND is_active AND kind = 'person') THEN
    RAISE EXCEPTION 'four eyes: only a person whose account is active judges' USING ERRCODE = 'check_violation';
  END IF;
  NEW.made_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER judge_is_active BEFORE INSERT ON governance_judgement
  FOR EACH ROW EXECUTE FUNCTION cardinal_judge_is_active();
ALTER TABLE governance_judgement ENABLE ALWAYS TRIGGER judge_is_active;
"""

TIMES = """
CREATE FUNCTION cardinal_decided_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.decided_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER decided_now BEFORE INSERT ON governance_riskdecision
  FOR EACH ROW EXECUTE FUNCTION cardinal_decided_now();
ALTER TABLE governance_riskdecision ENABLE ALWAYS TRIGGER decided_now;
"""


def backwards(table: str, name: str, function: str) -> str:
    """How a trigger and its function are taken away again."""
    return f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {function}();"


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_token_reach"), ("registry", "0005_whole_documents")]

    operations = [
        migrations.RunSQL(
            CLEARANCE, backwards("governance_clearance", "clearance_rests", "cardinal_clearance_rests")
        ),
        migrations.RunSQL(POLICY, backwards("governance_policy", "own_policy", "cardinal_own_policy")),
        migrations.RunSQL(
            COURSE,
            "DROP TRIGGER token_course ON governance_token; DROP FUNCTION cardinal_token_course();"
            + import_module("governance.migrations.0003_guards").COURSE,
        ),
        migrations.RunSQL(
            FOUR_EYES, backwards("governance_judgement", "judge_is_active", "cardinal_judge_is_active")
        ),
        migrations.RunSQL(TIMES, backwards("governance_riskdecision", "decided_now", "cardinal_decided_now")),
        *(
            migrations.RunSQL(TRUNCATE_GUARD.format(table=table), f"DROP TRIGGER refuse_truncate ON {table};")
            for table in (
                "governance_token",
                "governance_token_models",
                "governance_review",
                "governance_suspension",
            )
        ),
    ]
