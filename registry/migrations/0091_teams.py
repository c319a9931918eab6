"""Teams: a team gives sight and stands in policies; a role gives rights. Neither is ever the other, and the database says so."""

from importlib import import_module

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

ROLES = "'viewer', 'owner', 'reviewer', 'compliance', 'auditor', 'admin', 'machine'"

# Groups of before there were teams become teams under their names, with their members.
HELD = f"""
INSERT INTO registry_team (group_id, slug, name, description, created_by_id, created_at)
SELECT g.id, left(trim(BOTH '-' FROM regexp_replace(lower(g.name), '[^a-z0-9]+', '-', 'g')), 60) || '-' || g.id,
       CASE WHEN EXISTS (SELECT 1 FROM auth_group o WHERE lower(o.name) = lower(g.name) AND o.id < g.id)
            THEN left(g.name, 100) || ' ' || g.id ELSE left(g.name, 120) END,
       '', c.id, now()
FROM auth_group g JOIN registry_user c ON c.username = 'cardinal' WHERE g.name NOT IN ({ROLES});
INSERT INTO registry_teammember (team_id, user_id, is_lead, since, by_id)
SELECT t.id, m.user_id, false, now(), t.created_by_id
FROM registry_user_groups m JOIN registry_team t ON t.group_id = m.group_id WHERE m.user_id <> t.created_by_id;
DELETE FROM registry_user_groups m USING auth_group g WHERE g.id = m.group_id AND g.name NOT IN ({ROLES});
SET CONSTRAINTS ALL IMMEDIATE;
"""  # noqa: S608 - fixed text

# Which groups count for whom at this moment: a team while it stands, a role while it is granted. Whatever asks in SQL asks
# here. A group that is neither counts for nobody.
COUNTING = """
CREATE OR REPLACE VIEW registry_membership AS
SELECT m.user_id, m.group_id FROM registry_user_groups m JOIN auth_group g ON g.id = m.group_id
WHERE g.name = 'machine' OR EXISTS (
  SELECT 1 FROM registry_rolegrant r WHERE r.user_id = m.user_id AND r.role = g.name AND r.ended_at IS NULL
  AND r.since <= statement_timestamp() AND (r.until IS NULL OR r.until > statement_timestamp()))
UNION ALL
SELECT b.user_id, t.group_id FROM registry_teammember b JOIN registry_team t ON t.id = b.team_id
WHERE b.ended_at IS NULL AND t.archived_at IS NULL;
"""

# The key of a group that is no role, and belongs to a team for good.
TEAM = f"""
CREATE FUNCTION cardinal_team_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a team is archived, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.archived_at IS NOT NULL OR EXISTS (SELECT 1 FROM auth_group WHERE id = NEW.group_id AND name IN ({ROLES})) THEN
      RAISE EXCEPTION 'a role is no team' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.archived_at IS NOT NULL OR (NEW.id, NEW.group_id, NEW.slug, NEW.created_by_id, NEW.created_at)
     IS DISTINCT FROM (OLD.id, OLD.group_id, OLD.slug, OLD.created_by_id, OLD.created_at) THEN
    RAISE EXCEPTION 'a team keeps its handle, and stays archived' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER team_course BEFORE INSERT OR UPDATE OR DELETE ON registry_team
  FOR EACH ROW EXECUTE FUNCTION cardinal_team_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON registry_team
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_team ENABLE ALWAYS TRIGGER team_course;
ALTER TABLE registry_team ENABLE ALWAYS TRIGGER refuse_truncate;
"""  # noqa: S608 - fixed text

# Put in by an administrator or by a lead, who puts in no other lead; taken out once; and nothing else ever changes.
MEMBER = """
CREATE FUNCTION cardinal_team_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a member leaves, and is never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.ended_at IS NOT NULL OR (NEW.id, NEW.team_id, NEW.user_id, NEW.is_lead, NEW.since, NEW.by_id)
       IS DISTINCT FROM (OLD.id, OLD.team_id, OLD.user_id, OLD.is_lead, OLD.since, OLD.by_id) THEN
      RAISE EXCEPTION 'a membership can only be ended, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  NEW.since := clock_timestamp();
  PERFORM 1 FROM registry_team WHERE id = NEW.team_id AND archived_at IS NULL FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an archived team takes nobody' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.is_lead AND NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.user_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person leads a team' USING ERRCODE = 'check_violation';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = NEW.by_id AND u.is_active AND (
       u.username = 'cardinal' OR u.is_superuser OR EXISTS (
         SELECT 1 FROM registry_rolegrant g WHERE g.user_id = u.id AND g.role = 'admin' AND g.ended_at IS NULL
         AND g.since <= clock_timestamp() AND (g.until IS NULL OR g.until > clock_timestamp())) OR
       NOT NEW.is_lead AND EXISTS (
         SELECT 1 FROM registry_teammember m WHERE m.user_id = u.id AND m.team_id = NEW.team_id AND m.is_lead
         AND m.ended_at IS NULL))) THEN
    RAISE EXCEPTION 'only an administrator or a lead of the team puts somebody into it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER team_member BEFORE INSERT OR UPDATE OR DELETE ON registry_teammember
  FOR EACH ROW EXECUTE FUNCTION cardinal_team_member();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON registry_teammember
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_teammember ENABLE ALWAYS TRIGGER team_member;
ALTER TABLE registry_teammember ENABLE ALWAYS TRIGGER refuse_truncate;
"""

