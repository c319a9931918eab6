"""What was assessed last and is not cleared stands first in an index: the home page shows eight of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0030_gone_is_not_cleared")]

    operations = [
        migrations.AddIndex(
            model_name="clearance",
            index=models.Index(
                condition=models.Q(("allowed", False)),
                fields=["environment", "-assessed_at"],
                name="clearance_unmet_newest",
            ),
        ),
    ]
