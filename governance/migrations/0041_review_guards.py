"""The course of a review, who may judge, what an approval needs, and the hour of broken glass: held by the database."""

from importlib import import_module

from django.db import migrations, models

guard = import_module("registry.migrations.0002_guards").guard
BEFORE = import_module("governance.migrations.0003_guards")
TIGHTER = import_module("governance.migrations.0005_tighter_guards")

# The roles in which somebody still has to sign; '' for any. The same as governance.reviews.wanted.
WANTS = """
CREATE FUNCTION cardinal_review_wants(asked jsonb, review bigint) RETURNS text[] LANGUAGE sql STABLE AS $$
  WITH needed AS (SELECT role, count(*) AS n FROM jsonb_array_elements_text(asked->'roles') AS role GROUP BY role),
       given AS (SELECT role::text, count(*) AS n FROM governance_judgement
                 WHERE review_id = review AND outcome = 'approve' GROUP BY role),
       both_of AS (SELECT role, coalesce(needed.n, 0) AS needed, coalesce(given.n, 0) AS given
                   FROM needed FULL JOIN given USING (role))
  SELECT coalesce(ARRAY(SELECT role FROM both_of, generate_series(1, needed - given) ORDER BY role), '{}')
         || coalesce(array_fill(''::text, ARRAY[greatest(
              (asked->>'approvers')::int - jsonb_array_length(asked->'roles')
              - coalesce((SELECT sum(greatest(given - needed, 0)) FROM both_of), 0)::int, 0)]), '{}')
$$;
"""

# Whether somebody is a second pair of eyes for this review: a person, active, neither submitter nor author.
INDEPENDENT = """
CREATE FUNCTION cardinal_independent(asked bigint, who bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM registry_user WHERE id = who AND is_active AND kind = 'person')
     AND EXISTS (SELECT 1 FROM governance_review r WHERE r.id = asked AND r.submitted_by_id <> who
       AND NOT EXISTS (SELECT 1 FROM registry_revision v WHERE v.document_id = r.document_id AND v.by_id = who))
$$;
CREATE FUNCTION cardinal_judges(who bigint, under text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM registry_membership ug JOIN auth_group g ON g.id = ug.group_id
    JOIN auth_group_permissions gp ON gp.group_id = g.id JOIN auth_permission p ON p.id = gp.permission_id
    JOIN django_content_type c ON c.id = p.content_type_id
    WHERE ug.user_id = who AND (under = '' OR g.name = under) AND p.codename = 'judge_review'
      AND c.app_label = 'governance')
$$;
"""

FOUR_EYES = """
CREATE OR REPLACE FUNCTION cardinal_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF NEW.role = '' OR NOT cardinal_judges(NEW.by_id, NEW.role) THEN
    RAISE EXCEPTION 'four eyes: one judges under a role that one holds and that judges, not under "%"', NEW.role
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.outcome = 'approve' AND EXISTS (
       SELECT 1 FROM jsonb_array_elements(asked.rule->'checklist') one WHERE one->>'key' <> ALL (NEW.checked)) THEN
    RAISE EXCEPTION 'an approval ticks the whole checklist' USING ERRCODE = 'check_violation';
  END IF;
  IF (asked.rule->>'step_up')::boolean AND NEW.method = '' THEN
    RAISE EXCEPTION 'a judgement under this rule is signed' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.method = 'password' AND EXISTS (
       SELECT 1 FROM otp_totp_totpdevice WHERE user_id = NEW.by_id AND confirmed) THEN
    RAISE EXCEPTION 'whoever has a second factor signs with it' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.signed_at NOT BETWEEN clock_timestamp() - interval '2 minutes' AND clock_timestamp() + interval '2 minutes' THEN
    RAISE EXCEPTION 'a judgement is signed now' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

# A review takes only the steps of governance.reviews.TRANSITIONS; what it judges, and under which rule, never changes.
COURSE = """
CREATE OR REPLACE FUNCTION cardinal_review_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'in_review' THEN
      RAISE EXCEPTION 'a review starts in review' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM registry_revision r WHERE r.id = NEW.revision_id
                   AND r.document_id = NEW.document_id AND r.digest = NEW.digest) THEN
      RAISE EXCEPTION 'a review names its revision by digest' USING ERRCODE = 'check_violation';
    END IF;
    SELECT rule INTO held FROM governance_reviewruledecision
      WHERE risk_class = NEW.rule->>'risk_class' ORDER BY id DESC LIMIT 1;
    IF held IS NOT NULL AND held <> NEW.rule THEN
      RAISE EXCEPTION 'a review stands under the rule that is in force' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.document_id, NEW.revision_id, NEW.digest, NEW.basis, NEW.rule, NEW.submitted_by_id, NEW.submitted_at)
     IS DISTINCT FROM
     (OLD.id, OLD.document_id, OLD.revision_id, OLD.digest, OLD.basis, OLD.rule, OLD.submitted_by_id, OLD.submitted_at)
  THEN
    RAISE EXCEPTION 'what a review judges, and under which rule, never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (OLD.state, NEW.state) NOT IN (
       ('in_review', 'approved'), ('in_review', 'changes_requested'), ('in_review', 'withdrawn'),
       ('approved', 'stale'), ('approved', 'retired'), ('stale', 'retired')) THEN
    RAISE EXCEPTION 'a closed review never changes back: from % to % is no step of a review', OLD.state, NEW.state
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = 'approved' AND cardinal_review_wants(NEW.rule, NEW.id) <> '{}' THEN
    RAISE EXCEPTION 'four eyes: nobody has approved this, or not everybody whom its rule asks for'
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state = 'changes_requested' AND NOT EXISTS (
       SELECT 1 FROM governance_judgement WHERE review_id = NEW.id AND outcome = 'request_changes') THEN
    RAISE EXCEPTION 'nobody has asked for changes' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state = 'in_review' THEN
    NEW.closed_at := clock_timestamp();
  ELSE
    NEW.closed_at := OLD.closed_at;
    NEW.ended_at := coalesce(OLD.ended_at, clock_timestamp());
    IF OLD.state = 'stale' THEN
      NEW.stale_codes := OLD.stale_codes;
    END IF;
  END IF;
  RETURN NEW;
