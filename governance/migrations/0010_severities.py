"""Compliance decides how severe a finding in a document is, for a rule and a risk class; the latest decision holds."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

guard = import_module("registry.migrations.0002_guards").guard


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0006_suspensions_stay"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SeverityDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(max_length=40)),
                ("risk_class", models.CharField(max_length=12)),
                ("severity", models.CharField(max_length=8)),
                ("rationale", models.TextField()),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("set_severity", "Can decide how severe a finding in a document is")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ("off", "hint", "warning", "blocking"))),
                        name="severity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("risk_class__in", ("undecided", "minimal", "limited", "high", "prohibited"))
                        ),
                        name="severity_risk_class_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rationale", ""), _negated=True),
                        name="severity_decision_says_why",
                    ),
                ],
            },
        ),
        guard("governance_severitydecision"),
    ]
