"""Figures by digest, and drafts of what is typed. The row of a figure is written once, as its bytes are."""

from importlib import import_module

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

guard = import_module("registry.migrations.0002_guards").guard


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0005_whole_documents"),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("typed", models.TextField()),
                ("saved_at", models.DateTimeField(auto_now=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="registry.dataset",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="registry.version",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dataset__isnull", True), ("version__isnull", False)),
                            models.Q(("dataset__isnull", False), ("version__isnull", True)),
                            _connector="OR",
                        ),
                        name="draft_about_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("typed"), 2500000
                        ),
                        name="draft_is_not_endless",
                    ),
                    models.UniqueConstraint(
                        fields=("by", "version"), name="draft_once_per_person_and_version"
                    ),
                    models.UniqueConstraint(
                        fields=("by", "dataset"), name="draft_once_per_person_and_dataset"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "media_type",
                    models.CharField(choices=[("image/png", "PNG"), ("image/jpeg", "JPEG")], max_length=10),
                ),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("size", models.PositiveIntegerField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("documents", models.ManyToManyField(related_name="figures", to="registry.document")),
                ("holders", models.ManyToManyField(related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")),
                        name="figure_digest_is_sha256",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("media_type__in", ["image/png", "image/jpeg"])),
                        name="figure_is_png_or_jpeg",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("height__gt", 0), ("size__gt", 0), ("width__gt", 0)),
                        name="figure_is_not_empty",
                    ),
                ],
            },
        ),
        guard("registry_figure"),
    ]
