"""Addresses of facts by REST."""

from __future__ import annotations

from django.urls import path

from registry.api import catalogue, datasets, documents, figures, findings, history

VERSION = "models/<slug:slug>/versions/<int:number>/"
SHEET = "datasets/<slug:slug>/datasheet/"

urlpatterns = [
    path("models/", catalogue.Models.as_view(), name="api-models"),
    path("models/<slug:slug>/", catalogue.OneModel.as_view(), name="api-model"),
    path("models/<slug:slug>/versions/", catalogue.Versions.as_view(), name="api-versions"),
    path(VERSION, catalogue.OneVersion.as_view(), name="api-version"),
    path(f"{VERSION}card/", documents.Card.as_view(), name="api-card"),
    path(f"{VERSION}card/revisions/", history.CardRevisions.as_view(), name="api-card-revisions"),
    path(
        f"{VERSION}card/revisions/<int:revision>/",
        history.OneCardRevision.as_view(),
        name="api-card-revision",
    ),
    path(f"{VERSION}card/compare/", history.CardComparison.as_view(), name="api-card-compare"),
    path(f"{VERSION}card/findings/", findings.CardFindings.as_view(), name="api-card-findings"),
    path("datasets/", datasets.Datasets.as_view(), name="api-datasets"),
    path("datasets/<slug:slug>/", datasets.OneDataset.as_view(), name="api-dataset"),
    path("datasets/<slug:slug>/datasheet/", documents.Datasheet.as_view(), name="api-datasheet"),
    path(f"{SHEET}revisions/", history.DatasheetRevisions.as_view(), name="api-datasheet-revisions"),
    path(
        f"{SHEET}revisions/<int:revision>/",
        history.OneDatasheetRevision.as_view(),
        name="api-datasheet-revision",
    ),
    path(f"{SHEET}compare/", history.DatasheetComparison.as_view(), name="api-datasheet-compare"),
    path(f"{SHEET}findings/", findings.DatasheetFindings.as_view(), name="api-datasheet-findings"),
    path("figures/", figures.Figures.as_view(), name="api-figures"),
    path("figures/<str:digest>/", figures.OneFigure.as_view(), name="api-figure"),
]
