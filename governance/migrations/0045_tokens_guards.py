"""What a token is stays what it was issued as, a second person is another person, and nobody reaches what they do not see:
held by the database whoever asks, and asked of it by the gate with every query."""

from importlib import import_module

from django.db import migrations

guard = import_module("registry.migrations.0002_guards").guard
before = import_module("governance.migrations.0005_tighter_guards")

# The rule of registry.models.visibility in the database's own words, so that the gate's one statement can ask it, and lost
# sight counts with the next query. Whoever changes the one changes the other; a test compares them.
SEES = """
CREATE FUNCTION cardinal_sees(who bigint, what bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM registry_user u WHERE u.id = who AND u.is_active) AND (
    EXISTS (SELECT 1 FROM registry_modelgroupobjectpermission p
            JOIN registry_membership g ON g.group_id = p.group_id AND g.user_id = who
            JOIN auth_permission a ON a.id = p.permission_id AND a.codename = 'view_model'
            WHERE p.content_object_id = what)
    OR EXISTS (SELECT 1 FROM registry_modeluserobjectpermission p
               JOIN auth_permission a ON a.id = p.permission_id AND a.codename = 'view_model'
               WHERE p.user_id = who AND p.content_object_id = what)
    OR EXISTS (SELECT 1 FROM registry_membership g
               JOIN auth_group_permissions gp ON gp.group_id = g.group_id
               JOIN auth_permission a ON a.id = gp.permission_id AND a.codename = 'view_model'
               JOIN django_content_type c ON c.id = a.content_type_id AND c.app_label = 'registry'
               WHERE g.user_id = who)
    OR EXISTS (SELECT 1 FROM registry_user_user_permissions up
               JOIN auth_permission a ON a.id = up.permission_id AND a.codename = 'view_model'
               JOIN django_content_type c ON c.id = a.content_type_id AND c.app_label = 'registry'
               WHERE up.user_id = who)
    OR EXISTS (SELECT 1 FROM registry_user u WHERE u.id = who AND u.is_superuser));
END $$;
"""

# The risk classes of the systems in service that use a model, and what follows from them for tokens.
RISK = """
CREATE FUNCTION cardinal_classes_of(what bigint) RETURNS TABLE (risk_class text) LANGUAGE plpgsql STABLE ROWS 3 AS $$
BEGIN
  RETURN QUERY
    SELECT coalesce((SELECT d.risk_class::text FROM governance_riskdecision d WHERE d.system_id = y.id
                     ORDER BY d.decided_at DESC, d.id DESC LIMIT 1), 'undecided')
    FROM registry_system_models sm JOIN registry_system y ON y.id = sm.system_id AND y.retired_at IS NULL
    WHERE sm.model_id = what;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'undecided'::text;
  END IF;
END $$;
CREATE FUNCTION cardinal_token_rule(what bigint, OUT second boolean, OUT longest interval) LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT bool_or(k.risk_class IN ('high', 'prohibited')),
         make_interval(days => min(coalesce(
           (SELECT l.days::int FROM governance_tokenlife l WHERE l.risk_class = k.risk_class ORDER BY l.id DESC LIMIT 1),
           CASE WHEN k.risk_class IN ('high', 'prohibited') THEN 30 ELSE 90 END)))
  INTO second, longest FROM cardinal_classes_of(what) k;
END $$;
"""

