"""What the audience of every noun stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.db.models.expressions import RawSQL

from governance.models import Token
from registry.models import Document, User, Version

MOST_TOLD = 500  # of one cause
HOLDERS = """
SELECT m.user_id FROM registry_membership m JOIN auth_group_permissions h ON h.group_id = m.group_id
JOIN auth_permission p ON p.id = h.permission_id JOIN django_content_type t ON t.id = p.content_type_id
WHERE t.app_label = %s AND p.codename = %s
"""
Subject = Document | Version | Token | None


@dataclass(frozen=True)
class Told:
    """Some people are told something. `cause` is what it is about: told once per kind, person and cause."""

    kind: str
    people: Sequence[User]
    text: str
    path: str
    cause: str
    subject: Subject = None

    @property
    def about(self) -> str:
        """The object that the cause begins with."""
        return ":".join(self.cause.split(":", 2)[:2])


def cause(subject: Model, *parts: object) -> str:
    """What a notice is about, as a key."""
    return ":".join(str(part) for part in (subject._meta.model_name, subject.pk, *parts))


def holders(permission: str) -> list[User]:
    """Everybody whose role holds `permission` now."""
    app, _, codename = permission.partition(".")
    rows = User.objects.filter(pk__in=RawSQL(HOLDERS, (app, codename)))  # noqa: S611 - fixed text
    return list(rows.filter(is_active=True, kind=User.Kind.PERSON).order_by("username")[:MOST_TOLD])


def distinct(*people: User | None) -> list[User]:
    """Each once, in this order; nobody left out but those who are not there."""
    return list({one.pk: one for one in people if one}.values())


def brief(text: str) -> str:
    """The beginning of what somebody said; the page has all of it."""
    return text if len(text) <= 120 else f"{text[:119]}…"


def moment(text: Any) -> str:
    """A time as events carry it, for people."""
    return f"{str(text)[:16].replace('T', ' ')} UTC"
