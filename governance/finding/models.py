"""The list of models: what the tracking servers hold, whether it may serve, and how risky its use is."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    JSONField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from governance.models import Clearance, RiskClass, RiskDecision, Standing
from registry.models import (
    Alias,
    Environment,
    Model,
    SearchRow,
    System,
    User,
    Version,
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
LATEST_RISK_OF_USE = RiskDecision.objects.filter(system=OuterRef("system")).order_by("-decided_at", "-pk")
LATER = RiskDecision.objects.filter(system=OuterRef("system")).filter(
    Q(decided_at__gt=OuterRef("decided_at")) | Q(decided_at=OuterRef("decided_at"), pk__gt=OuterRef("pk"))
)
VERSION_COUNT = (
    Version.objects.filter(model=OuterRef("pk")).values("model").annotate(n=Count("pk")).values("n")
)
# The sentences of the conditions that do not hold
WHY_NOT = Func(
    F("conditions"),
    Value("$[*] ? (@.met == false).why"),
    function="jsonb_path_query_array",
    output_field=JSONField(),
)
STATES = dict(Standing.State.choices)
COUNTED = (
    "SELECT word, sum(models)::bigint FROM ({together}) together "
    "JOIN registry_searchrow r ON r.kind = 'model' AND r.model_id = together.one, unnest(r.offered) word "
    "GROUP BY word ORDER BY 2 DESC, 1 LIMIT %s"
)


def matching(user: User, chosen: Chosen) -> QuerySet[Model]:
    """The visible models that fit."""
    return _governed(_indexed(chosen.rows(user), chosen), chosen)


class Held(NamedTuple):
    """An alias of a model, and the number of the version that holds it."""

    name: str
    number: int


class Use(NamedTuple):
    """A system that uses a model, with its risk class as decided last; None while nobody has."""

    slug: str
    name: str
    risk_class: str | None


def dressed(user: User, chosen: Chosen, found: QuerySet[Model]) -> list[Any]:
    """Models with all that a row shows: one query, one for aliases (`held`) and one for systems (`used_in`).

    Aliases and systems come as bare values: to make objects of them costs more than to ask for them.
    """
    rows: list[Any] = list(stated(chosen, found).only("name", "slug", "description", "server__name"))
    by_key = {row.pk: row for row in rows}
    for row in rows:
        row.held, row.used_in = [], []
    aliases = Alias.objects.filter(model__in=by_key).order_by("name")
    for key, name, number in aliases.values_list("model", "name", "version__number"):
        by_key[key].held.append(Held(name, number))
    latest = Subquery(LATEST_RISK_OF_USE.values("risk_class")[:1])
    uses = System.models.through.objects.filter(model__in=by_key).order_by("system__name", "system")
    for key, slug, name, risk_class in uses.values_list("model", "system__slug", "system__name", latest):
        by_key[key].used_in.append(Use(slug, name, risk_class))
    return rows


def stated(chosen: Chosen, found: QuerySet[Model]) -> QuerySet[Model]:
    """Models with what is counted and decided about them, in one query."""
    stands = Standing.objects.filter(model=OuterRef("pk"), environment=chosen["environment"])
    lacking = Clearance.objects.filter(version=OuterRef("latest"), environment=OuterRef("environment"))
    why = stands.filter(state=Standing.State.NOT_CLEARED).values(
        why=Subquery(lacking.values(why=WHY_NOT)[:1])
    )
    return found.select_related("server").annotate(
        state=Subquery(stands.values("state")[:1]),
        why_not=Subquery(why[:1], output_field=JSONField()),
        version_count=Coalesce(Subquery(VERSION_COUNT), 0),
        teams=F("indexed__teams"),
        flavours=F("indexed__flavours"),
        changed_at=F("indexed__changed_at"),
    )


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


def unmet(model: Any) -> list[str]:
    """Why the latest version of a model as `dressed` is not cleared, a sentence each; none where a version is."""
    return model.why_not or []


def state(model: Any) -> str:
    """The state of a model as `dressed` in words."""
    return str(STATES[model.state])


def _risks(model: Any) -> str:
    labels = dict(RiskClass.choices)
    return "; ".join(sorted({labels.get(use.risk_class or "", "Undecided") for use in model.used_in}))


COLUMNS = (
    Column("Model", lambda m: m.name),
    Column("State", state),
    Column("Why not cleared", lambda m: " ".join(unmet(m))),
    Column("Risk class", _risks),
    Column("Systems", lambda m: "; ".join(use.name for use in m.used_in)),
    Column("Aliases", lambda m: "; ".join(f"{alias.name} → {alias.number}" for alias in m.held)),
    Column("Versions", lambda m: str(m.version_count)),
    Column("Teams", lambda m: "; ".join(m.teams or [])),
    Column("Flavours", lambda m: "; ".join(m.flavours or [])),
    Column("Last change (UTC)", lambda m: f"{m.changed_at:%Y-%m-%d %H:%M:%S}" if m.changed_at else ""),
    Column("Tracking server", lambda m: m.server.name),
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
