"""Addresses of facts."""

from __future__ import annotations

from django.urls import path

from registry.views import datasets, documents

urlpatterns = [
    path("datasets/<slug:slug>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:slug>/datasheet/edit/", documents.edit_datasheet, name="datasheet-edit"),
    path("models/<slug:slug>/versions/<int:number>/card/edit/", documents.edit_card, name="card-edit"),
    path("documents/<int:pk>/", documents.document, name="document"),
    path("documents/<int:pk>/revisions/<int:number>/", documents.revision, name="revision"),
    path("documents/<int:pk>/compare/<int:before>/<int:after>/", documents.compare, name="compare"),
    path("schemas/<slug:kind>.json", documents.schema, name="schema"),
]
