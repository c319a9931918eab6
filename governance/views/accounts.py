"""Logging in, with a limit on guessing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance import attempts


@login_not_required
def admin_login(request: HttpRequest) -> HttpResponse:
    """The administration has no door of its own. Who is logged in and still sent here may not go there."""
    if request.user.is_authenticated:
        return render(request, "403.html", status=403)
    return redirect_to_login(request.GET.get("next", "/admin/"))


class ThrottledLogin(LoginView):
    """Ten wrong passwords for a name, or a hundred from an address, close that door for a quarter of an hour."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if any(attempts.used_up(kind, whose) for kind, whose in self._whose().items()):
            form = self.get_form_class()(
                request, initial={"username": request.POST.get("username", "")[:150]}
            )
            context = self.get_context_data(form=form, closed=True)
            return self.render_to_response(context, status=429, headers={"Retry-After": str(attempts.WINDOW)})
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        for kind, whose in self._whose().items():
            attempts.failed(kind, whose)
        return super().form_invalid(form)

    def _whose(self) -> dict[str, str]:
        return {
            "name": self.request.POST.get("username", "").lower(),
            "from": self.request.META["REMOTE_ADDR"],
        }


def _address(request: HttpRequest) -> str:
    """Where the request comes from; behind a proxy, the address that the proxy itself has added last."""
    if settings.SECURE_PROXY_SSL_HEADER:
        return (
            request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            or request.META["REMOTE_ADDR"]
        )
    return str(request.META["REMOTE_ADDR"])
