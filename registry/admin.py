"""Accounts and roles in Django's admin. Everything else is changed by verbs, on pages of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from registry.events import AccountChanged, publish
from registry.models import User

admin.site.unregister(Group)  # what a role may do is written in governance/roles.py, not clicked together


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """People and service accounts. Each change stands in the trail; accounts are switched off, never deleted."""

    # Roles and teams are not here: they are given by verbs, with a reason and an end.
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Cardinal", {"fields": ("kind",)}),
    )
    list_display = ("username", "kind", "is_active", "is_staff")
    list_filter = ("kind", "is_active", "groups")

    def save_related(self, request: HttpRequest, form: ModelForm[User], formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        account = form.instance
        roles = ", ".join(account.groups.order_by("name").values_list("name", flat=True)) or "none"
        state = "active" if account.is_active else "switched off"
        state += ", superuser" if account.is_superuser else ""
        by = User.objects.get(username=request.user.get_username())
        publish(AccountChanged(account=account, created=not change, roles=roles, state=state, by=by))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A name stands in policies, decisions and the trail: it never passes to another account. And an account is
        switched off with a hand-over, on its page among the people.
        """
        fixed = ("username", "is_active") if obj else ()
        if request.user.is_superuser:
            return fixed
        return (*fixed, "is_superuser", "is_staff", "user_permissions")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Setting somebody's password is an event: it is the key to acting as them."""
        if not request.user.is_superuser and User.objects.filter(pk=id, is_superuser=True).exists():
            raise PermissionDenied
        with transaction.atomic():
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            answer: HttpResponse = super().user_change_password(request, id, form_url)
            account = User.objects.filter(pk=id).first()
            if account and account.password != before:
                by = User.objects.get(username=request.user.get_username())
                roles = ", ".join(account.groups.order_by("name").values_list("name", flat=True)) or "none"
                publish(
                    AccountChanged(account=account, created=False, roles=roles, state="password set", by=by)
                )
        return answer

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
