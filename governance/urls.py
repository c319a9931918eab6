"""Every address of the portal. Upper floors are named by string only."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from governance.views import accounts, home, operations, policies

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("accounts/", include("governance.accounts")),
    path("schemas/policy.json", policies.schema, name="policy-schema"),
    path("", include("registry.urls")),
    path("", include("governance.pages")),
    path("", include("audit.urls")),
    path("api/v1/", include("governance.api_urls")),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("design/", operations.gallery, name="design"),
    path("admin/login/", accounts.admin_login),  # one door for logging in, with one limit on guessing
    path("admin/", admin.site.urls),
]

handler400 = "governance.views.operations.bad_request"
handler403 = "governance.views.operations.forbidden"
handler404 = "governance.views.operations.not_found"
handler500 = "governance.views.operations.server_error"
