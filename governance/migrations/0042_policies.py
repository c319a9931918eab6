"""Five actions instead of one; a decision remembers from where and for what purpose it was asked.

Rows that are there keep the digest they have: they are of form 1, which covers none of the new columns.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

ACTIONS = [
    ("predict", "Predict"),
    ("explain", "Explain"),
    ("feedback", "Send feedback"),
    ("read_card", "Read the card"),
    ("download_artifact", "Download the files"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0041_review_guards"),
    ]

    operations = [
        migrations.AlterField(
            model_name="token",
            name="actions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=ACTIONS, max_length=20), size=None
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="form",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AlterField(
            model_name="decision",
            name="form",
            field=models.PositiveSmallIntegerField(default=2),
        ),
        migrations.AddField(
            model_name="decision",
            name="network",
            field=models.CharField(blank=True, max_length=45),
        ),
        migrations.AddField(
            model_name="decision",
            name="purpose",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AddField(
            model_name="decision",
            name="payload_bytes",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("form", 2),
                    models.Q(("form", 1), ("network", ""), ("payload_bytes__isnull", True), ("purpose", "")),
                    _connector="OR",
                ),
                name="decision_digest_covers_all",
            ),
        ),
    ]
