"""Addresses of memory."""

from __future__ import annotations

from django.urls import path

from audit.views import decisions, lineage, reports, trail, versions

VERSION = "models/<slug:slug>/versions/<int:number>/"

urlpatterns = [
    path("reports/", reports.reports, name="reports"),
    path("reports/new/", reports.order, name="report-new"),
    path("reports/<uuid:pk>/", reports.report, name="report"),
    path("reports/<uuid:pk>/progress/", reports.progress, name="report-progress"),
    path("reports/<uuid:pk>/cancel/", reports.cancel, name="report-cancel"),
    path("reports/<uuid:pk>/file/", reports.file, name="report-file"),
    path("trail/", trail.trail, name="trail"),
    path("trail/<uuid:pk>/", trail.entry, name="entry"),
    path("decisions/chart.svg", decisions.chart, name="decisions-chart"),
    path(f"{VERSION}report/", reports.order_for, name="version-report"),
    path(f"{VERSION}history/", versions.history, name="version-history"),
    path(f"{VERSION}lineage/", lineage.version, name="version-lineage"),
    path("datasets/<slug:slug>/lineage/", lineage.dataset, name="dataset-lineage"),
    path("systems/<slug:slug>/lineage/", lineage.system, name="system-lineage"),
]
