"""Addresses of memory by REST."""

from __future__ import annotations

from django.urls import path

from audit import api

urlpatterns = [
    path(
        "models/<slug:slug>/versions/<int:number>/reports/",
        api.OrderReport.as_view(),
        name="api-order-report",
    ),
    path("reports/", api.Reports.as_view(), name="api-reports"),
    path("reports/<uuid:pk>/", api.OneReport.as_view(), name="api-report"),
    path("reports/<uuid:pk>/file/", api.ReportFile.as_view(), name="api-report-file"),
    path("trail/", api.Trail.as_view(), name="api-trail"),
]
