"""The demo's accounts: one for each role, a second judge of compliance, and one without any. They share one password, made per installation."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from governance.embedded.places import replace
from registry.actions import roles
from registry.models import User
from registry.models.roles import LONGEST_AUDIT

ROLES = {
    "owner": "registers models, writes cards, issues tokens",
    "reviewer": "reads what others wrote, and approves it or sends it back",
    "compliance": "decides risk classes, sees everything, orders reports",
    "deputy": "shares the duties of compliance, and is away this week",
    "auditor": "reads everything, changes nothing",
    "outsider": "has no role and sees nothing",
    "admin": "shares models, gives roles, countersigns tokens",
}


def password(folder: Path) -> str:
    """The password of this installation: random, made once, in a file that only its owner can read."""
    path = folder / "password"
    if not path.exists():
        replace(path, secrets.token_urlsafe(12) + "\n")
    return path.read_text().strip()


@transaction.atomic
def ensure(folder: Path) -> dict[str, User]:
    """The accounts by name. Who exists keeps their groups; the password is the one in the file."""
    word = password(folder)
    found = {user.username: user for user in User.objects.filter(username__in=ROLES)}
    if set(found) != set(ROLES) or not found["owner"].check_password(word):
        hashed = make_password(word)  # hashed once for all: it takes most of a second, and they share it
        found = {name: _account(name, hashed) for name in ROLES}
    return found | {"machine": User.machine()}


def _account(name: str, hashed: str) -> User:
    is_admin = name == "admin"
    user, created = User.objects.update_or_create(
        username=name,
        defaults={"password": hashed},
        create_defaults={"password": hashed, "is_staff": is_admin},
    )
    if created and name != "outsider":
        until = timezone.now() + LONGEST_AUDIT if name == "auditor" else None
        role = "compliance" if name == "deputy" else name
        roles.give(user=user, role=role, reason=ROLES[name], until=until, by=User.machine())
    return user
