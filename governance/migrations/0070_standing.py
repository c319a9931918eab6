"""How each model stands, kept by triggers in the transaction of whatever changed, by whichever door.

As for search (registry 0051): statements and not rows, and two transactions that change one model queue at its rows,
so that the later one reads what the earlier one wrote.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION standing_index(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM governance_standing s WHERE s.model_id = ANY(ids) ORDER BY s.id FOR UPDATE;
  DELETE FROM governance_standing s WHERE s.model_id = ANY(ids)
    AND NOT EXISTS (SELECT 1 FROM registry_model m WHERE m.id = s.model_id);
  INSERT INTO governance_standing (model_id, environment, state, latest_id, unmet)
  SELECT m.id, e.name, stands.state, latest.id,
         CASE WHEN stands.state = 'cleared' THEN '{}' ELSE coalesce(lacks.codes, '{}') END
  FROM unnest(ids) WITH ORDINALITY given (id, place)
  JOIN registry_model m ON m.id = given.id
  CROSS JOIN (VALUES ('production'), ('staging')) e (name)
  LEFT JOIN LATERAL (SELECT v.id FROM registry_version v WHERE v.model_id = m.id ORDER BY v.number DESC LIMIT 1) latest
    ON true
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN EXISTS (SELECT 1 FROM registry_version v JOIN governance_clearance c ON c.version_id = v.id
                   WHERE v.model_id = m.id AND c.environment = e.name AND c.allowed) THEN 'cleared'
      WHEN EXISTS (SELECT 1 FROM registry_version v JOIN registry_document d ON d.version_id = v.id
                   WHERE v.model_id = m.id) THEN 'not-cleared'
      ELSE 'ungoverned' END AS state) stands
  LEFT JOIN LATERAL (
    SELECT ARRAY(SELECT jsonb_array_elements_text(c.unmet_codes)) AS codes
    FROM governance_clearance c WHERE c.version_id = latest.id AND c.environment = e.name AND NOT c.allowed) lacks ON true
  ORDER BY m.id, e.name
  ON CONFLICT (model_id, environment) DO UPDATE
    SET state = excluded.state, latest_id = excluded.latest_id, unmet = excluded.unmet
    WHERE (governance_standing.state, governance_standing.latest_id, governance_standing.unmet)
          IS DISTINCT FROM (excluded.state, excluded.latest_id, excluded.unmet);
END $$;

CREATE FUNCTION standing_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[0] || ') touched (one) WHERE one IS NOT NULL' INTO ids;
  IF ids IS NOT NULL THEN PERFORM standing_index(ids); END IF;
  RETURN NULL;
END $$;
"""
FUNCTIONS_BACK = "DROP FUNCTION standing_follow(); DROP FUNCTION standing_index(bigint[]);"

BOTH = "SELECT model_id FROM fresh UNION SELECT model_id FROM stale"
OF_VERSION = "SELECT v.model_id FROM {rows} r JOIN registry_version v ON v.id = r.version_id"
MOVED = (
    f"SELECT b.model_id FROM ({BOTH}) b WHERE EXISTS (SELECT 1 FROM fresh JOIN stale ON stale.id = fresh.id WHERE "
    "(fresh.model_id, fresh.number) IS DISTINCT FROM (stale.model_id, stale.number) "
    "AND b.model_id IN (fresh.model_id, stale.model_id))"
)
ASSESSED = (
    "SELECT v.model_id FROM fresh JOIN stale ON stale.id = fresh.id "
    "JOIN registry_version v ON v.id IN (fresh.version_id, stale.version_id) "
    "WHERE (fresh.version_id, fresh.environment, fresh.allowed, fresh.unmet_codes) "
    "IS DISTINCT FROM (stale.version_id, stale.environment, stale.allowed, stale.unmet_codes)"
)
FOLLOWED = [
    ("registry_model", "INSERT", "SELECT id FROM fresh"),
    ("registry_model", "DELETE", "SELECT id FROM stale"),
    ("registry_version", "INSERT", "SELECT model_id FROM fresh"),
    ("registry_version", "UPDATE", MOVED),
    ("registry_version", "DELETE", "SELECT model_id FROM stale"),
    ("governance_clearance", "INSERT", OF_VERSION.format(rows="fresh")),
    ("governance_clearance", "UPDATE", ASSESSED),
    ("governance_clearance", "DELETE", OF_VERSION.format(rows="stale")),
    ("registry_document", "INSERT", OF_VERSION.format(rows="fresh")),
    ("registry_document", "UPDATE", OF_VERSION.format(rows="(SELECT version_id FROM fresh EXCEPT SELECT version_id FROM stale UNION (SELECT version_id FROM stale EXCEPT SELECT version_id FROM fresh))")),
    ("registry_document", "DELETE", OF_VERSION.format(rows="stale")),
]  # fmt: skip
REFERENCING = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh",
    "DELETE": "OLD TABLE AS stale",
}


def follow(table: str, event: str, touched: str) -> migrations.RunSQL:
    """After `event` on `table`, the standings of the models that `touched` selects are written again."""
    name = f"standing_{event.lower()}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {REFERENCING[event]} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION standing_follow($q${touched}$q$);",
        f"DROP TRIGGER {name} ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0065_conditions_passed_on"), ("registry", "0095_offered_hash")]

    operations = [
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        choices=[("production", "Production"), ("staging", "Staging")], max_length=12
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("cleared", "Cleared"),
                            ("not-cleared", "Not cleared"),
                            ("ungoverned", "No card"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "unmet",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                (
                    "latest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="registry.version",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="standings",
                        to="registry.model",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["environment", "state", "model"], include=["unmet"], name="standing_by_state"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("model", "environment"), name="standing_once")
                ],
            },
        ),
        migrations.RunSQL(FUNCTIONS, FUNCTIONS_BACK),
        *(follow(*one) for one in FOLLOWED),
        migrations.RunSQL(
            "SELECT standing_index(array_agg(id)) FROM registry_model;", migrations.RunSQL.noop
        ),
    ]