# What Django calls a group is a role or the group of a team. Rights are a role's; its members are granted it; and a name
# that stands in a policy never passes to another group.
GROUP = f"""
CREATE FUNCTION cardinal_group_keeps_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a group keeps its name' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER group_keeps_name BEFORE UPDATE ON auth_group FOR EACH ROW
  WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION cardinal_group_keeps_name();
ALTER TABLE auth_group ENABLE ALWAYS TRIGGER group_keeps_name;
CREATE FUNCTION cardinal_rights_of_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM auth_group WHERE id = NEW.group_id AND name IN ({ROLES})) THEN
    RAISE EXCEPTION 'a team gives sight, never rights' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER rights_of_roles BEFORE INSERT OR UPDATE ON auth_group_permissions
  FOR EACH ROW EXECUTE FUNCTION cardinal_rights_of_roles();
ALTER TABLE auth_group_permissions ENABLE ALWAYS TRIGGER rights_of_roles;
CREATE FUNCTION cardinal_team_by_verb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM auth_group WHERE id = NEW.group_id AND name IN ({ROLES})) THEN
    RAISE EXCEPTION 'nobody has given this: members of a team are put into the team' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER team_by_verb BEFORE INSERT OR UPDATE ON registry_user_groups
  FOR EACH ROW EXECUTE FUNCTION cardinal_team_by_verb();
ALTER TABLE registry_user_groups ENABLE ALWAYS TRIGGER team_by_verb;
"""  # noqa: S608 - fixed text

UNGROUP = """
DROP TRIGGER group_keeps_name ON auth_group; DROP FUNCTION cardinal_group_keeps_name();
DROP TRIGGER rights_of_roles ON auth_group_permissions; DROP FUNCTION cardinal_rights_of_roles();
DROP TRIGGER team_by_verb ON registry_user_groups; DROP FUNCTION cardinal_team_by_verb();
INSERT INTO registry_user_groups (user_id, group_id)
SELECT m.user_id, t.group_id FROM registry_teammember m JOIN registry_team t ON t.id = m.team_id
WHERE m.ended_at IS NULL AND t.archived_at IS NULL ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("registry", "0090_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="sessions_ended",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "archived_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="team", to="auth.group"
                    ),
                ),
            ],
            options={
                "permissions": [("manage_team", "Can make, change and archive teams")],
            },
        ),
        migrations.CreateModel(
            name="TeamMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_lead", models.BooleanField(default=False)),
                ("since", models.DateTimeField()),
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
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="registry.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="teams",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="team_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("archived_at__isnull", True), ("archived_by__isnull", True)),
                    models.Q(("archived_at__isnull", False), ("archived_by__isnull", False)),
                    _connector="OR",
                ),
                name="team_archived_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("user", "team"),
                name="team_member_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.CheckConstraint(
                condition=models.Q(("user", models.F("by")), _negated=True),
                name="team_member_by_somebody_else",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ended_by__isnull", True)),
                    models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                    _connector="OR",
                ),
                name="team_member_ended_by_somebody",
            ),
        ),
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
        migrations.RunSQL(
            COUNTING,
            import_module("registry.migrations.0090_roles").COUNTING.replace(
                "CREATE", "CREATE OR REPLACE", 1
            ),
        ),
        migrations.RunSQL(
            TEAM,
            "DROP TRIGGER team_course ON registry_team; DROP TRIGGER refuse_truncate ON registry_team;"
            "DROP FUNCTION cardinal_team_course();",
        ),
        migrations.RunSQL(
            MEMBER,
            "DROP TRIGGER team_member ON registry_teammember; DROP TRIGGER refuse_truncate ON registry_teammember;"
            "DROP FUNCTION cardinal_team_member();",
        ),
        migrations.RunSQL(GROUP, UNGROUP),
    ]