# Written once; countersigned, replaced and revoked once each, and in no other way.
COURSE = """
CREATE OR REPLACE FUNCTION cardinal_token_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE once text[] := ARRAY['revoked_at', 'revoked_by_id', 'ended_as', 'countersigned_at', 'countersigned_by_id', 'overlap_ends_at'];
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a token is revoked, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.issued_at > clock_timestamp() + interval '1 minute' THEN
      RAISE EXCEPTION 'a token is issued now' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.countersigned_at IS NOT NULL OR NEW.overlap_ends_at IS NOT NULL THEN
      RAISE EXCEPTION 'a token is countersigned and replaced after it was issued' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.tag_key <> '' AND EXISTS (
         SELECT 1 FROM registry_model m CROSS JOIN LATERAL cardinal_token_rule(m.id) r
         WHERE m.tags @> jsonb_build_object(NEW.tag_key, NEW.tag_value) AND cardinal_sees(NEW.owner_id, m.id)
           AND (r.second AND NOT NEW.needs_second OR NEW.expires_at > NEW.issued_at + r.longest)) THEN
      RAISE EXCEPTION 'a token for models of this risk class lives shorter, or needs a second person'
        USING ERRCODE = 'check_violation';
    END IF;
    NEW.issued_in := pg_current_xact_id();
    RETURN NEW;
  END IF;
  IF OLD.revoked_at IS NOT NULL OR to_jsonb(NEW) - once IS DISTINCT FROM to_jsonb(OLD) - once
     OR OLD.countersigned_at IS NOT NULL AND (NEW.countersigned_at, NEW.countersigned_by_id)
                                             IS DISTINCT FROM (OLD.countersigned_at, OLD.countersigned_by_id)
     OR OLD.overlap_ends_at IS NOT NULL AND NEW.overlap_ends_at IS DISTINCT FROM OLD.overlap_ends_at THEN
    RAISE EXCEPTION 'a token can only be revoked, countersigned or replaced, each once' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.countersigned_at IS NOT NULL AND OLD.countersigned_at IS NULL THEN
    IF NEW.countersigned_by_id IN (NEW.issued_by_id, NEW.owner_id)
       OR EXISTS (SELECT 1 FROM governance_serviceaccount s
                  WHERE s.account_id = NEW.owner_id AND s.sponsor_id = NEW.countersigned_by_id)
       OR NOT EXISTS (SELECT 1 FROM registry_user u
                      WHERE u.id = NEW.countersigned_by_id AND u.is_active AND u.kind = 'person') THEN
      RAISE EXCEPTION 'four eyes: a token is countersigned by another person' USING ERRCODE = 'check_violation';
    END IF;
    NEW.countersigned_at := clock_timestamp();
  END IF;
  IF NEW.overlap_ends_at IS NOT NULL AND OLD.overlap_ends_at IS NULL
     AND (NEW.overlap_ends_at > clock_timestamp() + interval '7 days 1 minute' OR NOT EXISTS (
            SELECT 1 FROM governance_token s WHERE s.replaces_id = NEW.id)) THEN
    RAISE EXCEPTION 'a replaced token has a successor, and goes on for 7 days at most' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

# Only the transaction that made a token says which models it reaches; those are seen by its owner and its issuer.
REACH = """
CREATE OR REPLACE FUNCTION cardinal_token_reach() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE made governance_token%ROWTYPE;
        rule record;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    RAISE EXCEPTION 'a token reaches the models it was issued for, and no others' USING ERRCODE = 'restrict_violation';
  END IF;
  SELECT * INTO made FROM governance_token WHERE id = NEW.token_id AND issued_in = pg_current_xact_id();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'a token reaches the models it was issued for, and no others' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT (cardinal_sees(made.owner_id, NEW.model_id) AND cardinal_sees(made.issued_by_id, NEW.model_id)) THEN
    RAISE EXCEPTION 'a token reaches what its owner and its issuer see' USING ERRCODE = 'check_violation';
  END IF;
  SELECT * INTO rule FROM cardinal_token_rule(NEW.model_id);
  IF rule.second AND NOT made.needs_second OR made.expires_at > made.issued_at + rule.longest THEN
    RAISE EXCEPTION 'a token for models of this risk class lives shorter, or needs a second person'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
"""

# A program has no password; a person answers for it. What is no network is not stored.
SERVICE = """
CREATE FUNCTION cardinal_service_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.sponsor_id AND kind = 'person' AND is_active)
     OR NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.account_id AND kind = 'service') THEN
    RAISE EXCEPTION 'a person whose account is active answers for a service account' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER service_account BEFORE INSERT OR UPDATE ON governance_serviceaccount
  FOR EACH ROW EXECUTE FUNCTION cardinal_service_account();
ALTER TABLE governance_serviceaccount ENABLE ALWAYS TRIGGER service_account;
CREATE FUNCTION cardinal_no_password() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a service account has no password' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER no_password BEFORE INSERT OR UPDATE ON registry_user FOR EACH ROW
  WHEN (NEW.kind = 'service' AND NEW.password <> '' AND NEW.password NOT LIKE '!%') EXECUTE FUNCTION cardinal_no_password();
ALTER TABLE registry_user ENABLE ALWAYS TRIGGER no_password;
ALTER TABLE governance_token ADD CONSTRAINT token_networks_are_networks CHECK (networks::cidr[] IS NOT NULL);
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0044_tokens"), ("registry", "0085_model_inputs")]

    operations = [
        migrations.RunSQL(SEES, "DROP FUNCTION cardinal_sees(bigint, bigint);"),
        migrations.RunSQL(
            RISK, "DROP FUNCTION cardinal_token_rule(bigint); DROP FUNCTION cardinal_classes_of(bigint);"
        ),
        migrations.RunSQL(
            COURSE,
            before.COURSE.replace("DROP TRIGGER token_course ON governance_token;", "").partition(
                "CREATE TRIGGER"
            )[0],
        ),
        migrations.RunSQL(
            REACH,
            import_module("governance.migrations.0004_token_reach")
            .REACH.partition("CREATE FUNCTION")[2]
            .partition("CREATE TRIGGER")[0]
            .join(["CREATE OR REPLACE FUNCTION", ""]),
        ),
        migrations.RunSQL(
            SERVICE,
            "DROP TRIGGER service_account ON governance_serviceaccount; DROP FUNCTION cardinal_service_account();"
            "DROP TRIGGER no_password ON registry_user; DROP FUNCTION cardinal_no_password();"
            "ALTER TABLE governance_token DROP CONSTRAINT token_networks_are_networks;",
        ),
        guard("governance_tokenlife"),
    ]
