"""Which models have read which data: the short way from what somebody sees to the datasets that exist for them."""

from __future__ import annotations

from django.db import connection, models, transaction


class Reading(models.Model):
    """A run of a version of the model has read the snapshot. One row for both, however many runs.

    Follows from versions and what their runs used (`RunInput`). Triggers write it in the transaction of either (migration
    0096), so that a page for somebody who sees two thousand models does not walk six thousand runs; no verb writes here.
    """

    model = models.ForeignKey("registry.Model", on_delete=models.CASCADE, related_name="readings")
    dataset = models.ForeignKey("registry.Dataset", on_delete=models.CASCADE, related_name="readings")
    snapshot = models.ForeignKey(
        "registry.DatasetSnapshot", on_delete=models.CASCADE, related_name="readings"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "snapshot"], name="reading_once"),
        ]

    def __str__(self) -> str:
        return f"{self.model} read {self.snapshot}"


@transaction.atomic
def rebuild() -> int:
    """Write every reading anew from the facts; how many there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reading_index(array_agg(id)) FROM registry_model")
    return Reading.objects.count()


def differences() -> list[str]:
    """The model and dataset of each reading that a rebuild would change; changes nothing."""
    now = "SELECT model_id, dataset_id, snapshot_id FROM registry_reading"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE reading_before ON COMMIT DROP AS {now}")
        cursor.execute("DELETE FROM registry_reading")
        cursor.execute("SELECT reading_index(array_agg(id)) FROM registry_model")
        cursor.execute(
            "SELECT DISTINCT m.slug || ' and ' || d.slug FROM ("
            f"(TABLE reading_before EXCEPT {now}) UNION ALL ({now} EXCEPT TABLE reading_before)) c "
            "JOIN registry_model m ON m.id = c.model_id JOIN registry_dataset d ON d.id = c.dataset_id ORDER BY 1"
        )
        found = [name for (name,) in cursor.fetchall()]
        transaction.set_rollback(True)
    return found
