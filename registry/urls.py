"""Addresses of facts."""

from __future__ import annotations

from django.urls import path

from registry.views import datasets, documents, hooks, ledger, servers

urlpatterns = [
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/<slug:slug>/", datasets.dataset, name="dataset"),
    path("datasets/<slug:slug>/datasheet/edit/", documents.edit_datasheet, name="datasheet-edit"),
    path("models/<slug:slug>/versions/<int:number>/card/edit/", documents.edit_card, name="card-edit"),
    path("documents/<int:pk>/", documents.document, name="document"),
    path("documents/<int:pk>/revisions/<int:number>/", documents.revision, name="revision"),
    path("documents/<int:pk>/compare/<int:before>/<int:after>/", documents.compare, name="compare"),
    path("servers/", servers.servers, name="servers"),
    path("servers/new/", servers.new, name="server-new"),
    path("servers/<slug:name>/", servers.server, name="server"),
    path("servers/<slug:name>/read/", servers.read, name="server-read"),
    path("servers/<slug:name>/move/", servers.move, name="server-move"),
    path("servers/<slug:name>/credentials/", servers.credentials, name="server-credentials"),
    path("servers/<slug:name>/follow/", servers.follow, name="server-follow"),
    path("servers/<slug:name>/believe/", servers.believe, name="server-believe"),
    path("servers/<slug:name>/webhook/", servers.webhook, name="server-webhook"),
    path("models/<slug:slug>/ledger/", ledger.ledger, name="model-ledger"),
    path("models/<slug:slug>/aliases/", ledger.move, name="model-alias"),
    path("hooks/mlflow/<slug:server>/", hooks.mlflow, name="mlflow-hook"),
    path("schemas/<slug:kind>.json", documents.schema, name="schema"),
]
