"""How much was asked: decisions by hour, so that a page counts thousands of rows and never millions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import connection, models

from registry.models import Model, sees_everything

if TYPE_CHECKING:
    from registry.models import User

BATCHES = 2_000  # counted in one statement

ALIKE = ("model", "environment", "caller", "door", "reason", "allowed")
BINS = {
    "governance_decisionquarter": "6 hours",
    "governance_decisionday": "24 hours",
}  # from midnight of UTC on
SUM = """
, {table}_made AS (
  INSERT INTO {table} AS s (start, {alike}, count)
  SELECT date_bin('{length}', hour, '2000-01-01 00:00:00+00') AS start, {alike}, sum(count) FROM alike GROUP BY start, {alike}
  ORDER BY start, {alike}
  ON CONFLICT (start, {alike}) DO UPDATE SET count = s.count + excluded.count
)"""

# Taken and counted in one statement: a batch is counted once, whatever is killed when. Two workers take different batches.
# Only models that exist have rows of their own: whoever asks for made-up names makes no rows.
COUNT = """
WITH taken AS (
  DELETE FROM governance_uncounted WHERE batch IN (
    SELECT batch FROM governance_uncounted LIMIT %s FOR UPDATE SKIP LOCKED
  ) RETURNING batch
), alike AS MATERIALIZED (
  SELECT date_trunc('hour', d.decided_at, 'UTC') AS hour, coalesce(m.slug, '') AS model, d.environment, d.caller, d.door,
         d.reason, d.allowed, count(*) AS count
  FROM taken t
  JOIN governance_decision d ON d.batch_id = t.batch
  LEFT JOIN registry_model m ON m.slug = d.model
  GROUP BY 1, 2, 3, 4, 5, 6, 7
), hours AS (
  INSERT INTO governance_decisionhour AS h (hour, model, environment, caller, door, reason, allowed, count)
  SELECT * FROM alike ORDER BY 1, 2, 3, 4, 5, 6, 7
  ON CONFLICT (model, hour, environment, caller, door, reason, allowed) DO UPDATE SET count = h.count + excluded.count
)
{sums}
SELECT count(*) FROM taken
""".format(  # noqa: S608 - fixed text
    sums="".join(
        SUM.format(table=table, length=length, alike=", ".join(ALIKE)) for table, length in BINS.items()
    )
)


class Alike(models.Model):
    """Decisions that are alike in what a page counts by."""

    model = models.CharField(max_length=120, blank=True)  # the slug; empty for what is no model here
    environment = models.CharField(max_length=12, blank=True)
    caller = models.CharField(max_length=150, blank=True)
    door = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    allowed = models.BooleanField()

    class Meta:
        abstract = True


class DecisionHour(Alike):
    """Decisions of one hour that are alike. Derived from the journal, which is the truth."""

    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "hour", "environment", "caller", "door", "reason", "allowed"],
                name="decisionhour_once",
            ),
            models.CheckConstraint(condition=models.Q(count__gt=0), name="decisionhour_of_something"),
        ]
        indexes = [
            models.Index(fields=["hour"], name="decisionhour_newest"),
            models.Index(fields=["hour"], condition=models.Q(allowed=False), name="decisionhour_of_refusals"),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.reason} at {self.hour:%Y-%m-%d %H} h"


class DecisionQuarter(Alike):
    """The same by a quarter of a day: what a picture of a week is drawn from."""

    start = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["start", *ALIKE], name="decisionquarter_once"),
            models.CheckConstraint(condition=models.Q(count__gt=0), name="decisionquarter_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.reason} from {self.start:%Y-%m-%d %H} h"


class DecisionDay(Alike):
    """The same by a day of UTC: what a picture of months is drawn from."""

    start = models.DateTimeField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["start", *ALIKE], name="decisionday_once"),
            models.CheckConstraint(condition=models.Q(count__gt=0), name="decisionday_of_something"),
        ]
        indexes = [
            models.Index(fields=["caller", "start"], name="decisionday_of_caller"),
            models.Index(fields=["start"], condition=models.Q(allowed=False), name="decisionday_of_refusals"),
            models.Index(
                fields=["reason", "start"],
                condition=~models.Q(reason="allowed"),
                name="decisionday_of_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.reason} on {self.start:%Y-%m-%d}"


class Uncounted(models.Model):
    """A batch that `DecisionHour` does not know yet. Written by a trigger with the batch itself (migration 0085)."""

    batch = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return f"uncounted {self.batch}"


class TrafficQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """As with decisions: the models that one sees; the rest only for who sees everything."""
        if sees_everything(user):
            return self
        return self.filter(model__in=Model.objects.visible_to(user).values("slug"))


class Traffic(Alike):
    """Every decision, counted: the hours, and what is not in them yet. A view (migration 0085), so both are of one
    snapshot. A row is no thing of its own: only sums mean something, and `hour` is no key though Django wants one.
    """

    hour = models.DateTimeField(primary_key=True)
    count = models.BigIntegerField()

    objects = TrafficQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "governance_traffic"

    def __str__(self) -> str:
        return f"{self.count} × {self.reason}"


class QuarterTraffic(Alike):
    """The same view of `DecisionQuarter` (migration 0086). `hour` is the one in which the quarter begins."""

    hour = models.DateTimeField(primary_key=True)
    count = models.BigIntegerField()

    objects = TrafficQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "governance_quartertraffic"

    def __str__(self) -> str:
        return f"{self.count} × {self.reason} from {self.hour:%Y-%m-%d %H} h"


class DayTraffic(Alike):
    """The same view of `DecisionDay` (migration 0086). `hour` is midnight."""

    hour = models.DateTimeField(primary_key=True)
    count = models.BigIntegerField()

    objects = TrafficQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "governance_daytraffic"

    def __str__(self) -> str:
        return f"{self.count} × {self.reason} on {self.hour:%Y-%m-%d}"


def count_batches(most: int = BATCHES) -> int:
    """Count up to `most` batches that are not counted yet, each exactly once; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [most])
        return int(cursor.fetchone()[0])
