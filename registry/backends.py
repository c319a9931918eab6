"""What somebody may do by their groups, at this moment."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from registry.models.roles import groups_of


class GrantedRoles(ModelBackend):
    """Django's own, but a role counts only from and until the time for which it was given.

    The test is part of the query for permissions: nothing has to run for an ended role to stop counting.
    """

    def _get_group_permissions(self, user_obj: Any) -> QuerySet[Permission]:
        return Permission.objects.filter(group__in=groups_of(user_obj.pk).values("pk"))
