"""Addresses of the REST interface; those of memory are named by string."""

from __future__ import annotations

from django.urls import include, path, re_path

from governance.api import (
    absences,
    access,
    clearances,
    decisions,
    duties,
    glass,
    introspection,
    leaks,
    lineage,
    lists,
    notices,
    policies,
    review_rules,
    reviews,
    risk,
    schema,
    search,
    severities,
    systems,
    token_changes,
    tokens,
)

VERSION = "models/<slug:slug>/versions/<int:number>/"

urlpatterns = [
    path("schema/", schema.Schema.as_view(), name="api-schema"),
    path("docs/", schema.docs, name="api-docs"),
    path("models/", lists.Models.as_view(), name="api-models"),
    path("datasets/", lists.Datasets.as_view(), name="api-datasets"),
    path("inbox/", notices.Inbox.as_view(), name="api-inbox"),
    path("notices/", notices.Notices.as_view(), name="api-notices"),
    path("notices/read/", notices.ReadAll.as_view(), name="api-notices-read"),
    path("notices/settings/", notices.NoticeSettings.as_view(), name="api-notice-settings"),
    path("notices/<int:pk>/read/", notices.ReadOne.as_view(), name="api-notice-read"),
    path("absences/", absences.Absences.as_view(), name="api-absences"),
    path("absences/<int:pk>/", absences.OneAbsence.as_view(), name="api-absence"),
    path("reminders/", absences.Reminders.as_view(), name="api-reminders"),
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
    path("reviews/<int:pk>/retirement/", reviews.Retirement.as_view(), name="api-retirement"),
    path(
        "reviews/<int:pk>/conditions/<int:condition>/confirmation/",
        reviews.Confirmation.as_view(),
        name="api-confirmation",
    ),
    path(
        "reviews/<int:pk>/conditions/<int:condition>/extension/",
        reviews.Extension.as_view(),
        name="api-extension",
    ),
    path("review-rules/", review_rules.ReviewRules.as_view(), name="api-review-rules"),
    path("review-rules/<slug:risk_class>/", review_rules.OneReviewRule.as_view(), name="api-review-rule"),
    path(f"{VERSION}break-glass/", glass.Ask.as_view(), name="api-break-glass"),
    path("break-glass/", glass.Glasses.as_view(), name="api-glasses"),
    path("break-glass/<int:pk>/", glass.OneGlass.as_view(), name="api-glass"),
    path("break-glass/<int:pk>/grant/", glass.Grant.as_view(), name="api-glass-grant"),
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
    path(
        "policies/<slug:slug>/<slug:environment>/replay/",
        policies.Replayed.as_view(),
        name="api-policy-replay",
    ),
    path("models/<slug:slug>/access/", access.ModelAccess.as_view(), name="api-model-access"),
    path("access/people/<str:username>/", access.PersonAccess.as_view(), name="api-person-access"),
    path("access/tokens/<uuid:pk>/", access.TokenAccess.as_view(), name="api-token-access"),
    path("access/why/", access.Why.as_view(), name="api-why"),
    path("tokens/", tokens.Tokens.as_view(), name="api-tokens"),
    path("introspect/", introspection.Introspect.as_view(), name="api-introspect"),
    path("tokens/leaked/", leaks.Leaked.as_view(), name="api-tokens-leaked"),
    path("tokens/revocations/", token_changes.Revocations.as_view(), name="api-token-revocations"),
    path("tokens/<uuid:pk>/rotation/", token_changes.Rotation.as_view(), name="api-token-rotation"),
    path(
        "tokens/<uuid:pk>/countersignature/",
        token_changes.Countersignature.as_view(),
        name="api-token-countersignature",
    ),
    path("tokens/<uuid:pk>/", tokens.OneToken.as_view(), name="api-token"),
    path("duties/", duties.Duties.as_view(), name="api-duties"),
    path("decisions/", decisions.Decisions.as_view(), name="api-decisions"),
    path("decisions/<uuid:pk>/", decisions.OneDecision.as_view(), name="api-decision"),
    path("", schema.Nowhere.as_view(), name="api"),
    re_path(
        r"[\s\S]+", schema.Nowhere.as_view(), name="api-nowhere"
    ),  # a line break is part of an address too
]
