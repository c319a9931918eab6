"""The home page begins with the newest: it reads the first few of an index, not all there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0060_rest")]

    operations = [
        migrations.AddIndex(
            model_name="model",
            index=models.Index(fields=["-created_at"], name="model_newest"),
        ),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(fields=["-registered_at", "id"], name="version_newest"),
        ),
    ]
