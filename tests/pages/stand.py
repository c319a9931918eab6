"""One of everything that has a page, and the address of each page: what the walks over all pages stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from audit.actions import reports
from audit.models import Entry, Report
from governance.actions import absences, filters, glass, service_accounts, stops, threads
from governance.models import (
    Absence,
    Anomaly,
    Batch,
    BreakGlass,
    Comment,
    Decision,
    Notice,
    Review,
    ReviewCondition,
    SavedFilter,
    ServiceAccount,
    Stop,
    Thread,
    Token,
)
from registry.actions import catalogue
from registry.models import Dataset, Environment, Figure, Import, Model, System, Team, User, Version
from tests import factories

# Pages that are not walked as pages, each with the reason.
NOT_PAGES = {
    "healthz": "a word for probes",
    "readyz": "JSON for probes",
    "metrics": "numbers for Prometheus",
    "schema": "a JSON Schema",
    "policy-schema": "a JSON Schema",
    "report-file": "a PDF",
    "report-progress": "a part of the page of a report",
    "decisions-chart": "an image",
    "decisions-stream": "server-sent events",
    "decisions-newer": "JSON for the page of the decisions",
    "decision-receipt": "a file",
    "version-bom-csv": "a table of values",
    "card-export": "a file",
    "datasheet-export": "a file",
    "import-raw": "a file",
    "import-report": "JSON",
    "figure": "a picture",
    "mlflow-hook": "where tracking servers deliver",
    "document": "leads to the latest revision",
    "models-csv": "a table for spreadsheets",
    "systems-csv": "a table for spreadsheets",
    "datasets-csv": "a table for spreadsheets",
    "duties-csv": "a table for spreadsheets",
    "team-csv": "a table for spreadsheets",
}
POST_ONLY = {
    "inbox-read",
    "inbox-undo",
    "notice-read",
    "notice-unread",
    "absence-end",
    "logout",
    "sync",
    "model-share",
    "model-alias",
    "server-read",
    "server-move",
    "server-credentials",
    "server-authority",
    "server-follow",
    "server-believe",
    "server-webhook",
    "version-submit",
    "version-suspend",
    "model-unshare",
    "version-endpoint",
    "version-endpoint-remove",
    "version-rehash",
    "version-report",
    "card-draft",
    "datasheet-draft",
    "system-add-model",
    "system-risk",
    "review-judge",
    "review-withdraw",
    "thread-answer",
    "comment-withdraw",
    "policy-put-back",
    "review-retire",
    "condition-fulfil",
    "condition-extend",
    "version-glass",
    "glass-grant",
    "glass-end",
    "model-stop",
    "token-stop",
    "stop-all",
    "stop-lift",
    "anomaly-dismiss",
    "token-revoke",
    "token-rotate",
    "token-countersign",
    "token-sentence",
    "service-account-end",
    "role-give",
    "role-take",
    "person-off",
    "person-on",
    "team-edit",
    "team-add",
    "team-remove",
    "team-archive",
    "report-new",
    "import-use",
    "report-cancel",
    "filter-save",
    "filter-rename",
    "filter-delete",
}


@dataclass
class Stand:
    """A cleared version with all that hangs on it, and a changed card that waits for its judgement."""

    version: Version
    review: Review
    dataset: Dataset
    system: System
    token: Token
    decision: Decision
    ready: Report
    ordered: Report
    imported: Import
    saved: SavedFilter
    figure: Figure
    condition: ReviewCondition
    glass: BreakGlass
    service: ServiceAccount
    team: Team
    thread: Thread

    @property
    def comment(self) -> Comment:
        """What was said first in the thread."""
        return self.thread.comments.order_by("pk")[0]

    notice: Notice
    absence: Absence
    stop: Stop
    anomaly: Anomaly

    @property
    def model(self) -> Model:
        return self.version.model

    def arguments(self, name: str) -> list[Any]:
        """The arguments of the page called `name`."""
        version = [self.model.slug, self.version.number]
        document = self.review.document
        known: dict[str, list[Any]] = {
            "model": [self.model.slug],
            "model-share": [self.model.slug],
            "model-unshare": [self.model.slug],
            "model-ledger": [self.model.slug],
            "model-traffic": [self.model.slug],
            "model-alias": [self.model.slug],
            "mlflow-hook": [self.model.server.name],
            "card-edit": version,
            "card-draft": version,
            "figure": [self.figure.pk],
            "dataset": [self.dataset.slug],
            "datasheet-edit": [self.dataset.slug],
            "dataset-lineage": [self.dataset.slug],
            "system-lineage": [self.system.slug],
            "datasheet-draft": [self.dataset.slug],
            "document": [document.pk],
            "revisions": [document.pk],
            "revision": [document.pk, 2],
            "compare": [document.pk, 1, 2],
            "schema": ["card"],
            "card-export": [*version, "huggingface"],
            "datasheet-export": [self.dataset.slug, "croissant-1.1"],
            "import": [self.imported.pk],
            "import-use": [self.imported.pk],
            "import-raw": [self.imported.pk],
            "import-report": [self.imported.pk],
            "system": [self.system.slug],
            "system-add-model": [self.system.slug],
            "system-edit": [self.system.slug],
            "system-retire": [self.system.slug],
            "system-remove-model": [self.system.slug, self.model.slug],
            "system-risk": [self.system.slug],
            "review": [self.review.pk],
            "review-judge": [self.review.pk],
            "review-withdraw": [self.review.pk],
            "review-retire": [self.review.pk],
            "review-rule": ["high"],
            "threads": [document.pk],
            "thread-new": [document.pk, 2],
            "thread": [self.thread.pk],
            "thread-answer": [self.thread.pk],
            "comment-withdraw": [self.comment.pk],
            "condition-fulfil": [self.condition.pk],
            "condition-extend": [self.condition.pk],
            "model-stop": [self.model.slug],
            "token-stop": [self.token.pk],
            "stop-lift": [self.stop.pk],
            "anomaly-dismiss": [self.anomaly.pk],
            "glass-grant": [self.glass.pk],
            "glass-end": [self.glass.pk],
            "policy": [self.model.slug, "production"],
            "policy-edit": [self.model.slug, "production"],
            "policy-compare": [self.model.slug, "production", 1, 1],
            "policy-put-back": [self.model.slug, "production", 1],
            "model-access": [self.model.slug],
            "person-access": ["owner"],
            "token-access": [self.token.pk],
            "filter-rename": [self.saved.pk],
            "filter-delete": [self.saved.pk],
            "token": [self.token.pk],
            "token-revoke": [self.token.pk],
            "token-rotate": [self.token.pk],
            "token-countersign": [self.token.pk],
            "role-take": [self.token.owner.grants.get().pk],
            "service-account-pass-on": [self.service.pk],
            "service-account-end": [self.service.pk],
            "person": ["another"],
            "person-off": ["another"],
            "person-on": ["another"],
            "team": [self.team.slug],
            "team-csv": [self.team.slug],
            "team-edit": [self.team.slug],
            "team-add": [self.team.slug],
            "team-archive": [self.team.slug],
            "team-remove": [self.team.slug, "another"],
            "notice-read": [self.notice.pk],
            "notice-unread": [self.notice.pk],
            "absence-end": [self.absence.pk],
            "decision": [self.decision.pk],
            "decision-receipt": [self.decision.pk],
            "report": [self.ready.pk],
            "report-file": [self.ready.pk],
            "report-progress": [self.ordered.pk],
            "report-cancel": [self.ordered.pk],
            "entry": [Entry.objects.newest().first().pk],  # type: ignore[union-attr]
        }
        if (name.startswith("server-") and name != "server-new") or name == "server":
            return [self.model.server.name]
        return version if name.startswith("version") else known.get(name, [])

    def address(self, name: str) -> str:
        """Where the page called `name` is."""
        return reverse(name, args=self.arguments(name))


def furnished() -> Stand:
    """One of everything, reached by verbs."""
    review = factories.submitted_review()
    factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish()])
    version = review.document.version
    factories.policy(version.model, "group:owner")
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())
    catalogue.set_endpoint(
        version=version,
        environment=Environment.PRODUCTION,
        url="http://127.0.0.1:9",
        by=factories.member("admin"),
    )
    token, _ = factories.token(version.model)
    decided = decision(version, token)
    ready = report(version)
    figure = factories.figure()
    thread = threads.begin(
        revision=review.revision,
        path="metrics.results",
        row=0,
        text="On **which** months?",
        by=factories.member("reviewer"),
    )
    factories.save(version, mark="since the spring", figure=figure)
    return Stand(
        version=version,
        review=factories.resubmit(version),
        dataset=factories.training_data(version),
        system=version.model.systems.get(),
        token=token,
        decision=decided,
        ready=ready,
        figure=figure,
        ordered=reports.order(version=version, by=factories.member("compliance")),
        imported=factories.imported(),
        saved=filters.save(
            page="models", name="Champions", query="alias=champion", by=factories.member("owner")
        ),
        condition=review.conditions.get(),
        glass=glass.ask(
            version=version,
            environment=Environment.STAGING,
            minutes=30,
            reason="A test of the exit.",
            by=factories.member("owner"),
        ),
        thread=thread,
        service=service_accounts.make(
            name="scoring-bot",
            sponsor=factories.member("admin"),
            purpose="Scores.",
            by=factories.member("admin"),
        ),
        team=team(version.model),
        notice=Notice.objects.filter(person__username="reviewer").latest("pk"),
        absence=absence(),
        anomaly=factories.anomaly(token),
        stop=stops.stop_model(
            model=version.model, reason="It answers nonsense.", by=factories.member("compliance")
        ),
    )


def absence() -> Absence:
    """A judge of compliance names another for next month."""
    start = timezone.now() + timedelta(days=30)
    return absences.announce(
        stand_in=factories.member("compliance", "deputy"),
        since=start,
        until=start + timedelta(days=7),
        by=factories.member("compliance"),
    )


def team(model: Model) -> Team:
    """A team that sees the model; its lead is an owner."""
    made = factories.team(factories.member("viewer", "another"), lead=factories.member("owner"))
    factories.share(model, made.group)
    return made


def report(version: Version) -> Report:
    """A report that is ready. What is in the file is of no interest here."""
    with transaction.atomic():  # no worker hears of it before it is ready
        made = reports.order(version=version, by=factories.member("compliance"))
        Report.objects.filter(pk=made.pk).update(state=Report.State.RENDERING)
        reports.freeze(report=made)
        return reports.finish(report=made, pdf=b"%PDF-1.7 nothing", pages=1, by=User.machine())


def decision(version: Version, token: Token, *, allowed: bool = True) -> Decision:
    """An answer of the gate, in the columns that its journal writes."""
    now = timezone.now()
    batch = Batch.objects.create(writer="gate", count=1, allowed=int(allowed), root="0" * 64, written_at=now)
    return Decision.objects.create(
        batch=batch,
        decided_at=now,
        allowed=allowed,
        reason="allowed" if allowed else "not_cleared",
        environment=token.environment,
        model=version.model.slug,
        version=version.number,
        action="predict",
        caller=token.owner.username,
        token=str(token.pk),
        method="POST",
        door="proxy",
        digest="0" * 64,
    )


def names() -> set[str]:
    """The name of every address of the portal outside the administration and the REST interface."""
    return {name for name in _names(get_resolver()) if name.partition("-")[0] != "api"}


def page_names() -> list[str]:
    """The names of all pages that can be opened."""
    return sorted(names() - set(NOT_PAGES) - POST_ONLY)


def _names(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name
        elif isinstance(pattern, URLResolver) and not pattern.namespace:
            yield from _names(pattern)
