"""Stages of pipelines, written once; and indexes that answer "which versions contain, name, come from ...?"."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

guard = import_module("registry.migrations.0002_guards").guard


# The same rule as registry/lineage/packages.py: `name`, and `name==number` or `name==?` when no version is pinned.
PACKAGES = r"""
CREATE FUNCTION cardinal_packages(model_file jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT entry), '{}')
  FROM (
    SELECT item #>> '{}' AS line
    FROM jsonb_path_query(model_file, '$.packages[0 to 499] ? (@.type() == "string")') item
    WHERE jsonb_typeof(model_file -> 'packages') = 'array'
  ) lines,
  LATERAL (SELECT lower(regexp_replace((regexp_match(line, '^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)'))[1],
                                       '[-_.]+', '-', 'g')) AS name) named,
  LATERAL (SELECT (regexp_match(line,
    '^\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,*]+)\s*(?:;.*)?$'))[1] AS number) pinned,
  LATERAL (VALUES (name), (name || '==' || coalesce(number, '?'))) entries(entry)
  WHERE name IS NOT NULL
$$;
CREATE INDEX version_by_package ON registry_version USING gin (cardinal_packages(model_file));
"""

BASES = """
-- Bytes that are no JSON name no base model: an index never stands in the way of a save.
CREATE FUNCTION cardinal_card_bases(body bytea) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(
    SELECT item #>> '{}' FROM jsonb_path_query(
      convert_from(body, 'UTF8')::jsonb,
      '$.model_details.base_models[0 to 99].keyvalue() ? (@.key == "name" || @.key == "link").value'
    ) item);
EXCEPTION WHEN data_exception THEN
  RETURN '{}';
END $$;
CREATE INDEX revision_by_base ON registry_revision USING gin (cardinal_card_bases(body));
CREATE INDEX run_by_base_param ON registry_run ((params ->> 'base_model')) WHERE params ->> 'base_model' IS NOT NULL;
CREATE INDEX run_by_base_tag ON registry_run ((tags ->> 'base_model')) WHERE tags ->> 'base_model' IS NOT NULL;
CREATE INDEX version_by_base_tag ON registry_version ((tags ->> 'base_model')) WHERE tags ->> 'base_model' IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0031_in_step_guards")]

    operations = [
        migrations.CreateModel(
            name="PipelineStage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("edition", models.PositiveIntegerField()),
                ("position", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("command", models.TextField(blank=True)),
                ("dependencies", models.JSONField(default=list)),
                ("params", models.JSONField(default=dict)),
                ("outputs", models.JSONField(default=list)),
                ("source", models.CharField(max_length=64)),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stages",
                        to="registry.version",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["version", "edition", "name"], name="stage_named_once"),
                    models.UniqueConstraint(
                        fields=["version", "edition", "position"], name="stage_placed_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source__regex", "^[0-9a-f]{64}$")), name="stage_source_is_sha256"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("edition__gte", 1), models.Q(("name", ""), _negated=True)),
                        name="stage_has_a_name",
                    ),
                ],
            },
        ),
        guard("registry_pipelinestage"),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["git_commit"], name="run_by_commit", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.RunSQL(PACKAGES, "DROP INDEX version_by_package; DROP FUNCTION cardinal_packages(jsonb);"),
        migrations.RunSQL(
            BASES,
            "DROP INDEX revision_by_base, run_by_base_param, run_by_base_tag, version_by_base_tag;"
            "DROP FUNCTION cardinal_card_bases(bytea);",
        ),
    ]
