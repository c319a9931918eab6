"""Rules of reviews, several judges with signatures, conditions, the end of an approval, and breaking the glass."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0032_moved_is_not_cleared"),
        ("registry", "0085_model_inputs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        choices=[("production", "Production"), ("staging", "Staging")], max_length=12
                    ),
                ),
                ("reason", models.TextField()),
                ("minutes", models.PositiveSmallIntegerField()),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("granted_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "permissions": [
                    ("ask_break_glass", "Can ask to break the glass"),
                    ("break_glass", "Can let the glass be broken for somebody else"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewCondition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("due_at", models.DateTimeField()),
                ("extended_because", models.TextField(blank=True, default="")),
                ("fulfilled_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.CreateModel(
            name="ReviewRuleDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("risk_class", models.CharField(max_length=12)),
                ("rule", models.JSONField()),
                ("rationale", models.TextField()),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "permissions": [("set_review_rule", "Can decide what an approval needs")],
            },
        ),
        migrations.RemoveConstraint(
            model_name="review",
            name="review_state_known",
        ),
        migrations.AddField(
            model_name="clearance",
            name="valid_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="judgement",
            name="checked",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="judgement",
            name="meaning",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="judgement",
            name="method",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "By being logged in"),
                    ("password", "Password"),
                    ("password+totp", "Password and one-time code"),
                ],
                db_default="",
                default="",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="judgement",
            name="role",
            field=models.CharField(db_default="", default="", max_length=150),
        ),
        migrations.AddField(
            model_name="judgement",
            name="signed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="judgement",
            name="signed_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="review",
            name="ended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="review",
            name="retired_because",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="review",
            name="rule",
            field=models.JSONField(
                db_default={
                    "again_after_days": 1000,
                    "approvers": 1,
                    "checklist": [],
                    "max_age_days": 1095,
                    "risk_class": "undecided",
                    "roles": [],
                    "schema": "cardinal/review-rule/1",
                    "step_up": False,
                }
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="stale_codes",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AlterField(
            model_name="review",
            name="state",
            field=models.CharField(
                choices=[
                    ("in_review", "In review"),
                    ("approved", "Approved"),
                    ("changes_requested", "Changes requested"),
                    ("withdrawn", "Withdrawn"),
                    ("stale", "Stale"),
                    ("retired", "Retired"),
                ],
                default="in_review",
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="clearance",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="clearance_ends_by_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="judgement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("meaning", ""), ("method", ""), ("signed_at__isnull", True), ("signed_digest", "")
                    ),
                    models.Q(
                        ("method__in", ["password", "password+totp"]),
                        ("signed_at__isnull", False),
                        ("signed_digest__regex", "^[0-9a-f]{64}$"),
                        models.Q(("meaning", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="judgement_signed_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ("in_review", "approved", "changes_requested", "withdrawn", "stale", "retired"),
                    )
                ),
                name="review_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state__in", ["stale", "retired"])),
                    models.Q(
                        models.Q(("state__in", ["stale", "retired"]), _negated=True),
                        ("ended_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="review_ended_with_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("state", "stale"), _negated=True),
                        models.Q(("stale_codes", ""), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(("retired_because", ""), ("state", "retired"), _connector="OR"),
                    models.Q(
                        models.Q(("state", "retired"), _negated=True),
                        models.Q(("retired_because", ""), _negated=True),
                        _connector="OR",
                    ),
                ),
                name="review_ended_with_a_reason",
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="granted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="broken_glass",
                to="registry.version",
            ),
        ),
        migrations.AddField(
            model_name="reviewcondition",
            name="extended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewcondition",
            name="fulfilled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewcondition",
            name="judgement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conditions",
                to="governance.judgement",
            ),
        ),
        migrations.AddField(
            model_name="reviewcondition",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reviewcondition",
            name="review",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="conditions", to="governance.review"
            ),
        ),
        migrations.AddField(
            model_name="reviewruledecision",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("version", "environment"),
                name="break_glass_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(("minutes__gte", 1), ("minutes__lte", 60)),
                name="break_glass_an_hour_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("granted_by__isnull", True),
                    models.Q(("granted_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="break_glass_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ends_at__isnull", True), ("granted_at__isnull", True), ("granted_by__isnull", True)
                    ),
                    models.Q(
                        ("ends_at__isnull", False),
                        ("granted_at__isnull", False),
                        ("granted_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="break_glass_granted_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ended_by__isnull", True)),
                    models.Q(("ended_at__isnull", False), ("ended_by__isnull", False)),
                    _connector="OR",
                ),
                name="break_glass_ended_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="break_glass_says_why"
            ),
        ),
        migrations.AddIndex(
            model_name="reviewcondition",
            index=models.Index(
                condition=models.Q(("fulfilled_at__isnull", True)),
                fields=["review", "due_at"],
                name="review_condition_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcondition",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="review_condition_says_what"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcondition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fulfilled_at__isnull", True), ("fulfilled_by__isnull", True), ("note", "")),
                    models.Q(
                        ("fulfilled_at__isnull", False),
                        ("fulfilled_by__isnull", False),
                        models.Q(("note", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="review_condition_fulfilled_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcondition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fulfilled_by__isnull", True),
                    models.Q(("fulfilled_by", models.F("owner")), _negated=True),
                    _connector="OR",
                ),
                name="review_condition_not_confirmed_by_its_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewcondition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("extended_because", ""), ("extended_by__isnull", True)),
                    models.Q(
                        ("extended_by__isnull", False),
                        models.Q(("extended_because", ""), _negated=True),
                        models.Q(("extended_by", models.F("owner")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="review_condition_extended_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewruledecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("risk_class__in", ("undecided", "minimal", "limited", "high", "prohibited"))
                ),
                name="review_rule_risk_class_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewruledecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("rationale", ""), _negated=True), name="review_rule_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewruledecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("rule__approvers__gte", 1), ("rule__approvers__lte", 5)),
                name="review_rule_approvers",
            ),
        ),
    ]
