"""The demo's accounts: one for each role, and one without any. They share one password, made per installation."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from governance.embedded.places import replace
from registry.models import User

ROLES = {
    "owner": "registers models, writes cards, issues tokens",
    "reviewer": "reads what others wrote, and approves it or sends it back",
    "compliance": "decides risk classes, sees everything, orders reports",
    "auditor": "reads everything, changes nothing",
    "outsider": "has no role and sees nothing",
    "admin": "shares models, manages accounts",
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
    found = {name: _account(name, word) for name in ROLES}
    return found | {"machine": User.machine()}


def _account(name: str, word: str) -> User:
    is_admin = name == "admin"
    user, created = User.objects.get_or_create(
        username=name, defaults={"is_staff": is_admin, "is_superuser": is_admin}
    )
    if not user.check_password(word):
        user.set_password(word)
        user.save(update_fields=["password"])
    if created and name != "outsider":
        user.groups.set(Group.objects.filter(name=name))
    return user
