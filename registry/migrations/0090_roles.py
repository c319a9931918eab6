"""Roles are given by somebody to somebody else, from a time and until a time; the database holds the rules."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


GRANT = """
CREATE FUNCTION cardinal_grant_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a role is taken, its grant never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.ended_at IS NOT NULL OR
       (NEW.id, NEW.user_id, NEW.role, NEW.since, NEW.until, NEW.reason, NEW.by_id) IS DISTINCT FROM
       (OLD.id, OLD.user_id, OLD.role, OLD.since, OLD.until, OLD.reason, OLD.by_id) THEN
      RAISE EXCEPTION 'a role that was given can only be ended, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  PERFORM 1 FROM registry_user WHERE id = NEW.user_id FOR UPDATE;
  IF NEW.since < clock_timestamp() + interval '1 minute' THEN
    NEW.since := clock_timestamp();
  END IF;
  IF EXISTS (SELECT 1 FROM registry_rolegrant WHERE user_id = NEW.user_id AND ended_at IS NULL
             AND (until IS NULL OR until > clock_timestamp()) AND 'auditor' IN (role, NEW.role)) THEN
    RAISE EXCEPTION 'an auditor has no other role' USING ERRCODE = 'check_violation';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = NEW.by_id AND u.is_active AND (
       u.username = 'cardinal' OR u.is_superuser OR EXISTS (
         SELECT 1 FROM registry_rolegrant g WHERE g.user_id = u.id AND g.role = 'admin' AND g.ended_at IS NULL
         AND g.since <= clock_timestamp() AND (g.until IS NULL OR g.until > clock_timestamp())))) THEN
    RAISE EXCEPTION 'only an administrator gives roles' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER grant_course BEFORE INSERT OR UPDATE OR DELETE ON registry_rolegrant
  FOR EACH ROW EXECUTE FUNCTION cardinal_grant_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON registry_rolegrant
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_rolegrant ENABLE ALWAYS TRIGGER grant_course;
ALTER TABLE registry_rolegrant ENABLE ALWAYS TRIGGER refuse_truncate;
"""

# Which groups count for whom at this moment: a team always, a role while it is granted. Whatever asks in SQL asks here.
COUNTING = """
CREATE VIEW registry_membership AS
SELECT m.user_id, m.group_id FROM registry_user_groups m JOIN auth_group g ON g.id = m.group_id
WHERE g.name NOT IN ('viewer', 'owner', 'reviewer', 'compliance', 'auditor', 'admin') OR EXISTS (
  SELECT 1 FROM registry_rolegrant r WHERE r.user_id = m.user_id AND r.role = g.name AND r.ended_at IS NULL
  AND r.since <= statement_timestamp() AND (r.until IS NULL OR r.until > statement_timestamp()));
"""

# A membership of a role follows its grant; that of the portal's own role belongs to the portal's own account.
MEMBERSHIP = """
CREATE FUNCTION cardinal_role_is_granted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE named text;
BEGIN
  SELECT name INTO named FROM auth_group WHERE id = NEW.group_id;
  IF named = 'machine' AND NOT EXISTS (
       SELECT 1 FROM registry_user WHERE id = NEW.user_id AND username = 'cardinal') THEN
    RAISE EXCEPTION 'the role of the portal itself is given to nobody' USING ERRCODE = 'check_violation';
  END IF;
  IF named IN ('viewer', 'owner', 'reviewer', 'compliance', 'auditor', 'admin') AND NOT EXISTS (
       SELECT 1 FROM registry_rolegrant WHERE user_id = NEW.user_id AND role = named AND ended_at IS NULL
       AND (until IS NULL OR until > clock_timestamp())) THEN
    RAISE EXCEPTION 'nobody has given the role % to account %', named, NEW.user_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER role_is_granted BEFORE INSERT OR UPDATE ON registry_user_groups
  FOR EACH ROW EXECUTE FUNCTION cardinal_role_is_granted();
ALTER TABLE registry_user_groups ENABLE ALWAYS TRIGGER role_is_granted;
"""

# Who has a role keeps it, given by the portal itself. An auditor with another role keeps the other one; an audit ends.
HELD = """
DELETE FROM registry_user_groups m USING auth_group g
WHERE g.id = m.group_id AND g.name = 'auditor' AND EXISTS (
  SELECT 1 FROM registry_user_groups o JOIN auth_group h ON h.id = o.group_id
  WHERE o.user_id = m.user_id AND h.name IN ('owner', 'reviewer', 'compliance', 'admin'));
INSERT INTO registry_rolegrant (user_id, role, since, until, reason, by_id)
SELECT m.user_id, g.name, now(), CASE WHEN g.name = 'auditor' THEN now() + interval '180 days' END,
       'Held before roles were given with a reason.', c.id
FROM registry_user_groups m JOIN auth_group g ON g.id = m.group_id JOIN registry_user c ON c.username = 'cardinal'
WHERE g.name IN ('owner', 'reviewer', 'compliance', 'auditor', 'admin') AND m.user_id <> c.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0085_model_inputs"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("owner", "Owner"),
                            ("reviewer", "Reviewer"),
                            ("compliance", "Compliance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        max_length=12,
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(max_length=300)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("grant_role", "Can give and take roles")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ["viewer", "owner", "reviewer", "compliance", "auditor", "admin"])
                        ),
                        name="grant_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user", models.F("by")), _negated=True),
                        name="grant_by_somebody_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True), ("until__gt", models.F("since")), _connector="OR"
                        ),
                        name="grant_ends_after_it_begins",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("role", "auditor"), _negated=True),
                            models.Q(
                                ("until__isnull", False),
                                (
                                    "until__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("since"), "+", models.Value(datetime.timedelta(days=180))
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="grant_of_an_audit_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by__isnull", True)),
                            models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="grant_ended_by_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("user", "role"),
                        name="grant_once_at_a_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
        migrations.RunSQL(
            GRANT,
            "DROP TRIGGER grant_course ON registry_rolegrant; DROP TRIGGER refuse_truncate ON registry_rolegrant;"
            "DROP FUNCTION cardinal_grant_course();",
        ),
        migrations.RunSQL(COUNTING, "DROP VIEW registry_membership;"),
        migrations.RunSQL(
            MEMBERSHIP,
            "DROP TRIGGER role_is_granted ON registry_user_groups; DROP FUNCTION cardinal_role_is_granted();",
        ),
    ]
