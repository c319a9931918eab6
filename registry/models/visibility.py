"""What one may not see does not exist: permission is a filter on the query set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, Group

    from registry.models.users import User

VIEW_MODEL = "view_model"

# The models that are shared with a person, or with a role or team of theirs. The permission is one value and not a join: of a
# join the planner believes that each permission is given as often as any other, and takes two thousand models for ten.
SEEING = """
SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
WHERE t.app_label = 'registry' AND t.model = 'model' AND p.codename = 'view_model'
"""
SHARED = f"""
SELECT own.content_object_id FROM registry_modeluserobjectpermission own
WHERE own.user_id = %s AND own.permission_id = ({SEEING})
UNION
SELECT theirs.content_object_id FROM registry_modelgroupobjectpermission theirs
JOIN registry_membership belongs ON belongs.group_id = theirs.group_id
WHERE belongs.user_id = %s AND theirs.permission_id = ({SEEING})
"""  # noqa: S608 - fixed text

# The same from the other side: who sees the model with this key. The groups that see it are one list: memberships are read once.
# Whoever changes the one changes the other; and so does `cardinal_sees`, which the gate asks (a test compares the three).
SEERS = f"""
SELECT own.user_id FROM registry_modeluserobjectpermission own
WHERE own.content_object_id = %(model)s AND own.permission_id = ({SEEING})
UNION
SELECT belongs.user_id FROM registry_membership belongs WHERE belongs.group_id = ANY (ARRAY(
  SELECT theirs.group_id FROM registry_modelgroupobjectpermission theirs
  WHERE theirs.content_object_id = %(model)s AND theirs.permission_id = ({SEEING})
  UNION
  SELECT held.group_id FROM auth_group_permissions held WHERE held.permission_id = ({SEEING})
))
UNION
SELECT held.user_id FROM registry_user_user_permissions held WHERE held.permission_id = ({SEEING})
UNION
SELECT id FROM registry_user WHERE is_superuser
"""  # noqa: S608 - fixed text


class ModelUserObjectPermission(UserObjectPermissionBase):
    """One person may do one thing with one model (a direct foreign key: generic ones cost milliseconds)."""

    content_object = models.ForeignKey("registry.Model", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False


class ModelGroupObjectPermission(GroupObjectPermissionBase):
    """The members of a team, or everybody with a role, may do one thing with one model."""

    content_object = models.ForeignKey("registry.Model", on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False


def sees_everything(user: User | AnonymousUser) -> bool:
    """True for those whose role lets them see every model (compliance, auditor, admin), unless a limit names some."""
    return narrowed_to(user) is None and _role_sees(user)


def narrowed_to(user: User | AnonymousUser) -> Mapping[str, Any] | None:
    """The models that the limit of this request names, as a condition on their key; None without one."""
    limit = getattr(user, "limit", None)
    return limit.models if limit else None


def _role_sees(user: User | AnonymousUser) -> bool:
    return user.is_active and user.has_perm("registry.view_model")


def visible_models(user: User | AnonymousUser, path: str = "") -> Q:
    """A condition for rows whose model, reached by `path` (for example "version__model"), `user` may see.

    Default deny: somebody without the role and without a share matches no row.
    """
    if not user.is_active:
        return Q(pk__in=[])
    narrow = narrowed_to(user)
    limited = Q() if narrow is None else Q(**{f"{path or 'pk'}__{how}": what for how, what in narrow.items()})
    if _role_sees(user):
        return limited
    # Every page asks this several times, and to build it of query sets costs a millisecond each time.
    shared = RawSQL(SHARED, (user.pk, user.pk))  # noqa: S611 - fixed text
    # One set and not two alternatives: the database can join a set from either side.
    return Q(**{f"{path}__in" if path else "pk__in": shared}) & limited


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
