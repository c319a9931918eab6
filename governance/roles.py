"""Roles: who may do what, on one page. Each role is a group; this table is written to the database after a migrate.

A role says what somebody may do. Which models they may do it with is decided by what is shared with them; only those
with `registry.view_model` here see every model.
"""

from __future__ import annotations

from typing import Any

READ_ALL = ("registry.view_model", "registry.view_dataset", "registry.view_system")
TRAIL = (
    "audit.view_entry",
    "registry.view_rolegrant",
    "registry.view_team",
    "governance.view_decision",
    "governance.view_token",
)

ROLES: dict[str, tuple[str, ...]] = {
    "viewer": (),  # sees what is shared with them, and changes nothing
    "owner": (
        "registry.write_document",
        "registry.add_system",
        "registry.change_system",
        "registry.sync_trackingserver",
        "registry.move_alias",
        "governance.submit_review",
        "governance.write_comment",
        "governance.ask_break_glass",
        "governance.publish_policy",
        "governance.issue_token",
        "governance.make_serviceaccount",
        "governance.view_token",
        "governance.view_decision",
        "governance.stop_model",
        "audit.order_report",
    ),
    "reviewer": (
        "governance.judge_review",
        "governance.write_comment",
        "governance.suspend_version",
        "governance.ask_break_glass",
        "governance.view_decision",
    ),
    "compliance": (
        *READ_ALL,
        *TRAIL,
        "registry.add_system",
        "registry.change_system",
        "governance.decide_risk",
        "governance.set_severity",
        "governance.set_review_rule",
        "governance.judge_review",
        "governance.write_comment",
        "governance.break_glass",
        "governance.decide_token_life",
        "governance.suspend_version",
        "governance.revoke_token",
        "governance.stop_all",
        "governance.stop_model",
        "governance.lift_stop",
        "audit.order_report",
    ),
    "auditor": (*READ_ALL, *TRAIL, "audit.order_report"),
    "admin": (
        *READ_ALL,
        *TRAIL,
        "registry.view_user",
        "registry.add_user",
        "registry.change_user",
        "registry.grant_role",
        "registry.manage_team",
        "registry.share_model",
        "registry.sync_trackingserver",
        "registry.move_alias",
        "registry.change_endpoint",
        "governance.ask_break_glass",
        "governance.break_glass",
        "governance.issue_token",
        "governance.revoke_token",
        "governance.revoke_every_token",
        "governance.make_serviceaccount",
        "governance.suspend_version",
        "governance.stop_all",
        "governance.stop_model",
        "governance.lift_stop",
    ),
    # The portal itself: reads tracking servers on a schedule, sweeps clearances, imports files on the command line.
    # Nobody logs in as it.
    "machine": (
        "registry.view_model",
        "registry.sync_trackingserver",
        "registry.write_document",
        "registry.grant_role",  # sweeps roles whose time is over, and gives the first of an installation
    ),
}

# Those that are given to somebody, from a time and until a time (registry.models.Role).
GIVEN = [role for role in ROLES if role != "machine"]


def connect() -> None:
    """Write the roles after every migrate."""
    from django.db.models.signals import post_migrate  # noqa: PLC0415 - after the applications are loaded

    post_migrate.connect(write, dispatch_uid="governance.roles")


def write(*, app_config: Any, using: str, **_: Any) -> None:
    """Make groups and the machine account equal to the table. Runs once all applications are migrated."""
    from django.apps import apps  # noqa: PLC0415
    from django.contrib.auth.management import create_permissions  # noqa: PLC0415
    from django.contrib.auth.models import Group, Permission  # noqa: PLC0415

    from registry.models.users import MACHINE, User  # noqa: PLC0415

    if app_config.label != "registry":  # the last of our applications
        return
    for label in ("registry", "governance", "audit"):
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    known = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.using(using).select_related("content_type")
    }
    for role, permissions in ROLES.items():
        group, _created = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([known[name] for name in permissions])
    machine, _created = User.objects.using(using).get_or_create(
        username=MACHINE, defaults={"kind": User.Kind.SERVICE, "password": "!"}
    )
    machine.groups.set(Group.objects.using(using).filter(name="machine"))
