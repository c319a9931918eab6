"""The logged models that a run started from, found from either side."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0084_old_deliveries")]

    operations = [
        migrations.AddField("run", "model_inputs", models.JSONField(blank=True, default=list)),
        migrations.AddIndex(
            "run",
            django.contrib.postgres.indexes.GinIndex(fields=["model_inputs"], name="run_by_model_input"),
        ),
    ]
