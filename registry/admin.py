"""Accounts and roles in Django's admin. Everything else is changed by verbs, on pages of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.forms import ModelForm
from django.http import HttpRequest

from registry.events import AccountChanged, publish
from registry.models import User


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """People and service accounts. Each change stands in the trail; accounts are switched off, never deleted."""

    fieldsets = (*(UserAdmin.fieldsets or ()), ("Cardinal", {"fields": ("kind",)}))
    list_display = ("username", "kind", "is_active", "is_staff")
    list_filter = ("kind", "is_active", "groups")

    def save_related(self, request: HttpRequest, form: ModelForm[User], formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        account = form.instance
        roles = ", ".join(account.groups.order_by("name").values_list("name", flat=True)) or "none"
        state = "active" if account.is_active else "switched off"
        by = User.objects.get(username=request.user.get_username())
        publish(AccountChanged(account=account, created=not change, roles=roles, state=state, by=by))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
