"""Four eyes, and what is written once, held by the database whoever asks."""

from importlib import import_module

from django.db import migrations

guard = import_module("registry.migrations.0002_guards").guard

# A judgement counts only when its author is independent, the review is open, and the digest is what is under review.
FOUR_EYES = """
CREATE FUNCTION cardinal_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE asked governance_review%ROWTYPE;
BEGIN
  SELECT * INTO asked FROM governance_review WHERE id = NEW.review_id FOR UPDATE;
  IF asked.state <> 'in_review' THEN
    RAISE EXCEPTION 'four eyes: review % is closed', NEW.review_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.digest <> asked.digest THEN
    RAISE EXCEPTION 'four eyes: the judgement is about another revision' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.by_id = asked.submitted_by_id THEN
    RAISE EXCEPTION 'four eyes: whoever submitted a revision may not judge it' USING ERRCODE = 'check_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM registry_revision WHERE document_id = asked.document_id AND by_id = NEW.by_id) THEN
    RAISE EXCEPTION 'four eyes: an author may not judge their own document' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER four_eyes BEFORE INSERT ON governance_judgement FOR EACH ROW EXECUTE FUNCTION cardinal_four_eyes();
ALTER TABLE governance_judgement ENABLE ALWAYS TRIGGER four_eyes;
"""

# A review starts open, is closed once, by a matching judgement, and what it judges never changes.
REVIEW = """
CREATE FUNCTION cardinal_review_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'in_review' THEN
      RAISE EXCEPTION 'a review starts in review' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM registry_revision r WHERE r.id = NEW.revision_id
                   AND r.document_id = NEW.document_id AND r.digest = NEW.digest) THEN
      RAISE EXCEPTION 'a review names its revision by digest' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'in_review' OR
     (NEW.id, NEW.document_id, NEW.revision_id, NEW.digest, NEW.basis, NEW.submitted_by_id, NEW.submitted_at)
     IS DISTINCT FROM
     (OLD.id, OLD.document_id, OLD.revision_id, OLD.digest, OLD.basis, OLD.submitted_by_id, OLD.submitted_at) THEN
    RAISE EXCEPTION 'a closed review, and what a review judges, never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = 'approved' AND NOT EXISTS (
       SELECT 1 FROM governance_judgement WHERE review_id = NEW.id AND outcome = 'approve' AND digest = NEW.digest) THEN
    RAISE EXCEPTION 'four eyes: nobody has approved this' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state = 'changes_requested' AND NOT EXISTS (
       SELECT 1 FROM governance_judgement WHERE review_id = NEW.id AND outcome = 'request_changes') THEN
    RAISE EXCEPTION 'nobody has asked for changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER review_course BEFORE INSERT OR UPDATE ON governance_review
  FOR EACH ROW EXECUTE FUNCTION cardinal_review_course();
CREATE TRIGGER review_stays BEFORE DELETE ON governance_review FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_review ENABLE ALWAYS TRIGGER review_course;
ALTER TABLE governance_review ENABLE ALWAYS TRIGGER review_stays;
"""

# A token can be revoked; nothing else about it changes, and a revoked one stays revoked.
COURSE = """
CREATE FUNCTION cardinal_token_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL OR
     (NEW.id, NEW.digest, NEW.environment, NEW.owner_id, NEW.actions, NEW.issued_by_id, NEW.issued_at, NEW.expires_at)
     IS DISTINCT FROM
     (OLD.id, OLD.digest, OLD.environment, OLD.owner_id, OLD.actions, OLD.issued_by_id, OLD.issued_at, OLD.expires_at) THEN
    RAISE EXCEPTION 'a token can only be revoked, once' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER token_course BEFORE UPDATE ON governance_token FOR EACH ROW EXECUTE FUNCTION cardinal_token_course();
ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_initial"), ("registry", "0002_guards")]

    operations = [
        migrations.RunSQL(
            FOUR_EYES, "DROP TRIGGER four_eyes ON governance_judgement; DROP FUNCTION cardinal_four_eyes();"
        ),
        guard("governance_judgement"),
        migrations.RunSQL(
            REVIEW,
            "DROP TRIGGER review_course ON governance_review; DROP TRIGGER review_stays ON governance_review;"
            "DROP FUNCTION cardinal_review_course();",
        ),
        migrations.RunSQL(
            COURSE,
            "DROP TRIGGER token_course ON governance_token; DROP FUNCTION cardinal_token_course();",
        ),
        guard("governance_riskdecision"),
        guard("governance_policyversion"),
        guard("governance_batch"),
        guard("governance_decision"),
    ]
