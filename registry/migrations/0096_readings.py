"""Which models have read which data, kept by triggers in the transaction of whatever changed, by whichever door.

Statements and not rows, as for search (0051). Two transactions, of which one adds a version to a run and the other says
what the run read, queue at the run; two that change one model queue at its readings.
"""

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION reading_index(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM registry_reading r WHERE r.model_id = ANY(ids) ORDER BY r.id FOR UPDATE;
  WITH facts AS (
    SELECT DISTINCT v.model_id, s.dataset_id, i.snapshot_id
    FROM registry_version v JOIN registry_runinput i ON i.run_id = v.run_id
    JOIN registry_datasetsnapshot s ON s.id = i.snapshot_id
    WHERE v.model_id = ANY(ids)),
  outdated AS (
    DELETE FROM registry_reading r WHERE r.model_id = ANY(ids) AND NOT EXISTS (
      SELECT 1 FROM facts f WHERE (f.model_id, f.snapshot_id) = (r.model_id, r.snapshot_id)))
  INSERT INTO registry_reading (model_id, dataset_id, snapshot_id)
  SELECT f.model_id, f.dataset_id, f.snapshot_id FROM facts f ORDER BY 1, 3
  ON CONFLICT (model_id, snapshot_id) DO UPDATE SET dataset_id = excluded.dataset_id
    WHERE registry_reading.dataset_id <> excluded.dataset_id;
END $$;

-- The first query selects the runs that a statement has touched, the second the models beside those of these runs.
CREATE FUNCTION reading_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE runs bigint[]; ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[0] || ') touched (one) WHERE one IS NOT NULL' INTO runs;
  IF runs IS NULL THEN RETURN NULL; END IF;
  PERFORM 1 FROM registry_run r WHERE r.id = ANY(runs) ORDER BY r.id FOR NO KEY UPDATE;
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[1]
          || ' UNION SELECT v.model_id FROM registry_version v WHERE v.run_id = ANY($1)) touched (one)' INTO ids USING runs;
  IF ids IS NOT NULL THEN PERFORM reading_index(ids); END IF;
  RETURN NULL;
END $$;
"""
FUNCTIONS_BACK = "DROP FUNCTION reading_follow(); DROP FUNCTION reading_index(bigint[]);"

BOTH = "SELECT {column} FROM fresh UNION SELECT {column} FROM stale"
RUNS = BOTH.format(column="run_id")
READ_BY = (
    "SELECT i.run_id FROM fresh JOIN stale ON stale.id = fresh.id AND stale.dataset_id <> fresh.dataset_id "
    "JOIN registry_runinput i ON i.snapshot_id = fresh.id"
)
MOVED = (
    "SELECT unnest(ARRAY[fresh.run_id, stale.run_id]) FROM fresh JOIN stale ON stale.id = fresh.id "
    "WHERE (fresh.run_id, fresh.model_id) IS DISTINCT FROM (stale.run_id, stale.model_id)"
)
NONE = "SELECT NULL::bigint WHERE false"
FOLLOWED = [
    ("registry_version", "INSERT", "SELECT run_id FROM fresh", NONE),
    ("registry_version", "UPDATE", MOVED, BOTH.format(column="model_id")),
    ("registry_version", "DELETE", "SELECT run_id FROM stale", "SELECT model_id FROM stale"),
    ("registry_runinput", "INSERT", "SELECT run_id FROM fresh", NONE),
    ("registry_runinput", "UPDATE", RUNS, NONE),
    ("registry_runinput", "DELETE", "SELECT run_id FROM stale", NONE),
    ("registry_datasetsnapshot", "UPDATE", READ_BY, NONE),
]
REFERENCING = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh",
    "DELETE": "OLD TABLE AS stale",
}


def follow(table: str, event: str, runs: str, models_beside: str) -> migrations.RunSQL:
    """After `event` on `table`, the readings of the models that `runs` belong to are written again."""
    name = f"reading_{event.lower()}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {REFERENCING[event]} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION reading_follow($q${runs}$q$, $q${models_beside}$q$);",
        f"DROP TRIGGER {name} ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("registry", "0095_offered_hash")]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                *(
                    (
                        name,
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="readings",
                            to=f"registry.{to}",
                        ),
                    )
                    for name, to in (
                        ("dataset", "dataset"),
                        ("model", "model"),
                        ("snapshot", "datasetsnapshot"),
                    )
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("model", "snapshot"), name="reading_once")],
            },
        ),
        migrations.RunSQL(FUNCTIONS, FUNCTIONS_BACK),
        *(follow(*one) for one in FOLLOWED),
        migrations.RunSQL("SELECT reading_index(array_agg(id)) FROM registry_model;", migrations.RunSQL.noop),
    ]