END $$;
"""

CONDITION = """
CREATE FUNCTION cardinal_condition_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT 1 FROM governance_judgement j JOIN governance_review r ON r.id = j.review_id
                   WHERE j.id = NEW.judgement_id AND r.id = NEW.review_id AND j.outcome = 'approve'
                   AND r.state = 'in_review') THEN
      RAISE EXCEPTION 'a condition is set with an approval in its own review' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.due_at <= clock_timestamp() OR NEW.fulfilled_at IS NOT NULL OR NEW.extended_by_id IS NOT NULL THEN
      RAISE EXCEPTION 'a condition is due in the future' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.fulfilled_at IS NOT NULL OR NEW.due_at < OLD.due_at OR
     (NEW.id, NEW.judgement_id, NEW.review_id, NEW.text, NEW.owner_id)
     IS DISTINCT FROM (OLD.id, OLD.judgement_id, OLD.review_id, OLD.text, OLD.owner_id) THEN
    RAISE EXCEPTION 'a condition can be given more time, and be fulfilled once' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.due_at > OLD.due_at AND (NEW.extended_by_id IS NULL OR NEW.extended_by_id = NEW.owner_id
       OR NOT cardinal_independent(NEW.review_id, NEW.extended_by_id) OR NOT cardinal_judges(NEW.extended_by_id, '')) THEN
    RAISE EXCEPTION 'four eyes: a judge who is not its owner gives a condition more time' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.fulfilled_at IS NOT NULL THEN
    IF NOT cardinal_independent(NEW.review_id, NEW.fulfilled_by_id) OR NOT cardinal_judges(NEW.fulfilled_by_id, '') THEN
      RAISE EXCEPTION 'four eyes: a judge confirms that a condition is fulfilled' USING ERRCODE = 'check_violation';
    END IF;
    NEW.fulfilled_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER condition_course BEFORE INSERT OR UPDATE OR DELETE ON governance_reviewcondition
  FOR EACH ROW EXECUTE FUNCTION cardinal_condition_course();
ALTER TABLE governance_reviewcondition ENABLE ALWAYS TRIGGER condition_course;
"""

# Two people, an hour at most, by the database's clock. Asked, granted, ended: in this order, each once.
GLASS = """
CREATE FUNCTION cardinal_glass_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'that the glass was broken stays on record' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.granted_at IS NOT NULL OR NEW.ended_at IS NOT NULL THEN
      RAISE EXCEPTION 'break-glass: first somebody asks, then somebody else grants' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.asked_by_id AND is_active AND kind = 'person') THEN
      RAISE EXCEPTION 'break-glass: an active person asks' USING ERRCODE = 'check_violation';
    END IF;
    NEW.asked_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF OLD.ended_at IS NOT NULL OR
     (NEW.id, NEW.version_id, NEW.environment, NEW.reason, NEW.minutes, NEW.asked_by_id, NEW.asked_at)
     IS DISTINCT FROM
     (OLD.id, OLD.version_id, OLD.environment, OLD.reason, OLD.minutes, OLD.asked_by_id, OLD.asked_at) OR
     (OLD.granted_at IS NOT NULL AND (NEW.granted_by_id, NEW.granted_at, NEW.ends_at)
     IS DISTINCT FROM (OLD.granted_by_id, OLD.granted_at, OLD.ends_at)) THEN
    RAISE EXCEPTION 'break-glass: what was asked and granted never changes; it can only end' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.granted_at IS NULL AND NEW.granted_at IS NOT NULL THEN
    IF NEW.granted_by_id = NEW.asked_by_id OR NOT EXISTS (
         SELECT 1 FROM registry_user WHERE id = NEW.granted_by_id AND is_active AND kind = 'person') THEN
      RAISE EXCEPTION 'break-glass: a second, active person grants' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.asked_at < clock_timestamp() - interval '60 minutes' THEN
      RAISE EXCEPTION 'break-glass: what was asked an hour ago is granted no more' USING ERRCODE = 'check_violation';
    END IF;
    NEW.granted_at := clock_timestamp();
    NEW.ends_at := NEW.granted_at + make_interval(mins => NEW.minutes);
  END IF;
  IF NEW.ended_at IS NOT NULL THEN
    NEW.ended_at := least(clock_timestamp(), coalesce(NEW.ends_at, clock_timestamp()));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER glass_course BEFORE INSERT OR UPDATE OR DELETE ON governance_breakglass
  FOR EACH ROW EXECUTE FUNCTION cardinal_glass_course();
