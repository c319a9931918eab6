"""What one may not see does not exist: permission is a filter on the query set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from registry.models.roles import groups_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, Group

    from registry.models.users import User

VIEW_MODEL = "view_model"


class ModelUserObjectPermission(UserObjectPermissionBase):
    """One person may do one thing with one model (a direct foreign key: generic ones cost milliseconds)."""

    content_object = models.ForeignKey("registry.Model", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False


class ModelGroupObjectPermission(GroupObjectPermissionBase):
    """The members of a group may do one thing with one model."""

    content_object = models.ForeignKey("registry.Model", on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False


def sees_everything(user: User | AnonymousUser) -> bool:
    """True for those whose role lets them see every model (compliance, auditor, admin)."""
    return user.is_active and user.has_perm("registry.view_model")


def visible_models(user: User | AnonymousUser, path: str = "") -> Q:
    """A condition for rows whose model, reached by `path` (for example "version__model"), `user` may see.

    Default deny: somebody without the role and without a share matches no row.
    """
    if not user.is_active:
        return Q(pk__in=[])
    if sees_everything(user):
        return Q()
    direct = ModelUserObjectPermission.objects.filter(user_id=user.pk, permission__codename=VIEW_MODEL)
    grouped = ModelGroupObjectPermission.objects.filter(
        group__in=groups_of(user.pk).values("pk"), permission__codename=VIEW_MODEL
    )
    shared = direct.values("content_object_id").union(grouped.values("content_object_id"))
    # One set and not two alternatives: the database can join a set from either side.
    return Q(**{f"{path}__in" if path else "pk__in": shared})


def audience_named(text: str) -> Group | User | None:
    """The group or account that "group:NAME" or "user:NAME" names, also one that is switched off."""
    from django.contrib.auth.models import Group  # noqa: PLC0415 - models of other applications load later

    from registry.models.users import User  # noqa: PLC0415 - likewise

    kind, _, name = text.partition(":")
    if "\x00" in name:
        return None
    if kind == "group":
        return Group.objects.filter(name=name).first()
    return User.objects.filter(username=name).first() if kind == "user" else None
