"""Second factors in Django's admin: nobody sees a secret, and a lost device is taken away on record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from governance.actions import second_factor
from registry.models import User

admin.site.unregister(TOTPDevice)  # as it comes, it shows secrets and changes without a trace


@admin.register(TOTPDevice)
class DeviceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Who has enrolled a device. Whoever may change accounts may take a lost one away; that stands in the trail."""

    fields = readonly_fields = list_display = ("user", "confirmed", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("registry.change_user")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def delete_model(self, request: HttpRequest, obj: TOTPDevice) -> None:
        second_factor.release(account=obj.user, by=User.objects.get(username=request.user.get_username()))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for device in queryset.select_related("user"):
            self.delete_model(request, device)
