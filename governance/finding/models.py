"""The list of models: what the tracking servers hold, whether it may serve, and how risky its use is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
)

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from governance.finding.model_rows import ModelRow, model_rows
from governance.models import RiskClass, RiskDecision, Standing
from registry.models import (
    Environment,
    Model,
    SearchRow,
    System,
    User,
)
from registry.search.matching import Within

OFFERED = 100  # values of a filter that a page offers; any other can still be asked by its address

RISK = Criterion(
    "risk",
    "Risk class",
    "Of a system that uses the model.",
    (*RiskClass.choices, ("undecided", "Undecided"), ("none", "In no system")),
)
STATE = Criterion(
    "state",
    "State",
    "Whether a version is cleared for the environment.",
    tuple(Standing.State.choices),
)
WHY = Criterion(
    "why",
    "Not cleared because of",
    "The condition that the latest version does not meet, where no version is cleared.",
    (
        ("risk", "Risk class"),
        ("artifact", "Files"),
        ("datasheets", "Datasheets"),
        ("card", "Card"),
        ("age", "Age of the approval"),
        ("conditions", "Conditions of the approval"),
        ("suspension", "Suspension"),
    ),
)
ENVIRONMENT = Criterion(
    "environment",
    "Environment",
    "What state and reason are asked about; production unless told otherwise.",
    tuple(Environment.choices),
    Environment.PRODUCTION.value,
)
TEAM = Criterion("team", "Team", "As in the tag team of the model or one of its latest versions.")
FLAVOUR = Criterion("flavour", "Flavour", "As in the MLmodel file of one of its latest versions.")
ALIAS = Criterion("alias", "Alias", "An alias that a version holds now.")
CHANGED = Criterion(
    "changed_within",
    "Last change",
    "The newest version or card revision: within so many days, or older than ninety.",
    WITHIN,
)

LATEST_RISK = RiskDecision.objects.filter(system=OuterRef("pk")).order_by("-decided_at", "-pk")
LATER = RiskDecision.objects.filter(system=OuterRef("system")).filter(
    Q(decided_at__gt=OuterRef("decided_at")) | Q(decided_at=OuterRef("decided_at"), pk__gt=OuterRef("pk"))
)
COUNTED = (
    "SELECT word, sum(models)::bigint FROM ({together}) together "
    "JOIN registry_searchrow r ON r.kind = 'model' AND r.model_id = together.one, unnest(r.offered) word "
    "GROUP BY word ORDER BY 2 DESC, 1 LIMIT %s"
)


def matching(user: User, chosen: Chosen) -> QuerySet[Model]:
    """The visible models that fit."""
    return _governed(_indexed(chosen.rows(user), chosen), chosen)


def dressed(_user: User, chosen: Chosen, keys: Sequence[int]) -> list[ModelRow]:
    """Models with all that a row shows."""
    return model_rows(chosen["environment"], keys)


def _indexed(found: QuerySet[Model], chosen: Chosen) -> QuerySet[Model]:
    """By what stands in the index."""
    asked = within("indexed__changed_at", chosen["changed_within"])
    for name in ("team", "flavour"):
        if chosen[name]:
            asked &= Q(**{f"indexed__{name}s__contains": [chosen[name]]})
    if chosen["alias"]:
        asked &= Q(indexed__aliases__contains=[chosen["alias"]])
    return found.filter(asked)


def _governed(found: QuerySet[Model], chosen: Chosen) -> QuerySet[Model]:
    """By what control has decided."""
    if chosen["state"] or chosen["why"]:
        standing = Standing.objects.filter(environment=chosen["environment"])
        if chosen["state"]:
            standing = standing.filter(state=chosen["state"])
        if chosen["why"]:
            standing = standing.filter(unmet__contains=[chosen["why"]])
        found = found.filter(pk__in=standing.values("model"))
    if chosen["risk"]:
        found = found.filter(_risk(chosen["risk"]))
    return found


def _risk(asked: str) -> Q:
    used = System.models.through.objects
    if asked == "none":
        return ~Q(pk__in=used.values("model_id"))
    if asked == "undecided":
        decided = RiskDecision.objects.values("system_id")
        return Q(pk__in=used.exclude(system__in=decided).values("model_id"))
    holding = RiskDecision.objects.filter(risk_class=asked).filter(~Exists(LATER))
    return Q(pk__in=used.filter(system__in=holding.values("system_id")).values("model_id"))


def occurring(user: User, chosen: Chosen) -> dict[str, list[tuple[str, int]]]:
    """Which teams, flavours and aliases the models visible to `user` have, and how many models each; one query."""
    seen = SearchRow.objects.filter(kind=SearchRow.Kind.MODEL)
    if keys := chosen.seen(user):
        seen = seen.filter(Within(F("model_id"), keys.array))
    # Many models offer the same words: those are counted first, and only then taken apart.
    together = seen.order_by().values("offered_hash")
    together = together.annotate(models=Count("model_id"), one=Min("model_id"))
    sql, parameters = together.query.sql_with_params()
    found: dict[str, list[tuple[str, int]]] = {"team": [], "flavour": [], "alias": []}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED.format(together=sql), [*parameters, 5 * OFFERED])
        counted = cursor.fetchall()
    for word, count in counted:
        part, _, value = word.partition(":")
        if len(found[part]) < OFFERED:
            found[part].append((value, count))
    return found


def _risks(model: Any) -> str:
    labels = dict(RiskClass.choices)
    return "; ".join(sorted({labels.get(use.risk_class or "", "Undecided") for use in model.used_in}))


COLUMNS = (
    Column("Model", lambda m: m.name),
    Column("State", lambda m: m.said_state),
    Column("Why not cleared", lambda m: " ".join(m.unmet)),
    Column("Risk class", _risks),
    Column("Systems", lambda m: "; ".join(use.name for use in m.used_in)),
    Column("Aliases", lambda m: "; ".join(f"{alias.name} → {alias.number}" for alias in m.aliases)),
    Column("Versions", lambda m: str(m.version_count)),
    Column("Teams", lambda m: "; ".join(m.teams)),
    Column("Flavours", lambda m: "; ".join(m.flavours)),
    Column("Last change (UTC)", lambda m: f"{m.changed_at:%Y-%m-%d %H:%M:%S}" if m.changed_at else ""),
    Column("Tracking server", lambda m: m.server),
    Column("Description", lambda m: m.description),
    Column("Address", lambda m: f"{settings.SITE_URL}{m.get_absolute_url()}"),
)

PLAN = Plan(
    page="models",
    kind=Model,
    noun="models",
    criteria=(STATE, WHY, RISK, TEAM, FLAVOUR, ALIAS, CHANGED, ENVIRONMENT),
    sorts={"name": "name", "changed": "changed_at"},
    matching=matching,
    dressed=dressed,
    columns=COLUMNS,
    occurring=occurring,
)
