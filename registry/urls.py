"""Addresses of facts."""

from __future__ import annotations

from django.urls import path

from registry.views import datasets, documents, imports

urlpatterns = [
    path("datasets/<slug:slug>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:slug>/datasheet/edit/", documents.edit_datasheet, name="datasheet-edit"),
    path("datasets/<slug:slug>/export/<str:form>/", imports.export_datasheet, name="datasheet-export"),
    path(
        "models/<slug:slug>/versions/<int:number>/export/<str:form>/", imports.export_card, name="card-export"
    ),
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.import_new, name="import-new"),
    path("imports/<int:pk>/", imports.imported, name="import"),
    path("imports/<int:pk>/use/", imports.use, name="import-use"),
    path("imports/<int:pk>/raw/", imports.raw, name="import-raw"),
    path("imports/<int:pk>/report.json", imports.report, name="import-report"),
    path("models/<slug:slug>/versions/<int:number>/card/edit/", documents.edit_card, name="card-edit"),
    path("documents/<int:pk>/", documents.document, name="document"),
    path("documents/<int:pk>/revisions/<int:number>/", documents.revision, name="revision"),
    path("documents/<int:pk>/compare/<int:before>/<int:after>/", documents.compare, name="compare"),
    path("schemas/<slug:kind>.json", documents.schema, name="schema"),
]
