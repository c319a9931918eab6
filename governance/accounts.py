"""One's own account: logging in and out with Django's own views, what one is told, who stands in."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView, PasswordChangeView
from django.urls import path, reverse_lazy

from governance.views import absences, notices
from governance.views.accounts import ThrottledLogin
from governance.views.second_factor import factor

urlpatterns = [
    path("login/", ThrottledLogin.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", PasswordChangeView.as_view(success_url=reverse_lazy("home")), name="password_change"),
    path("second-factor/", factor, name="second_factor"),
    path("notices/", notices.choose, name="notice-settings"),
    path("absence/", absences.absence, name="absence"),
    path("absence/<int:pk>/end/", absences.end, name="absence-end"),
    path("unsubscribe/", notices.unsubscribe, name="unsubscribe"),
]