ALTER TABLE governance_breakglass ENABLE ALWAYS TRIGGER glass_course;
"""

# A clearance ends no later than the approval's age and the first condition that nobody has confirmed.
CLEARANCE = """
CREATE OR REPLACE FUNCTION cardinal_clearance_rests() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE latest timestamptz;
BEGIN
  IF NOT NEW.allowed THEN
    RETURN NEW;
  END IF;
  SELECT least(r.closed_at + make_interval(days => (r.rule->>'max_age_days')::int),
               (SELECT min(c.due_at) FROM governance_reviewcondition c WHERE c.review_id = r.id AND c.fulfilled_at IS NULL))
    INTO latest FROM registry_document d
    JOIN registry_revision h ON h.id = d.head_id
    JOIN governance_review r ON r.document_id = d.id AND r.state = 'approved' AND r.digest = h.digest
    WHERE d.version_id = NEW.version_id;
  IF latest IS NULL OR EXISTS (
       SELECT 1 FROM governance_suspension WHERE version_id = NEW.version_id AND lifted_at IS NULL) THEN
    RAISE EXCEPTION 'four eyes: nobody has approved the latest card of version %, or it is suspended', NEW.version_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.valid_until IS NULL OR NEW.valid_until > latest THEN
    RAISE EXCEPTION 'a clearance ends with the approval it rests on, at %', latest USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

ONE_APPROVED = """
UPDATE governance_review r SET state = 'retired', retired_because = 'A later approval took its place.', ended_at = now()
WHERE state = 'approved' AND EXISTS (
  SELECT 1 FROM governance_review l WHERE l.document_id = r.document_id AND l.state = 'approved'
  AND (l.submitted_at, l.id) > (r.submitted_at, r.id));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0040_reviews"),
        ("otp_totp", "0003_add_timestamps"),
        ("registry", "0090_roles"),
    ]

    operations = [
        migrations.RunSQL(WANTS, "DROP FUNCTION cardinal_review_wants(jsonb, bigint);"),
        migrations.RunSQL(
            INDEPENDENT,
            "DROP FUNCTION cardinal_independent(bigint, bigint); DROP FUNCTION cardinal_judges(bigint, text);",
        ),
        migrations.RunSQL(
            FOUR_EYES,
            "DROP TRIGGER four_eyes ON governance_judgement; DROP FUNCTION cardinal_four_eyes();"
            + BEFORE.FOUR_EYES,
        ),
        migrations.RunSQL(
            COURSE,
            "DROP TRIGGER review_course ON governance_review; DROP TRIGGER review_stays ON governance_review;"
            "DROP FUNCTION cardinal_review_course();" + BEFORE.REVIEW,
        ),
        migrations.RunSQL(ONE_APPROVED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(
                fields=["document"],
                condition=models.Q(state="approved"),
                name="review_one_approved_per_document",
            ),
        ),
        migrations.RunSQL(
            CONDITION,
            "DROP TRIGGER condition_course ON governance_reviewcondition; DROP FUNCTION cardinal_condition_course();",
        ),
        migrations.RunSQL(
            GLASS,
            "DROP TRIGGER glass_course ON governance_breakglass; DROP FUNCTION cardinal_glass_course();",
        ),
        migrations.RunSQL(
            CLEARANCE,
            "DROP TRIGGER clearance_rests ON governance_clearance; DROP FUNCTION cardinal_clearance_rests();"
            + TIGHTER.CLEARANCE,
        ),
        guard("governance_reviewruledecision"),
        *(
            migrations.RunSQL(
                TIGHTER.TRUNCATE_GUARD.format(table=table), f"DROP TRIGGER refuse_truncate ON {table};"
            )
            for table in ("governance_reviewcondition", "governance_breakglass")
        ),
    ]
