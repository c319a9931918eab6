"""What somebody may be told, asked for one notice at a time.

Every page counts what somebody has not read. Built of the query sets of documents, versions and tokens, the database
plans for ten milliseconds what it answers in one, each time; of a function it keeps the plan.
"""

from django.db import migrations

# The rules of `visible_to` of Version, Document and Token in the database's own words, for an account without a limit.
# Whoever changes the one changes the other; a test compares them.
HOLDS = """
CREATE FUNCTION cardinal_holds(who bigint, app text, right_named text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM registry_user u WHERE u.id = who AND u.is_active) AND (
    EXISTS (SELECT 1 FROM registry_user u WHERE u.id = who AND u.is_superuser)
    OR EXISTS (SELECT 1 FROM auth_permission p
               JOIN django_content_type t ON t.id = p.content_type_id AND t.app_label = app
               WHERE p.codename = right_named AND (
                 EXISTS (SELECT 1 FROM registry_membership g
                         JOIN auth_group_permissions gp ON gp.group_id = g.group_id
                         WHERE g.user_id = who AND gp.permission_id = p.id)
                 OR EXISTS (SELECT 1 FROM registry_user_user_permissions up
                            WHERE up.user_id = who AND up.permission_id = p.id))));
END $$;
"""

SHARED = """
CREATE FUNCTION cardinal_shared(who bigint) RETURNS SETOF bigint LANGUAGE plpgsql STABLE ROWS 1000 AS $$
BEGIN
  RETURN QUERY
    SELECT own.content_object_id FROM registry_modeluserobjectpermission own
    JOIN auth_permission a ON a.id = own.permission_id AND a.codename = 'view_model' WHERE own.user_id = who
    UNION
    SELECT theirs.content_object_id FROM registry_modelgroupobjectpermission theirs
    JOIN registry_membership g ON g.group_id = theirs.group_id
    JOIN auth_permission a ON a.id = theirs.permission_id AND a.codename = 'view_model' WHERE g.user_id = who;
END $$;
"""

TOLD = """
CREATE FUNCTION cardinal_told(who bigint, of_document bigint, of_version bigint, of_token uuid)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  sheet_of bigint;
  about record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = who AND u.is_active) THEN RETURN false; END IF;
  IF of_token IS NOT NULL THEN
    SELECT t.owner_id, t.issued_by_id, t.tag_key, t.tag_value, s.sponsor_id INTO about FROM governance_token t
      LEFT JOIN governance_serviceaccount s ON s.account_id = t.owner_id WHERE t.id = of_token;
    IF who IN (about.owner_id, about.issued_by_id, about.sponsor_id) THEN RETURN true; END IF;
    IF NOT cardinal_holds(who, 'governance', 'view_token') THEN RETURN false; END IF;
    RETURN cardinal_holds(who, 'registry', 'view_model')
      OR EXISTS (SELECT 1 FROM governance_token_models n WHERE n.token_id = of_token AND cardinal_sees(who, n.model_id))
      OR about.tag_key > '' AND EXISTS (
           SELECT 1 FROM registry_model m WHERE m.tags @> jsonb_build_object(about.tag_key, about.tag_value)
           AND m.id IN (SELECT cardinal_shared(who)));
  END IF;
  IF of_document IS NOT NULL THEN
    SELECT d.version_id, d.dataset_id INTO of_version, sheet_of FROM registry_document d WHERE d.id = of_document;
  END IF;
  IF of_version IS NOT NULL THEN
    RETURN cardinal_sees(who, (SELECT v.model_id FROM registry_version v WHERE v.id = of_version));
  END IF;
  IF sheet_of IS NOT NULL THEN
    RETURN cardinal_holds(who, 'registry', 'view_model') OR EXISTS (
      SELECT 1 FROM registry_reading r WHERE r.dataset_id = sheet_of AND r.model_id IN (SELECT cardinal_shared(who)));
  END IF;
  RETURN of_document IS NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0070_standing"), ("registry", "0096_readings")]

    operations = [
        migrations.RunSQL(HOLDS, "DROP FUNCTION cardinal_holds(bigint, text, text);"),
        migrations.RunSQL(SHARED, "DROP FUNCTION cardinal_shared(bigint);"),
        migrations.RunSQL(TOLD, "DROP FUNCTION cardinal_told(bigint, bigint, bigint, uuid);"),
    ]
