"""Answers that are kept for a repeated write; systems with a team, editions, and an end that stays."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


# A system moves by whole editions; a new purpose or role is dated here, whoever writes it; a retired one stays as it is.
COURSE = """
CREATE FUNCTION cardinal_system_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a system is retired, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.retired_at IS NOT NULL THEN
    RAISE EXCEPTION 'the system % is retired and stays as it is', OLD.slug USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.edition <> OLD.edition + 1 THEN
    RAISE EXCEPTION 'a change of a system makes its next edition' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.slug <> OLD.slug OR NEW.created_by_id <> OLD.created_by_id OR NEW.created_at <> OLD.created_at THEN
    RAISE EXCEPTION 'address and origin of a system never change' USING ERRCODE = 'restrict_violation';
  END IF;
  NEW.redefined_at := OLD.redefined_at;
  IF NEW.intended_purpose <> OLD.intended_purpose OR NEW.operator_role <> OLD.operator_role THEN
    NEW.redefined_at := clock_timestamp();
  END IF;
  IF NEW.retired_at IS NOT NULL THEN
    NEW.retired_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER system_course BEFORE UPDATE OR DELETE ON registry_system
  FOR EACH ROW EXECUTE FUNCTION cardinal_system_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON registry_system
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_system ENABLE ALWAYS TRIGGER system_course;
ALTER TABLE registry_system ENABLE ALWAYS TRIGGER refuse_truncate;
"""

MEMBERS = """
CREATE FUNCTION cardinal_system_members() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed registry_system_models := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF EXISTS (SELECT 1 FROM registry_system WHERE id = changed.system_id AND retired_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the models of a retired system stay as they are' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN changed;
END $$;
CREATE TRIGGER system_members BEFORE INSERT OR UPDATE OR DELETE ON registry_system_models
  FOR EACH ROW EXECUTE FUNCTION cardinal_system_members();
ALTER TABLE registry_system_models ENABLE ALWAYS TRIGGER system_members;
"""

UNCOURSE = """
DROP TRIGGER system_course ON registry_system;
DROP TRIGGER refuse_truncate ON registry_system;
DROP FUNCTION cardinal_system_course();
"""
UNMEMBERS = "DROP TRIGGER system_members ON registry_system_models; DROP FUNCTION cardinal_system_members();"


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0051_search_follows"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.CharField(max_length=64)),
                ("method", models.CharField(max_length=10)),
                ("path", models.CharField(max_length=400)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("headers", models.JSONField(default=dict)),
                ("body", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="system",
            name="edition",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="system",
            name="redefined_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="system",
            name="retired_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="system",
            name="retired_because",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="system",
            name="team",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddConstraint(
            model_name="system",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retired_at__isnull", True), ("retired_because", "")),
                    models.Q(("retired_at__isnull", False), models.Q(("retired_because", ""), _negated=True)),
                    _connector="OR",
                ),
                name="system_retired_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="system",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="system_name_once"
            ),
        ),
        migrations.AddField(
            model_name="keptanswer",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="keptanswer",
            constraint=models.UniqueConstraint(fields=("user", "place"), name="answer_kept_once"),
        ),
        migrations.AddConstraint(
            model_name="keptanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__gte", 200), ("status__lt", 500)),
                name="answer_kept_is_no_failure",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fingerprint__regex", "^[0-9a-f]{64}$"), ("place__regex", "^[0-9a-f]{64}$")
                ),
                name="answer_kept_under_digests",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("made_at"))), name="answer_kept_for_a_while"
            ),
        ),
        migrations.RunSQL(COURSE, UNCOURSE),
        migrations.RunSQL(MEMBERS, UNMEMBERS),
    ]
