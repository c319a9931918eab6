"""Decisions by day, and by quarter of a day with everything that a page counts by: a picture of a month adds up a few
thousand rows whatever it is filtered by, and says how many there are and since when the newest of them lie.
"""

from __future__ import annotations

from django.db import migrations, models

ALIKE = ("model", "environment", "caller", "door", "reason", "allowed")
COLUMNS = ", ".join(ALIKE)
BINS = (("quarter", "6 hours"), ("day", "24 hours"))
BIN = "date_bin('{length}', {what}, '2000-01-01 00:00:00+00')"

FILL = """
INSERT INTO governance_decision{name} (start, {columns}, count)
SELECT {start}, {columns}, sum(count) FROM governance_decisionhour GROUP BY 1, {columns};
"""
VIEW = """
CREATE VIEW governance_{name}traffic AS
SELECT start AS hour, {columns}, count::bigint AS count FROM governance_decision{name}
UNION ALL
SELECT {start}, coalesce(m.slug, ''), d.environment, d.caller, d.door, d.reason, d.allowed, 1::bigint
FROM governance_uncounted u
JOIN governance_decision d ON d.batch_id = u.batch
LEFT JOIN registry_model m ON m.slug = d.model;
"""
# Whoever counts meanwhile waits: what it adds to the hours must be in the others too.
FILLED = "LOCK TABLE governance_decisionhour IN SHARE MODE;" + "".join(
    FILL.format(name=name, columns=COLUMNS, start=BIN.format(length=length, what="hour"))
    + VIEW.format(name=name, columns=COLUMNS, start=BIN.format(length=length, what="d.decided_at"))
    for name, length in BINS
)
BEFORE = """
DROP VIEW governance_quartertraffic;
TRUNCATE governance_decisionquarter;
"""
# Backwards: what was there before this, from the hours.
AS_IT_WAS = """
LOCK TABLE governance_decisionhour IN SHARE MODE;
INSERT INTO governance_decisionquarter (start, model, allowed, count)
SELECT date_bin('6 hours', hour, '2000-01-01 00:00:00+00'), model, allowed, sum(count)
FROM governance_decisionhour GROUP BY 1, 2, 3;
CREATE VIEW governance_quartertraffic AS
SELECT start AS hour, model, allowed, count::bigint AS count FROM governance_decisionquarter
UNION ALL
SELECT date_bin('6 hours', d.decided_at, '2000-01-01 00:00:00+00'), coalesce(m.slug, ''), d.allowed, 1::bigint
FROM governance_uncounted u
JOIN governance_decision d ON d.batch_id = u.batch
LEFT JOIN registry_model m ON m.slug = d.model;
"""
EMPTY = """
DROP VIEW governance_daytraffic;
DROP VIEW governance_quartertraffic;
TRUNCATE governance_decisionquarter;
"""


def text(length: int, *, blank: bool = False) -> models.CharField[str, str]:
    return models.CharField(max_length=length, blank=blank)


def added(name: str, field: models.CharField[str, str]) -> migrations.AddField:
    """A column of what is empty at this moment: the value that it is added with is never seen."""
    return migrations.AddField("decisionquarter", name, field, preserve_default=False)


class Migration(migrations.Migration):
    dependencies = [("governance", "0085_traffic")]

    operations = [
        migrations.RunSQL(BEFORE, AS_IT_WAS),
        migrations.RemoveConstraint("decisionquarter", "decisionquarter_once"),
        added("environment", models.CharField(max_length=12, blank=True, default="")),
        added("caller", models.CharField(max_length=150, blank=True, default="")),
        added("door", models.CharField(max_length=12, default="")),
        added("reason", models.CharField(max_length=40, default="")),
        migrations.AddConstraint(
            "decisionquarter",
            models.UniqueConstraint(fields=("start", *ALIKE), name="decisionquarter_once"),
        ),
        migrations.CreateModel(
            name="DecisionDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", text(120, blank=True)),
                ("environment", text(12, blank=True)),
                ("caller", text(150, blank=True)),
                ("door", text(12)),
                ("reason", text(40)),
                ("allowed", models.BooleanField()),
                ("start", models.DateTimeField()),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["caller", "start"], name="decisionday_of_caller"),
                    models.Index(
                        fields=["start"], condition=models.Q(allowed=False), name="decisionday_of_refusals"
                    ),
                    models.Index(
                        fields=["reason", "start"],
                        condition=~models.Q(reason="allowed"),
                        name="decisionday_of_reason",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("start", *ALIKE), name="decisionday_once"),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)), name="decisionday_of_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayTraffic",
            fields=[
                ("model", text(120, blank=True)),
                ("environment", text(12, blank=True)),
                ("caller", text(150, blank=True)),
                ("door", text(12)),
                ("reason", text(40)),
                ("allowed", models.BooleanField()),
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("count", models.BigIntegerField()),
            ],
            options={"db_table": "governance_daytraffic", "managed": False},
        ),
        migrations.AddIndex(
            "decisionhour",
            models.Index(fields=["hour"], condition=models.Q(allowed=False), name="decisionhour_of_refusals"),
        ),
        migrations.RunSQL(FILLED, EMPTY),
    ]
