"""Addresses of facts."""

from __future__ import annotations

from django.urls import path

from registry.views import datasets, documents, editor, figures, hooks, imports, ledger, people, servers

CARD = "models/<slug:slug>/versions/<int:number>/card/"

urlpatterns = [
    path("datasets/<slug:slug>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:slug>/datasheet/edit/", editor.edit_datasheet, name="datasheet-edit"),
    path("datasets/<slug:slug>/datasheet/edit/draft/", editor.draft_datasheet, name="datasheet-draft"),
    path(f"{CARD}edit/", editor.edit_card, name="card-edit"),
    path(f"{CARD}edit/draft/", editor.draft_card, name="card-draft"),
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
    path("documents/<int:pk>/", documents.document, name="document"),
    path("documents/<int:pk>/revisions/", documents.revisions, name="revisions"),
    path("documents/<int:pk>/revisions/<int:number>/", documents.revision, name="revision"),
    path("documents/<int:pk>/compare/<int:before>/<int:after>/", documents.compare, name="compare"),
    path("figures/<slug:digest>/", figures.figure, name="figure"),
    path("people/", people.people, name="people"),
    path("people/roles/", people.give, name="role-give"),
    path("people/roles/<int:pk>/take/", people.take, name="role-take"),
    path("servers/", servers.servers, name="servers"),
    path("servers/new/", servers.new, name="server-new"),
    path("servers/<slug:name>/", servers.server, name="server"),
    path("servers/<slug:name>/read/", servers.read, name="server-read"),
    path("servers/<slug:name>/move/", servers.move, name="server-move"),
    path("servers/<slug:name>/credentials/", servers.credentials, name="server-credentials"),
    path("servers/<slug:name>/authority/", servers.authority, name="server-authority"),
    path("servers/<slug:name>/follow/", servers.follow, name="server-follow"),
    path("servers/<slug:name>/believe/", servers.believe, name="server-believe"),
    path("servers/<slug:name>/webhook/", servers.webhook, name="server-webhook"),
    path("models/<slug:slug>/ledger/", ledger.ledger, name="model-ledger"),
    path("models/<slug:slug>/aliases/", ledger.move, name="model-alias"),
    path("hooks/mlflow/<slug:server>/", hooks.mlflow, name="mlflow-hook"),
    path("schemas/<slug:kind>.json", documents.schema, name="schema"),
]
