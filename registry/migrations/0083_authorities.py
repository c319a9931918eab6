"""Certificates to trust for one tracking server: whole ones, and never a key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0082_search_together")]

    operations = [
        migrations.AddField("trackingserver", "authority", models.TextField(blank=True)),
        migrations.AddConstraint(
            "trackingserver",
            models.CheckConstraint(
                condition=models.Q(authority="")
                | models.Q(authority__startswith="-----BEGIN CERTIFICATE-----")
                & ~models.Q(authority__contains="PRIVATE KEY"),
                name="server_authority_is_certificates",
            ),
        ),
    ]
