"""Imports: what was taken never changes; an import is used once, with the clock of the database."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


COURSE = """
CREATE FUNCTION cardinal_import_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.taken_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an import is never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (to_jsonb(NEW) - ARRAY['version_id', 'dataset_id', 'revision_id'])
     IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['version_id', 'dataset_id', 'revision_id']) THEN
    RAISE EXCEPTION 'what was imported never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.version_id IS NOT NULL OR OLD.dataset_id IS NOT NULL THEN
    RAISE EXCEPTION 'an import is used once' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER import_course BEFORE INSERT OR UPDATE OR DELETE ON registry_import
  FOR EACH ROW EXECUTE FUNCTION cardinal_import_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON registry_import
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_import ENABLE ALWAYS TRIGGER import_course;
ALTER TABLE registry_import ENABLE ALWAYS TRIGGER refuse_truncate;
"""

BACK = """
DROP TRIGGER refuse_truncate ON registry_import;
DROP TRIGGER import_course ON registry_import;
DROP FUNCTION cardinal_import_course();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0010_documents"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("format", models.CharField(max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("card", "Model card"),
                            ("datasheet", "Datasheet"),
                            ("pipeline", "Pipeline"),
                        ],
                        max_length=12,
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("size", models.PositiveIntegerField()),
                ("report", models.JSONField()),
                ("unmapped", models.JSONField(default=dict)),
                ("proposals", models.JSONField(default=list)),
                ("notes", models.JSONField(default=list)),
                ("subject", models.JSONField(default=dict)),
                ("taken_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="registry.dataset",
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="registry.revision",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="registry.version",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["-taken_at", "-id"], name="import_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")),
                        name="import_digest_is_sha256",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("version__isnull", True), ("dataset__isnull", True), _connector="OR"
                        ),
                        name="import_about_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dataset__isnull", True), ("kind", "datasheet"), _connector="OR"),
                        name="import_for_a_dataset_is_a_datasheet",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("version__isnull", True),
                            models.Q(("kind", "datasheet"), _negated=True),
                            _connector="OR",
                        ),
                        name="import_for_a_version_is_no_datasheet",
                    ),
                ],
            },
        ),
        migrations.RunSQL(COURSE, BACK),
    ]
