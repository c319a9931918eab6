"""Addresses of the REST interface; those of memory are named by string."""

from __future__ import annotations

from django.urls import include, path, re_path

from governance.api import (
    clearances,
    decisions,
    duties,
    lineage,
    lists,
    policies,
    reviews,
    risk,
    schema,
    search,
    severities,
    systems,
    tokens,
)

VERSION = "models/<slug:slug>/versions/<int:number>/"

urlpatterns = [
    path("schema/", schema.Schema.as_view(), name="api-schema"),
    path("docs/", schema.docs, name="api-docs"),
    path("models/", lists.Models.as_view(), name="api-models"),
    path("datasets/", lists.Datasets.as_view(), name="api-datasets"),
    path("search/", search.Search.as_view(), name="api-search"),
    path("saved-filters/", search.SavedFilters.as_view(), name="api-saved-filters"),
    path("saved-filters/<int:pk>/", search.OneSavedFilter.as_view(), name="api-saved-filter"),
    path("", include("registry.api_urls")),
    path("", include("audit.api_urls")),
    path(f"{VERSION}clearance/", clearances.OneClearance.as_view(), name="api-clearance"),
    path(f"{VERSION}reviews/", reviews.Submit.as_view(), name="api-submit"),
    path("datasets/<slug:slug>/affected/", lineage.DatasetAffected.as_view(), name="api-dataset-affected"),
    path("lineage/affected/", lineage.Affected.as_view(), name="api-affected"),
    path("reviews/", reviews.Reviews.as_view(), name="api-reviews"),
    path("reviews/<int:pk>/", reviews.OneReview.as_view(), name="api-review"),
    path("reviews/<int:pk>/judgement/", reviews.Judge.as_view(), name="api-judgement"),
    path("systems/", systems.Systems.as_view(), name="api-systems"),
    path("systems/<slug:slug>/", systems.OneSystem.as_view(), name="api-system"),
    path("systems/<slug:slug>/retirement/", systems.Retirement.as_view(), name="api-system-retirement"),
    path("systems/<slug:slug>/models/", systems.SystemModels.as_view(), name="api-system-models"),
    path(
        "systems/<slug:slug>/models/<slug:model>/",
        systems.OneSystemModel.as_view(),
        name="api-system-model",
    ),
    path("systems/<slug:slug>/risk/", risk.Risk.as_view(), name="api-risk"),
    path("document-rules/", severities.Severities.as_view(), name="api-severities"),
    path(
        "document-rules/<slug:rule>/<slug:risk_class>/", severities.OneSeverity.as_view(), name="api-severity"
    ),
    path("policies/<slug:slug>/<slug:environment>/", policies.OnePolicy.as_view(), name="api-policy"),
    path("tokens/", tokens.Tokens.as_view(), name="api-tokens"),
    path("tokens/<uuid:pk>/", tokens.OneToken.as_view(), name="api-token"),
    path("duties/", duties.Duties.as_view(), name="api-duties"),
    path("decisions/", decisions.Decisions.as_view(), name="api-decisions"),
    path("decisions/<uuid:pk>/", decisions.OneDecision.as_view(), name="api-decision"),
    path("", schema.Nowhere.as_view(), name="api"),
    re_path(
        r"[\s\S]+", schema.Nowhere.as_view(), name="api-nowhere"
    ),  # a line break is part of an address too
]
