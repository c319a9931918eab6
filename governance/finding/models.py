"""The list of models: what the tracking servers hold, whether it may serve, and how risky its use is."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from governance.finding.criteria import WITHIN, Chosen, Column, Criterion, Plan, within
from governance.models import Clearance, RiskClass, RiskDecision
from registry.models import (
    Alias,
    Document,
    Environment,
    Model,
    SearchRow,
    System,
    User,
    Version,
    sees_everything,
)

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
    (("cleared", "Cleared"), ("not-cleared", "Not cleared"), ("ungoverned", "No card")),
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
CARDED = Document.objects.filter(version__model=OuterRef("pk"))
COUNTED = (
    "SELECT word, sum(models)::bigint FROM ({together}) together, unnest(together.offered) word "
    "GROUP BY word ORDER BY 2 DESC, 1 LIMIT %s"
)


def matching(user: User, chosen: Chosen) -> QuerySet[Model]:
    """The visible models that fit."""
    found = Model.objects.visible_to(user).filter(chosen.searched)
    return _governed(_indexed(found, chosen), chosen)


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
    rows: list[Any] = list(stated(chosen, found))
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
    environment = chosen["environment"]
    latest = Clearance.objects.filter(version__model=OuterRef("pk"), environment=environment)
    return (
        found.select_related("server")
        .only("name", "slug", "description", "tags", "created_at", "server__name")
        .annotate(
            # Of fifty rows each is looked up by its index; EXISTS would be hashed over all versions there are.
            cleared=Coalesce(Subquery(latest.filter(allowed=True).values("allowed")[:1]), False),
            carded=Subquery(CARDED.values("pk")[:1]),
            conditions=Subquery(latest.order_by("-version__number").values("conditions")[:1]),
            version_count=Coalesce(Subquery(VERSION_COUNT), 0),
            teams=F("indexed__teams"),
            flavours=F("indexed__flavours"),
            changed_at=F("indexed__changed_at"),
        )
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
    cleared = _cleared(chosen["environment"])
    if chosen["state"] == "cleared":
        found = found.filter(cleared)
    elif chosen["state"] == "not-cleared":
        found = found.filter(Exists(CARDED))
    elif chosen["state"] == "ungoverned":
        found = found.exclude(Exists(CARDED))
    if chosen["why"]:
        unmet: dict[str, Any] = {"unmet__contains": [chosen["why"]]}
        found = found.alias(unmet=_unmet(chosen["environment"])).filter(**unmet)
    if chosen["why"] or chosen["state"] == "not-cleared":
        found = found.exclude(cleared)  # once: to look is a good part of the answer's time
    if chosen["risk"]:
        found = found.filter(_risk(chosen["risk"]))
    return found


def _cleared(environment: str) -> Exists:
    return Exists(
        Clearance.objects.filter(version__model=OuterRef("pk"), environment=environment, allowed=True)
    )


def _unmet(environment: str) -> Subquery:
    """The codes that the latest version of a model does not meet: looked up for each model that the rest leaves over."""
    of_version = Clearance.objects.filter(version=OuterRef("pk"), environment=environment, allowed=False)
    latest = Version.objects.filter(model=OuterRef("pk")).order_by("-number")
    codes = latest.values(codes=Subquery(of_version.values("unmet_codes")[:1]))[:1]
    return Subquery(codes, output_field=JSONField())


def _risk(asked: str) -> Q:
    used = System.models.through.objects
    if asked == "none":
        return ~Q(pk__in=used.values("model_id"))
    if asked == "undecided":
        decided = RiskDecision.objects.values("system_id")
        return Q(pk__in=used.exclude(system__in=decided).values("model_id"))
    holding = RiskDecision.objects.filter(risk_class=asked).filter(~Exists(LATER))
    return Q(pk__in=used.filter(system__in=holding.values("system_id")).values("model_id"))


def occurring(user: User) -> dict[str, list[tuple[str, int]]]:
    """Which teams, flavours and aliases the models visible to `user` have, and how many models each; one query."""
    seen = SearchRow.objects.filter(kind=SearchRow.Kind.MODEL)
    if not sees_everything(user):
        seen = seen.filter(model__in=Model.objects.visible_to(user).values("pk"))
    # Many models offer the same words: those are counted first, and only then taken apart.
    together = seen.order_by().values("offered").annotate(models=Count("model_id"))
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
    if model.cleared or not model.carded:
        return []
    return [condition["why"] for condition in model.conditions or [] if not condition["met"]]


def state(model: Any) -> str:
    """The state of a model as `dressed` in words."""
    if model.cleared:
        return "Cleared"
    return "Not cleared" if model.carded else "No card"


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
