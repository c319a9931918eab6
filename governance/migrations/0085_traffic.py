"""Decisions by hour: the hours, the batches that wait to be counted, and a view of both."""

from django.db import migrations, models

WAIT = """
CREATE FUNCTION governance_batch_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO governance_uncounted (batch) SELECT id FROM arrived;
  RETURN NULL;
END $$;

CREATE TRIGGER batch_waits AFTER INSERT ON governance_batch
REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION governance_batch_waits();

-- What was decided before this migration is counted too
INSERT INTO governance_uncounted (batch) SELECT id FROM governance_batch;
"""
NO_WAIT = """
DROP TRIGGER batch_waits ON governance_batch;
DROP FUNCTION governance_batch_waits();
"""
VIEW = """
CREATE VIEW governance_traffic AS
SELECT hour, model, environment, caller, door, reason, allowed, count::bigint AS count FROM governance_decisionhour
UNION ALL
SELECT date_trunc('hour', d.decided_at, 'UTC'), coalesce(m.slug, ''), d.environment, d.caller, d.door, d.reason, d.allowed,
       1::bigint
FROM governance_uncounted u
JOIN governance_decision d ON d.batch_id = u.batch
LEFT JOIN registry_model m ON m.slug = d.model;

CREATE VIEW governance_quartertraffic AS
SELECT start AS hour, model, allowed, count::bigint AS count FROM governance_decisionquarter
UNION ALL
SELECT date_bin('6 hours', d.decided_at, '2000-01-01 00:00:00+00'), coalesce(m.slug, ''), d.allowed, 1::bigint
FROM governance_uncounted u
JOIN governance_decision d ON d.batch_id = u.batch
LEFT JOIN registry_model m ON m.slug = d.model;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0084_anomalies"), ("registry", "0097_phrases")]

    operations = [
        migrations.CreateModel(
            name="DecisionHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("model", models.CharField(blank=True, max_length=120)),
                ("environment", models.CharField(blank=True, max_length=12)),
                ("caller", models.CharField(blank=True, max_length=150)),
                ("door", models.CharField(max_length=12)),
                ("reason", models.CharField(max_length=40)),
                ("allowed", models.BooleanField()),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="decisionhour_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model", "hour", "environment", "caller", "door", "reason", "allowed"),
                        name="decisionhour_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)), name="decisionhour_of_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DecisionQuarter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start", models.DateTimeField()),
                ("model", models.CharField(blank=True, max_length=120)),
                ("allowed", models.BooleanField()),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("start", "model", "allowed"), name="decisionquarter_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)), name="decisionquarter_of_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarterTraffic",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("model", models.CharField(max_length=120)),
                ("allowed", models.BooleanField()),
                ("count", models.BigIntegerField()),
            ],
            options={"db_table": "governance_quartertraffic", "managed": False},
        ),
        migrations.CreateModel(
            name="Uncounted",
            fields=[("batch", models.UUIDField(primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="Traffic",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("model", models.CharField(max_length=120)),
                ("environment", models.CharField(max_length=12)),
                ("caller", models.CharField(max_length=150)),
                ("door", models.CharField(max_length=12)),
                ("reason", models.CharField(max_length=40)),
                ("allowed", models.BooleanField()),
                ("count", models.BigIntegerField()),
            ],
            options={"db_table": "governance_traffic", "managed": False},
        ),
        migrations.RunSQL(WAIT, NO_WAIT),
        migrations.RunSQL(VIEW, "DROP VIEW governance_quartertraffic; DROP VIEW governance_traffic;"),
    ]
