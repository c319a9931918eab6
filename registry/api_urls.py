"""Addresses of facts by REST."""

from __future__ import annotations

from django.urls import path

from registry.api import catalogue, datasets, documents

VERSION = "models/<slug:slug>/versions/<int:number>/"

urlpatterns = [
    path("models/<slug:slug>/", catalogue.OneModel.as_view(), name="api-model"),
    path("models/<slug:slug>/versions/", catalogue.Versions.as_view(), name="api-versions"),
    path(VERSION, catalogue.OneVersion.as_view(), name="api-version"),
    path(f"{VERSION}card/", documents.Card.as_view(), name="api-card"),
    path(f"{VERSION}card/revisions/", documents.CardRevisions.as_view(), name="api-card-revisions"),
    path("datasets/<slug:slug>/", datasets.OneDataset.as_view(), name="api-dataset"),
    path("datasets/<slug:slug>/datasheet/", documents.Datasheet.as_view(), name="api-datasheet"),
]
