"""Addresses of control."""

from __future__ import annotations

from django.urls import path

from governance.views import decisions, models, policies, reach, reviews, systems, tokens

VERSION = "models/<slug:slug>/versions/<int:number>/"

urlpatterns = [
    path("models/", models.models, name="models"),
    path("models/sync/", models.sync, name="sync"),
    path("models/<slug:slug>/", models.model, name="model"),
    path("models/<slug:slug>/share/", reach.share, name="model-share"),
    path("models/<slug:slug>/unshare/", reach.unshare, name="model-unshare"),
    path(VERSION, models.version, name="version"),
    path(f"{VERSION}facts/", models.facts, name="version-facts"),
    path(f"{VERSION}card/", models.card, name="version-card"),
    path(f"{VERSION}access/", models.access, name="version-access"),
    path(f"{VERSION}decisions/", models.decisions, name="version-decisions"),
    path(f"{VERSION}submit/", models.submit, name="version-submit"),
    path(f"{VERSION}suspend/", models.suspend, name="version-suspend"),
    path(f"{VERSION}endpoint/", reach.set_endpoint, name="version-endpoint"),
    path(f"{VERSION}endpoint/remove/", reach.remove_endpoint, name="version-endpoint-remove"),
    path(f"{VERSION}rehash/", models.rehash, name="version-rehash"),
    path("systems/", systems.systems, name="systems"),
    path("systems/new/", systems.new_system, name="system-new"),
    path("systems/<slug:slug>/", systems.system, name="system"),
    path("systems/<slug:slug>/edit/", systems.edit_system, name="system-edit"),
    path("systems/<slug:slug>/retire/", systems.retire_system, name="system-retire"),
    path("systems/<slug:slug>/models/<slug:model>/remove/", systems.remove_model, name="system-remove-model"),
    path("systems/<slug:slug>/models/", systems.add_model, name="system-add-model"),
    path("systems/<slug:slug>/risk/", systems.decide_risk, name="system-risk"),
    path("reviews/", reviews.reviews, name="reviews"),
    path("reviews/<int:pk>/", reviews.review, name="review"),
    path("reviews/<int:pk>/judge/", reviews.judge, name="review-judge"),
    path("reviews/<int:pk>/withdraw/", reviews.withdraw, name="review-withdraw"),
    path("policies/", policies.index, name="policies"),
    path("policies/<slug:slug>/<slug:environment>/", policies.policy, name="policy"),
    path("policies/<slug:slug>/<slug:environment>/edit/", policies.edit, name="policy-edit"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/new/", tokens.issue, name="token-new"),
    path("tokens/<uuid:pk>/", tokens.token, name="token"),
    path("tokens/<uuid:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("decisions/<uuid:pk>/", decisions.decision, name="decision"),
]
