"""The lists of models, systems and datasets: searched, filtered, sorted, saved and exported in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.finding import datasets as datasets_list
from governance.finding import models as models_list
from governance.finding import systems as systems_list
from governance.finding.criteria import Chosen, Plan
from governance.models import SavedFilter
from governance.views import rows
from registry.models import SearchRow, User
from registry.paging import SIZE, Page, page
from registry.request import PortalRequest
from registry.search.query import LONGEST
from registry.search.snippets import snippets
from registry.spreadsheets import answer

CHUNK = 500  # rows of an export in memory at once
HITS = 25  # on a page of what was searched, best first: each says where the words stand
FIRST = 4  # filters that stand beside the search; the others open on demand


def models(request: PortalRequest) -> HttpResponse:
    """Every visible model: its state and why, risk, systems, aliases and last change."""
    context = listed(request, models_list.PLAN, "model", rows.of_model)
    return _render(request, "governance/models.html", context)


def systems(request: PortalRequest) -> HttpResponse:
    """Every visible system with its risk class."""
    context = listed(request, systems_list.PLAN, "system", rows.of_system)
    context["may_add"] = request.user.has_perm("registry.add_system")
    return _render(request, "governance/systems.html", context)


def datasets(request: PortalRequest) -> HttpResponse:
    """Every dataset that a visible model has used, with its datasheet."""
    context = listed(request, datasets_list.PLAN, "dataset", rows.of_dataset)
    return _render(request, "governance/datasets.html", context)


def models_csv(request: PortalRequest) -> StreamingHttpResponse:
    """The filtered list of models as a table."""
    return exported(request, models_list.PLAN)


def systems_csv(request: PortalRequest) -> StreamingHttpResponse:
    """The filtered list of systems as a table."""
    return exported(request, systems_list.PLAN)


def datasets_csv(request: PortalRequest) -> StreamingHttpResponse:
    """The filtered list of datasets as a table."""
    return exported(request, datasets_list.PLAN)


def listed(
    request: PortalRequest, plan: Plan, kind: str, row: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """What the page of a list shows, each object as `row` puts it, with its snippet when something is searched."""
    chosen = plan.chosen(request.GET)
    size = HITS if chosen.query else SIZE
    cut: Page[Any] = page(plan.ordered(request.user, chosen), request, by=chosen.by, size=size)
    shown = replace(cut, rows=plan.rows(request.user, chosen, [row.pk for row in cut]))
    _mark(chosen, kind, shown)
    fields = filter_fields(request.user, chosen)
    return {
        "page": shown,
        "lines": [row(one) for one in shown],
        "count": chosen.count(request.user),
        "plan": plan,
        "chosen": chosen,
        "fields": fields[:FIRST],
        "more_fields": fields[FIRST:],
        "more_open": any(field["criterion"].name in chosen.values for field in fields[FIRST:]),
        "saved": saved_tabs(request.user, chosen),
        "longest": LONGEST,
    }


def exported(request: PortalRequest, plan: Plan) -> StreamingHttpResponse:
    """Exactly the filtered list, in its order, all of it."""
    chosen = plan.chosen(request.GET)
    head = [column.label for column in plan.columns]
    table = ([column.value(row) for column in plan.columns] for row in _all(request.user, chosen))
    return answer(plan.page, timezone.now().date(), head, table)


def _all(user: User, chosen: Chosen) -> Iterator[Any]:
    """Every row, a chunk at a time."""
    order = (chosen.by, "-pk" if chosen.by.startswith("-") else "pk")
    keys = chosen.plan.ordered(user, chosen).order_by(*order).iterator(chunk_size=CHUNK)
    while chunk := [row.pk for row in islice(keys, CHUNK)]:
        yield from chosen.plan.rows(user, chosen, chunk)


def filter_fields(user: User, chosen: Chosen) -> list[dict[str, Any]]:
    """Each filter with its options: the closed words, or what occurs among the objects that `user` may see."""
    occurring = chosen.plan.occurring(user, chosen)
    fields = []
    for one in chosen.plan.criteria:
        value = chosen[one.name]
        options = list(one.options) or [(word, f"{word} ({n})") for word, n in occurring.get(one.name, [])]
        if value and value not in dict(options):
            options.append((value, value))  # asked by its address
        fields.append({"criterion": one, "value": value, "options": options})
    return fields


def saved_tabs(user: User, chosen: Chosen) -> dict[str, Any]:
    """One's saved filters for this list as tabs, and the one that is shown now."""
    plan = chosen.plan
    own = list(SavedFilter.objects.visible_to(user).filter(page=plan.page).order_by("name"))
    current = next((one for one in own if one.query == chosen.address), None)
    tabs = [{"label": f"All {plan.noun}", "url": "?", "current": not chosen.address}]
    tabs += [{"label": one.name, "url": f"?{one.query}", "current": one == current} for one in own]
    return {"tabs": tabs if own else [], "current": current}


def _mark(chosen: Chosen, kind: str, shown: Iterable[Any]) -> None:
    indexed = {getattr(row, f"{kind}_id"): row for row in _index_rows(kind, shown)} if chosen.query else {}
    marked = snippets(chosen.query, indexed.values()) if indexed else {}
    for one in shown:
        one.snippet = marked.get(indexed[one.pk].pk) if one.pk in indexed else None


def _index_rows(kind: str, shown: Iterable[Any]) -> Iterable[SearchRow]:
    return SearchRow.objects.filter(**{f"{kind}__in": [one.pk for one in shown]}).defer("vector")


def _render(request: PortalRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    part = "#rows" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"{template}{part}", context)
