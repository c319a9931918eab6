"""An endpoint says how its server is asked: by which protocol, by what name it knows the version, with which credential."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0097_phrases"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="credential",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="served_name",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="version_in_path",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="protocol",
            field=models.CharField(
                choices=[
                    ("mlflow", "MLflow scoring"),
                    ("v2", "Open Inference Protocol V2"),
                    ("v1", "KServe V1 and TensorFlow Serving"),
                    ("openai", "OpenAI style"),
                ],
                default="mlflow",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("protocol__in", ["mlflow", "v2", "v1", "openai"])),
                name="endpoint_protocol_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("served_name", ""),
                    models.Q(
                        ("protocol__in", ["v2", "v1"]),
                        ("served_name__regex", "^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$"),
                    ),
                    models.Q(
                        ("protocol", "openai"), ("served_name__regex", "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}$")
                    ),
                    _connector="OR",
                ),
                name="endpoint_name_is_plain",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("version_in_path", False), ("protocol__in", ["v2", "v1"]), _connector="OR"
                ),
                name="endpoint_version_where_a_path_has_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("credential", ""), ("credential__regex", "^[a-z][a-z0-9]{0,39}$"), _connector="OR"
                ),
                name="endpoint_credential_is_a_name",
            ),
        ),
    ]
