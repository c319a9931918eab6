"""How each model stands in each environment, for lists: cleared or not, and what its latest version lacks."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction

from registry.models import Environment

COLUMNS = "model_id, environment, state, latest_id, unmet"


class Standing(models.Model):
    """One row for a model and environment. Written by triggers in the transaction of whatever it rests on (migration
    0070), so that a list of ten thousand models looks one index up; the gate never asks it.
    """

    class State(models.TextChoices):
        CLEARED = "cleared", "Cleared"  # at least one version
        NOT_CLEARED = "not-cleared", "Not cleared"  # though a version has a card
        UNGOVERNED = "ungoverned", "No card"

    model = models.ForeignKey("registry.Model", on_delete=models.CASCADE, related_name="standings")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    state = models.CharField(max_length=12, choices=State.choices)
    latest = models.ForeignKey("registry.Version", null=True, on_delete=models.CASCADE, related_name="+")
    # The codes of the conditions that the latest version does not meet; none where a version is cleared
    unmet = ArrayField(models.CharField(max_length=40), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "environment"], name="standing_once"),
        ]
        indexes = [
            models.Index(
                fields=["environment", "state", "model"], include=["unmet"], name="standing_by_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} in {self.environment}: {self.state}"


@transaction.atomic
def rebuild() -> int:
    """Write every standing anew from the facts; how many there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT standing_index(array_agg(id)) FROM registry_model")
        cursor.execute("SELECT count(*) FROM governance_standing")
        return int(cursor.fetchone()[0])


def differences() -> list[str]:
    """The model and environment of each standing that a rebuild would change; changes nothing."""
    now = f"SELECT {COLUMNS} FROM governance_standing"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE standing_before ON COMMIT DROP AS {now}")
        cursor.execute("DELETE FROM governance_standing")
        cursor.execute("SELECT standing_index(array_agg(id)) FROM registry_model")
        cursor.execute(
            "SELECT DISTINCT m.slug || ' in ' || c.environment FROM ("
            f"(TABLE standing_before EXCEPT {now}) UNION ALL ({now} EXCEPT TABLE standing_before)) c "
            "JOIN registry_model m ON m.id = c.model_id ORDER BY 1"
        )
        found = [name for (name,) in cursor.fetchall()]
        transaction.set_rollback(True)
    return found
