"""Addresses of facts by REST."""

from __future__ import annotations

from django.urls import path

from registry.api import (
    bom,
    catalogue,
    datasets,
    documents,
    endpoints,
    figures,
    findings,
    history,
    imports,
    ledger,
    lineage,
    roles,
    servers,
    shares,
)

VERSION = "models/<slug:slug>/versions/<int:number>/"
SHEET = "datasets/<slug:slug>/datasheet/"

urlpatterns = [
    path("models/<slug:slug>/", catalogue.OneModel.as_view(), name="api-model"),
    path("models/<slug:slug>/versions/", catalogue.Versions.as_view(), name="api-versions"),
    path("models/<slug:slug>/ledger/", ledger.Ledger.as_view(), name="api-ledger"),
    path("models/<slug:slug>/aliases/<str:name>/", ledger.OneAlias.as_view(), name="api-alias"),
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
    path(f"{VERSION}lineage/", lineage.VersionLineage.as_view(), name="api-version-lineage"),
    path(f"{VERSION}lineage/prov/", lineage.VersionProv.as_view(), name="api-version-prov"),
    path(f"{VERSION}bom/", bom.VersionBom.as_view(), name="api-version-bom"),
    path("datasets/<slug:slug>/lineage/", lineage.DatasetLineage.as_view(), name="api-dataset-lineage"),
    path(f"{VERSION}export/<str:form>/", imports.ExportCard.as_view(), name="api-card-export"),
    path(
        "datasets/<slug:slug>/export/<str:form>/",
        imports.ExportDatasheet.as_view(),
        name="api-datasheet-export",
    ),
    path("imports/", imports.Imports.as_view(), name="api-imports"),
    path("imports/<int:pk>/", imports.OneImport.as_view(), name="api-import"),
    path("imports/<int:pk>/use/", imports.UseImport.as_view(), name="api-import-use"),
    path(f"{VERSION}endpoints/<slug:environment>/", endpoints.OneEndpoint.as_view(), name="api-endpoint"),
    path("models/<slug:slug>/shares/", shares.Shares.as_view(), name="api-shares"),
    path("models/<slug:slug>/shares/<str:audience>/", shares.Share.as_view(), name="api-share"),
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
    path("servers/", servers.Servers.as_view(), name="api-servers"),
    path("servers/<slug:name>/", servers.OneServer.as_view(), name="api-server"),
    path("servers/<slug:name>/sync/", servers.Sync.as_view(), name="api-sync"),
    path("servers/<slug:name>/sync/<uuid:pk>/", servers.OneSync.as_view(), name="api-one-sync"),
    path("roles/", roles.Roles.as_view(), name="api-roles"),
    path("roles/<int:pk>/", roles.OneRole.as_view(), name="api-role"),
    path("figures/", figures.Figures.as_view(), name="api-figures"),
    path("figures/<str:digest>/", figures.OneFigure.as_view(), name="api-figure"),
]
