"""Saved filters. They are no events: a bookmark changes neither what exists nor what may be done, and an entry about it
would tell the readers of the trail what somebody has been looking into.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.http import QueryDict

from governance.finding.criteria import reread
from governance.finding.plans import PLANS
from governance.models import SavedFilter
from registry.errors import Invalid, Missing
from registry.models import User
from registry.wording import required

MOST = 50  # of one person, for one list


@transaction.atomic
def save(*, page: str, name: str, query: str, by: User) -> SavedFilter:
    """Keep `query`, the query string of the list `page`, under a name that is new to `by` there."""
    if page not in PLANS:
        raise Invalid(fields={"page": [f"Choose one of {', '.join(PLANS)}."]})
    said = _name(name)
    asked = _asked(page, query)
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two that save at once are counted one by one
    if SavedFilter.objects.filter(owner=by, page=page).count() >= MOST:
        raise Invalid(fields={"name": [f"You keep {MOST} filters for this list; delete one first."]})
    try:
        with transaction.atomic():
            return SavedFilter.objects.create(owner=by, page=page, name=said, query=asked)
    except IntegrityError as error:
        raise _taken(said) from error


@transaction.atomic
def rename(*, saved: SavedFilter, name: str, by: User) -> SavedFilter:
    """Give a filter of one's own another name."""
    said = _name(name)
    try:
        with transaction.atomic():
            changed = SavedFilter.objects.visible_to(by).filter(pk=saved.pk).update(name=said)
    except IntegrityError as error:
        raise _taken(said) from error
    if not changed:
        raise Missing("You have no such filter.")
    saved.name = said
    return saved


@transaction.atomic
def delete(*, saved: SavedFilter, by: User) -> None:
    """Forget a filter of one's own."""
    gone, _ = SavedFilter.objects.visible_to(by).filter(pk=saved.pk).delete()
    if not gone:
        raise Missing("You have no such filter.")


def _name(name: str) -> str:
    return required(name, field="name", missing="Give the filter a name.", longest=60)


def _asked(page: str, query: str) -> str:
    """The query string as the list would write it; `Invalid` for one that asks what the list does not know."""
    plan = PLANS[page]
    given = QueryDict(query.removeprefix("?")[:4000])
    wanted = {name: value for name, value in given.items() if name not in ("after", "before") and value}
    chosen = reread(plan, query.removeprefix("?")[:4000])
    lost = [
        *plan.unknown(wanted),
        *sorted(set(wanted) - set(chosen.parameters()) - set(plan.unknown(wanted))),
    ]
    if lost:
        raise Invalid(
            fields={"query": [f"The list of {plan.noun} does not know this: {', '.join(lost)[:200]}."]}
        )
    if not chosen.address:
        raise Invalid(fields={"query": ["Filter or search first; there is nothing to save yet."]})
    return chosen.address


def _taken(name: str) -> Invalid:
    return Invalid(fields={"name": [f"You have a filter named {name} here; choose another name."]})
