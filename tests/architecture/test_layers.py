"""The floors and stairs, foreign keys, roles and weight: what import-linter sees, and what it is blind to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import models

from governance.roles import ROLES, write
from registry.models import User

ROOT = Path(__file__).resolve().parents[2]
FLOORS = {"registry": 0, "governance": 1, "audit": 2}
OURS = [model for floor in FLOORS for model in apps.get_app_config(floor).get_models()]
HEAVY = ("mlflow", "weasyprint", "sklearn", "scipy", "pandas", "numpy", "playwright")


def test_imports_go_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    outcome = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout[-3000:]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_down(model: type[models.Model]) -> None:
    targets = {
        field.related_model
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created
    }

    upward = [
        target
        for target in targets
        if FLOORS.get(target._meta.app_label, 0) > FLOORS[model._meta.app_label]  # type: ignore[union-attr]
    ]

    assert not upward


def test_who_acted_is_always_a_user_and_never_vanishes() -> None:
    acted = {
        "by",
        "created_by",
        "submitted_by",
        "issued_by",
        "revoked_by",
        "lifted_by",
        "ordered_by",
        "owner",
    }
    columns = [field for model in OURS for field in model._meta.get_fields() if field.name in acted]

    assert len(columns) >= 10
    for column in columns:
        assert column.related_model is User
        assert column.remote_field.on_delete is models.PROTECT, column  # type: ignore[union-attr]


def test_the_trail_and_the_decisions_hold_text_instead_of_references_to_live_rows() -> None:
    trail = apps.get_model("audit", "Entry")
    decision = apps.get_model("governance", "Decision")

    assert not [field for field in trail._meta.get_fields() if field.is_relation and not field.auto_created]
    assert [field.name for field in decision._meta.get_fields() if field.is_relation] == ["batch"]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_exists_and_is_held_by_its_group(role: str) -> None:
    for name in ROLES[role]:
        app, _, codename = name.partition(".")
        assert Permission.objects.filter(
            content_type__app_label=app, codename=codename, group__name=role
        ).exists(), name


@pytest.mark.django_db
def test_a_permission_taken_from_the_table_is_taken_from_the_role() -> None:
    from django.contrib.auth.models import Group

    extra = Permission.objects.get(codename="judge_review")
    Group.objects.get(name="owner").permissions.add(extra)

    write(app_config=apps.get_app_config("registry"), using="default")

    assert not Group.objects.get(name="owner").permissions.filter(pk=extra.pk).exists()


def test_nobody_who_writes_cards_can_judge_them_by_role() -> None:
    both = [
        role
        for role, held in ROLES.items()
        if {"registry.write_document", "governance.judge_review"} <= set(held)
    ]

    assert not both


@pytest.mark.django_db(transaction=True)
class TestAfterACommittingTest:
    """Django empties the database after a test that commits; roles are written again by post_migrate."""

    def test_one_that_commits(self) -> None:
        User.objects.create(username="somebody")

    def test_leaves_roles_and_the_machine_account_for_the_next(self) -> None:
        assert not User.objects.filter(username="somebody").exists()
        assert User.machine().has_perm("registry.sync_trackingserver")
        for role, held in ROLES.items():
            assert Permission.objects.filter(group__name=role).count() == len(set(held))


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("door", ["governance.urls", "governance.wsgi", "governance.gate"])
def test_a_door_opens_without_the_heavy_modules(door: str) -> None:
    program = (
        "import django, sys, importlib; django.setup()\n"
        "try:\n"
        f"    importlib.import_module({door!r})\n"
        "except ModuleNotFoundError as error:\n"
        f"    sys.exit(3 if error.name == {door!r} else repr(error))\n"
        f"print(*sorted({{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r})))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if outcome.returncode == 3:
        pytest.skip(f"there is no {door}")

    assert outcome.returncode == 0, outcome.stderr[-2000:]
    assert outcome.stdout.split() == []


def test_memory_listens_before_control() -> None:
    """An event stands in the trail before what follows from it: signals are heard in the order of connection."""
    installed = settings.INSTALLED_APPS

    assert installed.index("audit") < installed.index("governance")
